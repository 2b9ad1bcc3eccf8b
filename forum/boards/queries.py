"""Reads of boards, topics and posts. Every one is filtered by the viewer's scopes in SQL.

Hot reads fetch columns, not entities, from statements that are built once; pages of a topic are
ranges of dense numbers, lists go on from a key, so nothing grows with history.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Sequence

from flask_babel import gettext
from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, literal, select, tuple_
from sqlalchemy.orm import aliased

from forum.accounts.models import Person
from forum.agencies.models import Agency
from forum.boards.models import Board, BoardMark, Post, PostVersion, ReadMark, Topic
from forum.db import UTC, db
from forum.notices import Kind, Told, Words, register
from forum.permissions import Missing
from forum.viewer import Viewer

POSTS_PER_PAGE = 20
TOPICS_PER_PAGE = 30
UNREAD_WINDOW = dt.timedelta(days=60)

Author, LastAuthor = aliased(Person), aliased(Person)


def readable(viewer: Viewer) -> ColumnElement[bool]:
    """The one filter of everything on boards: the board's scope is among the viewer's."""
    return Board.scope.in_(viewer.scopes)


_board_columns = (
    Board.id, Board.slug, Board.title, Board.about, Board.audience, Board.agency_id, Board.scope,
    Board.read_only, Agency.name.label("agency_name"), Agency.slug.label("agency_slug"),
)  # fmt: skip

_boards = (
    select(
        *_board_columns, Board.topic_count, Board.last_post_at, Topic.id.label("last_id"),
        Topic.title.label("last_title"), Topic.slug.label("last_slug"), BoardMark.at.label("seen_at"),
    )
    .outerjoin(Agency, Agency.id == Board.agency_id)
    .outerjoin(Topic, and_(Topic.id == Board.last_topic_id, Topic.deleted_at.is_(None)))
    .outerjoin(BoardMark, and_(BoardMark.board_id == Board.id, BoardMark.person_id == bindparam("person_id")))
    .where(Board.scope.in_(bindparam("scopes", expanding=True)))
    .order_by(Board.agency_id.nulls_first(), Board.position, Board.id)
)  # fmt: skip

_board = (
    select(*_board_columns, Board.last_post_at, BoardMark.at.label("seen_at"))
    .outerjoin(Agency, Agency.id == Board.agency_id)
    .outerjoin(BoardMark, and_(BoardMark.board_id == Board.id, BoardMark.person_id == bindparam("person_id")))
    .where(Board.scope.in_(bindparam("scopes", expanding=True)), Board.slug == bindparam("slug"))
)

_topics = (
    select(
        Topic.id, Topic.title, Topic.slug, Topic.post_count, Topic.last_post_at, Topic.pinned, Topic.locked_at,
        Author.display_name.label("author"), LastAuthor.display_name.label("last_author"),
        ReadMark.number.label("read_number"),
    )
    .outerjoin(Author, Author.id == Topic.author_id)
    .outerjoin(LastAuthor, LastAuthor.id == Topic.last_author_id)
    .outerjoin(ReadMark, and_(ReadMark.topic_id == Topic.id, ReadMark.person_id == bindparam("person_id")))
    .where(Topic.board_id == bindparam("board_id"), Topic.deleted_at.is_(None))
    .order_by(Topic.pinned.desc(), Topic.last_post_at.desc(), Topic.id.desc())
    .limit(TOPICS_PER_PAGE + 1)
)  # fmt: skip

_topic = (
    select(
        Topic.id, Topic.title, Topic.slug, Topic.post_count, Topic.pinned, Topic.locked_at, Topic.author_id,
        Topic.board_id, ReadMark.number.label("read_number"), Board.slug.label("board_slug"),
        Board.title.label("board_title"), Board.audience, Board.agency_id, Board.scope, Board.read_only,
        Agency.name.label("agency_name"),
    )
    .join(Board, Board.id == Topic.board_id)
    .outerjoin(Agency, Agency.id == Board.agency_id)
    .outerjoin(ReadMark, and_(ReadMark.topic_id == Topic.id, ReadMark.person_id == bindparam("person_id")))
    .where(Topic.id == bindparam("id"), Topic.deleted_at.is_(None))
    .where(Board.scope.in_(bindparam("scopes", expanding=True)))
)  # fmt: skip

_posts = (
    select(
        Post.id, Post.number, Post.author_id, Post.author_role, Post.html, Post.created_at, Post.edited_at,
        Post.deleted_at, Author.display_name.label("author"), Author.handle,
    )
    .outerjoin(Author, Author.id == Post.author_id)
    .where(Post.topic_id == bindparam("topic_id"))
    .where(Post.number.between(bindparam("first"), bindparam("last")))
    .order_by(Post.number)
)  # fmt: skip


def visible_boards(viewer: Viewer) -> Sequence[Row]:
    """Every board the viewer reads, the Alliance's first, with its newest topic. One statement."""
    return db.session.execute(_boards, {"scopes": viewer.scopes, "person_id": viewer.person_id}).all()


def public_boards() -> Sequence[Row]:
    """Boards that anybody reads, for the visitor's front page."""
    return db.session.execute(
        select(Board.title, Board.slug, Board.about).where(Board.scope == "public").order_by(Board.position)
    ).all()


def board_by_slug(viewer: Viewer, slug: str) -> Row:
    """The board of this slug. Errors: Missing."""
    row = db.session.execute(
        _board, {"scopes": viewer.scopes, "slug": slug, "person_id": viewer.person_id}
    ).first()
    if row is None:
        raise Missing
    return row


def topics_of_board(viewer: Viewer, board_id: int, after: str | None) -> tuple[Sequence[Row], str | None]:
    """Topics of a board that was read with this viewer, newest activity first, from a cursor on.

    Returns at most 30 rows and the cursor of the next page. Errors: Missing for a bad cursor.
    """
    wanted: Select = _topics
    if after:
        pinned, moment, id = read_cursor(after)
        key = tuple_(Topic.pinned, Topic.last_post_at, Topic.id)
        wanted = _topics.where(key < tuple_(literal(pinned), literal(moment, UTC), literal(id)))
    rows = db.session.execute(wanted, {"board_id": board_id, "person_id": viewer.person_id}).all()
    shown = rows[:TOPICS_PER_PAGE]
    return shown, cursor_of(shown[-1]) if len(rows) > TOPICS_PER_PAGE else None


def cursor_of(topic: Row) -> str:
    """The place of a topic in its list, as text for an address."""
    micros = (topic.last_post_at - dt.datetime.fromtimestamp(0, dt.UTC)) // dt.timedelta(microseconds=1)
    return base64.urlsafe_b64encode(f"{topic.pinned}.{micros}.{topic.id}".encode()).decode().rstrip("=")


def read_cursor(text: str) -> tuple[int, dt.datetime, int]:
    """The opposite of `cursor_of`. Errors: Missing for anything it did not make."""
    try:
        padded = text + "=" * (-len(text) % 4)
        pinned, micros, id = (int(p) for p in base64.urlsafe_b64decode(padded).decode("ascii").split("."))
        moment = dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(microseconds=micros)
    except (binascii.Error, ValueError, OverflowError) as error:
        raise Missing from error
    if not (0 <= pinned < 1000 and 0 < id <= 2_147_483_647):
        raise Missing
    return pinned, moment, id


def topic_by_id(viewer: Viewer, topic_id: int) -> Row:
    """The topic with its board and how far the viewer has read. Errors: Missing."""
    values = {"id": topic_id, "scopes": viewer.scopes, "person_id": viewer.person_id}
    row = db.session.execute(_topic, values).first()
    if row is None:
        raise Missing
    return row


def posts_of_page(viewer: Viewer, topic: Row, page: int) -> Sequence[Row]:
    """The posts of page N of a topic that was read with this viewer: numbers 20N-19 to 20N."""
    first = (page - 1) * POSTS_PER_PAGE + 1
    values = {"topic_id": topic.id, "first": first, "last": first + POSTS_PER_PAGE - 1}
    return db.session.execute(_posts, values).all()


def page_of(number: int) -> int:
    """The page on which a post of this number stands."""
    return (number - 1) // POSTS_PER_PAGE + 1


def first_unread(topic: Row) -> int:
    """The number of the first post that the viewer has not read, or of the last one."""
    return max(1, min((topic.read_number or 0) + 1, topic.post_count))


def post_place(viewer: Viewer, post_id: int) -> Row:
    """Where a post stands: (number, topic id, topic slug). Errors: Missing."""
    row = db.session.execute(
        select(Post.number, Topic.id.label("topic_id"), Topic.slug)
        .join(Topic, Topic.id == Post.topic_id)
        .join(Board, Board.id == Topic.board_id)
        .where(Post.id == post_id, Topic.deleted_at.is_(None), readable(viewer))
    ).first()
    if row is None:
        raise Missing
    return row


def own_post(viewer: Viewer, post_id: int) -> tuple[Post, Topic, Board]:
    """The viewer's own post, to change, with its topic and board. Errors: Missing (P32, P33)."""
    row = db.session.execute(
        select(Post, Topic, Board)
        .join(Topic, Topic.id == Post.topic_id)
        .join(Board, Board.id == Topic.board_id)
        .where(Post.id == post_id, Topic.deleted_at.is_(None), readable(viewer))
        .where(Post.author_id == viewer.person_id)
    ).first()
    if row is None:
        raise Missing
    return row[0], row[1], row[2]


def versions_of(post: Post) -> Sequence[PostVersion]:
    """What the viewer's own post said before, newest first (P35: the author alone)."""
    return db.session.scalars(
        select(PostVersion)
        .where(PostVersion.post_id == post.id)
        .order_by(PostVersion.version.desc())
        .limit(50)
    ).all()


def unread_topics(viewer: Viewer, at: dt.datetime, limit: int = 10) -> Sequence[Row]:
    """Topics the viewer has opened lately in which there is something new, newest first."""
    return db.session.execute(
        select(
            Topic.id, Topic.title, Topic.slug, Topic.post_count, Topic.last_post_at, ReadMark.number,
            Board.title.label("board_title"),
        )
        .join(ReadMark, ReadMark.topic_id == Topic.id)
        .join(Board, Board.id == Topic.board_id)
        .where(ReadMark.person_id == viewer.person_id, ReadMark.at > at - UNREAD_WINDOW)
        .where(Topic.post_count > ReadMark.number, Topic.deleted_at.is_(None), readable(viewer))
        .order_by(Topic.last_post_at.desc())
        .limit(limit)
    ).all()  # fmt: skip


def latest_topics(viewer: Viewer, limit: int = 6) -> Sequence[Row]:
    """The newest topic of each board the viewer reads, for a front page with nothing unread."""
    return db.session.execute(
        select(Topic.id, Topic.title, Topic.slug, Topic.last_post_at, Board.title.label("board_title"))
        .join(Board, Board.last_topic_id == Topic.id)
        .where(readable(viewer), Topic.deleted_at.is_(None))
        .order_by(Topic.last_post_at.desc())
        .limit(limit)
    ).all()


def topic_titles(viewer: Viewer, ids: Sequence[int]) -> dict[int, Row]:
    """Titles of those of these topics that the viewer reads now."""
    rows = db.session.execute(
        select(Topic.id, Topic.title, Topic.slug)
        .join(Board, Board.id == Topic.board_id)
        .where(Topic.id.in_(ids), Topic.deleted_at.is_(None), readable(viewer))
    )
    return {row.id: row for row in rows}


def newest_public_posts(board_id: int, limit: int = 20) -> Sequence[Row]:
    """The newest topics of a public board, with their first post, for its feed."""
    return db.session.execute(
        select(
            Topic.id,
            Topic.title,
            Topic.slug,
            Topic.created_at,
            Post.html,
            Author.display_name.label("author"),
        )
        .join(Board, Board.id == Topic.board_id)
        .join(Post, and_(Post.topic_id == Topic.id, Post.number == 1))
        .outerjoin(Author, Author.id == Topic.author_id)
        .where(Board.id == board_id, Board.scope == "public", Topic.deleted_at.is_(None))
        .where(Post.deleted_at.is_(None))
        .order_by(Topic.id.desc())
        .limit(limit)
    ).all()


def describe_replies(viewer: Viewer, told: Sequence[Told]) -> dict[int, Words]:
    """Words of "somebody answered" notices, for topics the viewer still reads. One statement."""
    topics = topic_titles(viewer, [n.subject_id for n in told if n.subject_id])
    return {
        n.id: Words(gettext("New answer in “%(title)s”", title=topics[n.subject_id].title),
                    f"/topics/{n.subject_id}/unread")
        for n in told
        if n.subject_id in topics
    }  # fmt: skip


register(Kind("boards.reply", "Somebody answered in a topic of yours", describe_replies))
