"""Switching a plugin on and off for an agency, and setting it up. Effective at the next request, everywhere."""

from __future__ import annotations

import json
from typing import Any

from flask_babel import gettext
from sqlalchemy.dialects.postgresql import insert  # SQLite is written the same ON CONFLICT

from forum import audit, jobs
from forum.agencies import news, rules
from forum.agencies.log import say
from forum.agencies.switching import queries
from forum.db import db, now
from forum.pages import Form
from forum.permissions import Refused
from forum.plugins import Place, Plugin, loaded
from forum.switches import AgencyPlugin, settings_of
from forum.viewer import Viewer

LONGEST = 20_000  # characters of JSON that an agency's settings of one plugin may take


def switch(viewer: Viewer, slug: str, name: str, on: bool) -> Plugin:
    """Switch a plugin; nothing happens when it is so already. Settings and data stay. Errors: Missing, Refused."""
    plugin, place = queries.switchable(viewer, slug, name)
    if place.agency is None or (name in place.on) == on:
        return plugin
    _check_company(plugin, place, on)
    _store(viewer, place.agency.id, name, enabled=on)
    loaded().switched(plugin, place.agency, on)
    audit.record(
        "agencies.switch_plugin", "agency", place.agency.id, actor_id=viewer.person_id, agency_id=place.agency.id,
        plugin=name, on=on, by=rules.capacity(viewer, viewer.membership(slug)),
    )  # fmt: skip
    return plugin


def _check_company(plugin: Plugin, place: Place, on: bool) -> None:
    """Errors: Refused, naming what must be switched first."""
    if on:
        first = [name for name in plugin.info.requires if name not in place.on]
        sentence = gettext("Switch this on first: %(parts)s.", parts=", ".join(queries.titles(first)))
    else:
        first = [
            other.name for other in loaded() if plugin.name in other.info.requires and other.name in place.on
        ]
        sentence = gettext("Switch this off first: %(parts)s.", parts=", ".join(queries.titles(first)))
    if first:
        raise Refused(sentence)


def set_up(viewer: Viewer, slug: str, name: str, form: Form) -> None:
    """Keep what the agency sets for a plugin. Errors: Missing, Refused."""
    plugin, place = queries.switchable(viewer, slug, name)
    if place.agency is None:
        return
    before = dict(settings_of(place.agency.id, name))
    settings = {field.name: _value(field, before) for field in setting_fields(form)}
    if len(json.dumps(settings)) > LONGEST:
        raise Refused(gettext("That is too much. Make it shorter."), 422)
    _store(viewer, place.agency.id, name, enabled=name in place.on, settings=settings)
    audit.record(
        "agencies.set_up_plugin", "agency", place.agency.id, actor_id=viewer.person_id, agency_id=place.agency.id,
        plugin=plugin.name, by=rules.capacity(viewer, viewer.membership(slug)),
        changed=sorted(key for key, value in settings.items() if before.get(key) != value),
    )  # fmt: skip


def setting_fields(form: Form) -> list[Any]:
    """The fields of a settings form that are settings."""
    return [field for field in form if field.type not in ("CSRFTokenField", "SubmitField")]


def _value(field: Any, before: dict[str, Any]) -> Any:
    """A setting as JSON; an empty secret keeps what was there, since it is never shown (H26)."""
    if field.type == "PasswordField" and not field.data:
        return before.get(field.name, "")
    return json.loads(json.dumps(field.data, default=str))


def _store(viewer: Viewer, agency_id: int, name: str, **values: Any) -> None:
    changed = {"changed_by": viewer.person_id, "changed_at": now(), **values}
    row = insert(AgencyPlugin).values(agency_id=agency_id, plugin=name, **{"settings": {}, **changed})
    db.session.execute(row.on_conflict_do_update(index_elements=["agency_id", "plugin"], set_=changed))
    loaded().forget_switches(agency_id)


def _switched(facts: dict[str, Any]) -> str:
    part = queries.titles([facts["plugin"]])[0]
    if facts["on"]:
        return gettext("Switched on: %(part)s.", part=part)
    return gettext("Switched off: %(part)s.", part=part)


say("agencies.switch_plugin", _switched)
say(
    "agencies.set_up_plugin",
    lambda facts: gettext("Changed the settings of: %(part)s.", part=queries.titles([facts["plugin"]])[0]),
)


@jobs.handler("plugins.paused")
def tell_of_pause(payload: dict[str, str]) -> None:
    """Operators learn that what a plugin shows is left out for a while, because it was slow."""
    news.tell_operators("agencies.plugin_paused", plugin=payload["plugin"])
