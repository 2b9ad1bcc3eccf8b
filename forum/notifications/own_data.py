"""What notifications keep about a person: her notices."""

from __future__ import annotations

from sqlalchemy import delete, select

from forum import people_data
from forum.db import db
from forum.notifications.models import Notice
from forum.people_data import ExportFile, rows_of


def _export(person_id: int) -> list[ExportFile]:
    own = select(Notice.kind, Notice.subject_id, Notice.facts, Notice.created_at, Notice.read_at)
    found = db.session.execute(own.where(Notice.person_id == person_id).order_by(Notice.id))
    return [ExportFile("notices", rows_of(found), "what you were told here")]


def _erase(person_id: int, keep_words: bool) -> None:
    db.session.execute(delete(Notice).where(Notice.person_id == person_id))


people_data.register(people_data.Part("notifications", _export, _erase))
