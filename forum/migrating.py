"""Migrations: one Alembic version table per component, so that a plugin can go without a trace.

The core's table is `alembic_version`; a plugin's is `alembic_version_<name>` and it owns the
tables whose names begin with its prefix.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Table, inspect
from sqlalchemy.engine import Connection

from forum import paths
from forum.db import Base, commit, db, now
from forum.plugins import loaded

OUTSIDE = ("search_text",)  # full-text tables: each database has its own kind, written by hand


@dataclass(frozen=True)
class Component:
    """Whose migrations: the core (`name` empty) or a plugin."""

    name: str
    versions: Path

    @property
    def version_table(self) -> str:
        """Where this component's revision is kept."""
        return f"alembic_version_{self.name}" if self.name else "alembic_version"

    def owns(self, table: str, others: Collection[str] = ()) -> bool:
        """Whether a table of the models or of the database belongs to this component.

        What is no model of the core's is the core's only if it looks like no plugin's; `others`: their names.
        """
        if table.startswith((*OUTSIDE, "alembic_version")):
            return False
        if self.name:
            return table.startswith(f"{self.name}_")
        return table in _core_tables() or not table.startswith(tuple(f"{other}_" for other in others))


CORE = Component("", paths.migrations() / "versions")


def components() -> list[Component]:
    """The core, then every loaded plugin that has tables."""
    own = [(plugin.name, plugin.own("migrations")) for plugin in loaded()]
    return [CORE, *(Component(name, folder / "versions") for name, folder in own if folder)]


def tables() -> list[Table]:
    """The tables of the core's and the loaded plugins' models, those first that others refer to."""
    own = components()
    models = db.metadata.sorted_tables
    return [t for t in models if any(_includes(c, t.name, (), reflected=False) for c in own)]


def component(name: str) -> Component:
    """The component of this name ('core' or a plugin). Errors: KeyError."""
    return {c.name or "core": c for c in components()}[name]


def plugin_names(connection: Connection | None) -> set[str]:
    """Plugins that may have tables here: those that are loaded, and those that were once and left theirs."""
    if connection is None:
        return set()
    tables = inspect(connection).get_table_names()
    left = {t.removeprefix("alembic_version_") for t in tables if t.startswith("alembic_version_")}
    return left | {plugin.name for plugin in loaded()}


def _config(component: Component, connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(paths.migrations()))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", str(component.versions))
    config.attributes.update(
        connection=connection, metadata=db.metadata, version_table=component.version_table,
        include_object=_filter(component, plugin_names(connection)),
    )  # fmt: skip
    return config


def _core_tables() -> set[str]:
    mapped = ((m.class_.__module__, m.local_table) for m in Base.registry.mappers)
    return {str(table) for module, table in mapped if module.startswith("forum.")}


def _includes(component: Component, table: str, others: Collection[str], reflected: bool) -> bool:
    """`reflected`: found in the database. A plugin's model, even if it is only imported, is never the core's."""
    if not reflected and not component.name:
        return table in _core_tables() and component.owns(table)
    return component.owns(table, others)


def _filter(component: Component, others: Collection[str]) -> Any:
    def include(thing: Any, name: str | None, kind: str, reflected: bool, other: Any) -> bool:
        table = name if kind == "table" else getattr(getattr(thing, "table", None), "name", "")
        return _includes(component, table or "", others, reflected)

    return include


def upgrade(component: Component = CORE, revision: str = "head") -> None:
    """Bring a component's tables to a revision, in one transaction where the database can."""
    with db.engine.connect() as connection:
        command.upgrade(_config(component, connection), revision)
        connection.commit()


def downgrade_all() -> None:
    """Remove everybody's tables, the plugins' first."""
    for component in reversed(components()):
        downgrade(component, "base")


def downgrade(component: Component, revision: str) -> None:
    """Take a component's tables back to a revision; `base` removes them."""
    with db.engine.connect() as connection:
        command.downgrade(_config(component, connection), revision)
        connection.commit()


def write_revision(component: Component, message: str) -> None:
    """Write a new version file from the difference between models and database."""
    with db.engine.connect() as connection:
        command.revision(_config(component, connection), message, autogenerate=True)


def current(component: Component = CORE) -> str | None:
    """The revision that the database is at."""
    with db.engine.connect() as connection:
        return _context(component, connection).get_current_revision()


def head(component: Component = CORE) -> str | None:
    """The newest revision there is."""
    return ScriptDirectory.from_config(_config(component, None)).get_current_head()


def at_head() -> bool:
    """Whether everybody's tables are the newest there are."""
    return all(current(component) == head(component) for component in components())


def upgrade_all() -> None:
    """Bring the core's tables to the newest, then each plugin's, then their reference data."""
    for component in components():
        upgrade(component)
    for plugin in loaded():
        loaded().one(plugin, "seed", now=now(), demo=None)
    commit()


def differences(component: Component = CORE) -> list[Any]:
    """What the models have that the database has not, or the other way round; empty when equal."""
    with db.engine.connect() as connection:
        return list(compare_metadata(_context(component, connection), db.metadata))


def _context(component: Component, connection: Connection) -> MigrationContext:
    options = {
        "version_table": component.version_table,
        "include_object": _filter(component, plugin_names(connection)),
        "compare_type": True,
    }
    return MigrationContext.configure(connection, opts=options)
