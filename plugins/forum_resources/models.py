"""Tables of listings, in the words of HSDS 3.1 (organizations, services), and one row for each contact channel.

Hours, languages and the date of the last check belong to the channel: one service answers its
telephone around the clock and its chat by day. Ids are UUIDs and never change.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from forum.sdk import JSON, UTC, Model, now


class Organization(Model):
    """Who runs a service."""

    __tablename__ = "resources_organization"
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text, default="")
    website: Mapped[str] = mapped_column(String(300), default="")


class Service(Model):
    """A service. `priority`: 0 and 1 are for anyone; `strip`: its place on the foot of every page, or None.

    `texts`: {language: {label, summary, …}}; `doubts`: what staff should look into; `words`: what search
    looks at. `touched_at`: a person has changed it, so that the shipped data no longer does.
    """

    __tablename__ = "resources_service"
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("resources_organization.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text, default="")
    status: Mapped[str] = mapped_column(String(20), default="active")
    url: Mapped[str] = mapped_column(String(300), default="")
    area: Mapped[str] = mapped_column(String(200), default="")
    eligibility: Mapped[str] = mapped_column(Text, default="")
    fees: Mapped[str] = mapped_column(String(200), default="")
    application: Mapped[str] = mapped_column(Text, default="")
    topics: Mapped[list[str]] = mapped_column(JSON, default=list)
    texts: Mapped[dict[str, dict[str, str]]] = mapped_column(JSON, default=dict)
    doubts: Mapped[list[str]] = mapped_column(JSON, default=list)
    source: Mapped[str] = mapped_column(String(80), default="")
    priority: Mapped[int] = mapped_column(default=9)
    strip: Mapped[int | None]
    words: Mapped[str] = mapped_column(Text, default="")
    touched_at: Mapped[dt.datetime | None] = mapped_column(UTC)

    __table_args__ = (Index("ix_resources_service_order", "status", "priority", "name"),)


class Channel(Model):
    """One way to reach a service. `kind`: voice, text, chat, web, mail; `value`: the dial form or address.

    `printed`: as people know it (1-800-656-HOPE). `hours`: see `hours.py`; None: nobody told us.
    `languages`: {mode: spoken or interpreter, codes: [...], note}; `checked_at`: when a person last tried it.
    """

    __tablename__ = "resources_channel"
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    service_id: Mapped[str] = mapped_column(ForeignKey("resources_service.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(default=0)
    kind: Mapped[str] = mapped_column(String(12))
    value: Mapped[str] = mapped_column(String(300))
    printed: Mapped[str] = mapped_column(String(80), default="")
    note: Mapped[str] = mapped_column(String(300), default="")
    hours: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    languages: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    checked_at: Mapped[dt.datetime | None] = mapped_column(UTC)

    __table_args__ = (Index("ix_resources_channel_service", "service_id", "position"),)


class Report(Model):
    """Somebody's tap that a channel did not work. Who it was is not kept: only a keyed mark, for a week."""

    __tablename__ = "resources_report"
    channel_id: Mapped[str] = mapped_column(
        ForeignKey("resources_channel.id", ondelete="CASCADE"), primary_key=True
    )
    source: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(UTC, default=now)

    __table_args__ = (Index("ix_resources_report_at", "at"),)


class LocalListing(Model):
    """What an agency adds for its own people. It changes and hides nothing of the base listings."""

    __tablename__ = "resources_local"
    id: Mapped[int] = mapped_column(primary_key=True)
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    contact: Mapped[str] = mapped_column(String(200))
    note: Mapped[str] = mapped_column(String(600), default="")
    added_by: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    added_at: Mapped[dt.datetime] = mapped_column(UTC, default=now)
