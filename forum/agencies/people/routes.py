"""Pages about one person: profile, roles with the Alliance, suspension."""

from __future__ import annotations

from flask import Blueprint, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from forum import pages
from forum.agencies import rules
from forum.agencies.actions import end_site_role, grant_site_role
from forum.agencies.people import actions, forms, queries
from forum.db import now
from forum.permissions import needs
from forum.viewer import current_viewer

bp = Blueprint("people", __name__)
Answer = Response | tuple[str, int]


@bp.get("/people/<handle>")
@needs("agencies.show_person")
def show_person(handle: str) -> Answer:
    """A profile, as far as the viewer may see it."""
    viewer = current_viewer()
    shown = queries.profile(viewer, handle, now())
    may_suspend = rules.is_site_staff(viewer, None) and not shown.is_own
    return pages.page(
        "people/show_person.html", person=shown, roles=rules.role_names(), may_suspend=may_suspend
    )


@bp.route("/people/<handle>/suspend", methods=["GET", "POST"])
@needs("agencies.suspend_person")
def suspend(handle: str) -> Answer:
    """Close somebody out for a few days."""
    viewer = current_viewer()
    person = queries.person_for_staff(viewer, handle)
    form = forms.SuspendForm()

    def step() -> str:
        actions.suspend(viewer, handle, form.days.data, form.reason.data)
        pages.say(gettext("Suspended. The reason goes to the mailbox of the person concerned."))
        return url_for("people.suspend", handle=handle)

    return pages.carry_out(form, step) or pages.page("people/suspend.html", form, person=person)


@bp.post("/people/<handle>/suspend/lift")
@needs("agencies.suspend_person")
def lift_suspension(handle: str) -> Answer:
    """End a suspension early."""

    def step() -> str:
        actions.lift(current_viewer(), handle)
        pages.say(gettext("The suspension is over."))
        return url_for("people.suspend", handle=handle)

    return pages.pressed(step)


@bp.route("/people/<handle>/roles", methods=["GET", "POST"])
@needs("agencies.grant_site_roles")
def show_roles(handle: str) -> Answer:
    """Roles of one person, for operators. A further operator needs two people, an advocate the roster:
    the web refuses both, and the first operator comes from the server's command line."""
    viewer = current_viewer()
    person = queries.person_for_staff(viewer, handle)
    form = forms.SiteRoleForm()
    form.role.choices = rules.choices(rules.site_grants())

    def step() -> str:
        grant_site_role(viewer, person, form.role.data)
        pages.say(gettext("Granted. The person concerned is told and signed out everywhere."))
        return url_for("people.show_roles", handle=handle)

    return pages.carry_out(form, step) or pages.page(
        "people/show_roles.html", form, person=person, grants=queries.grants_of(viewer, person),
        roles=rules.role_names(), endable=rules.site_grants(),
    )  # fmt: skip


@bp.post("/people/<handle>/roles/<role>/end")
@needs("agencies.grant_site_roles")
def end_role(handle: str, role: str) -> Answer:
    """End a role with the Alliance."""
    viewer = current_viewer()

    def step() -> str:
        end_site_role(viewer, queries.person_for_staff(viewer, handle), role)
        pages.say(gettext("The role has ended."))
        return url_for("people.show_roles", handle=handle)

    return pages.pressed(step)
