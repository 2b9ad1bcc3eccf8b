"""Pages of an agency: home, members, confirming, roles, log; and the operators' list of agencies."""

from __future__ import annotations

from flask import Blueprint, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from forum import pages
from forum.agencies import actions, forms, log, queries, rules
from forum.agencies.guardians.queries import guardians_of
from forum.agencies.members import actions as member_actions
from forum.agencies.members import queries as member_queries
from forum.permissions import may, needs
from forum.viewer import current_viewer

bp = Blueprint("agencies", __name__)
Answer = Response | tuple[str, int]


@bp.get("/a/<agency>")
@needs("agencies.show_agency")
def show_agency(agency: str) -> Answer:
    """An agency's home: who does what, who waits to be confirmed, and where to go on."""
    viewer = current_viewer()
    place = queries.agency_by_slug(viewer, agency)
    standing = viewer.membership(agency)
    return pages.page(
        "agencies/show_agency.html", agency=place, acts=rules.capacity(viewer, standing), roles=rules.role_names(),
        confirmed=standing is not None and standing.confirmed, staff=member_queries.staff_of(viewer, place),
        newcomers=member_queries.newcomers(viewer, place), sees_members=rules.sees_members(viewer, standing),
        invites=bool(rules.may_invite(viewer, standing)),
    )  # fmt: skip


@bp.get("/a/<agency>/members")
@needs("agencies.show_members")
def show_members(agency: str) -> Answer:
    """Who belongs to the agency, as far as the viewer may know."""
    viewer = current_viewer()
    place = queries.agency_by_slug(viewer, agency)
    acts = rules.capacity(viewer, viewer.membership(agency))
    rows, after = member_queries.members(viewer, place, pages.positive(request.args.get("after")))
    return pages.page(
        "agencies/show_members.html", agency=place, acts=acts, rows=rows, roles=rules.role_names(),
        grants=bool(rules.may_grant(viewer, viewer.membership(agency))),
        on_url=url_for("agencies.show_members", agency=agency, after=after) if after else None,
    )  # fmt: skip


@bp.route("/a/<agency>/members/<id:membership_id>/remove", methods=["GET", "POST"])
@needs("agencies.remove_member")
def remove_member(agency: str, membership_id: int) -> Answer:
    """End a membership, with a reason. The agency is shown the legal name, others the display name."""
    viewer = current_viewer()
    place = queries.agency_by_slug(viewer, agency)
    membership, person, held = member_actions.removable(viewer, place, membership_id)
    form = forms.RemoveForm()

    def step() -> str:
        member_actions.remove_member(viewer, agency, membership_id, form.reason.data)
        pages.say(gettext("The membership has ended."))
        return url_for("agencies.show_members", agency=agency)

    answer = pages.carry_out(form, step)
    if answer is not None:
        return answer
    name = member_queries.name_for(viewer, place, membership, person, held)
    return pages.page("agencies/remove_member.html", form, agency=place, name=name)


@bp.post("/a/<agency>/members/<handle>/confirm")
@needs("agencies.confirm_member")
def confirm_member(agency: str, handle: str) -> Answer:
    """Say that a new member is genuine."""

    def step() -> str:
        if member_actions.confirm_member(current_viewer(), agency, handle):
            pages.say(gettext("Thank you. The new member is confirmed: the models’ boards are open now."))
        else:
            pages.say(gettext("Thank you. One more model has to say the same, or the coordinator."))
        return url_for("agencies.show_agency", agency=agency)

    return pages.pressed(step)


@bp.route("/a/<agency>/members/<handle>/roles", methods=["GET", "POST"])
@needs("agencies.grant_roles")
def show_roles(agency: str, handle: str) -> Answer:
    """Roles of one member here: to give one, to renew it, to end it. A coordinator sees guardians too."""
    viewer = current_viewer()
    place = queries.agency_by_slug(viewer, agency)
    standing = viewer.membership(agency)
    membership, person = queries.member_by_handle(place, handle)
    form = forms.RoleForm()
    form.role.choices = rules.choices(rules.may_grant(viewer, standing))

    def step() -> str:
        actions.grant_at_agency(viewer, agency, handle, form.role.data)
        pages.say(gettext("Granted. The person concerned is told and signed out everywhere."))
        return url_for("agencies.show_roles", agency=agency, handle=handle)

    answer = pages.carry_out(form, step)
    if answer is not None:
        return answer
    guards = may(viewer, "agencies.end_guardianship", standing) and person.age_band != "adult"
    return pages.page(
        "agencies/show_roles.html", form, agency=place, person=person, membership=membership,
        held=member_queries.grants_at(place, person), endable=rules.may_end(viewer, standing), roles=rules.role_names(),
        guardians=guardians_of(viewer, place, person) if guards else None,
    )  # fmt: skip


@bp.post("/a/<agency>/members/<handle>/roles/<role>/end")
@needs("agencies.grant_roles")
def end_role(agency: str, handle: str, role: str) -> Answer:
    """End a role here; the membership goes on."""

    def step() -> str:
        actions.end_at_agency(current_viewer(), agency, handle, role)
        pages.say(gettext("The role has ended."))
        return url_for("agencies.show_roles", agency=agency, handle=handle)

    return pages.pressed(step)


@bp.get("/a/<agency>/log")
@needs("agencies.read_log")
def show_log(agency: str) -> Answer:
    """What was done in the agency's name, for everybody who belongs to it."""
    viewer = current_viewer()
    place = queries.agency_by_slug(viewer, agency)
    lines, before = log.entries(viewer, place, pages.positive(request.args.get("before")))
    on = url_for("agencies.show_log", agency=agency, before=before) if before else None
    return pages.page("agencies/show_log.html", agency=place, lines=lines, on_url=on)


@bp.route("/agencies", methods=["GET", "POST"])
@needs("agencies.list_agencies")
def show_agencies() -> Answer:
    """Every agency, and opening a new one."""
    viewer = current_viewer()
    form = forms.AgencyForm()

    def step() -> str:
        made = actions.create_agency(form.slug.data.strip(), form.name.data, viewer.person_id)
        pages.say(gettext("The agency is there. Invite its manager and its coordinator."))
        return url_for("joining.show_invites", agency=made.slug)

    return pages.carry_out(form, step) or pages.page(
        "agencies/show_agencies.html", form, agencies=queries.all_agencies(viewer)
    )
