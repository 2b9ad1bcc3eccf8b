"""Every hook, answered in the plainest way; what is asked is written down in `asked`."""

from __future__ import annotations

import datetime as dt
from typing import Any

import click
from flask_babel import lazy_gettext as _
from sqlalchemy import delete, select
from wtforms import IntegerField

from forum.sdk import (
    ANYONE,
    AgencyRef,
    Card,
    Demo,
    ErasureReport,
    ExportFile,
    Form,
    HealthCheck,
    HelpLink,
    Job,
    Kept,
    Mount,
    NavItem,
    NotificationKind,
    Permission,
    PersonRef,
    PluginInfo,
    Role,
    Scope,
    SearchHit,
    SearchProvider,
    Told,
    Verdict,
    Viewer,
    Words,
    db,
    hookimpl,
    job_handler,
)
from forum_tiny import routes
from forum_tiny.models import Note

asked: list[tuple[str, Any]] = []  # (hook, agency's slug or what else matters), for the tests


def note(hook: str, agency: AgencyRef | None) -> str:
    """Write down that a hook was called; the agency's name for what it shows."""
    asked.append((hook, agency.slug if agency else None))
    return agency.name if agency else "everybody"


class Settings(Form):
    """What an agency sets."""

    most = IntegerField(_("Most notes"), default=3)


@hookimpl
def plugin_info() -> PluginInfo:
    """Who it is."""
    roles = (Role("tiny_keeper", _("Keeper of notes"), granted_by="operator"),)
    return PluginInfo("tiny", _("Notes"), _("Small notes"), Scope.BOTH, touches=_("Who writes"), roles=roles)


@hookimpl
def blueprints() -> list[Mount]:
    """Four places."""
    return [
        Mount(routes.bp),
        Mount(routes.site_bp, at="site"),
        Mount(routes.quiet_bp, at="site", path="/tiny-quiet", quiet=True),
        Mount(routes.short_bp, at="site", path="/t"),
    ]


@hookimpl
def permissions() -> list[Permission]:
    """One for each kind of holder."""
    return [
        Permission("tiny.visit", _("Visit"), {ANYONE}),
        Permission("tiny.read", _("Read notes"), {"model", "tiny_keeper"}),
        Permission("tiny.own", _("Read one’s own")),
    ]


@hookimpl
def agency_settings_form() -> type:
    """See `Settings`."""
    return Settings


def describe(viewer: Viewer, told: list[Told]) -> dict[int, Words]:
    """How a notice reads."""
    return {t.id: Words(f"A note: {t.facts['words']}", "/tiny") for t in told}


@hookimpl
def notification_kinds() -> list[NotificationKind]:
    """Two kinds: one says nothing in its mail, the other all."""
    return [
        NotificationKind("tiny.written", _("A note"), describe),
        NotificationKind(
            "tiny.urgent", _("An urgent note"), describe, "tiny/mail.txt", "mail", content_in_mail=True
        ),
    ]


@hookimpl
def jobs() -> list[Job]:
    """One for the site, one for each agency."""
    return [
        Job("tiny.sweep", dt.timedelta(hours=1), lambda now: asked.append(("sweep", None))),
        Job(
            "tiny.count",
            dt.timedelta(hours=1),
            lambda now, agency: note("count", agency) and None,
            per_agency=True,
        ),
    ]


@job_handler("tiny.later")
def later(payload: dict[str, Any]) -> None:
    """A queued job."""
    db.session.add(Note(words=payload["words"]))


@hookimpl
def commands() -> list[click.Command]:
    """callboard tiny add WORDS"""

    @click.command("add")
    @click.argument("words")
    def add(words: str) -> None:
        """Add a note."""
        db.session.add(Note(words=words))
        click.echo("added")

    return [add]


def find(q: str, viewer: Viewer, limit: int) -> list[SearchHit]:
    """Says which agencies it was allowed to look in."""
    asked.append(("find", [m.slug for m in viewer.agencies]))
    return [SearchHit(0, f"tiny {m.slug}", "/tiny") for m in viewer.agencies][:limit]


@hookimpl
def search_providers() -> list[SearchProvider]:
    """See `find`."""
    return [SearchProvider("tiny.notes", find)]


@hookimpl
def health_checks() -> list[HealthCheck]:
    """Always well."""
    return [HealthCheck("tiny.well", lambda: "")]


@hookimpl
def seed(now: dt.datetime, demo: Demo | None) -> None:
    """One note of reference."""
    if demo is None and not db.session.scalar(select(Note.id).where(Note.words == "reference")):
        db.session.add(Note(words="reference"))


@hookimpl
def nav_items(viewer: Viewer, agency: AgencyRef | None) -> list[NavItem]:
    """Where the notes are; the second only for who may read."""
    name = note("nav_items", agency)
    return [
        NavItem(f"Tiny of {name}", "tiny_site.show_site"),
        NavItem("Tiny notes", "tiny.show_notes", "tiny.read"),
    ]


@hookimpl
def dashboard_cards(viewer: Viewer, agency: AgencyRef | None) -> list[Card]:
    """A card, and one before it."""
    name = note("dashboard_cards", agency)
    return [
        Card("Tiny card", "tiny/card.html", {"words": f"card of {name}"}),
        Card("First", "tiny/card.html", {"words": "first"}, weight=1),
    ]


@hookimpl
def page_slot(slot: str, subject: Any, viewer: Viewer, agency: AgencyRef | None) -> list[Card]:
    """Something in every slot; under the first post only."""
    name = note(f"slot {slot}", agency)
    row = subject[0] if slot == "post_footer" and subject else None
    return [Card(f"Tiny {slot}", "tiny/card.html", {"words": f"{slot} of {name}"}, row=row)]


@hookimpl
def help_links(topic: str, viewer: Viewer, agency: AgencyRef | None) -> list[HelpLink]:
    """Nothing for the strip, one for a topic."""
    note(f"help {topic}", agency)
    return [] if topic == "strip" else [HelpLink(f"Tiny help for {topic}", "/tiny")]


@hookimpl
def permission_verdict(
    viewer: Viewer, permission: str, subject: Any, agency: AgencyRef | None
) -> Verdict | None:
    """Ana has her own; Bea reads nothing; what is about `hidden` nobody reads."""
    asked.append((f"verdict {permission}", agency.slug if agency else None))
    if viewer.handle == "bea" or subject == "hidden":
        return Verdict.DENY
    return Verdict.ALLOW if permission == "tiny.own" and viewer.handle == "ana" else None


@hookimpl
def match_objections(agency: AgencyRef) -> set[tuple[int, int]]:
    """One pair."""
    return {(1, 2)}


@hookimpl
def plugin_switched(agency: AgencyRef, on: bool) -> None:
    """Written down."""
    asked.append(("switched", (agency.slug, on)))


@hookimpl
def person_export(person: PersonRef) -> list[ExportFile]:
    """Her notes, and a file."""
    words = list(db.session.scalars(select(Note.words).where(Note.person_id == person.id)))
    return [
        ExportFile("tiny-notes", [{"words": w} for w in words], "notes"),
        ExportFile("tiny.bin", b"zqbytesqz", "a file"),
    ]


@hookimpl
def person_erase(person: PersonRef, now: dt.datetime) -> ErasureReport:
    """Her notes go; one thing is kept for a reason."""
    gone = db.session.scalars(delete(Note).where(Note.person_id == person.id).returning(Note.id)).all()
    return ErasureReport(len(gone), 0, (Kept("a receipt", "tax law", dt.date(2030, 1, 1)),))
