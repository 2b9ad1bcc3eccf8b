"""Search in posts: one statement that matches and asks for the right to read at once (P41)."""

from __future__ import annotations

from sqlalchemy import Row, select

from forum import search
from forum.accounts.models import Person
from forum.boards.models import Board, Post, Topic
from forum.boards.queries import readable
from forum.db import db
from forum.viewer import Viewer


def find_posts(q: str, viewer: Viewer, limit: int, before: int | None) -> list[search.SearchHit]:
    """Posts that hold every word of `q` and that the viewer reads, newest first. One statement."""
    dialect = db.engine.dialect.name
    words = search.phrase(q, dialect)
    if words is None:
        return []
    found = search.match_clause(dialect, words)
    wanted = (
        select(
            Post.id, Post.number, Post.created_at, Topic.title, Board.title.label("board_title"),
            Person.display_name.label("author"), found.snippet.label("snippet"),
        )
        .select_from(found.table)
        .join(Post, Post.id == found.id)
        .join(Topic, Topic.id == Post.topic_id)
        .join(Board, Board.id == Topic.board_id)
        .outerjoin(Person, Person.id == Post.author_id)
        .where(found.matches, readable(viewer), Post.deleted_at.is_(None), Topic.deleted_at.is_(None))
        .order_by(found.id.desc())
        .limit(limit)
    )  # fmt: skip
    if before is not None:
        wanted = wanted.where(found.id < before)
    return [_hit(row) for row in db.session.execute(wanted)]


def _hit(row: Row) -> search.SearchHit:
    return search.SearchHit(
        id=row.id, title=row.title, url=f"/posts/{row.id}", board_title=row.board_title,
        snippet=search.highlight(row.snippet), at=row.created_at, author=row.author or "",
    )  # fmt: skip
