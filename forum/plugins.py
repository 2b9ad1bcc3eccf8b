"""The plugins of one application, and the four verbs by which the core speaks to them.

Whether a plugin is on in an agency is decided here, once, so plugin code never asks. Faults of a plugin
are contained here: its part is missing, a permission it was asked for is refused, and the log names it.
What it must be to be let in is in `admission`, what the core's parts get from it in `wiring`, where its
pages live in `mounting`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata
from typing import Any, TypeVar

from flask import Flask, current_app, g
from flask_babel import gettext

from forum import admission, permissions, switches
from forum.admission import Broken, Plugin
from forum.db import unharmed
from forum.declare import (
    ANYONE,
    SIGNED_IN,
    AgencyRef,
    HealthCheck,
    HelpLink,
    Job,
    Mount,
    NotificationKind,
    Permission,
    Scope,
    SearchProvider,
    Verdict,
    check_fields,
)
from forum.faults import Faults
from forum.viewer import Membership, Viewer

T = TypeVar("T")
log = logging.getLogger(__name__)
GROUP = "forum.plugins"  # of entry points
MOST_ITEMS = 100  # that one hook shows on a page
LARGEST = 65_536  # characters in what one hook shows on a page, or in one rendered part
REACHES = ("/", "tel:", "sms:", "https:")  # what a way to help may begin with


@dataclass(frozen=True)
class Place:
    """Where a page stands: at an agency (None: at none) with these plugins on."""

    agency: AgencyRef | None = None
    on: frozenset[str] = frozenset()

    def calls(self, plugin: Plugin) -> tuple[bool, AgencyRef | None]:
        """Whether this plugin is called here, and for which agency; the gate of house.md, section 6."""
        if self.agency is not None and plugin.name in self.on:
            return True, self.agency
        return plugin.info.scope is not Scope.AGENCY, None


NOWHERE = Place()


@dataclass(frozen=True)
class Shown:
    """One item that a plugin wants to show, with whose it is and for which agency it was asked."""

    plugin: Plugin
    item: Any
    agency: AgencyRef | None = None


class Plugins:
    """A set of plugins with a manager of its own. Errors: Broken for any that a site must not start with."""

    def __init__(self, hooks: Sequence[Any], trace: bool = False) -> None:
        self.manager = admission.registered(hooks)
        if trace:
            self.manager.add_hookcall_monitoring(_trace, lambda *call: None)
        self.faults = Faults()
        known = sorted(map(self._known, hooks), key=lambda p: p.name)
        admission.check_names(known)
        self._by_name = {plugin.name: plugin for plugin in known}
        self._callers = self._own_callers()
        self.roles = {role.name: role for plugin in self for role in plugin.info.roles}
        self.permissions = {p.name: p for plugin in self for p in self._permissions(plugin)}
        self.jobs = {job.name: job for _, job in self._declared("jobs", Job)}
        self.mounts = list(self._declared("blueprints", Mount))
        self.kinds = {k.name: (p, k) for p, k in self._declared("notification_kinds", NotificationKind)}
        self.providers = list(self._declared("search_providers", SearchProvider))
        self.checks = list(self._declared("health_checks", HealthCheck))
        self.settings_forms = {
            plugin.name: admission.check_form(plugin, form)
            for plugin in self
            for form in _at_start(plugin.name, "agency_settings_form", partial(self._call, plugin))
        }
        admission.check_tables(self)

    def __iter__(self) -> Iterator[Plugin]:
        return iter(self._by_name.values())

    def get(self, name: str) -> Plugin | None:
        """The plugin of this name, if it is loaded."""
        return self._by_name.get(name)

    # --- verbs ---------------------------------------------------------------------------------

    def everyone(self, hook: str, kind: type | None = None, **given: Any) -> list[tuple[Plugin, Any]]:
        """Every loaded plugin's answer; never gated. A fault is the caller's, with the plugin's name on it.

        `kind`: what an answer must be. Errors: TypeError for another, and whatever the plugin raises.
        """
        return [(p, answer) for p in self for answer in self._strictly(p, hook, kind, given)]

    def one(self, plugin: Plugin, hook: str, **given: Any) -> list[Any]:
        """One plugin's answer; a fault is the caller's, with the plugin's name on it."""
        return self._strictly(plugin, hook, None, given)

    def show(self, hook: str, kind: type, place: Place, **given: Any) -> list[Shown]:
        """What plugins want to show here, by weight and name; faulty, slow or oversize parts are left out."""
        found: list[Shown] = []
        for plugin in self:
            called, agency = place.calls(plugin)
            if called and (plugin.name, hook) in self._callers:
                step = partial(self._items, plugin, hook, kind, {**given, "agency": agency})
                found += [Shown(plugin, item, agency) for item in self.contained(plugin, hook, step) or ()]
        return sorted(found, key=lambda s: (s.item.weight, s.plugin.name))

    def contained(self, plugin: Plugin, what: str, step: Callable[[], T]) -> T | None:
        """The answer of a step that shows something; None when it failed or the plugin pauses."""
        return None if self.faults.is_paused(plugin.name) else self.guarded(plugin, what, step)

    def guarded(self, plugin: Plugin, what: str, step: Callable[[], T]) -> T | None:
        """The step's answer, None when it failed, which is logged. Slow ones are counted.

        The transaction goes on either way (see `db.unharmed`).
        """
        begun = self.faults.stopwatch()
        try:
            with unharmed():
                return step()
        except Exception as fault:  # whatever a plugin does wrong is its own part's loss
            self.faults.note_fault(plugin.name, what, fault, quiet="quiet" in g)
            return None
        finally:
            self.faults.note_time(plugin.name, what, self.faults.stopwatch() - begun)

    def hooks_of(self, plugin: Plugin) -> list[str]:
        """Names of the hooks that a plugin implements."""
        return sorted(hook for name, hook in self._callers if name == plugin.name)

    def _own_callers(self) -> dict[tuple[str, str], Any]:
        """(plugin, hook) → what calls this plugin's hook and no other's."""
        everybody = [plugin.hooks for plugin in self]
        return {
            (plugin.name, caller.name): self.manager.subset_hook_caller(
                caller.name, [hooks for hooks in everybody if hooks is not plugin.hooks]
            )
            for plugin in self
            for caller in self.manager.get_hookcallers(plugin.hooks) or ()
        }

    def _call(self, plugin: Plugin, hook: str, given: Mapping[str, Any] | None = None) -> list[Any]:
        caller = self._callers.get((plugin.name, hook))
        return list(caller(**(given or {}))) if caller else []

    def _strictly(self, plugin: Plugin, hook: str, kind: type | None, given: Mapping[str, Any]) -> list[Any]:
        try:
            answers = self._call(plugin, hook, given)
            for answer in answers:
                if kind is not None and not isinstance(answer, kind):
                    raise TypeError(f"it answered {type(answer).__name__}, not {kind.__name__}")
        except Exception as fault:
            fault.add_note(f"In {hook} of the plugin {plugin.name}.")
            raise
        return answers

    def _items(self, plugin: Plugin, hook: str, kind: type, given: Mapping[str, Any]) -> list[Any]:
        """A plugin's items for a page. Errors: TypeError, ValueError for what nobody can show."""
        items = [item for answer in self._call(plugin, hook, given) for item in _listed(answer)]
        if len(items) > MOST_ITEMS:
            raise ValueError(f"{hook} answered {len(items)} items")
        for item in items:
            if not isinstance(item, kind):
                raise TypeError(f"{hook} answered {type(item).__name__}, not {kind.__name__}")
            check_fields(item)
            if isinstance(item, HelpLink) and not item.url.startswith(REACHES):
                raise ValueError(f"a HelpLink leads to {item.url[:40]!r}")
        if sum(len(v) for item in items for v in vars(item).values() if isinstance(v, str)) > LARGEST:
            raise ValueError(f"{hook} answered more than {LARGEST} characters")
        return items

    # --- the gate ------------------------------------------------------------------------------

    def enabled(self, touched: Mapping[str, bool]) -> frozenset[str]:
        """Names of what is on in an agency with these switches: else the default, less what lacks a requirement."""
        site = {p.name for p in self if p.info.scope is Scope.SITE}
        on = {p.name for p in self if touched.get(p.name, p.info.default_on)} - site
        while lacking := {name for name in on if not set(self._by_name[name].info.requires) <= on | site}:
            on -= lacking
        return frozenset(on)

    def enabled_for(self, agency_id: int) -> frozenset[str]:
        """Names of what is on in an agency; one statement, once a request for each agency."""
        known: dict[int, frozenset[str]] = g.setdefault("plugins_on", {})
        if agency_id not in known:
            known[agency_id] = self.enabled(switches.switches_of(agency_id))
        return known[agency_id]

    def forget_switches(self, agency_id: int) -> None:
        """A switch of this agency has changed in the present request."""
        g.setdefault("plugins_on", {}).pop(agency_id, None)

    def switched(self, plugin: Plugin, agency: AgencyRef, on: bool) -> None:
        """Tell a plugin of its switch, in the same transaction. Errors: Refused, by it or because it failed."""
        try:
            self.one(plugin, "plugin_switched", agency=agency, on=on)
        except permissions.Refused:
            raise
        except Exception as fault:
            self.faults.note_fault(plugin.name, "plugin_switched", fault)
            raise permissions.Refused(
                gettext(
                    "This part could not be switched, and nothing was changed. Tell the people who run Callboard."
                )
            ) from fault

    def place_of(self, standing: Membership | None) -> Place:
        """The place of a standing at an agency; NOWHERE for none. Asks the database nothing."""
        if standing is None or standing.agency_id is None:
            return NOWHERE
        agency = AgencyRef(standing.agency_id, standing.slug, standing.name)
        return Place(agency, self.enabled(switches.decoded(standing.switches)))

    def places(self) -> list[Place]:
        """Every agency with what is on there: for jobs and the command line. One statement."""
        return [Place(agency, self.enabled(touched)) for agency, touched in switches.every_agency()]

    def place_by_id(self, agency_id: int) -> Place:
        """An agency with what is on there at this moment; NOWHERE when it is gone."""
        found = [place for place in self.places() if place.agency and place.agency.id == agency_id]
        return found[0] if found else NOWHERE

    def is_on(self, plugin: Plugin, agency_id: int | None) -> bool:
        """Whether what hangs on an agency's switch is to be seen; what hangs on none always is."""
        everywhere = agency_id is None or plugin.info.scope is Scope.SITE
        return everywhere or plugin.name in self.enabled_for(agency_id or 0)

    def narrowed(self, viewer: Viewer, plugin: Plugin) -> Viewer:
        """The viewer with the memberships only of agencies that have this plugin on, and the Alliance's.

        A plugin of the site has no switch: it sees her whole.
        """
        if plugin.info.scope is Scope.SITE:
            return viewer
        return viewer.within(lambda m: m.agency_id is None or plugin.name in self.place_of(m).on)

    # --- permissions ---------------------------------------------------------------------------

    def _permissions(self, plugin: Plugin) -> Iterator[permissions.Permission]:
        for _, declared in self._declared("permissions", Permission, [plugin]):
            roles = frozenset(declared.default_roles)
            yield permissions.Permission(
                declared.name, declared.title, partial(_holds, roles), signed_in=ANYONE not in roles,
                sensitive=declared.sensitive, verdict=partial(self._verdict, plugin, declared.name),
            )  # fmt: skip

    def _verdict(
        self,
        plugin: Plugin,
        name: str,
        default: bool,
        viewer: Viewer,
        standing: Membership | None,
        subject: Any,
    ) -> bool:
        """Default roles and the plugin's own word, folded: a denial wins, a fault is one, and off is off."""
        called, agency = self.place_of(_here(viewer, standing)).calls(plugin)
        if not called or (plugin.name, "permission_verdict") not in self._callers:
            return called and default
        given = {"viewer": viewer, "permission": name, "subject": subject, "agency": agency}
        step = partial(self._words, plugin, given)
        said = self.guarded(plugin, f"permission_verdict({name})", step)
        return said is not None and Verdict.DENY not in said and (default or Verdict.ALLOW in said)

    def _words(self, plugin: Plugin, given: Mapping[str, Any]) -> list[Verdict]:
        """What a plugin says of a permission. Errors: TypeError."""
        said = self._call(plugin, "permission_verdict", given)
        if any(not isinstance(word, Verdict) for word in said):
            raise TypeError("permission_verdict answered something else than a Verdict")
        return said

    # --- at start --------------------------------------------------------------------------------

    def _known(self, hooks: Any) -> Plugin:
        callers = {caller.name for caller in self.manager.get_hookcallers(hooks) or ()}
        step = hooks.plugin_info if "plugin_info" in callers else _nothing
        return admission.known(hooks, _at_start(admission.said_by(hooks), "plugin_info", lambda hook: step()))

    def _declared(
        self, hook: str, kind: type[T], among: Sequence[Plugin] | None = None
    ) -> Iterator[tuple[Plugin, T]]:
        """Declarations of all plugins, checked. Errors: Broken."""
        seen: set[str] = set()
        for plugin in among if among is not None else self:
            for item in _at_start(plugin.name, hook, partial(self._listed_items, plugin)):
                admission.check_declared(plugin, hook, kind, item, seen)
                yield plugin, item

    def _listed_items(self, plugin: Plugin, hook: str) -> list[Any]:
        return [item for answer in self._call(plugin, hook) for item in _listed(answer)]


def load(blocked: Sequence[str] = (), given: Sequence[Any] | None = None, trace: bool = False) -> Plugins:
    """The plugins that are installed (or `given`), without the blocked ones, which are not even imported.

    Errors: Broken, with the plugin's name, when one cannot be imported or must not be started with.
    """
    if given is None:
        found = sorted(metadata.entry_points(group=GROUP), key=lambda point: point.name)
        given = [_imported(point) for point in found if point.name not in blocked]
    return Plugins(given, trace)


def _imported(point: metadata.EntryPoint) -> Any:
    try:
        return point.load()
    except Exception as fault:
        raise Broken(
            f"The plugin {point.name} cannot be imported ({type(fault).__name__}: {fault}). Mend it, or set "
            f"CALLBOARD_BLOCKED_PLUGINS={point.name} to start without it."
        ) from fault


def _at_start(whose: str, hook: str, step: Callable[[str], T]) -> T:
    """What a hook answers at start. Errors: Broken, whatever the plugin raises."""
    try:
        return step(hook)
    except Exception as fault:
        raise Broken(f"{whose}: {hook}() failed ({type(fault).__name__}: {fault}).") from fault


def loaded(app: Flask | None = None) -> Plugins:
    """The plugins of the application in hand; an application that was given none has an empty set."""
    extensions = (app or current_app).extensions
    found: Plugins = extensions["plugins"] if "plugins" in extensions else Plugins([])
    return found


def _here(viewer: Viewer, standing: Membership | None) -> Membership | None:
    """On an agency's page of a plugin, no standing means none here, and never one at another agency."""
    page: Membership | None = g.get("agency_page")
    if standing is not None or page is None:
        return standing
    return viewer.membership(page.slug) or replace(page, roles=frozenset(), confirmed=False)


def _holds(roles: frozenset[str], viewer: Viewer, standing: Membership | None) -> bool:
    """Rule: one of these roles at the agency in hand or with the Alliance; anywhere, where there is no agency."""
    if roles & {ANYONE} or (viewer.signed_in and SIGNED_IN in roles):
        return True
    at = _here(viewer, standing)
    held = viewer.roles if at is None else at.roles | viewer.site_roles
    return bool(held & roles)


def _listed(answer: Any) -> Sequence[Any]:
    """An answer as a list. Errors: TypeError for anything else."""
    if not isinstance(answer, (list, tuple)):
        raise TypeError(f"a hook answered {type(answer).__name__}, not a list")
    return answer


def _nothing() -> None:
    """What a plugin without plugin_info says of itself."""


def _trace(name: str, implementations: Sequence[Any], given: Mapping[str, Any]) -> None:
    asked = ", ".join(i.plugin_name for i in implementations)
    log.warning("hook %s(%s) → %s", name, ", ".join(f"{k}={v!r}"[:60] for k, v in given.items()), asked)
