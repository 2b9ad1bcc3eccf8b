"""Notices: the seam by which any part tells a person something, and says how it reads.

`notify()` queues in the present transaction. What a notice says is made when it is read, by
its kind's `describe`, with the reader's rights of that moment (H12, H24).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from flask import current_app

from forum.viewer import Viewer


class Told(Protocol):
    """What `describe` is given: the stored notice."""

    id: int
    kind: str
    subject_id: int | None
    agency_id: int | None
    facts: dict[str, Any]


@dataclass(frozen=True)
class Words:
    """How a notice reads now, and where it leads."""

    text: str
    url: str


Describe = Callable[[Viewer, Sequence[Told]], dict[int, Words]]


@dataclass(frozen=True)
class Kind:
    """A kind of notice. `describe` gets all of a page at once; what it leaves out is not shown.

    `mailed`: also mail that there is something, whatever the person set; with a `mail_template` that
    mail is the template with the notice's facts, and else it says nothing of it.
    """

    name: str
    title: Any
    describe: Describe
    mailed: bool = False
    mail_template: str = ""


_kinds: dict[str, Kind] = {}
Writer = Callable[[int, Kind, int | None, int | None, dict[str, Any]], None]
_writers: list[Writer] = []


def register(*kinds: Kind) -> None:
    """Make kinds known. Errors: ValueError when one name has two meanings."""
    for kind in kinds:
        if _kinds.setdefault(kind.name, kind) != kind:
            raise ValueError(f"notice kind {kind.name} is defined twice")


def kind(name: str) -> Kind | None:
    """The kind of this name, the core's or a plugin's; None when the part that sent it is gone."""
    return _kinds.get(name) or current_app.extensions.get("notice_kinds", {}).get(name)


def deliver_with(writer: Writer) -> None:
    """Set who stores notices; the notifications feature does, at import."""
    _writers[:] = [writer]


def notify(
    person_id: int,
    kind_name: str,
    subject_id: int | None = None,
    *,
    agency_id: int | None = None,
    **facts: Any,
) -> None:
    """Tell a person. `facts` holds only what she may see for ever; the rest is looked up when read.

    `agency_id`: the agency whose switch of the plugin the notice hangs on. Errors: KeyError for a
    kind nobody registered.
    """
    known = kind(kind_name)
    if known is None:
        raise KeyError(kind_name)
    for write in _writers:
        write(person_id, known, subject_id, agency_id, facts)
