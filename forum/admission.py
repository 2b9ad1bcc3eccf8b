"""What a plugin must be before the site starts with it. Every check names the plugin and says what is wrong.

These guard against honest mistakes. A plugin is code in the process, installed by the operator: who
means harm is not stopped here.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pluggy
from sqlalchemy import ForeignKey

from forum import hookspecs, permissions
from forum.db import Base
from forum.declare import ANYONE, SIGNED_IN, Job, Mount, Permission, PluginInfo, Scope, check_fields
from forum.pages import Form
from forum.viewer import ROLES

NAME = re.compile(r"[a-z][a-z0-9_]{1,29}")
ROLE = re.compile(r"[a-z][a-z_]{1,19}")
SLUG = re.compile(r"[a-z][a-z0-9-]{1,29}")


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


# --- the hooks as pluggy sees them ---------------------------------------------------------------


def registered(hooks: Sequence[Any]) -> pluggy.PluginManager:
    """A manager with these plugins. Errors: Broken for a hook that is misspelled or lacks its mark."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    try:
        for one in hooks:
            manager.register(one)
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError) as error:
        raise Broken(f"{error} Is a hook's name or argument misspelled, or a plugin there twice?") from error
    for one in hooks:
        _check_marks(manager, one)
    return manager


def _check_marks(manager: pluggy.PluginManager, hooks: Any) -> None:
    """A function with a hook's name but without `@hookimpl` would never be called, and nobody would know."""
    marked = {caller.name for caller in manager.get_hookcallers(hooks) or ()}
    known = {name for name, thing in vars(hookspecs).items() if hasattr(thing, f"{hookspecs.PROJECT}_spec")}
    for name in sorted(known - marked):
        found = getattr(hooks, name, None)
        if isinstance(found, FunctionType) and found.__module__ == getattr(hooks, "__name__", None):
            raise Broken(f"{found.__module__}: {name}() has no @hookimpl, so it would never be called.")


def said_by(hooks: Any) -> str:
    """What a plugin is called before it has said its name: its module."""
    return str(getattr(hooks, "__name__", type(hooks).__name__))


def known(hooks: Any, info: Any) -> Plugin:
    """The plugin behind these hooks, by what `plugin_info` answered. Errors: Broken."""
    where = said_by(hooks)
    if not isinstance(info, PluginInfo):
        raise Broken(f"{where}: plugin_info() must answer one PluginInfo.")
    try:
        check_fields(info)
    except TypeError as error:
        raise Broken(f"{where}: {error}.") from error
    if not NAME.fullmatch(info.name) or not SLUG.fullmatch(info.address):
        raise Broken(f"{where}: a plugin's name is small letters, digits and _, its slug has - instead.")
    file = getattr(hooks, "__file__", None)
    package = where.rpartition(".")[0] if isinstance(hooks, ModuleType) else ""
    return Plugin(info, hooks, package, Path(file).resolve().parent if file else None)


def check_names(plugins: Sequence[Plugin]) -> None:
    """No two names, slugs or prefixes that could be mistaken for each other. Errors: Broken."""
    names = [plugin.name for plugin in plugins]
    if len({*names}) != len(names) or len({p.info.address for p in plugins}) != len(names):
        raise Broken(f"Two plugins have the same name or the same slug: {', '.join(sorted(names))}.")
    roles = [role.name for plugin in plugins for role in plugin.info.roles]
    if len({*roles} | ROLES) != len(roles) + len(ROLES) or not all(map(ROLE.fullmatch, roles)):
        raise Broken("A plugin's role has no name of its own, or one that is not small letters, at most 20.")
    for name in names:
        if name in core_words():
            raise Broken(f"{name}: this name belongs to the core.")
        for other in names:
            if other.startswith(f"{name}_"):
                raise Broken(f"{other}: its tables would look like those of {name}; rename one of them.")


def core_words() -> frozenset[str]:
    """What the core's own permissions begin with."""
    return frozenset(name.partition(".")[0] for name in permissions._known)


# --- what it declares ------------------------------------------------------------------------------


def check_declared(plugin: Plugin, hook: str, kind: type, item: Any, seen: set[str]) -> None:
    """One declaration: of its kind, well filled in, and its name the plugin's own. Errors: Broken."""
    if not isinstance(item, kind):
        raise Broken(f"{plugin.name}: {hook}() must answer a list of {kind.__name__}.")
    name = getattr(item, "name", None)
    try:
        check_fields(item)
        CHECKS.get(kind, _nothing)(plugin, item)
    except (TypeError, ValueError) as error:
        raise Broken(f"{plugin.name}: {hook}(): {error}.") from error
    if name is None:
        return
    if name in seen or not name.startswith(f"{plugin.name}."):
        raise Broken(
            f"{plugin.name}: {hook}() has {name!r}; names are one each, and begin with '{plugin.name}.'."
        )
    seen.add(name)


def _nothing(plugin: Plugin, item: Any) -> None:
    """Most kinds need no more than well filled fields."""


def _check_permission(plugin: Plugin, item: Permission) -> None:
    """Roles that somebody can hold: a misspelled one would shut everybody out without a word."""
    if isinstance(item.default_roles, str):
        raise ValueError(f"default_roles of {item.name} is one text; write a set of roles")
    own = {role.name for role in plugin.info.roles}
    if strange := set(item.default_roles) - ROLES - own - {ANYONE, SIGNED_IN}:
        raise ValueError(f"{item.name} names roles that nobody has: {', '.join(sorted(strange))}")


def _check_mount(plugin: Plugin, item: Mount) -> None:
    """A site's page belongs to a plugin with a part for the site, an agency's to one with a part for agencies."""
    if item.at not in ("agency", "site"):
        raise ValueError(f"a Mount is at 'agency' or at 'site', not at {item.at!r}")
    if (plugin.info.scope, item.at) in ((Scope.AGENCY, "site"), (Scope.SITE, "agency")):
        raise ValueError(f"a plugin of scope {plugin.info.scope} has no pages at {item.at!r}; Scope.BOTH has")


def _check_job(plugin: Plugin, item: Job) -> None:
    every: Any = item.every
    if not isinstance(every, dt.timedelta) or every <= dt.timedelta() or not callable(item.run):
        raise ValueError(f"{item.name} needs a time between runs, and a function")


CHECKS: Mapping[type, Any] = {Permission: _check_permission, Mount: _check_mount, Job: _check_job}


def check_form(plugin: Plugin, form: Any) -> type[Form]:
    """The settings form of a plugin. Errors: Broken when it is none."""
    if not isinstance(form, type) or not issubclass(form, Form):
        raise Broken(f"{plugin.name}: agency_settings_form() must answer a class made from forum.sdk.Form.")
    return form


# --- its tables --------------------------------------------------------------------------------------


def check_tables(plugins: Iterable[Plugin]) -> None:
    """Each table of a plugin carries its prefix, and no table of the core looks like a plugin's. Errors: Broken."""
    tables = [(f"{m.class_.__module__}.", str(m.local_table), m.local_table) for m in Base.registry.mappers]
    for plugin in plugins:
        check = partial(_check_table, plugin)
        for module, name, table in tables:
            own = bool(plugin.package) and module.startswith(f"{plugin.package}.")
            if own or module.startswith("forum."):
                check(name, own, table.foreign_keys)


def _check_table(plugin: Plugin, table: str, own: bool, keys: Iterable[ForeignKey]) -> None:
    prefix = f"{plugin.name}_"
    if own != table.startswith(prefix):
        raise Broken(f"{plugin.name}: its tables and no others begin with {prefix!r}; {table} does not fit.")
    if own and any(not key.ondelete and not key.target_fullname.startswith(prefix) for key in keys):
        raise Broken(f"{plugin.name}: foreign keys of {table} to the core's tables need ondelete.")
