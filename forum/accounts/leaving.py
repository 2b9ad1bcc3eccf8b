"""Leave quickly: one key, one tap, one neutral page (interface.md, rule 14)."""

from __future__ import annotations

from flask import Blueprint, redirect, session
from werkzeug.wrappers import Response

from forum import pages
from forum.accounts import actions
from forum.accounts.routes import end_session
from forum.db import commit
from forum.permissions import needs
from forum.viewer import current_viewer

bp = Blueprint("leave", __name__)


@bp.get("/leave")
@needs("accounts.leave")
def show_leave() -> Response:
    """Forget this browser's cookies and go; writes nothing to the database."""
    return _gone()


@bp.post("/leave")
@needs("accounts.leave")
def leave() -> Response:
    """The same, and the sign-in itself ends."""
    viewer = current_viewer()
    if viewer.sign_in_id:
        actions.end_sign_in(viewer, viewer.sign_in_id)
        commit()
    return _gone()


@bp.get("/leave/about")
@needs("accounts.leave")
def show_about() -> tuple[str, int]:
    """What leaving does, and what it cannot do."""
    return pages.page("accounts/show_about.html")


def _gone() -> Response:
    end_session()
    session.modified = True
    answer = redirect(actions.settings().leave_to, 303)
    answer.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
    answer.delete_cookie("lang")
    answer.delete_cookie("device", path="/sign-in")
    return answer
