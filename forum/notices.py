"""Notices: the seam by which any part tells a person something, and says how it reads.

`notify()` queues in the present transaction. What a notice says is made when it is read, by
its kind's `describe`, with the reader's rights of that moment (H12, H24).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from forum.viewer import Viewer


class Told(Protocol):
    """What `describe` is given: the stored notice."""

    id: int
    kind: str
    subject_id: int | None
    facts: dict[str, Any]


@dataclass(frozen=True)
class Words:
    """How a notice reads now, and where it leads."""

    text: str
    url: str


Describe = Callable[[Viewer, Sequence[Told]], dict[int, Words]]


@dataclass(frozen=True)
class Kind:
    """A kind of notice. `describe` gets all of a page at once; what it leaves out is not shown."""

    name: str
    title: str
    describe: Describe


_kinds: dict[str, Kind] = {}
_writers: list[Callable[[int, str, int | None, dict[str, Any]], None]] = []


def register(*kinds: Kind) -> None:
    """Make kinds known. Errors: ValueError when one name has two meanings."""
    for kind in kinds:
        if _kinds.setdefault(kind.name, kind) != kind:
            raise ValueError(f"notice kind {kind.name} is defined twice")


def kind(name: str) -> Kind | None:
    """The kind of this name; None when the part that sent it is gone."""
    return _kinds.get(name)


def deliver_with(writer: Callable[[int, str, int | None, dict[str, Any]], None]) -> None:
    """Set who stores notices; the notifications feature does, at import."""
    _writers[:] = [writer]


def notify(person_id: int, kind: str, subject_id: int | None = None, **facts: Any) -> None:
    """Tell a person. `facts` holds only what she may see for ever; the rest is looked up when read.

    Errors: KeyError for a kind nobody registered.
    """
    if kind not in _kinds:
        raise KeyError(kind)
    for write in _writers:
        write(person_id, kind, subject_id, facts)
