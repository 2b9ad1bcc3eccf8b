"""Which plugins an agency has on, and how it set them up. Rows only; what may be switched by whom is elsewhere.

No row means the plugin's own default. Settings survive off and on. `encoded` is how the switches of
an agency ride along in the statement that makes a Viewer, so that no page asks for them on its own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import JSON, ForeignKey, ScalarSelect, String, case, column, func, select, table
from sqlalchemy.orm import Mapped, mapped_column

from forum.db import UTC, db, now
from forum.declare import AgencyRef

_agencies = table("agency", column("id"), column("slug"), column("name"))


class AgencyPlugin(db.Model):
    """An agency's switch and settings for one plugin; `settings` are the values of its settings form."""

    __tablename__ = "agency_plugin"
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id", ondelete="CASCADE"), primary_key=True)
    plugin: Mapped[str] = mapped_column(String(40), primary_key=True)
    enabled: Mapped[bool]
    settings: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    changed_at: Mapped[dt.datetime] = mapped_column(UTC, default=now)


def encoded(agency_id: Any) -> ScalarSelect[str]:
    """A column for another select: the switches of this agency, '+pledges,-resources'."""
    sign = case((AgencyPlugin.enabled, "+"), else_="-")
    words = func.aggregate_strings(sign + AgencyPlugin.plugin, ",")
    return select(words).where(AgencyPlugin.agency_id == agency_id).scalar_subquery()


def decoded(words: str | None) -> dict[str, bool]:
    """{'pledges': True, 'resources': False} from what `encoded` gave."""
    return {word[1:]: word[0] == "+" for word in (words or "").split(",") if word}


def words_of(agency_id: int) -> str:
    """The switches of an agency as `encoded` spells them. One statement."""
    return db.session.scalar(select(encoded(agency_id))) or ""


def switches_of(agency_id: int) -> dict[str, bool]:
    """The switches of an agency that somebody has touched. One statement."""
    return decoded(words_of(agency_id))


def settings_of(agency_id: int, plugin: str) -> Mapping[str, Any]:
    """What the agency has set for a plugin; keys that it never set are missing. One statement."""
    found = db.session.scalar(
        select(AgencyPlugin.settings).where(
            AgencyPlugin.agency_id == agency_id, AgencyPlugin.plugin == plugin
        )
    )
    return found or {}


def every_agency() -> Iterator[tuple[AgencyRef, dict[str, bool]]]:
    """Each agency with its touched switches, for jobs and the command line. One statement."""
    rows = db.session.execute(
        select(_agencies.c.id, _agencies.c.slug, _agencies.c.name, encoded(_agencies.c.id)).order_by(
            _agencies.c.id
        )
    ).all()
    for id, slug, name, words in rows:
        yield AgencyRef(id, slug, name), decoded(words)
