"""The public surface for plugins: everything they may lean on, and nothing else.

A plugin imports from here only (its tests from `forum.testing`). Adding a name is a decision about
the contract; docs/plugins.md explains each.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from flask_babel import gettext, lazy_gettext, ngettext, npgettext, pgettext
from sqlalchemy import JSON, LargeBinary
from sqlalchemy.orm import scoped_session
from sqlalchemy.types import TypeDecorator

from forum import db as _db
from forum import formats, markup, outbox, switches
from forum.agencies.people.queries import names_for
from forum.audit import record as audit
from forum.db import UTC, now
from forum.declare import (
    ANYONE,
    SIGNED_IN,
    AgencyRef,
    Card,
    Demo,
    ErasureReport,
    ExportFile,
    HealthCheck,
    HelpLink,
    Job,
    Kept,
    Mount,
    NavItem,
    NotificationKind,
    Permission,
    PersonRef,
    PluginInfo,
    Role,
    Scope,
    SearchHit,
    SearchProvider,
    Verdict,
)
from forum.hookspecs import hookimpl
from forum.jobs import enqueue
from forum.jobs import handler as job_handler
from forum.limits import check as limit
from forum.limits import hit, peek
from forum.notices import Told, Words, notify
from forum.pages import Form, carry_out, idempotency_key, needed, own_address, page, positive, pressed, say
from forum.people_data import rows_of
from forum.permissions import Missing, Refused, may, needs, require, tapped
from forum.plugins import loaded as _loaded
from forum.sealing import open_sealed, seal
from forum.search import highlight
from forum.slots import help_links, place_in_hand
from forum.times import zone
from forum.viewer import NOBODY, Membership, Viewer, current_viewer

__all__ = [
    "ANYONE", "JSON", "NOBODY", "SIGNED_IN", "UTC", "AgencyRef", "Card", "Demo", "ErasureReport", "ExportFile", "Form",
    "HealthCheck", "HelpLink", "Job", "Kept", "Membership", "Missing", "Model", "Mount", "NavItem", "NotificationKind",
    "Permission", "PersonRef", "PluginInfo", "Refused", "Role", "Scope", "Sealed", "SearchHit", "SearchProvider",
    "Told", "Verdict", "Viewer", "Words", "agency_in_hand", "agency_settings", "audit", "carry_out",
    "current_viewer", "db", "enqueue", "formats", "gettext", "help_links", "highlight", "hit", "hookimpl",
    "idempotency_key", "job_handler", "lazy_gettext", "limit", "markup", "may", "needed", "needs", "ngettext", "notify",
    "now", "npgettext", "open_sealed", "outbox", "own_address", "page", "peek", "people_named", "pgettext", "positive",
    "pressed", "require", "rows_of", "say", "seal", "tapped", "zone",
]  # fmt: skip

Model = _db.db.Model


class Database:
    """The database as plugins have it: the session of the request, job or command at hand.

    It is committed by the core, once, when all went well; a plugin never commits and never rolls back.
    """

    @property
    def session(self) -> scoped_session[Any]:
        """The session."""
        return _db.db.session

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return str(_db.db.engine.dialect.name)


db = Database()


class Sealed(TypeDecorator[bytes]):
    """A column of what `seal` gave; anything that is not sealed is refused before it is stored."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Any) -> bytes | None:
        """Errors: ValueError for bytes that nobody sealed."""
        if value is not None and value[:1] != b"\x01":
            raise ValueError("this column takes sealed values only")
        return value


def agency_in_hand() -> AgencyRef | None:
    """The agency of the present page, if the page stands at one."""
    return place_in_hand().agency


def agency_settings(agency: AgencyRef, plugin: str) -> Mapping[str, Any]:
    """What this agency has set for a plugin, defaults of the settings form filled in. One statement."""
    form_class = _loaded().settings_forms.get(plugin)
    defaults = {field.name: field.data for field in form_class(formdata=None)} if form_class else {}
    return {**defaults, **switches.settings_of(agency.id, plugin)}


def people_named(viewer: Viewer, ids: Collection[int]) -> dict[int, PersonRef]:
    """These people, with the names that the viewer may see ('' for the others). Two statements."""
    names = names_for(viewer, ids)
    return {id: PersonRef(id, names.get(id, "")) for id in ids}
