"""The plugins of one application, and the four verbs by which the core speaks to them.

The only file that touches pluggy's manager. Whether a plugin is on in an agency is decided here, once,
so plugin code never asks. Faults of a plugin are contained here: its part is missing, a permission it
was asked for is refused, and the log names it. Where its pages live is in `mounting`.
"""

from __future__ import annotations

import logging
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import pluggy
from flask import Flask, current_app, g
from flask_babel import gettext
from sqlalchemy import ForeignKey
from sqlalchemy.exc import SQLAlchemyError, StatementError

from forum import hookspecs, jobs, notices, permissions, search, switches
from forum.db import Base, db, is_reading
from forum.declare import (
    ANYONE,
    SIGNED_IN,
    AgencyRef,
    HealthCheck,
    Job,
    Mount,
    NotificationKind,
    Permission,
    PluginInfo,
    Scope,
    SearchProvider,
    Verdict,
)
from forum.viewer import Membership, Viewer

T = TypeVar("T")
log = logging.getLogger(__name__)
GROUP = "forum.plugins"  # of entry points
NAME = re.compile(r"[a-z][a-z0-9_]{1,29}")
ROLE = re.compile(r"[a-z][a-z_]{1,19}")
SLUG = re.compile(r"[a-z][a-z0-9-]{1,29}")
SLOW = 0.5  # seconds that one call may take
SLOW_CALLS = 3  # within SLOW_WITHIN, and the plugin's shown parts pause for PAUSE
SLOW_WITHIN = 600.0
PAUSE = 600.0
MOST_FOUND = 5  # hits of one provider on a page, so that posts keep their place
LARGEST = 65_536  # characters in one shown item, or in one rendered part


class Broken(Exception):
    """The site does not start with this plugin; the sentence names it and says why."""


@dataclass(frozen=True)
class Plugin:
    """One loaded plugin: what it says of itself, its hooks, and the folder it is in (None: it has none)."""

    info: PluginInfo
    hooks: Any
    package: str
    folder: Path | None

    @property
    def name(self) -> str:
        """Its name: the prefix of its tables, permissions, jobs, kinds and endpoints."""
        return self.info.name

    def own(self, folder: str) -> Path | None:
        """One of the folders that are found without a hook: templates, static, translations, migrations."""
        found = self.folder / folder if self.folder else None
        return found if found and found.is_dir() else None


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
    """One item that a plugin wants to show, with whose it is."""

    plugin: Plugin
    item: Any


@dataclass
class Faults:
    """What went wrong in this process, and which plugins pause for being slow."""

    clock: Callable[[], float] = time.monotonic
    slow: dict[str, deque[float]] = field(default_factory=dict)
    until: dict[str, float] = field(default_factory=dict)
    unreported: set[str] = field(default_factory=set)

    def note_fault(self, plugin: Plugin, what: str, fault: Exception | None = None, why: str = "") -> None:
        """Log it under the plugin's name; values in SQL are people's data and stay out."""
        if isinstance(fault, StatementError):
            fault.hide_parameters = True
        log.error("plugin %s failed in %s%s", plugin.name, what, f": {why}" if why else "", exc_info=fault)

    def note_time(self, plugin: Plugin, what: str, seconds: float) -> None:
        """Count a slow call; the third within ten minutes pauses the plugin's shown parts."""
        if seconds <= SLOW:
            return
        log.warning("plugin %s took %d ms in %s", plugin.name, seconds * 1000, what)
        at, calls = self.clock(), self.slow.setdefault(plugin.name, deque(maxlen=SLOW_CALLS))
        calls.append(at)
        if len(calls) == SLOW_CALLS and at - calls[0] <= SLOW_WITHIN:
            self.until[plugin.name] = at + PAUSE
            self.unreported.add(plugin.name)
            calls.clear()
            log.error("plugin %s is slow: what it shows pauses for %d s", plugin.name, PAUSE)

    def is_paused(self, plugin: Plugin) -> bool:
        """Whether this plugin's shown parts are left out for now."""
        return self.clock() < self.until.get(plugin.name, 0.0)


class Plugins:
    """A set of plugins with a manager of its own. Errors: Broken for any that a site must not start with."""

    def __init__(self, hooks: Sequence[Any], trace: bool = False) -> None:
        self.manager = pluggy.PluginManager(hookspecs.PROJECT)
        self.manager.add_hookspecs(hookspecs)
        for one in hooks:
            self.manager.register(one)
        _check_spelling(self.manager)
        if trace:
            self.manager.add_hookcall_monitoring(_trace, lambda *call: None)
        self.faults = Faults()
        self._by_name = {p.name: p for p in sorted(map(self._known, hooks), key=lambda p: p.name)}
        self._check_names(len(hooks))
        self._callers: dict[tuple[str, str], Any] = {}
        self.roles = {role.name: role for plugin in self for role in plugin.info.roles}
        self.permissions = {p.name: p for plugin in self for p in self._permissions(plugin)}
        self.jobs = {job.name: job for _, job in self._declared("jobs", Job)}
        self.mounts = list(self._declared("blueprints", Mount))
        self.kinds = {k.name: (p, k) for p, k in self._declared("notification_kinds", NotificationKind)}
        self.providers = list(self._declared("search_providers", SearchProvider))
        self.checks = list(self._declared("health_checks", HealthCheck))
        self.settings_forms = {p.name: form for p, form in self.everyone("agency_settings_form")}
        self._check_tables()

    def __iter__(self) -> Iterator[Plugin]:
        return iter(self._by_name.values())

    def get(self, name: str) -> Plugin | None:
        """The plugin of this name, if it is loaded."""
        return self._by_name.get(name)

    # --- verbs ---------------------------------------------------------------------------------

    def everyone(self, hook: str, **given: Any) -> list[tuple[Plugin, Any]]:
        """Every loaded plugin's answer; never gated, and a fault is the caller's."""
        return [(p, answer) for p in self for answer in self._call(p, hook, given)]

    def one(self, plugin: Plugin, hook: str, **given: Any) -> list[Any]:
        """One plugin's answer; a fault is the caller's."""
        return list(self._call(plugin, hook, given))

    def ask(self, plugin: Plugin, hook: str, place: Place, **given: Any) -> list[Any]:
        """One plugin's answer if the place calls it; a fault is the caller's."""
        called, agency = place.calls(plugin)
        return list(self._call(plugin, hook, {**given, "agency": agency})) if called else []

    def show(self, hook: str, kind: type, place: Place, **given: Any) -> list[Shown]:
        """What plugins want to show here, by weight and name; faulty, slow or oversize parts are left out."""
        found: list[Shown] = []
        for plugin in self:
            called, agency = place.calls(plugin)
            if called and (plugin.name, hook) in self._implemented:
                step = partial(self._items, plugin, hook, kind, {**given, "agency": agency})
                found += [Shown(plugin, item) for item in self.contained(plugin, hook, step) or ()]
        return sorted(found, key=lambda s: (s.item.weight, s.plugin.name))

    def contained(self, plugin: Plugin, what: str, step: Callable[[], T]) -> T | None:
        """The step's answer; None when it failed (which is logged) or the plugin pauses. Slow ones are counted."""
        if self.faults.is_paused(plugin):
            return None
        begun = time.perf_counter()
        try:
            return step()
        except Exception as fault:  # whatever a plugin does wrong is its own part's loss
            self.faults.note_fault(plugin, what, fault)
            _forget_failed_transaction(fault)
            return None
        finally:
            self.faults.note_time(plugin, what, time.perf_counter() - begun)

    def hooks_of(self, plugin: Plugin) -> list[str]:
        """Names of the hooks that a plugin implements."""
        return sorted(hook for name, hook in self._implemented if name == plugin.name)

    def _call(self, plugin: Plugin, hook: str, given: Mapping[str, Any]) -> Iterator[Any]:
        if (plugin.name, hook) in self._implemented:
            yield from self._callers[plugin.name, hook](**given)

    @property
    def _implemented(self) -> dict[tuple[str, str], Any]:
        if not self._callers:
            for plugin in self._by_name.values():
                others = [p.hooks for p in self._by_name.values() if p is not plugin]
                for caller in self.manager.get_hookcallers(plugin.hooks) or ():
                    subset = self.manager.subset_hook_caller(caller.name, others)
                    self._callers[plugin.name, caller.name] = subset
        return self._callers

    def _items(self, plugin: Plugin, hook: str, kind: type, given: Mapping[str, Any]) -> list[Any]:
        """A plugin's items for a page. Errors: TypeError, ValueError for what nobody can show."""
        items = [item for answer in self._call(plugin, hook, given) for item in _listed(answer)]
        for item in items:
            if not isinstance(item, kind):
                raise TypeError(f"{hook} answered {type(item).__name__}, not {kind.__name__}")
            if sum(len(v) for v in vars(item).values() if isinstance(v, str)) > LARGEST:
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
            self.faults.note_fault(plugin, "plugin_switched", fault)
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

    def places(self) -> Iterator[Place]:
        """Every agency with what is on there: for jobs and the command line."""
        for agency, touched in switches.every_agency():
            yield Place(agency, self.enabled(touched))

    def narrowed(self, viewer: Viewer, plugin: Plugin) -> Viewer:
        """The viewer with the memberships only of agencies that have this plugin on, and the Alliance's."""
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
        """Default roles and the plugin's own word, folded: a denial wins, a fault is one."""
        place = self.place_of(standing)
        given = {"viewer": viewer, "permission": name, "subject": subject}
        begun = time.perf_counter()
        try:
            said = self.ask(plugin, "permission_verdict", place, **given)
            if any(not isinstance(v, Verdict) for v in said):
                raise TypeError("permission_verdict answered something else than a Verdict")
        except Exception as fault:
            self.faults.note_fault(plugin, f"permission_verdict({name})", fault)
            _forget_failed_transaction(fault)
            return False
        self.faults.note_time(plugin, "permission_verdict", time.perf_counter() - begun)
        return Verdict.DENY not in said and (default or Verdict.ALLOW in said)

    # --- what is looked at when the site starts --------------------------------------------------

    def _known(self, hooks: Any) -> Plugin:
        info = getattr(hooks, "plugin_info", lambda: None)()
        where = getattr(hooks, "__name__", type(hooks).__name__)
        if not isinstance(info, PluginInfo):
            raise Broken(f"{where}: plugin_info() must answer one PluginInfo.")
        if not NAME.fullmatch(info.name) or not SLUG.fullmatch(info.address):
            raise Broken(f"{where}: a plugin's name is small letters, digits and _, its slug has - instead.")
        file = getattr(hooks, "__file__", None)
        package = where.rpartition(".")[0] if isinstance(hooks, ModuleType) else ""
        return Plugin(info, hooks, package, Path(file).resolve().parent if file else None)

    def _check_names(self, loaded: int) -> None:
        roles = [role for plugin in self for role in plugin.info.roles]
        if len({r.name for r in roles}) != len(roles) or any(not ROLE.fullmatch(r.name) for r in roles):
            raise Broken(
                "A plugin's role has no name of its own, or one that is not small letters, at most 20."
            )
        if len(self._by_name) != loaded or len({p.info.address for p in self}) != loaded:
            raise Broken("Two plugins have the same name or the same slug.")

    def _declared(
        self, hook: str, kind: type[T], among: Sequence[Plugin] | None = None
    ) -> Iterator[tuple[Plugin, T]]:
        """Declarations of all plugins, checked for kind and name. Errors: Broken."""
        seen: set[str] = set()
        for plugin in among if among is not None else self:
            for item in (i for answer in self._call(plugin, hook, {}) for i in _listed(answer)):
                if not isinstance(item, kind):
                    raise Broken(f"{plugin.name}: {hook}() must answer a list of {kind.__name__}.")
                name = getattr(item, "name", None)
                if name is not None and (name in seen or not name.startswith(f"{plugin.name}.")):
                    raise Broken(
                        f"{plugin.name}: {hook}() has {name!r}; names are one each, and begin with '{plugin.name}.'."
                    )
                seen.add(name or "")
                yield plugin, item

    def _check_tables(self) -> None:
        """Each table of a plugin carries its prefix, and no core table looks like a plugin's."""
        for mapper in Base.registry.mappers:
            module, table = f"{mapper.class_.__module__}.", mapper.local_table
            for plugin in self:
                own = bool(plugin.package) and module.startswith(f"{plugin.package}.")
                if own or module.startswith("forum."):
                    _check_table(plugin, str(table), own, table.foreign_keys)


def _check_table(plugin: Plugin, table: str, own: bool, keys: Iterable[ForeignKey]) -> None:
    """Errors: Broken."""
    prefix = f"{plugin.name}_"
    if own != table.startswith(prefix):
        raise Broken(f"{plugin.name}: its tables and no others begin with {prefix!r}; {table} does not fit.")
    if own and any(not key.ondelete and not key.column.table.name.startswith(prefix) for key in keys):
        raise Broken(f"{plugin.name}: foreign keys of {table} to the core's tables need ondelete.")


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


def loaded(app: Flask | None = None) -> Plugins:
    """The plugins of the application in hand; an application that was given none has an empty set."""
    extensions = (app or current_app).extensions
    found: Plugins = extensions["plugins"] if "plugins" in extensions else Plugins([])
    return found


def init_app(app: Flask, plugins: Plugins) -> None:
    """Make the application's own parts know what its plugins declare."""
    app.extensions["plugins"] = plugins
    app.extensions["jobs"] = {
        name: (job.every, partial(_run_job, plugins, job)) for name, job in plugins.jobs.items()
    }
    app.extensions["search"] = partial(_find, plugins)
    app.extensions["notice_kinds"] = {
        name: notices.Kind(
            name, kind.title, partial(_described, plugins, plugin, kind), kind.default_channel == "mail",
            kind.mail_template if kind.content_in_mail else "",
        )
        for name, (plugin, kind) in plugins.kinds.items()
    }  # fmt: skip


def _run_job(plugins: Plugins, job: Job, at: Any) -> None:
    """The job for the site, or for each agency that has its plugin on, all in one transaction."""
    if not job.per_agency:
        job.run(at)
        return
    name = job.name.partition(".")[0]
    for place in list(plugins.places()):
        if name in place.on:
            job.run(at, place.agency)


def _find(plugins: Plugins, q: str, viewer: Viewer, limit: int) -> list[search.SearchHit]:
    """What the plugins find for this viewer; a faulty one finds nothing."""
    hits: list[search.SearchHit] = []
    for plugin, provider in plugins.providers:
        within = plugins.narrowed(viewer, plugin)
        if plugin.info.scope is Scope.AGENCY and not within.agencies:
            continue
        step = partial(_hits, provider, q, within, min(limit, MOST_FOUND))
        hits += plugins.contained(plugin, f"search provider {provider.name}", step) or []
    return hits


def _hits(provider: SearchProvider, q: str, viewer: Viewer, limit: int) -> list[search.SearchHit]:
    found = list(provider.find(q, viewer, limit))[:limit]
    if any(not isinstance(hit, search.SearchHit) for hit in found):
        raise TypeError("find answered something else than SearchHits")
    return found


def _described(
    plugins: Plugins, plugin: Plugin, kind: NotificationKind, viewer: Viewer, told: Sequence[notices.Told]
) -> dict[int, notices.Words]:
    """How notices read, without those of agencies that have the plugin off by now."""
    still = [t for t in told if t.agency_id is None or plugin.name in plugins.enabled_for(t.agency_id)]
    return plugins.contained(plugin, f"notices {kind.name}", partial(kind.describe, viewer, still)) or {}


def report_pauses(app: Flask) -> None:
    """Queue the news that a plugin pauses, in a short transaction of its own after an answer."""
    unreported = loaded(app).faults.unreported
    while unreported:
        name = unreported.pop()
        with app.app_context():
            jobs.enqueue_apart("plugins.paused", {"plugin": name}, key=f"plugins.paused {name}")


def _holds(roles: frozenset[str], viewer: Viewer, standing: Membership | None) -> bool:
    """Rule: one of these roles at the agency in hand or with the Alliance; anywhere, where there is no agency."""
    if roles & {ANYONE} or (viewer.signed_in and SIGNED_IN in roles):
        return True
    held = viewer.roles if standing is None else standing.roles | viewer.site_roles
    return bool(held & roles)


def _listed(answer: Any) -> Sequence[Any]:
    """An answer as a list. Errors: TypeError for anything else."""
    if not isinstance(answer, (list, tuple)):
        raise TypeError(f"a hook answered {type(answer).__name__}, not a list")
    return answer


def _check_spelling(manager: pluggy.PluginManager) -> None:
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise Broken(f"{error}. Is a hook's name misspelled?") from error


def _forget_failed_transaction(fault: Exception) -> None:
    """While reading, a plugin's failed statement must not fail the page's next one.

    While writing nothing is given up: what follows fails honestly, and nothing half-done is kept.
    """
    if is_reading() and isinstance(fault, SQLAlchemyError):
        db.session.rollback()


def _trace(name: str, implementations: Sequence[Any], given: Mapping[str, Any]) -> None:
    asked = ", ".join(i.plugin_name for i in implementations)
    log.warning("hook %s(%s) → %s", name, ", ".join(f"{k}={v!r}"[:60] for k, v in given.items()), asked)
