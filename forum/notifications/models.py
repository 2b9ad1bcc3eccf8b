"""Table of notices. A notice names its subject by id; its words are made when it is read."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from forum.db import UTC, db, now


class Notice(db.Model):
    """Something a person should know. `facts` holds only what she may always see."""

    __tablename__ = "notice"
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[int | None]
    agency_id: Mapped[int | None] = mapped_column(ForeignKey("agency.id", ondelete="CASCADE"))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[dt.datetime] = mapped_column(UTC, default=now)
    read_at: Mapped[dt.datetime | None] = mapped_column(UTC)

    __table_args__ = (Index("ix_notice_person", "person_id", "id"),)
