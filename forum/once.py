"""Forms that are sent twice (double click, Back, retry) are carried out once.

A form carries a random key. The first request with it wins, in its own transaction; later ones
get the first one's answer. A refused form is rolled back with its key, so it can be sent again.
"""

from __future__ import annotations

import datetime as dt
import hashlib

from sqlalchemy import Index, LargeBinary, String, delete, select, update
from sqlalchemy.dialects.postgresql import insert  # SQLite is written the same ON CONFLICT
from sqlalchemy.orm import Mapped, mapped_column

from forum import jobs
from forum.db import UTC, db, now

KEPT = dt.timedelta(days=7)
LONGEST = 500  # characters of an answer


class FormOnce(db.Model):
    """A key that was used. `answer` is the address its first request was sent to."""

    __tablename__ = "form_once"
    key_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    person_id: Mapped[int | None]
    at: Mapped[dt.datetime] = mapped_column(UTC, default=now)
    answer: Mapped[str] = mapped_column(String(LONGEST), default="")

    __table_args__ = (Index("ix_form_once_at", "at"),)


def claim(key: str, person_id: int | None) -> str | None:
    """None for the first request with this key, which now owns it; else the first one's answer.

    The answer is '' when it is not known, or when the key is another person's. A second request at
    the same moment waits for the first to commit: at the unique key on PostgreSQL, at BEGIN
    IMMEDIATE on SQLite. An empty key is nobody's and always first.
    """
    if not key:
        return None
    row = insert(FormOnce).values(key_hash=_hash(key), person_id=person_id, at=now(), answer="")
    first = db.session.execute(row.on_conflict_do_nothing().returning(FormOnce.key_hash)).first()
    return None if first else _answer(key, person_id)


def remember(key: str, answer: str) -> None:
    """Keep where the first request is sent: an address of this site.

    Errors: ValueError for any other, or for one of more than `LONGEST` characters.
    """
    if not answer.startswith("/") or answer.startswith(("//", "/\\")) or len(answer) > LONGEST:
        raise ValueError("an answer is an address of this site")
    db.session.execute(update(FormOnce).where(FormOnce.key_hash == _hash(key)).values(answer=answer))


@jobs.recurring("once.purge", every=dt.timedelta(hours=6))
def purge(at: dt.datetime) -> None:
    """Forget keys after `KEPT`."""
    db.session.execute(delete(FormOnce).where(FormOnce.at < at - KEPT))


def _answer(key: str, person_id: int | None) -> str:
    found = select(FormOnce.answer, FormOnce.person_id).where(FormOnce.key_hash == _hash(key))
    row = db.session.execute(found).first()
    return row.answer if row and row.person_id == person_id else ""


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()
