"""What boards keep about a person: her posts with their versions, and how far she has read."""

from __future__ import annotations

from sqlalchemy import and_, case, delete, select, update

from forum import people_data, search
from forum.accounts.models import Person
from forum.agencies.queries import viewer_of_person
from forum.boards.models import Board, BoardMark, Post, PostVersion, ReadMark, Topic
from forum.boards.queries import readable
from forum.db import db, now
from forum.people_data import ExportFile, rows_of


def _export(person_id: int) -> list[ExportFile]:
    person = db.session.get_one(Person, person_id)
    seen = and_(Topic.deleted_at.is_(None), readable(viewer_of_person(person, now())))
    posts = db.session.execute(
        select(
            case((seen, Topic.title), else_="").label("topic"),
            Post.number,
            Post.body,
            Post.created_at,
            Post.edited_at,
            Post.deleted_at,
        )
        .join(Topic, Topic.id == Post.topic_id)
        .join(Board, Board.id == Topic.board_id)
        .where(Post.author_id == person_id)
        .order_by(Post.id)
    )
    versions = db.session.execute(
        select(PostVersion.post_id, PostVersion.version, PostVersion.body, PostVersion.written_at)
        .join(Post, Post.id == PostVersion.post_id)
        .where(Post.author_id == person_id)
    )
    return [
        ExportFile("posts", rows_of(posts), "what you wrote"),
        ExportFile("post-versions", rows_of(versions), "what your posts said before you changed them"),
        ExportFile("read-marks", _marks(person_id), "how far you have read"),
    ]


def _marks(person_id: int) -> list[dict[str, object]]:
    topics = select(ReadMark.topic_id, ReadMark.number, ReadMark.at).where(ReadMark.person_id == person_id)
    boards = select(BoardMark.board_id, BoardMark.at).where(BoardMark.person_id == person_id)
    return rows_of(db.session.execute(topics)) + rows_of(db.session.execute(boards))


def _erase(person_id: int, keep_words: bool) -> None:
    own = select(Post.id).where(Post.author_id == person_id)
    taken = own if not keep_words else own.where(Post.deleted_at.is_not(None))
    db.session.execute(delete(PostVersion).where(PostVersion.post_id.in_(own)))
    for post_id in db.session.scalars(taken).all():
        search.remove(db.session(), post_id)
        gone = {"body": "", "html": "", "deleted_at": now()}
        db.session.execute(update(Post).where(Post.id == post_id).values(**gone))
    nobody = {"author_id": None, "author_role": ""}
    db.session.execute(update(Post).where(Post.author_id == person_id).values(**nobody))
    db.session.execute(update(Topic).where(Topic.author_id == person_id).values(author_id=None))
    db.session.execute(update(Topic).where(Topic.last_author_id == person_id).values(last_author_id=None))
    for mark in (ReadMark, BoardMark):
        db.session.execute(delete(mark).where(mark.person_id == person_id))


people_data.register(people_data.Part("boards", _export, _erase))
