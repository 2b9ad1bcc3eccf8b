"""Permissions: what a route needs, and the verdict for a viewer. Deny is the default.

A feature's `rules.py` registers its permissions with a pure function of the viewer (and, under
`/a/<agency>/`, of the standing there). A route says `@needs("feature.verb")`; a route that says
nothing stops the start-up (`check_routes`). Forbidden and missing answer alike: 404.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask, current_app

from forum.viewer import Membership, Viewer

Rule = Callable[[Viewer, Membership | None], bool]
Fold = Callable[[bool, Viewer, Membership | None, Any], bool]
Policy = Callable[..., bool]
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
    """One thing a person can do. `sensitive`: the password must have been given lately.

    `verdict` folds a plugin's own word into what the rule says: (rule's answer, viewer, standing, subject).
    """

    name: str
    title: Any
    rule: Rule
    signed_in: bool = True
    sensitive: bool = False
    verdict: Fold | None = None


_known: dict[str, Permission] = {}


def register(*permissions: Permission) -> None:
    """Make permissions known. Errors: ValueError when one name has two meanings."""
    for permission in permissions:
        if _known.setdefault(permission.name, permission) != permission:
            raise ValueError(f"permission {permission.name} is defined twice")


def permission(name: str) -> Permission:
    """The permission of this name, the core's or a plugin's. Errors: KeyError."""
    found = _known.get(name)
    if found is None:
        found = current_app.extensions["plugins"].permissions[name]
    return found


def known_to(app: Flask) -> dict[str, Permission]:
    """The permissions of this application: the core's, and those of its plugins."""
    return {**app.extensions["plugins"].permissions, **_known}


def may(viewer: Viewer, name: str, standing: Membership | None = None, subject: Any = None) -> bool:
    """Whether the viewer holds this permission: by its rule and, for a plugin's, by the plugin's verdict.

    `subject`: what it is about, for a verdict that depends on it.
    """
    wanted = permission(name)
    if wanted.signed_in and not viewer.signed_in:
        return False
    allowed = wanted.rule(viewer, standing)
    return allowed if wanted.verdict is None else wanted.verdict(allowed, viewer, standing, subject)


def require(viewer: Viewer, name: str, standing: Membership | None = None, subject: Any = None) -> None:
    """Errors: Missing when the viewer may not."""
    if not may(viewer, name, standing, subject):
        raise Missing


def needs(name: str, by: Policy | None = None) -> Callable[[View], View]:
    """Mark a view with the permission it needs; `app` enforces it before the view runs.

    `by`: where there is no person (a receipt, a night pass), a named function of the address's
    arguments that decides in the permission's place.
    """

    def mark(view: View) -> View:
        view.needs, view.policy = name, by  # type: ignore[attr-defined]
        return view

    return mark


def is_tapped(view: Any) -> bool:
    """Whether a view's form needs neither sign-in nor token (see `tapped`)."""
    return bool(getattr(view, "tapped", False))


def tapped(view: View) -> View:
    """Mark a view whose form is a tap without sign-in, token or cookie.

    It is guarded by Origin or Sec-Fetch-Site instead: another site cannot press it (house.md, section 6).
    """
    view.tapped = True  # type: ignore[attr-defined]
    return view


def needed_by(app: Flask, endpoint: str | None) -> str | None:
    """The permission that this endpoint needs, or None."""
    return getattr(app.view_functions.get(endpoint or ""), "needs", None)


def policy_of(app: Flask, endpoint: str | None) -> Policy | None:
    """The function that decides in the permission's place at this endpoint, if one does."""
    return getattr(app.view_functions.get(endpoint or ""), "policy", None)


def check_routes(app: Flask) -> None:
    """Refuse to start with a route that names no known permission. Errors: RuntimeError."""
    known = known_to(app)
    for rule in app.url_map.iter_rules():
        name = needed_by(app, rule.endpoint)
        if name not in known:
            raise RuntimeError(f"route {rule.rule} ({rule.endpoint}) needs {name!r}, which is no permission")


def anyone(viewer: Viewer, standing: Membership | None) -> bool:
    """Rule: everybody, signed in or not."""
    return True
