"""The hooks: what the core asks of plugins, when, and what they answer. The contract, whole, in one file.

A plugin writes any of these functions under `@hookimpl` in its `plugin.py`; it may leave out
arguments it does not use. The verb in the first line says how the core calls (see `forum/plugins.py`):
ask (by agency, strict), show (by agency, contained), one (a single plugin, strict), everyone (all loaded, strict).
The table of hooks in README.md is made from the docstrings here: `callboard plugins hooks`.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import click
import pluggy

from forum.declare import (
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
    SearchProvider,
    Verdict,
)
from forum.viewer import Viewer

PROJECT = "callboard"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def plugin_info() -> PluginInfo:
    """everyone, at start: who the plugin is; exactly one.

    return PluginInfo("pledges", _("Backstage pledges"), _("Privacy backstage, promised in writing"), Scope.BOTH)
    """


@hookspec
def blueprints() -> list[Mount]:
    """everyone, at start: pages, and where they live.

    return [Mount(routes.bp), Mount(routes.public, at="site", quiet=True), Mount(routes.short, at="site", path="/b")]
    """


@hookspec
def permissions() -> list[Permission]:
    """everyone, at start: the plugin's own permissions, for `@needs`.

    return [Permission("pledges.sign", _("Sign a pledge"), {"agency_manager"}, sensitive=True)]
    """


@hookspec
def agency_settings_form() -> type:
    """everyone, at start: a form class whose fields are what an agency may set; defaults are defaults.

    return forms.AgencySettings
    """


@hookspec
def notification_kinds() -> list[NotificationKind]:
    """everyone, at start: kinds of notices that the plugin sends with `notify`.

    return [NotificationKind("pledges.due", _("A pledge ends soon"), describe=news.describe_due)]
    """


@hookspec
def jobs() -> list[Job]:
    """everyone, at start: recurring tasks.

    return [Job("pledges.remind", dt.timedelta(days=1), actions.remind, per_agency=True)]
    """


@hookspec
def commands() -> list[click.Command]:
    """everyone, on the command line: `callboard <slug> …`, run inside the application and committed at their end.

    return [commands.import_file]
    """


@hookspec
def search_providers() -> list[SearchProvider]:
    """everyone, at start: what the site's search finds here; asked only where the plugin is on.

    return [SearchProvider("resources.listings", queries.find)]
    """


@hookspec
def health_checks() -> list[HealthCheck]:
    """everyone, by /readyz and `callboard doctor`: what to look at.

    return [HealthCheck("resources.overdue", queries.overdue_sentence)]
    """


@hookspec
def seed(now: dt.datetime, demo: Demo | None) -> None:
    """everyone, after `db upgrade` and in the demo: reference data (idempotent); with `demo`, things to try as well.

    actions.load_contacts(now)
    """


@hookspec
def nav_items(viewer: Viewer, agency: AgencyRef | None) -> list[NavItem]:
    """show, on each page: entries of the navigation.

    return [NavItem(_("Resources"), "resources.show_listings")]
    """


@hookspec
def dashboard_cards(viewer: Viewer, agency: AgencyRef | None) -> list[Card]:
    """show, on a member's first page: boxes.

    return [Card(_("Pledges that end soon"), "pledges/due_card.html", {"rows": queries.due(viewer, agency)})]
    """


@hookspec
def page_slot(slot: str, subject: Any, viewer: Viewer, agency: AgencyRef | None) -> list[Card]:
    """show, in a place on a core page: boxes.

    Slots: visitor_home, agency_home, composer, post_footer, profile_side, pair_side, site_footer.
    `subject`: the board's id in composer, the posts' ids in post_footer (once for the page; `Card.row` names the
    post), the person's id in profile_side, the pair's in pair_side, else None.

    return [Card(_("Somebody to talk to"), "resources/footer_card.html")] if slot == "agency_home" else []
    """


@hookspec
def help_links(topic: str, viewer: Viewer, agency: AgencyRef | None) -> list[HelpLink]:
    """show, wherever somebody may need help: ways to it. `topic` 'strip': the foot of every page.

    return [HelpLink(_("Sexual assault"), "tel:+18006564673", urgent=True, about=_("Any hour"))]
    """


@hookspec
def permission_verdict(
    viewer: Viewer, permission: str, subject: Any, agency: AgencyRef | None
) -> Verdict | None:
    """ask, inside `may()` for the plugin's own permissions: more or less than the default roles; None: no opinion.

    return Verdict.ALLOW if permission == "grievances.read" and queries.is_assigned(viewer, subject) else None
    """


@hookspec
def match_objections(agency: AgencyRef) -> set[tuple[int, int]]:
    """everyone, once per matching run: (mentor id, new face id) that must not be paired; no reason is given.

    return queries.pairs_in_conflict(agency.id)
    """


@hookspec
def plugin_switched(agency: AgencyRef, on: bool) -> None:
    """one, when an agency flips the switch: prepare or put away, in the same transaction; Refused keeps the switch.

    actions.prepare(agency) if on else None
    """


@hookspec
def person_export(person: PersonRef) -> list[ExportFile]:
    """everyone, when a person asks for her data: everything that the plugin keeps about her.

    return [ExportFile("pledges-signed", queries.signed_by(person.id), "pledges you signed")]
    """


@hookspec
def person_erase(person: PersonRef, now: dt.datetime) -> ErasureReport:
    """everyone, at erasure, inside one transaction: forget her; say what a legal reason keeps, and until when.

    return actions.forget(person.id, now)
    """
