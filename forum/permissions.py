"""Permissions: what a route needs, and the verdict for a viewer. Deny is the default.

A feature's `rules.py` registers its permissions with a pure function of the viewer (and, under
`/a/<agency>/`, of the standing there). A route says `@needs("feature.verb")`; a route that says
nothing stops the start-up (`check_routes`). Forbidden and missing answer alike: 404.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask

from forum.viewer import Membership, Viewer

Rule = Callable[[Viewer, Membership | None], bool]
View = TypeVar("View", bound=Callable[..., Any])


class Refused(Exception):
    """What was asked is not done; the sentence is for the person who asked.

    `status` is 4xx; `field` names the form field that the sentence belongs to, if one does.
    """

    def __init__(self, sentence: str, status: int = 409, field: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence, self.status, self.field = sentence, status, field


class Missing(Exception):
    """Not there, or not for this viewer: the two are never told apart."""


@dataclass(frozen=True)
class Permission:
    """One thing a person can do. `sensitive`: the password must have been given lately."""

    name: str
    title: str
    rule: Rule
    signed_in: bool = True
    sensitive: bool = False


_known: dict[str, Permission] = {}


def register(*permissions: Permission) -> None:
    """Make permissions known. Errors: ValueError when one name has two meanings."""
    for permission in permissions:
        if _known.setdefault(permission.name, permission) != permission:
            raise ValueError(f"permission {permission.name} is defined twice")


def permission(name: str) -> Permission:
    """The permission of this name. Errors: KeyError."""
    return _known[name]


def may(viewer: Viewer, name: str, standing: Membership | None = None) -> bool:
    """Whether the viewer holds this permission, by the rule and nothing else."""
    wanted = _known[name]
    return (viewer.signed_in or not wanted.signed_in) and wanted.rule(viewer, standing)


def require(viewer: Viewer, name: str, standing: Membership | None = None) -> None:
    """Errors: Missing when the viewer may not."""
    if not may(viewer, name, standing):
        raise Missing


def needs(name: str) -> Callable[[View], View]:
    """Mark a view with the permission it needs; `app` enforces it before the view runs."""

    def mark(view: View) -> View:
        view.needs = name  # type: ignore[attr-defined]
        return view

    return mark


def needed_by(app: Flask, endpoint: str | None) -> str | None:
    """The permission that this endpoint needs, or None."""
    return getattr(app.view_functions.get(endpoint or ""), "needs", None)


def check_routes(app: Flask) -> None:
    """Refuse to start with a route that names no known permission. Errors: RuntimeError."""
    for rule in app.url_map.iter_rules():
        name = needed_by(app, rule.endpoint)
        if name not in _known:
            raise RuntimeError(f"route {rule.rule} ({rule.endpoint}) needs {name!r}, which is no permission")


def anyone(viewer: Viewer, standing: Membership | None) -> bool:
    """Rule: everybody, signed in or not."""
    return True
