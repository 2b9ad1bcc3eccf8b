"""What people do on boards: make one, open a topic, reply, edit, delete, restore, mark read.

Everything that a post changes (counters, search, marks, notices) is in its one transaction.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
import unicodedata
from typing import Any

from flask import Flask, current_app
from flask_babel import gettext
from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from forum import audit, limits, markup, notices, search
from forum.accounts.models import Person
from forum.agencies.queries import viewer_of_person
from forum.agencies.rules import capacity
from forum.boards import queries, rules
from forum.boards.models import Board, BoardMark, Post, PostVersion, ReadMark, Topic
from forum.config import Settings
from forum.db import db, now, record
from forum.permissions import Missing, Refused
from forum.viewer import Viewer

TITLE_LIMIT = 140
RESERVED_SLUGS = frozenset({"new", "feed", "search"})


def slug_of(text: str, longest: int = 60) -> str:
    """Words of a title for an address: lower-case ASCII, digits and hyphens; `-` when nothing is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:longest].strip("-") or "-"


def create_board(
    viewer: Viewer,
    title: str,
    about: str,
    audience: str,
    agency_id: int | None,
    chartered: bool = False,
    read_only: bool = False,
) -> Board:
    """Make a board; who reads it is fixed from now on (P42 to P44). Errors: Missing, Refused."""
    if not rules.may_create_board(viewer, audience, agency_id):
        raise Missing
    title = _line(title, 80, "title")
    board = Board(
        slug=_free_slug(title, agency_id), title=title, about=markup.clean_text(about).strip()[:300], audience=audience,
        agency_id=agency_id, scope=rules.scope_of(audience, agency_id, chartered), created_by=viewer.person_id,
        read_only=read_only and agency_id is None,
    )  # fmt: skip
    db.session.add(board)
    db.session.flush()
    _record_board(viewer, board)
    return board


def _record_board(viewer: Viewer, board: Board) -> None:
    """A peer board is not in the agency's log; a board that the agency reads is, with who made it."""
    facts: dict[str, Any] = {"audience": board.audience}
    if board.audience == "agency":
        standing = next((m for m in viewer.agencies if m.agency_id == board.agency_id), None)
        facts |= {"agency_id": board.agency_id, "title": board.title, "by": capacity(viewer, standing)}
    audit.record("boards.create_board", "board", board.id, actor_id=viewer.person_id, **facts)


def _free_slug(title: str, agency_id: int | None) -> str:
    """A slug nobody has. A board of an agency gets one from chance always, not only when the name is taken: whether
    it is would tell one agency of another's boards (P27)."""
    slug = slug_of(title, 40)
    if agency_id is None and slug not in (*RESERVED_SLUGS, "-"):
        taken = db.session.scalar(select(Board.id).where(Board.slug == slug))
        if taken is None:
            return slug
    return f"{slug.strip('-') or 'board'}-{secrets.token_hex(4)}"


def open_topic(viewer: Viewer, board_slug: str, title: str, body: str) -> Topic:
    """Open a topic with its first post. Errors: Missing, Refused."""
    row = queries.board_by_slug(viewer, board_slug)
    if not rules.may_write(viewer, row):
        raise Missing
    at = now()
    title = _line(title, TITLE_LIMIT, "title")
    html = written(viewer, body, at)
    _newcomer_limit(viewer, at, Topic, settings().newcomer_topics)
    topic = Topic(
        board_id=row.id, title=title, slug=slug_of(title), author_id=viewer.person_id, created_at=at,
        last_post_at=at,
    )  # fmt: skip
    db.session.add(topic)
    db.session.flush()
    _add_post(viewer, row, topic, body, html, at)
    db.session.execute(update(Board).where(Board.id == row.id).values(topic_count=Board.topic_count + 1))
    return topic


def reply(viewer: Viewer, topic_id: int, body: str) -> Post:
    """Add a post to a topic. Errors: Missing, Refused."""
    row = queries.topic_by_id(viewer, topic_id)
    if not rules.may_write(viewer, row):
        raise Missing
    if row.locked_at is not None:
        raise Refused(gettext("This topic is closed. Your words were not posted."), 409, "body")
    at = now()
    html = written(viewer, body, at)
    _newcomer_limit(viewer, at, Post, settings().newcomer_replies)
    topic = db.session.scalars(select(Topic).where(Topic.id == topic_id).with_for_update()).one()
    post = _add_post(viewer, row, topic, body, html, at)
    if row.author_id and row.author_id != viewer.person_id:
        _tell_author(row, at)
    return post


def _tell_author(topic: Row, at: dt.datetime) -> None:
    """Tell whoever opened the topic, if she still reads it; a count of what she cannot read would tell too."""
    author = db.session.get_one(Person, topic.author_id)
    if topic.scope in viewer_of_person(author, at).scopes:
        notices.notify(author.id, "boards.reply", topic.id)


def _add_post(
    viewer: Viewer, board: rules.BoardFacts, topic: Topic, body: str, html: str, at: dt.datetime
) -> Post:
    topic.post_count += 1
    topic.last_post_at, topic.last_author_id = at, viewer.person_id
    post = Post(
        topic_id=topic.id, number=topic.post_count, author_id=viewer.person_id, created_at=at,
        author_role=rules.role_shown(viewer, board), body=markup.clean_text(body), html=html,
    )  # fmt: skip
    db.session.add(post)
    db.session.flush()
    newest = {"last_topic_id": topic.id, "last_post_at": at}
    db.session.execute(update(Board).where(Board.id == topic.board_id).values(**newest))
    search.index(db.session(), post.id, topic.title if post.number == 1 else "", markup.words(post.html))
    mark_read(db.session(), viewer.person_id or 0, topic.id, post.number, at)
    return post


def written(viewer: Viewer, body: str, at: dt.datetime) -> str:
    """The HTML to keep for what was typed. Errors: Refused (empty, too long, too fast, a newcomer's link)."""
    if not markup.seen(markup.clean_text(body)):
        raise Refused(gettext("Write something first."), 422, "body")
    if rules.is_newcomer(viewer, at) and markup.has_link(body):
        raise Refused(gettext("On your first day, posts cannot have links. Take the link out."), 422, "body")
    sentence = gettext("That was a lot in a short time. Wait a few minutes, then send it again.")
    limits.check(f"posts {viewer.person_id}", 40, dt.timedelta(minutes=10), sentence)
    html = markup.to_html(body)
    if not markup.seen(markup.words(html)):
        raise Refused(gettext("Write something first."), 422, "body")
    return html


def _line(text: str, longest: int, field: str) -> str:
    line = " ".join(markup.clean_text(text).split())
    if not 3 <= len(line) <= longest or markup.seen(line) < 2:
        raise Refused(gettext("Use between 3 and %(n)s characters.", n=longest), 422, field)
    return line


def _newcomer_limit(viewer: Viewer, at: dt.datetime, table: type[Topic] | type[Post], most: int) -> None:
    if not rules.is_newcomer(viewer, at):
        return
    own = select(func.count()).where(
        table.author_id == viewer.person_id, table.created_at > at - rules.NEWCOMER
    )
    if table is Post:
        own = own.where(Post.number > 1)
    if (db.session.scalar(own) or 0) >= most:
        sentence = gettext(
            "On your first day you can post a little. From tomorrow on there is no such limit."
        )
        raise Refused(sentence, 429, "body")


def edit_post(viewer: Viewer, post_id: int, version: int, body: str) -> Post:
    """Change one's own post; what it said before is kept. Errors: Missing, Refused (409: changed since)."""
    post, topic, board = queries.own_post(viewer, post_id)
    db.session.refresh(post, with_for_update=True)  # another of her tabs may be saving it just now
    if post.deleted_at is not None or not rules.may_write(viewer, board) or topic.locked_at is not None:
        raise Missing
    if post.version != version:
        sentence = gettext("You changed this post on another page. Compare both, then save again.")
        raise Refused(sentence, 409, "body")
    at = now()
    html = written(viewer, body, at)
    db.session.add(
        PostVersion(
            post_id=post.id, version=post.version, body=post.body, html=post.html,
            written_at=post.edited_at or post.created_at,
        )
    )  # fmt: skip
    post.body, post.html, post.version, post.edited_at = markup.clean_text(body), html, version + 1, at
    search.index(db.session(), post.id, topic.title if post.number == 1 else "", markup.words(post.html))
    return post


def delete_post(viewer: Viewer, post_id: int) -> Post:
    """Take one's own post away; its place stays. It can be put back. Errors: Missing."""
    post, _topic, _board = queries.own_post(viewer, post_id)
    if post.deleted_at is not None:
        raise Missing
    post.deleted_at, post.deleted_by = now(), viewer.person_id
    search.remove(db.session(), post.id)
    return post


def restore_post(viewer: Viewer, post_id: int) -> Post:
    """Put back a post that the viewer herself took away. Errors: Missing."""
    post, topic, _board = queries.own_post(viewer, post_id)
    if post.deleted_at is None or post.deleted_by != viewer.person_id:
        raise Missing
    post.deleted_at = post.deleted_by = None
    search.index(db.session(), post.id, topic.title if post.number == 1 else "", markup.words(post.html))
    return post


def mark_read(session: Session, person_id: int, topic_id: int, number: int, at: dt.datetime) -> None:
    """Note how far a person has read; a mark only ever moves on."""
    new = _insert(session, ReadMark).values(person_id=person_id, topic_id=topic_id, number=number, at=at)
    moved = {"number": new.excluded.number, "at": new.excluded.at}
    further = ReadMark.number < new.excluded.number
    session.execute(
        new.on_conflict_do_update(index_elements=["person_id", "topic_id"], set_=moved, where=further)
    )


def mark_board_seen(session: Session, person_id: int, board_id: int, at: dt.datetime) -> None:
    """Note that a person has seen a board's list."""
    new = _insert(session, BoardMark).values(person_id=person_id, board_id=board_id, at=at)
    session.execute(
        new.on_conflict_do_update(index_elements=["person_id", "board_id"], set_={"at": new.excluded.at})
    )


def _insert(session: Session, table: type[ReadMark] | type[BoardMark]) -> Any:
    return (
        postgresql.insert(table) if session.get_bind().dialect.name == "postgresql" else sqlite.insert(table)
    )


def mark_topic_read_later(app: Flask, person_id: int, topic_id: int, number: int) -> None:
    """After the answer: the read mark, one of the three effects that may follow a GET."""
    with app.app_context():
        record(lambda session: mark_read(session, person_id, topic_id, number, now()))


def mark_board_seen_later(app: Flask, person_id: int, board_id: int) -> None:
    """After the answer: the viewer has seen this board's list (a read mark as well)."""
    with app.app_context():
        record(lambda session: mark_board_seen(session, person_id, board_id, now()))


def settings() -> Settings:
    """The settings of the application in hand."""
    found: Settings = current_app.config["CALLBOARD"]
    return found
