"""The page of notices."""

from __future__ import annotations

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response

from forum import pages
from forum.notifications import actions, forms, queries
from forum.permissions import Missing, needs
from forum.viewer import current_viewer

bp = Blueprint("notifications", __name__)


@bp.get("/notifications")
@needs("notifications.read")
def show_notifications() -> tuple[str, int]:
    """The viewer's notices, newest first."""
    before = pages.positive(request.args.get("before"))
    lines, on = queries.own_notices(current_viewer(), before)
    older = url_for("notifications.show_notifications", before=on) if on else None
    return pages.page(
        "notifications/show_notifications.html", rows=lines, notices=lines, older_url=older,
        mark_url=url_for("notifications.mark_read"),
    )  # fmt: skip


@bp.post("/notifications/read")
@needs("notifications.read")
def mark_read() -> Response:
    """Mark everything read."""

    def step() -> str:
        actions.mark_all_read(current_viewer())
        return url_for("notifications.show_notifications")

    answer = pages.carry_out(forms.ReadForm(), step)
    if answer is None:
        raise Missing
    return answer
