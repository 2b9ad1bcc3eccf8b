"""Reads about the plugins of an agency."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from forum.accounts.models import Person
from forum.agencies.queries import place_by_slug
from forum.db import db
from forum.declare import Scope
from forum.permissions import Missing
from forum.plugins import Place, Plugin, loaded
from forum.switches import AgencyPlugin, switches_of
from forum.viewer import Viewer


@dataclass(frozen=True)
class Part:
    """One plugin as an agency's page shows it; `needs`: titles of what must be on before it."""

    plugin: Plugin
    on: bool
    has_settings: bool
    needs: tuple[str, ...] = ()
    changed_by: str = ""
    changed_at: dt.datetime | None = None


def parts(viewer: Viewer, slug: str) -> list[Part]:
    """Every plugin that an agency may switch, with who changed it last. Errors: Missing."""
    place = place_by_slug(viewer, slug)
    changes = {row.plugin: row for row in _changes(place)}
    return [_part(plugin, place, changes.get(plugin.name)) for plugin in loaded() if is_switchable(plugin)]


def always_there(viewer: Viewer) -> list[Plugin]:
    """What no agency can switch off: plugins of the site, and the site's part of those that have both."""
    return [plugin for plugin in loaded() if plugin.info.scope is not Scope.AGENCY]


def switchable(viewer: Viewer, slug: str, name: str) -> tuple[Plugin, Place]:
    """A plugin that this agency may switch, and what is on there at this moment. Errors: Missing."""
    agency, plugin = place_by_slug(viewer, slug).agency, loaded().get(name)
    if plugin is None or agency is None or not is_switchable(plugin):
        raise Missing
    return plugin, Place(agency, loaded().enabled(switches_of(agency.id)))


def is_switchable(plugin: Plugin) -> bool:
    """Whether agencies have a say in this plugin."""
    return plugin.info.scope is not Scope.SITE


def titles(names: Sequence[str]) -> tuple[str, ...]:
    """The titles of these plugins; the name of one that is not loaded."""
    found = ((name, loaded().get(name)) for name in names)
    return tuple(str(plugin.info.title) if plugin else name for name, plugin in found)


def _part(plugin: Plugin, place: Place, change: Any) -> Part:
    lacking = [name for name in plugin.info.requires if name not in place.on]
    return Part(
        plugin, plugin.name in place.on, plugin.name in loaded().settings_forms, titles(lacking),
        (change.display_name or "") if change else "", change.changed_at if change else None,
    )  # fmt: skip


def _changes(place: Place) -> Sequence[Any]:
    wanted = (
        select(AgencyPlugin.plugin, AgencyPlugin.changed_at, Person.display_name)
        .outerjoin(Person, Person.id == AgencyPlugin.changed_by)
        .where(AgencyPlugin.agency_id == (place.agency.id if place.agency else 0))
    )
    return db.session.execute(wanted).all()
