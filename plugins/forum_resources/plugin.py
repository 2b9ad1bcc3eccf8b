"""What forum_resources tells the core: every hook, and nothing else."""

from __future__ import annotations

import datetime as dt

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import select

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
    Permission,
    PersonRef,
    PluginInfo,
    Scope,
    SearchProvider,
    Viewer,
    db,
    hookimpl,
    rows_of,
)
from forum_resources import actions, queries, routes, rules
from forum_resources.models import LocalListing


@hookimpl
def plugin_info() -> PluginInfo:
    """Listings are on unless an agency switches its own part off; the site's part stays."""
    return PluginInfo(
        "resources", _("Help and resources"),
        _("Help lines and services, with hours and whether anybody has checked them, and what your agency adds."),
        Scope.BOTH, default_on=True,
        touches=_("Nobody’s data: it does not note who looks. What your office adds is shown to your own people."),
    )  # fmt: skip


@hookimpl
def blueprints() -> list[Mount]:
    """The catalogue is quiet: nobody is noted on it."""
    return [Mount(routes.bp, at="site", quiet=True), Mount(routes.local_bp, at="agency")]


@hookimpl
def permissions() -> list[Permission]:
    """See `rules.py`."""
    return rules.PERMISSIONS


@hookimpl
def jobs() -> list[Job]:
    """Reports count for a week."""
    return [Job("resources.forget_reports", dt.timedelta(hours=6), actions.forget_reports)]


@hookimpl
def search_providers() -> list[SearchProvider]:
    """Listings in the site's search."""
    return [SearchProvider("resources.listings", queries.find)]


@hookimpl
def health_checks() -> list[HealthCheck]:
    """Numbers that several people said are dead."""
    return [HealthCheck("resources.reported", queries.reported_sentence)]


@hookimpl
def seed(now: dt.datetime, demo: Demo | None) -> None:
    """The shipped contacts; in the demo, a listing of an agency's own."""
    if demo is None:
        actions.load_contacts()
    elif not db.session.scalar(select(LocalListing.id).limit(1)):
        db.session.add(
            LocalListing(
                agency_id=demo.agencies["northlight"], name="Model flat on Orchard Street: the person with the keys",
                contact="+1 212 555 0142", note="Lost keys, no heat, or you do not feel safe there: any hour.",
                added_by=demo.people["clea"], added_at=now - dt.timedelta(days=20),
            )
        )  # fmt: skip


@hookimpl
def nav_items(viewer: Viewer, agency: AgencyRef | None) -> list[NavItem]:
    """Help is one tap away."""
    return [NavItem(gettext("Help"), "resources.show_help_now", weight=90)]


@hookimpl
def help_links(topic: str, viewer: Viewer, agency: AgencyRef | None) -> list[HelpLink]:
    """The strip on the foot of every page."""
    if topic != "strip":
        return []
    lines = queries.strip()
    return [*lines, HelpLink(gettext("All lines"), "/resources/help-now", weight=900)] if lines else []


@hookimpl
def page_slot(slot: str, viewer: Viewer, agency: AgencyRef | None) -> list[Card]:
    """More than the strip, where somebody looks around."""
    if slot == "visitor_home" or (slot == "agency_home" and agency is not None):
        context = {"agency": agency if viewer.signed_in else None}
        return [Card(gettext("Help and resources"), "resources/card.html", context)]
    return []


@hookimpl
def dashboard_cards(viewer: Viewer, agency: AgencyRef | None) -> list[Card]:
    """The way to the lines, on a member's first page."""
    return [Card(gettext("Somebody to talk to"), "resources/card.html", {"agency": agency}, weight=80)]


@hookimpl
def person_export(person: PersonRef) -> list[ExportFile]:
    """What she added for her agency; a report that a number is dead has no person."""
    rows = db.session.execute(
        select(LocalListing.name, LocalListing.contact, LocalListing.note, LocalListing.added_at).where(
            LocalListing.added_by == person.id
        )
    )
    return [ExportFile("resources-added", rows_of(rows), "listings you added for your agency")]


@hookimpl
def person_erase(person: PersonRef, now: dt.datetime) -> ErasureReport:
    """The agency's listings stay, without who added them."""
    rows = db.session.scalars(select(LocalListing).where(LocalListing.added_by == person.id)).all()
    for row in rows:
        row.added_by = None
    return ErasureReport(anonymised=len(rows))
