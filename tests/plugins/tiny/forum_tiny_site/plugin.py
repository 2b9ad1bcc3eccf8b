"""What forum_tiny_site tells the core."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from forum.sdk import (
    ANYONE,
    SIGNED_IN,
    AgencyRef,
    Card,
    HelpLink,
    Mount,
    NavItem,
    Permission,
    PluginInfo,
    Scope,
    SearchHit,
    SearchProvider,
    Viewer,
    hookimpl,
)
from forum_tiny_site import models, routes

TABLES = (models.Tap,)


@hookimpl
def plugin_info() -> PluginInfo:
    return PluginInfo(
        "tiny_site", _("Tiny site"), _("For everybody"), Scope.BOTH, default_on=True, slug="tiny"
    )


@hookimpl
def blueprints() -> list[Mount]:
    return [
        Mount(routes.bp, at="site", quiet=True),
        Mount(routes.short, at="site", path="/t"),
        Mount(routes.here),
    ]


@hookimpl
def permissions() -> list[Permission]:
    return [
        Permission("tiny_site.read", _("Read"), {ANYONE}),
        Permission("tiny_site.meet", _("Meet"), {SIGNED_IN}),
        Permission("tiny_site.enter", _("Enter by a pass")),
    ]


@hookimpl
def search_providers() -> list[SearchProvider]:
    return [SearchProvider("tiny_site.things", find)]


def find(q: str, viewer: Viewer, limit: int) -> list[SearchHit]:
    """One thing, which says for how many agencies it was asked."""
    return [SearchHit(1, f"Site thing for {len(viewer.agencies)} agencies", "/tiny")]


@hookimpl
def nav_items(viewer: Viewer, agency: AgencyRef | None) -> list[NavItem]:
    where = agency.slug if agency else "the site"
    return [NavItem(f"Tiny for {where}", "tiny_site.show_quiet", weight=20)]


@hookimpl
def dashboard_cards(viewer: Viewer, agency: AgencyRef | None) -> list[Card]:
    return [
        Card("Tiny site", "tiny_site/card.html", {"where": agency.slug if agency else "the site"}, weight=10)
    ]


@hookimpl
def page_slot(slot: str, agency: AgencyRef | None) -> list[Card]:
    return [
        Card("Tiny site", "tiny_site/card.html", {"where": agency.slug if agency else "the site"}, weight=10)
    ]


@hookimpl
def help_links(topic: str, viewer: Viewer, agency: AgencyRef | None) -> list[HelpLink]:
    urgent = HelpLink("Urgent", "tel:+15550100", urgent=True, weight=900)
    return [HelpLink("Calm", "/tiny", weight=1), urgent] if topic == "tiny" else []
