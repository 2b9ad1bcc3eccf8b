"""What hooks return: frozen dataclasses, and the few words their fields are made of.

A declaration says what there is; it does nothing. Texts are already in the reader's language
where a hook is asked for a page, and lazily translated (`lazy_gettext`) where it is asked at start.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from enum import Enum, StrEnum
from functools import lru_cache
from types import UnionType
from typing import Any, get_args, get_type_hints

from flask import Blueprint

from forum.notices import Describe
from forum.search import SearchHit
from forum.viewer import Viewer

__all__ = [
    "ANYONE", "SIGNED_IN", "AgencyRef", "Card", "Demo", "ErasureReport", "ExportFile", "HealthCheck", "HelpLink",
    "Job", "Kept", "Mount", "NavItem", "NotificationKind", "Permission", "PersonRef", "PluginInfo", "Role", "Scope",
    "SearchHit", "SearchProvider", "Verdict",
]  # fmt: skip

PLAIN = (str, int, bool, type(None))
ANYONE = "anyone"  # in default_roles: visitors too
SIGNED_IN = "signed in"  # in default_roles: everybody with an account


class Scope(StrEnum):
    """Where a plugin lives: in agencies that switch it on, on the site, or in both."""

    AGENCY = "agency"
    SITE = "site"
    BOTH = "both"


class Verdict(Enum):
    """A plugin's word on one of its own permissions; a DENY outweighs every ALLOW."""

    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True)
class AgencyRef:
    """An agency, as far as a plugin needs one."""

    id: int
    slug: str
    name: str


@dataclass(frozen=True)
class PersonRef:
    """A person: her id, and the name that the viewer at hand may see ('' for none)."""

    id: int
    name: str = ""


@dataclass(frozen=True)
class ExportFile:
    """One file of an export: rows of JSON values or finished bytes, and a sentence on what they are.

    `name` is the file's, without ending for rows, with its ending for bytes.
    """

    name: str
    rows: list[dict[str, Any]] | bytes
    about: str


@dataclass(frozen=True)
class Kept:
    """What an erasure leaves: what it is, the legal reason, and until when (None: no end)."""

    what: str
    reason: str
    until: dt.date | None = None


@dataclass(frozen=True)
class ErasureReport:
    """What an erasure did: rows deleted, rows left without a name, and what a legal reason keeps."""

    deleted: int = 0
    anonymised: int = 0
    kept: tuple[Kept, ...] = ()


@dataclass(frozen=True)
class Role:
    """A role that a plugin brings. `granted_by`: 'operator' through the web, or 'plugin' by its own ways.

    Staff roles end after a year unless renewed, and ask for a second factor.
    """

    name: str
    title: Any
    granted_by: str = "operator"
    staff: bool = True


@dataclass(frozen=True)
class PluginInfo:
    """What a plugin is. `slug` names its address and its commands; `touches` says whose data it handles.

    `requires`: names of plugins without which it stays off.
    """

    name: str
    title: Any
    summary: Any
    scope: Scope = Scope.AGENCY
    default_on: bool = False
    slug: str = ""
    touches: Any = ""
    requires: tuple[str, ...] = ()
    roles: tuple[Role, ...] = ()

    @property
    def address(self) -> str:
        """The slug, which is the name unless another was chosen."""
        return self.slug or self.name


@dataclass(frozen=True)
class Mount:
    """Where a blueprint lives: under `/a/<agency>/<slug>`, under `/<slug>`, or at a claimed `path`.

    `quiet` pages are nobody's: no sign-in is looked up, nothing is noted, faults are logged without
    the address. They see every reader as signed out.
    """

    blueprint: Blueprint
    at: str = "agency"
    path: str | None = None
    quiet: bool = False


@dataclass(frozen=True)
class Permission:
    """One thing a person can do in a plugin; `name` begins with the plugin's name and a dot.

    `default_roles` are held at the agency in hand or with the Alliance; `ANYONE` and `SIGNED_IN` are
    words for everybody. `sensitive`: the password must have been given lately.
    """

    name: str
    title: Any
    default_roles: Collection[str] = ()
    sensitive: bool = False


@dataclass(frozen=True)
class NavItem:
    """An entry of the navigation. `needs`: the permission without which it is not shown."""

    label: str
    endpoint: str
    needs: str | None = None
    weight: int = 100


@dataclass(frozen=True)
class Card:
    """A box on somebody else's page: a template's name and what it is given, never HTML.

    `row`: in a slot that stands on every row of a list, the id of the row it belongs to.
    """

    title: str
    template: str
    context: Mapping[str, Any] = field(default_factory=dict)
    weight: int = 100
    row: int | None = None


@dataclass(frozen=True)
class HelpLink:
    """A way to help: a page of this site, or `tel:`, `sms:`, `https:`.

    `about`: a few words, such as the hours; `printed`: the number as people know it (1-800-656-HOPE).
    """

    label: str
    url: str
    urgent: bool = False
    about: str = ""
    printed: str = ""
    weight: int = 100

    @property
    def tel(self) -> str:
        """The dial form, '' when this is no telephone."""
        return self.url.removeprefix("tel:") if self.url.startswith("tel:") else ""


@dataclass(frozen=True)
class Job:
    """A recurring task: `run(now)`, or `run(now, agency)` for each agency that has the plugin on."""

    name: str
    every: dt.timedelta
    run: Callable[..., None]
    per_agency: bool = False


@dataclass(frozen=True)
class SearchProvider:
    """Finds things of one kind: `find(query, viewer, limit)` → hits, newest first.

    The viewer it is given holds only the memberships of agencies that have the plugin on.
    """

    name: str
    find: Callable[[str, Viewer, int], list[SearchHit]]


@dataclass(frozen=True)
class NotificationKind:
    """A kind of notice: how it reads when it is read (`describe`, see `forum.notices`).

    `default_channel` 'mail' also mails that there is something, whatever the person set. With
    `content_in_mail` that mail is `mail_template` with the notice's facts; else it says nothing of it.
    """

    name: str
    title: Any
    describe: Describe
    mail_template: str = ""
    default_channel: str = "inbox"
    content_in_mail: bool = False


@dataclass(frozen=True)
class HealthCheck:
    """Something to look at: `run()` answers '' when it is in order, else a sentence."""

    name: str
    run: Callable[[], str]


@dataclass(frozen=True)
class Demo:
    """The demo's people and agencies by handle and slug, for plugins to hang their part on."""

    people: Mapping[str, int]
    agencies: Mapping[str, int]


def check_fields(item: Any) -> None:
    """Look at the texts, numbers and yes-or-nos of a declaration. Errors: TypeError, naming the field."""
    kind: Any = type(item)
    for name, kinds in _plain_fields(kind).items():
        value = getattr(item, name)
        if not isinstance(value, kinds):
            wanted = " or ".join(kind.__name__ for kind in kinds)
            raise TypeError(f"{type(item).__name__}.{name} is {type(value).__name__}, not {wanted}")


@lru_cache(maxsize=64)
def _plain_fields(kind: Any) -> dict[str, tuple[type, ...]]:
    hints = get_type_hints(kind)
    wanted = {
        f.name: get_args(hint) if isinstance(hint := hints[f.name], UnionType) else (hint,)
        for f in fields(kind)
    }
    return {name: kinds for name, kinds in wanted.items() if set(kinds) <= set(PLAIN)}
