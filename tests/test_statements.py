"""What a page costs the database: few statements, the same few whatever the size, and no writing while reading.

Counted are SELECT, INSERT, UPDATE and DELETE; BEGIN, COMMIT and PRAGMA are not.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, insert, select, text, update

from forum import db
from forum.accounts.models import SignIn
from forum.boards.models import Board, BoardMark, Post, ReadMark, Topic
from forum.db import now
from tests.access import ROWS
from tests.personas import Site, forget, open_site, visitor

POSTS = 10_000
TOPICS = 3_000
BIG = "castings"  # the topic with so many posts, on the board with so many topics
# A page may be followed by these and no others (house.md, section 6).
EFFECTS = re.compile(r"^(INSERT INTO (read_mark|board_mark) |UPDATE sign_in SET touched_at)")


@dataclass
class Log:
    """Statements with their values, and how often something was committed."""

    statements: list[tuple[str, Any]] = field(default_factory=list)
    commits: int = 0

    @property
    def texts(self) -> list[str]:
        return [" ".join(statement.split()) for statement, _ in self.statements]

    @property
    def writes(self) -> list[str]:
        return [s for s in self.texts if not s.startswith("SELECT")]


@contextmanager
def logged(app: Flask) -> Iterator[Log]:
    """Everything that this application asks its database meanwhile."""
    log = Log()
    with app.app_context():
        engine = db.db.engine

    def note(connection: Any, cursor: Any, statement: str, values: Any, context: Any, many: bool) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            log.statements.append((statement, values))

    def note_commit(connection: Any) -> None:
        log.commits += 1

    event.listen(engine, "before_cursor_execute", note)
    event.listen(engine, "commit", note_commit)
    try:
        yield log
    finally:
        event.remove(engine, "before_cursor_execute", note)
        event.remove(engine, "commit", note_commit)


def grow(site: Site) -> None:
    """Many topics on a board, many posts in a topic, and analysed, as the database would be."""
    at = now()
    rows: list[dict[str, Any]] = [
        {"board_id": site.boards[BIG], "title": f"Topic {n}", "slug": f"topic-{n}", "author_id": site.people["ines"],
         "last_author_id": site.people["ana"], "post_count": 1, "created_at": at,
         "last_post_at": at - dt.timedelta(minutes=n)}
        for n in range(TOPICS)
    ]  # fmt: skip
    db.db.session.execute(insert(Topic), rows)
    topics = db.db.session.scalars(
        select(Topic.id).where(Topic.slug.like("topic-%"), Topic.post_count == 1)
    ).all()
    posts = [{"topic_id": i, "number": 1, "author_id": site.people["ines"], "body": "x", "html": "<p>x</p>", "version": 1,
              "author_role": "", "created_at": at} for i in topics if i not in site.topics.values()]  # fmt: skip
    first = db.db.session.get_one(Topic, site.topics[BIG]).post_count + 1
    people = list(site.people.values())
    posts += [
        {"topic_id": site.topics[BIG], "number": n, "author_id": people[n % len(people)], "body": f"text {n}",
         "html": f"<p>text {n}.</p>", "version": 1, "author_role": "", "created_at": at}
        for n in range(first, POSTS + 1)
    ]  # fmt: skip
    db.db.session.execute(insert(Post), posts)
    db.db.session.execute(update(Topic).where(Topic.id == site.topics[BIG]).values(post_count=POSTS))
    db.db.session.execute(update(Board).where(Board.id == site.boards[BIG]).values(topic_count=TOPICS))
    old = set(site.topics.values())
    marks = [
        {"person_id": p, "topic_id": i, "number": 1, "at": at}
        for p in people
        for i in topics[:1000]
        if i not in old
    ]
    db.db.session.execute(insert(ReadMark), marks)
    db.commit()
    db.db.session.execute(text("ANALYZE"))
    db.commit()


@pytest.fixture(scope="module")
def big_app(seeded: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The site with a big board and a big topic, for all tests of this file."""
    folder = tmp_path_factory.mktemp("big") / "site"
    shutil.copytree(seeded.folder, folder)
    app = open_site(folder)
    with app.app_context():
        grow(seeded)
    yield app
    forget(app)


def pages(site: Site) -> dict[str, tuple[str, int]]:
    """Hot pages: where they are and how many statements they may take."""
    return {
        "index": ("/boards", 4),
        "first page": ("/", 5),
        "board": (f"/boards/{BIG}", 5),
        "public board": ("/boards/welcome", 5),
        "topic": (site.topic_url(BIG), 6),
        "small topic": (site.topic_url("locked"), 6),
        "public topic": (site.topic_url("welcome"), 6),
        "page 500": (f"{site.topic_url(BIG)}?page={POSTS // 20}", 6),
    }


@pytest.mark.parametrize("name", ["ana", "nobody", "ruth", "mbali", "clea"])
def test_hot_pages_take_few_statements(big_app: Flask, seeded: Site, name: str) -> None:
    browser, counted = visitor(big_app, seeded, name), {}
    for page, (url, most) in pages(seeded).items():
        browser.get(url)
        with logged(big_app) as log:
            status = browser.get(url).status_code
        counted[page] = len(log.statements)
        assert status in (200, 404), page
        assert len(log.statements) <= most, f"{page}:\n" + "\n".join(log.texts)
    print(name, counted)


def test_the_first_look_takes_few_statements_too(big_app: Flask, seeded: Site) -> None:
    """With the mark that follows: reading something new writes once."""
    with big_app.app_context():
        db.db.session.execute(update(ReadMark).values(number=0))
        db.db.session.execute(BoardMark.__table__.delete())
        db.commit()
    ana = visitor(big_app, seeded, "ana")
    for page, (url, most) in pages(seeded).items():
        with logged(big_app) as log:
            ana.get(url)
        assert len(log.statements) <= most, f"{page}:\n" + "\n".join(log.texts)
        assert len(log.writes) <= 1, page


@pytest.mark.parametrize("name", ["ana", "nobody"])
def test_the_count_is_the_same_for_one_and_for_thousands(
    big_app: Flask, site_app: Flask, seeded: Site, name: str
) -> None:
    counts = []
    for app in (site_app, big_app):
        browser = visitor(app, seeded, name)
        for url in (
            "/boards",
            "/",
            f"/boards/{BIG}",
            "/boards/welcome",
            seeded.topic_url(BIG),
            seeded.topic_url("welcome"),
        ):
            browser.get(url)
            with logged(app) as log:
                browser.get(url)
            counts.append(len(log.statements))

    assert counts[:6] == counts[6:]


def test_any_page_of_a_topic_asks_what_its_first_page_asks(big_app: Flask, seeded: Site) -> None:
    ana, asked = visitor(big_app, seeded, "ana"), []
    with big_app.app_context():
        mark = update(ReadMark).where(ReadMark.topic_id == seeded.topics[BIG])
        db.db.session.execute(mark.values(number=POSTS))
        db.commit()
    for page in (1, 2, 250, POSTS // 20):
        with logged(big_app) as log:
            assert ana.get(f"{seeded.topic_url(BIG)}?page={page}").text.count("<article") == 20
        asked.append(log.texts)

    assert all(one == asked[0] for one in asked)


def test_no_hot_page_counts_or_skips_rows(big_app: Flask, seeded: Site) -> None:
    ana = visitor(big_app, seeded, "ana")
    for page, (url, _most) in pages(seeded).items():
        with logged(big_app) as log:
            ana.get(url)
        for statement in log.texts:
            assert "count(" not in statement.casefold(), page
            assert not re.search(r"OFFSET (?!\?|0)", statement) or "OFFSET -1" in statement, page


def plans(app: Flask, log: Log) -> dict[str, list[str]]:
    """How SQLite carries these statements out."""
    found = {}
    with app.app_context(), db.db.engine.connect() as connection:
        for statement, values in log.statements:
            if statement.startswith("SELECT"):
                rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
                found[" ".join(statement.split())] = [row.detail for row in rows]
    return found


@pytest.mark.parametrize("name", ["ana", "nobody", "ruth"])
def test_hot_pages_go_by_index(big_app: Flask, seeded: Site, name: str) -> None:
    """No table that grows is gone through, and nothing that grows is sorted."""
    browser = visitor(big_app, seeded, name)
    with big_app.app_context():
        key = db.db.session.scalars(select(Topic).where(Topic.slug == "topic-1500")).one()
    from forum.boards.queries import cursor_of

    urls = [*(url for url, _most in pages(seeded).values()), f"/boards/{BIG}?after={cursor_of(key)}",
            f"/topics/{seeded.topics[BIG]}/unread", f"/posts/{seeded.posts['spare']}", "/notifications"]  # fmt: skip
    slow = []
    for url in urls:
        with logged(big_app) as log:
            browser.get(url)
        for statement, steps in plans(big_app, log).items():
            tables = re.findall(r"(?:FROM|JOIN) (\w+)", statement)
            for step in steps:
                through = re.match(r"SCAN (\w+)", step)
                if through and through[1] not in ("agency", "board", "search_text"):  # a handful of rows
                    slow.append(f"{url}: {step}\n    {statement[:200]}")
                if (
                    "TEMP B-TREE" in step
                    and ("post" in tables or ("topic" in tables and url != "/"))
                    and tables[0] != "board"
                ):
                    slow.append(f"{url}: {step}\n    {statement[:200]}")

    assert not slow, "\n".join(slow)


def test_the_search_index_is_read_backwards_and_joined_by_key(big_app: Flask, seeded: Site) -> None:
    ana = visitor(big_app, seeded, "ana")
    with logged(big_app) as log:
        assert ana.get("/search?q=words").status_code == 200
    (steps,) = [steps for statement, steps in plans(big_app, log).items() if "search_text" in statement]

    assert any("VIRTUAL TABLE INDEX" in step for step in steps)
    assert not [step for step in steps if step.startswith("SCAN") and "search_text" not in step]
    assert not [step for step in steps if "TEMP B-TREE" in step]
    assert len([s for s in log.texts if "resources_" not in s]) <= 4
    assert len(log.texts) <= 4 + 2  # listings, and what her agency added


# --- reading writes nothing ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ana", "ruth", "clea", "omar", "olena", "vic", "nobody"])
def test_a_page_writes_nothing_but_the_named_effects(site_app: Flask, seeded: Site, name: str) -> None:
    browser, written = visitor(site_app, seeded, name), []
    for row in ROWS:
        if row.method == "GET":
            with logged(site_app) as log:
                browser.get(row.address(seeded))
            written += [f"{row.url}: {s}" for s in log.writes if not EFFECTS.match(s)]
            if name == "nobody":
                assert log.writes == [], row.url
                assert log.commits == 0, row.url
            assert len(log.writes) <= 1, row.url

    assert not written, "\n".join(written)


def test_a_guess_of_the_browser_writes_nothing(site_app: Flask, seeded: Site) -> None:
    with site_app.app_context():
        db.db.session.execute(update(SignIn).values(touched_at=now() - dt.timedelta(days=2)))
        db.commit()
    for name, header in (("ana", "Sec-Purpose"), ("clea", "Purpose")):
        browser = visitor(site_app, seeded, name)
        for row in ROWS:
            if row.method == "GET" and row.endpoint != "leave.show_leave":
                with logged(site_app) as log:
                    browser.get(row.address(seeded), headers={header: "prefetch"})
                assert (log.writes, log.commits) == ([], 0), f"{name} {row.url}"


def test_a_head_request_writes_nothing_more_than_its_page(site_app: Flask, seeded: Site) -> None:
    nobody = visitor(site_app, seeded, "nobody")
    for row in ROWS:
        if row.method == "GET":
            with logged(site_app) as log:
                answer = nobody.head(row.address(seeded))
            assert answer.data == b""
            assert log.writes == [], row.url


def test_a_sign_in_is_touched_once_an_hour(site_app: Flask, seeded: Site) -> None:
    ana = visitor(site_app, seeded, "ana")
    with site_app.app_context():
        db.db.session.execute(update(SignIn).values(touched_at=now() - dt.timedelta(minutes=61)))
        db.commit()
    touched = []
    for _ in range(3):
        with logged(site_app) as log:
            ana.get("/leave/about")
        touched.append(len(log.writes))

    assert touched == [1, 0, 0]


def test_quiet_addresses_ask_nothing(site_app: Flask, seeded: Site) -> None:
    """No sign-in is looked up for a picture or a heartbeat."""
    ana = visitor(site_app, seeded, "ana")
    for url in ("/healthz", "/static/callboard.css", "/static/callboard.js"):
        with logged(site_app) as log:
            assert ana.get(url).status_code == 200
        assert log.statements == [], url


def test_a_refused_permission_asks_nothing_about_the_subject(site_app: Flask, seeded: Site) -> None:
    """What is not looked up cannot show in the time it takes."""
    tomas = visitor(site_app, seeded, "tomas")
    for url in (
        "/a/northlight/members",
        "/a/none-such/members",
        "/a/northlight/invites",
        "/applications/vic",
    ):
        with logged(site_app) as log:
            assert tomas.get(url).status_code == 404
        assert len(log.statements) == 2, log.texts  # her sign-in and her roles


def test_missing_and_forbidden_ask_the_same(site_app: Flask, seeded: Site) -> None:
    """Rule 4: the same statements, so the same time within noise."""
    tomas, asked = visitor(site_app, seeded, "tomas"), []
    peer = seeded.topics["northlight-peer"]
    for urls in (
        ("/boards/northlight-peer", "/boards/northlight-qeer"),
        (f"/topics/{peer}", "/topics/9999"),
        (f"/posts/{seeded.posts['northlight-peer 1']}", "/posts/9999"),
        ("/people/ana", "/people/anb"),
    ):
        for url in urls:
            with logged(site_app) as log:
                assert tomas.get(url).status_code == 404
            asked.append([re.sub(r"\(\?(, \?)*\)", "(?)", s) for s in log.texts])
        if urls[0] != "/people/ana":
            assert asked[-1] == asked[-2], urls


def test_a_reply_takes_one_transaction(site_app: Flask, seeded: Site) -> None:
    ana = visitor(site_app, seeded, "ana")
    with logged(site_app) as log:
        assert (
            ana.press(f"/topics/{seeded.topics['castings']}/reply", body="one", once="k" * 20).status_code
            == 303
        )

    assert log.commits == 1
    assert len(log.statements) <= 24, "\n".join(log.texts)


def test_a_reply_costs_the_same_in_a_long_topic(big_app: Flask, site_app: Flask, seeded: Site) -> None:
    counts = []
    for app in (site_app, big_app):
        ana = visitor(app, seeded, "ana")
        with logged(app) as log:
            assert (
                ana.press(f"/topics/{seeded.topics[BIG]}/reply", body="one", once="k" * 20).status_code == 303
            )
        counts.append(len(log.statements))

    assert counts[0] == counts[1]


def test_the_log_sees_what_is_written(site_app: Flask, seeded: Site) -> None:
    """The detector detects."""
    with logged(site_app) as log, site_app.app_context():
        db.db.session.execute(update(Board).values(position=1))
        db.commit()

    assert log.commits == 1
    assert len(log.writes) == 1
    assert not EFFECTS.match(log.writes[0])
