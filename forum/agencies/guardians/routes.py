"""Pages of guardians, and the coordinator's button that ends a link."""

from __future__ import annotations

from flask import Blueprint, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from forum import pages
from forum.agencies.guardians import actions, queries
from forum.permissions import needs
from forum.viewer import current_viewer

bp = Blueprint("guardians", __name__)
Answer = Response | tuple[str, int]


@bp.get("/guardian")
@needs("agencies.guard_child")
def show_children() -> Answer:
    """One's own children, what consent means, and the buttons."""
    children = queries.own_children(current_viewer())
    return pages.page("guardians/show_children.html", children=children, terms_version=actions.TERMS_VERSION)


@bp.post("/guardian/<handle>/consent")
@needs("agencies.guard_child")
def consent(handle: str) -> Answer:
    """Consent."""

    def step() -> str:
        actions.consent(current_viewer(), handle)
        pages.say(gettext("Thank you. The account is open now."))
        return url_for("guardians.show_children")

    return pages.pressed(step)


@bp.post("/guardian/<handle>/withdraw")
@needs("agencies.guard_child")
def withdraw(handle: str) -> Answer:
    """Take consent back."""

    def step() -> str:
        actions.withdraw(current_viewer(), handle)
        pages.say(gettext("Consent is taken back. The account is paused and nothing is erased."))
        return url_for("guardians.show_children")

    return pages.pressed(step)


@bp.post("/guardian/<handle>/end-sign-ins")
@needs("agencies.guard_child")
def end_sign_ins(handle: str) -> Answer:
    """Sign the child out everywhere."""

    def step() -> str:
        actions.end_childs_sign_ins(current_viewer(), handle)
        pages.say(gettext("Every device of that account is signed out."))
        return url_for("guardians.show_children")

    return pages.pressed(step)


@bp.post("/a/<agency>/guardianships/<id:guardianship_id>/end")
@needs("agencies.end_guardianship")
def end_guardianship(agency: str, guardianship_id: int) -> Answer:
    """A coordinator ends a guardian's link to a child."""

    def step() -> str:
        handle = actions.end_guardianship(current_viewer(), agency, guardianship_id)
        pages.say(gettext("The link has ended. That guardian sees nothing of the account any more."))
        return url_for("agencies.show_roles", agency=agency, handle=handle)

    return pages.pressed(step)
