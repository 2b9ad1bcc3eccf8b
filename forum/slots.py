"""What plugins show on the core's pages: navigation, cards, slots and help links, each contained.

A hook is called once for a page, never once for a row. A part that fails, is oversize or slow is
missing, and the page is whole.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any

from flask import current_app, g, request, url_for
from markupsafe import Markup

from forum.declare import Card, HelpLink, NavItem
from forum.permissions import may
from forum.plugins import LARGEST, NOWHERE, Place, Plugin, Shown, loaded
from forum.viewer import Membership, current_viewer

SLOTS = (
    "visitor_home", "agency_home", "composer", "post_footer", "profile_side", "pair_side", "site_footer",
)  # fmt: skip
IN_SHEETS = frozenset(
    {"visitor_home", "agency_home", "profile_side", "pair_side"}
)  # each card a sheet of its own


def place_in_hand() -> Place:
    """Where the present page stands: the agency of its address, else the viewer's first, else none."""
    if "place" not in g:
        g.place = loaded().place_of(standing_in_hand())
    found: Place = g.place
    return found


def stand_at(agency_id: int | None) -> None:
    """Say that the present page is about this agency (a board's, say), although its address does not."""
    if agency_id is not None:
        standing = next((m for m in current_viewer().agencies if m.agency_id == agency_id), None)
        g.place = loaded().place_of(standing)


def standing_in_hand() -> Membership | None:
    """The viewer's standing at the agency of this page's address, else at her first agency."""
    viewer = current_viewer()
    slug = g.place.agency.slug if "place" in g and g.place.agency else (request.view_args or {}).get("agency")
    if slug:
        return viewer.membership(slug)
    return viewer.agencies[0] if viewer.agencies else None


def nav_links() -> list[tuple[str, str]]:
    """(label, address) of what plugins put into the navigation for this viewer."""
    viewer, place = current_viewer(), place_in_hand()
    shown = loaded().show("nav_items", NavItem, place, viewer=viewer)
    links = [loaded().contained(s.plugin, "nav_items", partial(_nav_link, s, place)) for s in shown]
    return [link for link in links if link]


def _nav_link(shown: Shown, place: Place) -> tuple[str, str] | None:
    item: NavItem = shown.item
    if item.needs and not may(current_viewer(), item.needs, standing_in_hand()):
        return None
    rules = current_app.url_map.iter_rules(item.endpoint)
    with_agency = any("agency" in rule.arguments for rule in rules)
    if with_agency and shown.plugin.name not in place.on:
        return None
    values: dict[str, Any] = {"agency": place.agency.slug} if with_agency and place.agency else {}
    return item.label, url_for(item.endpoint, **values)


def dashboard() -> list[Markup]:
    """The cards of a member's first page: for each of her agencies what is on there, else the site's part."""
    viewer, plugins = current_viewer(), loaded()
    places = [plugins.place_of(standing) for standing in viewer.agencies] or [NOWHERE]
    cards: list[Shown] = []
    for n, place in enumerate(places):
        shown = plugins.show("dashboard_cards", Card, place, viewer=viewer)
        cards += [s for s in shown if n == 0 or s.plugin.name in place.on]
    return [html for s in cards if (html := rendered(s, in_sheet=True))]


def slot(name: str, subject: Any = None) -> Markup:
    """What plugins put into a place on this page. Errors: KeyError for a place that no page has."""
    if name not in SLOTS:
        raise KeyError(name)
    shown = loaded().show(
        "page_slot", Card, place_in_hand(), slot=name, subject=subject, viewer=current_viewer()
    )
    parts = [rendered(s, in_sheet=name in IN_SHEETS) for s in shown]
    return Markup("").join(part for part in parts if part)


def row_slots(name: str, rows: Collection[int]) -> dict[int, Markup]:
    """The same for a place that stands on every row of a list: asked once, answered by row."""
    shown = loaded().show(
        "page_slot", Card, place_in_hand(), slot=name, subject=tuple(rows), viewer=current_viewer()
    )
    found: dict[int, Markup] = {}
    for s in shown:
        part = rendered(s, in_sheet=False) if s.item.row in rows else None
        if part:
            found[s.item.row] = found.get(s.item.row, Markup("")) + part
    return found


def help_links(topic: str) -> list[HelpLink]:
    """Ways to help on this topic, urgent ones first."""
    shown = loaded().show("help_links", HelpLink, place_in_hand(), topic=topic, viewer=current_viewer())
    return sorted((s.item for s in shown), key=lambda link: not link.urgent)


def rendered(shown: Shown, in_sheet: bool) -> Markup | None:
    """A card as HTML in the core's frame; None when it cannot be had."""
    return loaded().contained(shown.plugin, f"card {shown.item.template}", partial(_render, shown, in_sheet))


def _render(shown: Shown, in_sheet: bool) -> Markup:
    """Errors: ValueError for a template that is not the plugin's own, or for a part that is too large."""
    plugin, card = shown.plugin, shown.item
    _check_owner(plugin, card)
    environment = current_app.jinja_env
    own = {"viewer": current_viewer(), **card.context}
    html = environment.get_template(card.template).render(own)
    if len(html) > LARGEST:
        raise ValueError(f"{card.template} is {len(html)} characters long")
    if not in_sheet:
        return Markup(html)
    frame = environment.get_template("slots/card.html")
    return Markup(frame.render(title=card.title, html=Markup(html)))


def _check_owner(plugin: Plugin, card: Card) -> None:
    if not card.template.startswith(f"{plugin.name}/"):
        raise ValueError(f"the template {card.template} is not the plugin's own")
