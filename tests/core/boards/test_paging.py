"""Going through a board's list by its key: nothing twice, nothing left out, whatever moves meanwhile."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select

from forum import db
from forum.boards import queries
from forum.boards.models import Board, Topic
from forum.permissions import Missing
from forum.testing import create_board, create_person, viewer_of
from forum.viewer import Viewer
from tests.personas import Site, visitor

START = dt.datetime(2026, 3, 1, 12, 0, 0, 123457, dt.UTC)


def add_topics(board_id: int, moments: list[dt.datetime], pinned: int = 0) -> None:
    rows: list[dict[str, Any]] = [
        {"board_id": board_id, "title": f"Topic {n}", "slug": f"topic-{n}", "created_at": at, "last_post_at": at,
         "post_count": 1, "pinned": 1 if n < pinned else 0}
        for n, at in enumerate(moments)
    ]  # fmt: skip
    db.db.session.execute(insert(Topic), rows)
    db.commit()


def pages_of(viewer: Viewer, board_id: int) -> Iterator[list[int]]:
    cursor: str | None = None
    while True:
        rows, cursor = queries.topics_of_board(viewer, board_id, cursor)
        yield [row.id for row in rows]
        if cursor is None:
            return


@pytest.fixture
def reader(any_app: Flask) -> Viewer:
    return viewer_of(create_person("ines", "model"))


def spread(count: int, step: dt.timedelta) -> list[dt.datetime]:
    return [START + step * n for n in range(count)]


TIMES = {
    "minutes": spread(95, dt.timedelta(minutes=1)),
    "microseconds": spread(95, dt.timedelta(microseconds=1)),
    "one-moment": spread(95, dt.timedelta(0)),  # an import: all at once
    "three-moments": [START + dt.timedelta(microseconds=n // 40) for n in range(95)],
    "by-threes": [START + dt.timedelta(microseconds=317 * (n // 3)) for n in range(95)],
}


def test_every_topic_is_on_exactly_one_page(reader: Viewer) -> None:
    for name, moments in TIMES.items():
        board = create_board(name)
        add_topics(board.id, moments, pinned=2)
        pages = list(pages_of(reader, board.id))

        assert [len(page) for page in pages] == [30, 30, 30, 5], name
        everything = db.db.session.execute(
            select(Topic.id)
            .where(Topic.board_id == board.id)
            .order_by(Topic.pinned.desc(), Topic.last_post_at.desc(), Topic.id.desc())
        )
        assert [i for page in pages for i in page] == [row.id for row in everything], name


def test_a_full_page_has_no_next_one(reader: Viewer) -> None:
    board = create_board()
    add_topics(board.id, spread(30, dt.timedelta(seconds=1)))

    assert [len(page) for page in pages_of(reader, board.id)] == [30]


def test_topics_that_stay_are_met_once_while_others_move_up(reader: Viewer) -> None:
    board = create_board()
    add_topics(board.id, spread(95, dt.timedelta(seconds=1)), pinned=3)
    met: list[int] = []
    moved: set[int] = set()
    cursor: str | None = None
    while True:
        rows, cursor = queries.topics_of_board(reader, board.id, cursor)
        met += [row.id for row in rows]
        for topic in db.db.session.scalars(
            select(Topic).where(Topic.id.not_in(met)).order_by(Topic.id).limit(4)
        ):
            topic.last_post_at = dt.datetime.now(dt.UTC)  # somebody answers far below
            moved.add(topic.id)
        for topic in db.db.session.scalars(select(Topic).where(Topic.id == met[-1])):
            topic.last_post_at = dt.datetime.now(dt.UTC)  # and in the last one shown
        db.commit()
        if cursor is None:
            break

    assert len(met) == len(set(met))
    everything = set(db.db.session.scalars(select(Topic.id)))
    assert everything - set(met) <= moved  # these went up to the first page, which is read anew


def test_deleted_topics_take_no_place(reader: Viewer) -> None:
    board = create_board()
    add_topics(board.id, spread(60, dt.timedelta(seconds=1)))
    for topic in db.db.session.scalars(select(Topic).where(Topic.id % 2 == 0)):
        topic.deleted_at = START
    db.commit()

    assert [len(page) for page in pages_of(reader, board.id)] == [30]


def test_pinned_topics_come_first_however_old(reader: Viewer) -> None:
    board = create_board()
    add_topics(board.id, spread(40, dt.timedelta(seconds=1)), pinned=3)
    first, _cursor = queries.topics_of_board(reader, board.id, None)

    assert [row.pinned for row in first[:4]] == [1, 1, 1, 0]


@pytest.mark.parametrize(
    "cursor",
    ["x", "====", "MC4x", "MC4xLjA", "a.b.c", "0.1.1", "\u0660", "MC4xLjE.", "A" * 10_000, "LTEuMS4x", "_", "%00",
     "MC4tOTk5OTk5OTk5OTk5OTk5OTk5OTkuMQ", "MC4xLjIxNDc0ODM2NDg", "MTAwMC4xLjE", "MC45OTk5OTk5OTk5OTk5OTk5OTk5Ljk"],
)  # fmt: skip
def test_a_cursor_nobody_made_is_missing(app: Flask, cursor: str) -> None:
    with pytest.raises(Missing):
        queries.read_cursor(cursor)


@pytest.mark.parametrize("micros", [*range(0, 1_000_000, 33_331), 1, 999_999, 123_457])
def test_a_cursor_gives_back_the_moment_exactly(app: Flask, micros: int) -> None:
    from types import SimpleNamespace

    at = dt.datetime(2026, 11, 22, 13, 37, 11, micros, dt.UTC)
    row: Any = SimpleNamespace(pinned=1, last_post_at=at, id=77)

    assert queries.read_cursor(queries.cursor_of(row)) == (1, at, 77)


def test_people_go_through_a_board_by_its_links(site_app: Flask, seeded: Site) -> None:
    with site_app.app_context():
        add_topics(seeded.boards["castings"], spread(70, dt.timedelta(seconds=1)))
        board = db.db.session.get_one(Board, seeded.boards["castings"])
        board.topic_count += 70
        db.commit()
    ana, url, titles = visitor(site_app, seeded, "ana"), "/boards/castings", []
    pages = 0
    while url:
        html = ana.get(url).text
        titles += re.findall(r'href="/topics/\d+-topic-(\d+)"', html)
        older = re.search(r'href="([^"]+)" rel="next"', html)
        url, pages = older.group(1) if older else "", pages + 1

    assert pages == 3
    assert sorted(map(int, titles)) == list(range(70))
