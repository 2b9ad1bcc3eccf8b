"""What forum_tiny_agency tells the core. `calls` counts what it was asked, for the tests."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from typing import Any

import click
from flask_babel import lazy_gettext as _
from sqlalchemy import delete, select

from forum.sdk import (
    AgencyRef,
    Card,
    Demo,
    ErasureReport,
    ExportFile,
    HealthCheck,
    HelpLink,
    Job,
    Mount,
    NavItem,
    NotificationKind,
    Permission,
    PersonRef,
    PluginInfo,
    Refused,
    Role,
    SearchHit,
    SearchProvider,
    Told,
    Verdict,
    Viewer,
    Words,
    db,
    gettext,
    hookimpl,
    rows_of,
)
from forum_tiny_agency import routes
from forum_tiny_agency.models import Note

calls: Counter[str] = Counter()
seen: list[tuple[Any, ...]] = []  # what hooks were given


@hookimpl
def plugin_info() -> PluginInfo:
    return PluginInfo(
        "tiny_agency", _("Tiny notes"), _("Notes at an agency"), slug="tiny-notes",
        roles=(Role("tiny_keeper", _("Keeper of notes")),),
    )  # fmt: skip


@hookimpl
def blueprints() -> list[Mount]:
    return [Mount(routes.bp)]


@hookimpl
def permissions() -> list[Permission]:
    return [
        Permission(
            "tiny_agency.read", _("Read notes"), {"model", "new_face", "mentor", "agency_manager", "operator"}
        ),
        Permission("tiny_agency.manage", _("Manage notes"), {"coordinator", "tiny_keeper"}),
        Permission("tiny_agency.open", _("Open the box"), {"model"}, sensitive=True),
    ]


@hookimpl
def agency_settings_form() -> type:
    return routes.AgencySettings


@hookimpl
def notification_kinds() -> list[NotificationKind]:
    return [
        NotificationKind("tiny_agency.noted", _("A note"), describe=describe),
        NotificationKind("tiny_agency.mailed", _("A mailed note"), describe, default_channel="mail"),
    ]


def describe(viewer: Viewer, told: Sequence[Told]) -> dict[int, Words]:
    """All notices of a page at once."""
    calls["describe"] += 1
    return {one.id: Words("A tiny note was kept", "/") for one in told}


@hookimpl
def jobs() -> list[Job]:
    return [
        Job("tiny_agency.count", dt.timedelta(days=1), count, per_agency=True),
        Job("tiny_agency.tidy", dt.timedelta(days=1), tidy),
    ]


def count(at: dt.datetime, agency: AgencyRef) -> None:
    """Note that the agency had its turn."""
    calls[f"count {agency.slug}"] += 1
    if agency.slug == "broken":
        raise ValueError("this agency's turn fails")


def tidy(at: dt.datetime) -> None:
    """Note that the site had its turn."""
    calls["tidy"] += 1


@hookimpl
def commands() -> list[click.Command]:
    return [keep]


@click.command("keep")
@click.argument("body")
def keep(body: str) -> None:
    """Keep a note for the first person; refuse an empty one."""
    if body == "no":
        raise Refused("Nothing is kept.")
    db.session.execute(Note.__table__.insert().values(agency_id=1, author_id=1, body=body))


@hookimpl
def search_providers() -> list[SearchProvider]:
    return [SearchProvider("tiny_agency.notes", find)]


def find(q: str, viewer: Viewer, limit: int) -> list[SearchHit]:
    """Notes of the agencies that the viewer has here."""
    calls["find"] += 1
    ids = [m.agency_id for m in viewer.agencies]
    rows = db.session.execute(
        select(Note.id, Note.body, Note.at).where(Note.agency_id.in_(ids), Note.body.contains(q)).limit(limit)
    )
    return [SearchHit(row.id, f"Tiny: {row.body}", "/", at=row.at) for row in rows]


@hookimpl
def health_checks() -> list[HealthCheck]:
    return [HealthCheck("tiny_agency.notes", lambda: "One note is odd.")]


@hookimpl
def seed(now: dt.datetime, demo: Demo | None) -> None:
    calls["seed demo" if demo else "seed"] += 1


@hookimpl
def nav_items(viewer: Viewer, agency: AgencyRef | None) -> list[NavItem]:
    calls["nav_items"] += 1
    return [
        NavItem(gettext("Tiny notes"), "tiny_agency.show_notes", needs="tiny_agency.read", weight=20),
        NavItem("Tiny managed", "tiny_agency.show_managed", needs="tiny_agency.manage", weight=10),
    ]


@hookimpl
def dashboard_cards(viewer: Viewer, agency: AgencyRef | None) -> list[Card]:
    calls["dashboard_cards"] += 1
    where = agency.name if agency else "nowhere"
    return [Card("Tiny notes", "tiny_agency/card.html", {"where": f"dashboard of {where}"})]


@hookimpl
def page_slot(slot: str, subject: Any, viewer: Viewer, agency: AgencyRef | None) -> list[Card]:
    calls[f"page_slot {slot}"] += 1
    seen.append((slot, subject, agency))
    if slot == "post_footer":
        return [Card("", "tiny_agency/card.html", {"where": f"post {row}"}, row=row) for row in subject]
    return [Card("Tiny", "tiny_agency/card.html", {"where": f"slot {slot}"})]


@hookimpl
def help_links(topic: str, viewer: Viewer, agency: AgencyRef | None) -> list[HelpLink]:
    calls[f"help_links {topic}"] += 1
    return [HelpLink("Tiny help", "/boards", weight=5)] if topic == "tiny" else []


@hookimpl
def permission_verdict(
    viewer: Viewer, permission: str, subject: Any, agency: AgencyRef | None
) -> Verdict | None:
    calls[f"verdict {permission}"] += 1
    if permission == "tiny_agency.manage" and viewer.handle == "ines":
        return Verdict.ALLOW
    if permission == "tiny_agency.read" and (viewer.handle == "una" or subject == "shut"):
        return Verdict.DENY
    return None


@hookimpl
def match_objections(agency: AgencyRef) -> set[tuple[int, int]]:
    return {(1, 2)}


@hookimpl
def plugin_switched(agency: AgencyRef, on: bool) -> None:
    calls[f"switched {agency.slug} {on}"] += 1


@hookimpl
def person_export(person: PersonRef) -> list[ExportFile]:
    rows = db.session.execute(select(Note.body, Note.at).where(Note.author_id == person.id))
    return [ExportFile("tiny_agency-notes", rows_of(rows), "notes you kept")]


@hookimpl
def person_erase(person: PersonRef, now: dt.datetime) -> ErasureReport:
    gone = db.session.execute(delete(Note).where(Note.author_id == person.id))
    return ErasureReport(deleted=gone.rowcount)
