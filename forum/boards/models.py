"""Tables of boards, topics, posts, their old versions, and read marks.

Post numbers are dense per topic (1, 2, 3 …, never reused), so page N is a range of numbers and
costs the same anywhere. A board's `scope` names who reads it and is never changed (P44).
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from forum.db import UTC, db, now


class Board(db.Model):
    """A place for topics. `scope` is derived from audience, agency and charter at creation.

    `topic_count`, `last_topic_id` and `last_post_at` are kept up by the actions.
    """

    __tablename__ = "board"
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    title: Mapped[str] = mapped_column(String(80))
    about: Mapped[str] = mapped_column(String(300), default="")
    audience: Mapped[str] = mapped_column(String(12))
    agency_id: Mapped[int | None] = mapped_column(ForeignKey("agency.id", ondelete="RESTRICT"))
    scope: Mapped[str] = mapped_column(String(24))
    read_only: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int] = mapped_column(default=100)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    created_at: Mapped[dt.datetime] = mapped_column(UTC, default=now)
    topic_count: Mapped[int] = mapped_column(default=0)
    last_topic_id: Mapped[int | None]
    last_post_at: Mapped[dt.datetime | None] = mapped_column(UTC)

    __table_args__ = (Index("ix_board_scope", "scope", "position"),)


class Topic(db.Model):
    """A conversation on a board. `post_count` is the number of the last post."""

    __tablename__ = "topic"
    id: Mapped[int] = mapped_column(primary_key=True)
    board_id: Mapped[int] = mapped_column(ForeignKey("board.id", ondelete="RESTRICT"))
    title: Mapped[str] = mapped_column(String(140))
    slug: Mapped[str] = mapped_column(String(60))
    author_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    created_at: Mapped[dt.datetime] = mapped_column(UTC, default=now)
    post_count: Mapped[int] = mapped_column(default=0)
    last_post_at: Mapped[dt.datetime] = mapped_column(UTC, default=now)
    last_author_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    pinned: Mapped[int] = mapped_column(default=0)
    locked_at: Mapped[dt.datetime | None] = mapped_column(UTC)
    deleted_at: Mapped[dt.datetime | None] = mapped_column(UTC)

    __table_args__ = (
        Index("ix_topic_board_activity", "board_id", "pinned", "last_post_at", "id"),
        Index("ix_topic_author", "author_id", "created_at"),
    )


class Post(db.Model):
    """One contribution. `html` is made from `body` when it is written, never when it is read."""

    __tablename__ = "post"
    id: Mapped[int] = mapped_column(primary_key=True)
    topic_id: Mapped[int] = mapped_column(ForeignKey("topic.id", ondelete="CASCADE"))
    number: Mapped[int]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    author_role: Mapped[str] = mapped_column(String(20), default="")
    body: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[dt.datetime] = mapped_column(UTC, default=now)
    edited_at: Mapped[dt.datetime | None] = mapped_column(UTC)
    deleted_at: Mapped[dt.datetime | None] = mapped_column(UTC)
    deleted_by: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))

    __table_args__ = (
        UniqueConstraint("topic_id", "number"),
        Index("ix_post_author", "author_id", "created_at"),
    )


class PostVersion(db.Model):
    """What a post said before an edit."""

    __tablename__ = "post_version"
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text)
    written_at: Mapped[dt.datetime] = mapped_column(UTC)


class ReadMark(db.Model):
    """How far a person has read a topic: the number of the last post she has seen."""

    __tablename__ = "read_mark"
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    topic_id: Mapped[int] = mapped_column(ForeignKey("topic.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int]
    at: Mapped[dt.datetime] = mapped_column(UTC, default=now)

    __table_args__ = (Index("ix_read_mark_recent", "person_id", "at"),)


class BoardMark(db.Model):
    """When a person last looked at a board's list: what came later is new to her."""

    __tablename__ = "board_mark"
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    board_id: Mapped[int] = mapped_column(ForeignKey("board.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(UTC, default=now)
