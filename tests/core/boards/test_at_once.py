"""Several people, or one person's impatient thumb, at the same moment: on both databases, with threads."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from forum import db
from forum.boards import actions
from forum.boards.models import Board, Post, PostVersion, ReadMark, Topic
from forum.config import Settings
from forum.testing import create_board, create_person, make_app, viewer_of
from tests.personas import Visitor

WRITERS = 6


@pytest.fixture
def busy_app(any_app: Flask) -> Flask:
    """An application with a topic on a board, and six people who may write there."""
    any_app.test_client_class = Visitor
    create_board()
    people = [create_person(f"writer{n}", "model") for n in range(WRITERS)]
    actions.open_topic(viewer_of(people[0]), "castings", "A busy topic", "one")
    db.commit()
    return any_app


def browsers(app: Flask, count: int = WRITERS) -> list[Visitor]:
    from forum.accounts.actions import open_sign_in
    from forum.accounts.models import Person

    ids = db.db.session.scalars(select(Person.id).order_by(Person.id).limit(count)).all()
    tokens = [open_sign_in(i, "test") for i in ids]
    db.commit()
    found = []
    for token in tokens:
        browser = app.test_client()
        assert isinstance(browser, Visitor)
        found.append(browser.enter(token))
    return found


def together(steps: list[Callable[[], Any]]) -> list[Any]:
    """What these give when they begin at the same moment, each in a thread of its own."""
    barrier = Barrier(len(steps))

    def run(step: Callable[[], Any]) -> Any:
        barrier.wait(timeout=30)
        return step()

    db.db.session.rollback()
    with ThreadPoolExecutor(len(steps)) as pool:
        return list(pool.map(run, steps))


def replies(browser: Visitor, topic: int, count: int) -> list[int]:
    return [browser.press(f"/topics/{topic}/reply", body=f"reply {n}").status_code for n in range(count)]


def test_numbers_stay_dense_while_many_reply(busy_app: Flask) -> None:
    topic = db.db.session.scalars(select(Topic.id)).one()
    answers = together([lambda b=b: replies(b, topic, 8) for b in browsers(busy_app)])  # type: ignore[misc]

    assert {status for one in answers for status in one} == {303}
    numbers = db.db.session.scalars(
        select(Post.number).where(Post.topic_id == topic).order_by(Post.number)
    ).all()
    assert numbers == list(range(1, 1 + WRITERS * 8 + 1))
    assert db.db.session.get_one(Topic, topic).post_count == len(numbers)
    newest = db.db.session.scalars(select(Post).order_by(Post.number.desc()).limit(1)).one()
    assert db.db.session.get_one(Topic, topic).last_author_id == newest.author_id


def test_topics_of_a_board_are_all_counted(busy_app: Flask) -> None:
    def opened(browser: Visitor) -> list[int]:
        return [
            browser.press("/boards/castings/new", title=f"Title {n}", body="x").status_code for n in range(4)
        ]

    answers = together([lambda b=b: opened(b) for b in browsers(busy_app)])  # type: ignore[misc]

    assert {status for one in answers for status in one} == {303}
    board = db.db.session.scalars(select(Board)).one()
    assert board.topic_count == 1 + WRITERS * 4
    newest = select(Topic.id).order_by(Topic.last_post_at.desc(), Topic.id.desc()).limit(3)
    assert board.last_topic_id in db.db.session.scalars(newest).all()


def test_one_form_sent_many_times_at_once_makes_one_post(busy_app: Flask) -> None:
    topic = db.db.session.scalars(select(Topic.id)).one()
    key, (browser, *_others) = secrets.token_urlsafe(16), browsers(busy_app)
    tabs = [busy_app.test_client() for _ in range(5)]
    with browser.session_transaction() as session:
        token = session["_user_id"]

    def send(tab: Any) -> tuple[int, str]:
        answer = tab.enter(token).press(f"/topics/{topic}/reply", body="Only once", once=key)
        return answer.status_code, answer.location

    answers = together([lambda t=t: send(t) for t in tabs])  # type: ignore[misc]

    assert {status for status, _ in answers} == {303}
    assert len({location for _, location in answers}) == 1
    assert db.db.session.scalar(select(func.count()).where(Post.body == "Only once")) == 1


def test_one_post_changed_on_two_pages_at_once_loses_nothing(busy_app: Flask) -> None:
    post = db.db.session.scalars(select(Post.id)).one()
    (browser, *_others) = browsers(busy_app)
    with browser.session_transaction() as session:
        token = session["_user_id"]

    def save(words: str) -> Any:
        tab: Any = busy_app.test_client()
        return tab.enter(token).press(f"/posts/{post}/edit", version="1", body=words)

    words = [f"changed on page {n}" for n in range(4)]
    answers = together([lambda w=w: save(w) for w in words])  # type: ignore[misc]

    assert sorted(a.status_code for a in answers) == [303, 422, 422, 422]
    for sent, answer in zip(words, answers, strict=True):
        assert answer.status_code == 303 or sent in answer.text  # her own words are kept
    kept = db.db.session.get_one(Post, post)
    assert kept.version == 2
    assert kept.body in words
    assert db.db.session.scalars(select(PostVersion.body)).all() == ["one"]


def test_one_reader_with_many_tabs_has_one_mark(busy_app: Flask) -> None:
    topic = db.db.session.scalars(select(Topic)).one()
    url = f"/topics/{topic.id}-{topic.slug}"
    reader = browsers(busy_app)[1]
    with reader.session_transaction() as session:
        token = session["_user_id"]

    def look() -> int:
        tab: Any = busy_app.test_client()
        return tab.enter(token).get(url).status_code

    assert set(together([look] * 6)) == {200}
    assert (
        db.db.session.scalar(select(func.count()).select_from(ReadMark).where(ReadMark.person_id == 2)) == 1
    )


def test_readers_are_served_while_people_write(busy_app: Flask) -> None:
    topic = db.db.session.scalars(select(Topic)).one()
    url = f"/topics/{topic.id}-{topic.slug}"
    stranger: Any = busy_app.test_client()
    writers = browsers(busy_app, 3)

    def read() -> list[int]:
        return [stranger.enter(None).get(u).status_code for _ in range(10) for u in ("/boards", "/")]

    steps: list[Callable[[], Any]] = [read, *(lambda b=b: replies(b, topic.id, 8) for b in writers)]  # type: ignore[misc]
    *answers, _last = [*together(steps), None]

    assert set(answers[0]) == {200}
    assert {s for one in answers[1:] for s in one} == {303}
    assert writers[0].get(url).status_code == 200


def test_a_newcomers_tabs_share_her_limit(busy_app: Flask) -> None:
    """P28: ten replies on the first day, also when they are sent at once."""
    import datetime as dt

    from forum.accounts.models import Person

    (browser, *_others) = browsers(busy_app)
    db.db.session.scalars(select(Person).order_by(Person.id).limit(1)).one().created_at = (
        db.now() - dt.timedelta(hours=1)
    )
    db.commit()
    topic = db.db.session.scalars(select(Topic.id)).one()
    with browser.session_transaction() as session:
        token = session["_user_id"]

    def write() -> list[int]:
        tab: Any = busy_app.test_client()
        return replies(tab.enter(token), topic, 4)

    answers = [status for one in together([write] * 5) for status in one]
    written = db.db.session.scalar(select(func.count()).where(Post.number > 1)) or 0

    assert set(answers) <= {303, 422}
    assert written == 10


@pytest.fixture
def two_apps(busy_app: Flask) -> Iterator[list[Flask]]:
    """The same site in two applications, as in two web processes: nothing is shared in memory."""
    settings: Settings = busy_app.config["CALLBOARD"]
    second = make_app(settings.data, database_url=settings.database_url)
    second.test_client_class = Visitor
    yield [busy_app, second]
    with second.app_context():
        db.db.session.remove()
        db.db.engine.dispose()


def test_what_one_process_writes_the_other_shows_at_once(two_apps: list[Flask]) -> None:
    topic = db.db.session.scalars(select(Topic)).one()
    url = f"/topics/{topic.id}-{topic.slug}"
    first = browsers(two_apps[0], 1)[0]
    with first.session_transaction() as session:
        token = session["_user_id"]
    second: Any = two_apps[1].test_client()
    second.enter(token)
    for n in range(3):
        assert first.press(f"/topics/{topic.id}/reply", body=f"from the first {n}").status_code == 303
        assert f"from the first {n}" in second.get(url).text
    assert first.press("/sign-out").status_code == 303
    assert second.get("/account").status_code == 303
