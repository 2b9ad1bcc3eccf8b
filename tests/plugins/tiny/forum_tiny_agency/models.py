"""One table: notes that people keep at their agency."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from forum.sdk import UTC, Model, now


class Note(Model):
    """A note of one person at one agency."""

    __tablename__ = "tiny_agency_note"
    id: Mapped[int] = mapped_column(primary_key=True)
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id", ondelete="CASCADE"), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    body: Mapped[str] = mapped_column(String(300))
    at: Mapped[dt.datetime] = mapped_column(UTC, default=now)
