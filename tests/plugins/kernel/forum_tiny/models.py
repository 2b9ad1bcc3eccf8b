"""The table of the tiny plugin: notes, each somebody's, perhaps at an agency."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from forum.sdk import Model


class Note(Model):
    """A note."""

    __tablename__ = "tiny_note"
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    agency_id: Mapped[int | None] = mapped_column(ForeignKey("agency.id", ondelete="CASCADE"))
    words: Mapped[str] = mapped_column(String(200))
