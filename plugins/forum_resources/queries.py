"""Reads of listings: the catalogue is one statement, whatever is shown of it; reports are a second."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import get_locale
from markupsafe import Markup
from sqlalchemy import and_, func, or_, select

from forum.sdk import AgencyRef, HelpLink, SearchHit, Viewer, db, kept, now
from forum_resources.hours import State, state_at
from forum_resources.models import Channel, LocalListing, Organization, Report, Service

REPORTS_COUNT = dt.timedelta(days=7)
ENOUGH_REPORTS = 2  # independent ones, before a banner warns
STRIP_KEPT = 30.0  # seconds that a process shows the strip without asking
URL_OF = {"voice": "tel:", "text": "sms:", "mail": "mailto:", "chat": "", "web": ""}


@dataclass(frozen=True)
class Line:
    """A channel as the pages show it. `reported`: several people said that it did not work."""

    id: str
    position: int
    kind: str
    value: str
    printed: str
    note: str
    state: State
    languages: dict[str, Any]
    checked_at: dt.datetime | None
    reported: bool

    @property
    def url(self) -> str:
        """Where a tap leads."""
        return f"{URL_OF[self.kind]}{self.value}"


@dataclass(frozen=True)
class Listing:
    """A service as the pages show it, in the reader's language as far as there are words in it."""

    id: str
    label: str
    name: str
    organization: str
    summary: str
    happens: str
    tells: str
    area: str
    eligibility: str
    fees: str
    application: str
    url: str
    topics: list[str]
    priority: int
    strip: int | None
    lines: tuple[Line, ...]

    @property
    def is_open(self) -> bool:
        """Whether some line of it is known to answer now."""
        return any(line.state.word == "open" for line in self.lines)


_order = (Service.priority, Service.name, Service.id)
_catalogue = (
    select(
        Service.id, Service.name, Service.description, Service.area, Service.eligibility, Service.fees,
        Service.application, Service.url, Service.topics, Service.texts, Service.priority, Service.strip,
        Organization.name.label("organization"), Channel.id.label("channel_id"), Channel.position, Channel.kind,
        Channel.value, Channel.printed, Channel.note, Channel.hours, Channel.languages, Channel.checked_at,
    )
    .join(Organization, Organization.id == Service.organization_id)
    .outerjoin(Channel, Channel.service_id == Service.id)
    .where(Service.status == "active")
    .order_by(*_order, Channel.position)
)  # fmt: skip


def listings(
    viewer: Viewer,
    at: dt.datetime,
    *,
    most_priority: int | None = None,
    id: str | None = None,
    words: str = "",
) -> list[Listing]:
    """The catalogue, or those up to a priority, or one. Two statements."""
    wanted = _catalogue
    if most_priority is not None:
        wanted = wanted.where(Service.priority <= most_priority)
    if id is not None:
        wanted = wanted.where(Service.id == id)
    rows = db.session.execute(wanted).all()
    reported = reported_channels(at)
    services: dict[str, list[Any]] = {}
    for row in rows:
        services.setdefault(row.id, []).append(row)
    return [_listing(of_service, at, reported) for of_service in services.values()]


def reported_channels(at: dt.datetime) -> set[str]:
    """Channels of which several people said lately, and since the last check, that they did not work."""
    since = and_(
        Report.at > at - REPORTS_COUNT, or_(Channel.checked_at.is_(None), Report.at > Channel.checked_at)
    )
    wanted = (
        select(Report.channel_id)
        .join(Channel, Channel.id == Report.channel_id)
        .where(since)
        .group_by(Report.channel_id)
        .having(func.count() >= ENOUGH_REPORTS)
    )
    return set(db.session.scalars(wanted))


def _listing(rows: Sequence[Any], at: dt.datetime, reported: set[str]) -> Listing:
    first = rows[0]
    said = _words_of(first.texts)
    return Listing(
        first.id, said.get("label") or first.name, first.name, first.organization,
        said.get("summary") or first.description, said.get("happens", ""), said.get("tells", ""), first.area,
        said.get("eligibility") or first.eligibility, said.get("fees") or first.fees,
        said.get("application") or first.application, first.url, first.topics, first.priority, first.strip,
        tuple(_line(row, at, reported) for row in rows if row.channel_id),
    )  # fmt: skip


def _line(row: Any, at: dt.datetime, reported: set[str]) -> Line:
    return Line(
        row.channel_id, row.position, row.kind, row.value, row.printed or row.value, row.note,
        state_at(row.hours, at), row.languages or {}, row.checked_at, row.channel_id in reported,
    )  # fmt: skip


def _words_of(texts: dict[str, dict[str, str]]) -> dict[str, str]:
    """The words in the reader's language, English where there are none."""
    return {**texts.get("en", {}), **texts.get(str(get_locale() or "en"), {})}


def plain(text: str) -> str:
    """Words in small letters without accents, a space around each: as search compares."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    letters = (c if c.isalnum() else " " for c in apart if not unicodedata.combining(c))
    return f" {' '.join(''.join(letters).split())} "


# --- what other pages show ---------------------------------------------------------------------------


def strip() -> list[HelpLink]:
    """The lines on the foot of every page, from this process's memory: at most half a minute old."""
    rows = kept("resources.strip", STRIP_KEPT, _strip_rows)
    return [_strip_link(row) for row in rows]


def _strip_rows() -> list[Any]:
    found = db.session.execute(
        select(Service.name, Service.texts, Channel.value, Channel.printed, Service.strip)
        .join(Channel, Channel.service_id == Service.id)
        .where(Service.strip.is_not(None), Service.status == "active", Channel.kind == "voice")
        .order_by(Service.strip, Channel.position)
    )
    return list(found)


def _strip_link(row: Any) -> HelpLink:
    said = _words_of(row.texts)
    return HelpLink(
        said.get("label") or row.name, f"tel:{row.value}", True, said.get("strip", ""), row.printed, row.strip
    )


def find(q: str, viewer: Viewer, limit: int) -> list[SearchHit]:
    """Listings with every word, the urgent ones first, then what the viewer's agencies added."""
    if not plain(q).strip():
        return []
    wanted = select(Service.id, Service.name, Service.texts, Organization.name.label("organization"))
    joined = wanted.join(Organization, Organization.id == Service.organization_id)
    rows = db.session.execute(_with_words(joined, q).order_by(*_order).limit(limit))
    return ([_hit(row) for row in rows] + _local_hits(q, viewer))[:limit]


def _hit(row: Any) -> SearchHit:
    said = _words_of(row.texts)
    about = Markup.escape(said.get("summary", ""))
    return SearchHit(0, said.get("label") or row.name, f"/resources/{row.id}", row.organization, about, now())


def _with_words(wanted: Any, q: str) -> Any:
    """Only active services with every word of `q`, or one that begins with it; at most eight words."""
    for word in plain(q).split()[:8]:
        begun = f" {word}" if len(word) > 2 else f" {word} "
        wanted = wanted.where(Service.words.contains(begun, autoescape=True))
    return wanted.where(Service.status == "active")


def _local_hits(q: str, viewer: Viewer) -> list[SearchHit]:
    places = {m.agency_id: m for m in viewer.agencies}
    if not places:
        return []
    rows = db.session.scalars(select(LocalListing).where(LocalListing.agency_id.in_(places)))
    words = plain(q).split()
    return [
        SearchHit(
            0, row.name, f"/a/{places[row.agency_id].slug}/resources", places[row.agency_id].name,
            Markup.escape(row.contact), row.added_at,
        )
        for row in rows
        if all(word in plain(f"{row.name} {row.contact} {row.note}") for word in words)
    ]  # fmt: skip


def local_listings(viewer: Viewer, agency: AgencyRef) -> Sequence[LocalListing]:
    """What this agency added, oldest first."""
    of_agency = select(LocalListing).where(LocalListing.agency_id == agency.id)
    return db.session.scalars(of_agency.order_by(LocalListing.id)).all()


def reported_sentence() -> str:
    """What the operator should look into, '' for nothing: for /readyz and the doctor."""
    reported = reported_channels(now())
    if not reported:
        return ""
    names = db.session.scalars(
        select(Service.name).join(Channel, Channel.service_id == Service.id).where(Channel.id.in_(reported))
    )
    return f"Several people said that these did not work: {', '.join(sorted(set(names)))}."
