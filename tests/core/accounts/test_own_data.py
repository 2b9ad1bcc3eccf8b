"""A copy of what is kept, and leaving: rights end at once, everything goes after a week, or she comes back."""

import datetime as dt
import io
import json
import re
import zipfile

import pytest
import time_machine
from flask import Flask
from sqlalchemy import LargeBinary, inspect, select, update

from forum import db, jobs, migrating, people_data
from forum.accounts import own_data
from forum.accounts.models import MailLink, Person
from forum.agencies.models import RoleGrant
from forum.boards import actions as boards
from forum.boards.models import Post, Topic
from forum.db import now
from forum.notices import notify
from forum.outbox import OutboxMail
from forum.testing import PASSWORD, Client, Signer, create_board, create_person, viewer_of

MARK = "XQ-MARKER-7719"


@pytest.fixture
def talk(app: Flask) -> tuple[Person, int]:
    """Somebody with one of each thing: a post, an edit, a mark, a notice, a sign-in, a mail."""
    person = create_person("ana", "model", display_name="Anamarker")
    other = create_person("ines", "model")
    create_board("castings")
    topic = boards.open_topic(viewer_of(person), "castings", "A question of mine", f"First words {MARK}")
    db.commit()
    first = db.db.session.scalars(select(Post)).one()
    boards.edit_post(viewer_of(person), first.id, 1, f"Changed words {MARK}")
    boards.reply(viewer_of(other), topic.id, "An answer that stays")
    notify(person.id, "boards.reply", topic.id)
    db.commit()
    return person, topic.id


def everything(app: Flask) -> str:
    """All text in all tables, but the audit log, which holds ids only."""
    found = []
    for table in migrating.tables():
        if table.name == "audit_entry":
            continue
        columns = [c for c in table.columns if not isinstance(c.type, LargeBinary)]
        found += [str(tuple(row)) for row in db.db.session.execute(select(*columns))]
    if db.db.engine.dialect.name == "sqlite":
        found += [str(r) for r in db.db.session.execute(db.db.text("SELECT * FROM search_text"))]
    return "\n".join(found)


def confirmed(browser: Client) -> Client:
    assert browser.send("/confirm", password=PASSWORD).status_code == 303
    return browser


def test_a_member_can_take_a_copy_of_everything_kept_about_her(
    app: Flask, signed_in: Signer, talk: tuple[Person, int]
) -> None:
    answer = confirmed(signed_in(talk[0])).send("/account/export")

    folder = zipfile.ZipFile(io.BytesIO(answer.data))
    posts = json.loads(folder.read("posts.json"))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="callboard.zip"'
    assert [p["body"] for p in posts] == [f"Changed words {MARK}"]
    assert MARK in folder.read("post-versions.json").decode()
    assert json.loads(folder.read("account.json"))[0]["email"] == "ana@example.org"
    assert {"devices.json", "memberships.json", "roles.json", "notices.json", "read-me.txt"} <= set(
        folder.namelist()
    )
    assert "An answer that stays" not in "".join(folder.read(n).decode() for n in folder.namelist())


@pytest.mark.parametrize("change", ["the right", "the topic", ""])
def test_a_copy_names_no_topic_that_she_may_not_read_any_more(
    app: Flask, talk: tuple[Person, int], change: str
) -> None:
    """Her own words are hers; a title is another's, may have been changed since, or hidden."""
    if change == "the right":
        db.db.session.execute(
            update(RoleGrant).where(RoleGrant.person_id == talk[0].id).values(ended_at=now())
        )
    if change == "the topic":
        db.db.session.execute(update(Topic).values(deleted_at=now()))
    db.commit()
    posts = next(f for f in people_data.files(talk[0].id) if f.name == "posts")

    assert [p["topic"] for p in posts.rows] == ["" if change else "A question of mine"]
    assert MARK in posts.rows[0]["body"]


def test_others_write_while_a_copy_is_made(
    app: Flask, signed_in: Signer, talk: tuple[Person, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long history takes a second to pack; on SQLite nobody could post for so long."""
    browser, make, waited = confirmed(signed_in(talk[0])), people_data.archive, []

    def slow(person_id: int) -> bytes:
        copy = make(person_id)
        other = db.sqlite.connect(app.config["CALLBOARD"].data / "callboard.db", timeout=0)
        other.execute("BEGIN IMMEDIATE")
        waited.append(False)
        other.close()
        return copy

    monkeypatch.setattr(people_data, "archive", slow)

    assert browser.send("/account/export").status_code == 200
    assert waited == [False]


def test_a_copy_needs_the_password_given_lately(
    app: Flask, signed_in: Signer, talk: tuple[Person, int]
) -> None:
    browser = signed_in(talk[0])
    db.db.session.execute(db.db.text("UPDATE sign_in SET confirmed_at = '2020-01-01 00:00:00'"))
    db.commit()

    answer = browser.get("/account/export")

    assert answer.status_code == 303
    assert answer.location == "/confirm?next=/account/export"


def test_closing_needs_the_box_ticked(app: Flask, signed_in: Signer, talk: tuple[Person, int]) -> None:
    answer = confirmed(signed_in(talk[0])).send("/account/delete")

    assert answer.status_code == 422
    assert db.db.session.get(Person, talk[0].id).state == "active"


def test_closing_ends_every_right_at_once(app: Flask, signed_in: Signer, talk: tuple[Person, int]) -> None:
    phone, computer = signed_in(talk[0]), confirmed(signed_in(talk[0]))

    assert computer.send("/account/delete", sure="y", keep_words="y").status_code == 303

    assert phone.get("/boards/castings").status_code == 404
    assert computer.get("/account").status_code == 303
    assert app.test_client().sign_in("ana@example.org").status_code == 422


def test_she_can_come_back_within_the_week_and_a_get_uses_nothing_up(
    app: Flask, signed_in: Signer, talk: tuple[Person, int]
) -> None:
    confirmed(signed_in(talk[0])).send("/account/delete", sure="y")
    mail = db.db.session.scalars(select(OutboxMail).where(OutboxMail.kind == "accounts.closed")).one()
    link = re.search(r"http://localhost(/account/keep/\S+)", mail.body).group(1)
    browser = app.test_client()

    assert [browser.get(link).status_code for _ in range(3)] == [200, 200, 200]
    assert browser.send(link, link).status_code == 303

    assert browser.sign_in("ana@example.org").status_code == 303
    assert browser.get(link).status_code == 410
    own_data.erase_person({"person_id": str(talk[0].id), "keep_words": ""})
    assert db.db.session.get(Person, talk[0].id) is not None


@pytest.mark.parametrize("keep_words", [True, False])
def test_after_a_week_nothing_of_her_is_left(any_app: Flask, keep_words: bool) -> None:
    person, other = create_person("ana", "model", display_name="Anamarker"), create_person("ines", "model")
    create_board("castings")
    topic = boards.open_topic(viewer_of(person), "castings", "A question of mine", f"First words {MARK}")
    db.commit()
    first = db.db.session.scalars(select(Post)).one()
    boards.edit_post(viewer_of(person), first.id, 1, f"Changed {MARK}")
    boards.reply(viewer_of(other), topic.id, "An answer that stays")
    own_data.ask_deletion(viewer_of(person), keep_words)
    db.commit()

    own_data.erase_person({"person_id": str(person.id), "keep_words": "yes" if keep_words else ""})
    db.commit()

    left = everything(any_app)
    assert "Anamarker" not in left
    assert "ana@example.org" not in left
    assert (f"Changed {MARK}" in left) == keep_words
    assert f"First words {MARK}" not in left
    assert "An answer that stays" in left


def test_nothing_of_her_is_left_in_any_byte_of_the_database_files(
    app: Flask, talk: tuple[Person, int]
) -> None:
    """Erased rows stay readable in SQLite's write-ahead log until it is emptied."""
    person_id, folder = talk[0].id, app.config["CALLBOARD"].data

    def found() -> int:
        return sum(
            path.read_bytes().lower().count(word.lower().encode())
            for path in folder.glob("callboard.db*")
            for word in (MARK, "Anamarker", "ana@example.org")
        )

    own_data.ask_deletion(viewer_of(talk[0]), False)
    db.commit()
    assert found() > 5
    own_data.erase_person({"person_id": str(person_id), "keep_words": ""})
    db.commit()
    db.db.session.remove()
    jobs.run_due(now())  # as the worker does

    assert db.db.session.get(Person, person_id) is None
    assert found() == 0


def test_every_table_with_a_person_is_known_to_some_part(app: Flask) -> None:
    """A new table that points at people must be thought of: here, and in export and erase."""
    pointing = {
        table.name
        for table in migrating.tables()
        for key in table.foreign_keys
        if key.column.table.name == "person"
    }

    assert pointing == {
        "agency_plugin", "board", "board_mark", "confirmation", "guardianship", "invite", "mail_link", "membership", "notice",
        "outbox_mail", "post", "read_mark", "resources_local", "role_grant", "sign_in", "stored_file", "topic",
    }  # fmt: skip
    assert inspect(db.db.engine).has_table("post_version")


def test_two_parts_cannot_share_a_name() -> None:
    with pytest.raises(ValueError, match="defined twice"):
        people_data.register(people_data.Part("boards", lambda p: [], lambda p, k: None))


@pytest.mark.parametrize("came_back", [False, True])
def test_the_week_is_a_week_from_the_last_time_she_asked(
    app: Flask, talk: tuple[Person, int], came_back: bool
) -> None:
    """Who came back and closes the account again has seven days again: the first erasure is not waiting still."""
    first, person_id = now(), talk[0].id

    def run_jobs_at(moment: dt.datetime) -> bool:
        with time_machine.travel(moment):
            while jobs.run_due(now()):
                pass
        db.db.session.expire_all()
        return db.db.session.get(Person, person_id) is not None

    own_data.ask_deletion(viewer_of(talk[0]), True)
    db.commit()
    asked = first
    if came_back:
        asked = first + dt.timedelta(days=5)
        with time_machine.travel(asked):
            link = db.db.session.scalars(select(MailLink).where(MailLink.kind == "keep")).one()
            person = db.db.session.get_one(Person, person_id)
            own_data.keep_account(link, person)
            db.commit()
            own_data.ask_deletion(viewer_of(person), True)
            db.commit()

    assert run_jobs_at(asked + own_data.GRACE - dt.timedelta(hours=1))
    assert not run_jobs_at(asked + own_data.GRACE + dt.timedelta(hours=1))
    assert dt.timedelta(days=7) == own_data.GRACE
