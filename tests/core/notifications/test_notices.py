"""The inbox: her own notices, in the words of now, and mail that never says what about."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from forum import db, notices, outbox
from forum.accounts.models import Person
from forum.agencies.models import RoleGrant
from forum.db import now
from forum.notifications import actions, queries
from forum.notifications.models import Notice
from forum.outbox import OutboxMail
from forum.testing import create_person, viewer_of
from tests.personas import SIGNED_IN, Site, mark, visitor


def tell(person: Person, count: int = 1) -> None:
    for n in range(count):
        notices.notify(person.id, "agencies.confirmed", None, place=f"Place {n}", slug="northlight")
    db.commit()


@pytest.mark.parametrize("name", SIGNED_IN)
def test_everybody_reads_her_own_notices_alone(site_app: Flask, seeded: Site, name: str) -> None:
    answer = visitor(site_app, seeded, name).get("/notifications")

    assert answer.status_code == 200
    assert (mark("notice of ana") in answer.text) == (name == "ana")


def test_marking_all_read_marks_ones_own_and_empties_the_count(site_app: Flask, seeded: Site) -> None:
    ana, ines = visitor(site_app, seeded, "ana"), visitor(site_app, seeded, "ines")
    ana.press(f"/topics/{seeded.topics['castings']}/reply", body="for Ines")
    assert ana.press("/notifications/read").status_code == 303

    with site_app.app_context():
        counts = {n: db.db.session.get_one(Person, seeded.people[n]).notices_unread for n in ("ana", "ines")}
        unread = db.db.session.scalars(select(Notice.person_id).where(Notice.read_at.is_(None))).all()
    assert counts["ana"] == 0
    assert counts["ines"] > 0
    assert seeded.people["ana"] not in unread
    assert 'class="n"' not in ana.get("/notifications").text
    assert 'class="n"' in ines.get("/notifications").text


def test_reading_the_page_marks_nothing(site_app: Flask, seeded: Site) -> None:
    ana = visitor(site_app, seeded, "ana")
    pages = [ana.get("/notifications").text for _ in range(2)]

    assert [re.findall(r'class="n">(\d+)', page)[0] for page in pages] == ["2", "2"]


def test_an_answer_to_ones_own_topic_is_told_once_and_ones_own_not(site_app: Flask, seeded: Site) -> None:
    ines, ana = visitor(site_app, seeded, "ines"), visitor(site_app, seeded, "ana")
    topic = seeded.topics["castings"]  # Ines opened it
    before = ines.get("/notifications").text.count(f"/topics/{topic}/unread")
    ines.press(f"/topics/{topic}/reply", body="mine")
    assert ines.get("/notifications").text.count(f"/topics/{topic}/unread") == before
    ana.press(f"/topics/{topic}/reply", body="hers")
    html = ines.get("/notifications").text

    assert html.count(f"/topics/{topic}/unread") == before + 1
    assert f"New answer in “Topic {mark('topic castings')}”" in html


def test_the_words_are_those_of_now(site_app: Flask, seeded: Site) -> None:
    from forum.boards.models import Topic

    ines = visitor(site_app, seeded, "ines")
    visitor(site_app, seeded, "ana").press(f"/topics/{seeded.topics['castings']}/reply", body="x")
    with site_app.app_context():
        db.db.session.get_one(Topic, seeded.topics["castings"]).title = "Another title"
        db.commit()
    assert "Another title" in ines.get("/notifications").text
    with site_app.app_context():
        db.db.session.get_one(Topic, seeded.topics["castings"]).deleted_at = now()
        db.commit()
    assert "Another title" not in ines.get("/notifications").text


@pytest.mark.parametrize(
    ("kind", "role"), [("agencies.staff_role", "operator"), ("agencies.child_frozen", "coordinator")]
)
def test_what_was_told_to_a_role_ends_with_it(app: Flask, kind: str, role: str) -> None:
    """H12: who was demoted reads in her inbox nothing more of what the role was told."""
    person = create_person("omar", role, "model" if role == "coordinator" else role)
    notices.notify(person.id, kind, 7, role="moderator", place="Northlight", slug="northlight")
    db.commit()
    assert len(queries.own_notices(viewer_of(person))[0]) == 1

    db.db.session.execute(update(RoleGrant).where(RoleGrant.role == role).values(ended_at=now()))
    db.commit()

    assert queries.own_notices(viewer_of(person))[0] == []


def test_older_notices_go_on_from_a_key(any_app: Flask) -> None:
    ines, other = create_person("ines", "model"), create_person("other", "model")
    for n in range(65):
        tell(ines)
        if n % 2:
            tell(other)
    pages, before = [], None
    while True:
        lines, before = queries.own_notices(viewer_of(ines), before)
        pages.append([line.id for line in lines])
        if before is None:
            break

    assert [len(page) for page in pages] == [30, 30, 5]
    shown = [i for page in pages for i in page]
    assert shown == sorted(set(shown), reverse=True)
    mine = db.db.session.scalar(select(func.count()).where(Notice.person_id == ines.id))
    assert len(shown) == mine


def test_a_notice_of_a_part_that_is_gone_is_left_out(any_app: Flask) -> None:
    ines = create_person("ines", "model")
    db.db.session.add(Notice(person_id=ines.id, kind="plugin.that.went", facts={}))
    tell(ines)

    lines, _before = queries.own_notices(viewer_of(ines))
    assert len(lines) == 1
    with pytest.raises(KeyError):
        notices.notify(ines.id, "plugin.that.went")


@pytest.mark.parametrize("before", ["0", "-1", "x", "99999999999", ""])
def test_a_key_that_cannot_be_is_missing(site_app: Flask, seeded: Site, before: str) -> None:
    assert visitor(site_app, seeded, "ana").get(f"/notifications?before={before}").status_code == 404


# --- mail ------------------------------------------------------------------------------------------


def test_she_is_mailed_by_her_wish_at_most_once_an_hour(any_app: Flask) -> None:
    quiet, told = create_person("quiet", "model"), create_person("told", "model", mail_notices=True)
    tell(quiet, 3)
    tell(told, 3)

    mails = db.db.session.scalars(select(OutboxMail)).all()
    assert [m.person_id for m in mails] == [told.id]
    assert db.db.session.get_one(Person, told.id).notices_unread == 3


@pytest.mark.parametrize("locale", ["en", "es", "uk"])
def test_a_mail_says_that_there_is_something_and_nothing_else(app: Flask, locale: str) -> None:
    ines = create_person("ines", "model", mail_notices=True, locale=locale)
    tell(ines)

    mail = db.db.session.scalars(select(OutboxMail)).one()
    assert mail.to_address == ines.email
    assert "http://localhost/notifications" in mail.body
    for word in ("Place", "northlight", "agenc", "confirm", "ines", "model"):
        assert word.casefold() not in (mail.subject + mail.body).casefold(), word


@pytest.mark.parametrize("change", ["address", "wish", "state"])
def test_a_mail_is_dropped_when_it_is_not_hers_any_more(any_app: Flask, change: str) -> None:
    """H12, H13."""
    ines = create_person("ines", "model", mail_notices=True)
    tell(ines)
    changes = {
        "address": {"email": "new@example.org"},
        "wish": {"mail_notices": False},
        "state": {"state": "suspended"},
    }
    for name, value in changes[change].items():
        setattr(ines, name, value)
    db.commit()

    assert outbox.deliver_due(any_app.config["CALLBOARD"], now()) == 0
    assert db.db.session.scalar(select(func.count()).select_from(OutboxMail)) == 0


def test_a_mail_goes_out_once(any_app: Flask) -> None:
    ines = create_person("ines", "model", mail_notices=True)
    tell(ines)
    settings, at = any_app.config["CALLBOARD"], now()

    assert [outbox.deliver_due(settings, at + dt.timedelta(hours=n)) for n in range(3)] == [1, 0, 0]


def test_marking_read_is_an_action_of_ones_own(any_app: Flask) -> None:
    ines, other = create_person("ines", "model"), create_person("other", "model")
    tell(ines, 2)
    tell(other, 2)
    actions.mark_all_read(viewer_of(ines))
    db.commit()

    left = db.db.session.scalars(select(Notice.person_id).where(Notice.read_at.is_(None))).all()
    assert set(left) == {other.id}
    assert db.db.session.get_one(Person, other.id).notices_unread == 2
