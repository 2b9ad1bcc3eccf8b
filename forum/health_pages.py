"""/healthz and /readyz: two addresses for machines, without a viewer and without details."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify

from forum import health, migrating
from forum.permissions import Permission, anyone, needs, register

bp = Blueprint("health", __name__)
register(Permission("health.read", "Ask whether the site works", anyone, signed_in=False))


@bp.get("/healthz")
@needs("health.read")
def show_live() -> Response:
    """Whether this process answers."""
    return jsonify(health.live())


@bp.get("/readyz")
@needs("health.read")
def show_ready() -> tuple[Response, int]:
    """Whether everything it needs is there: ok or not, per part, and nothing more."""
    ok, parts = health.ready(current_app, migrating.at_head)
    return jsonify(parts), 200 if ok else 503
