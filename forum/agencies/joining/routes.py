"""Pages of invites, joining and applications."""

from __future__ import annotations

import secrets

from flask import Blueprint, redirect, request, session, url_for
from flask_babel import get_locale, gettext
from werkzeug.wrappers import Response

from forum import pages
from forum.accounts.actions import device_mark, open_sign_in, settings
from forum.accounts.forms import EmptyForm
from forum.accounts.queries import token_hash
from forum.accounts.routes import begin_session, device_name
from forum.agencies import rules
from forum.agencies.joining import actions, forms, queries
from forum.agencies.members.queries import minors_of
from forum.agencies.models import Agency, Invite
from forum.agencies.queries import agency_by_slug
from forum.db import now
from forum.permissions import needs
from forum.viewer import current_viewer

bp = Blueprint("joining", __name__)
Answer = Response | tuple[str, int]
BROWSER = "joining"  # name of the mark in the cookie


# --- invites -----------------------------------------------------------------------------------


@bp.route("/a/<agency>/invites", methods=["GET", "POST"])
@needs("agencies.invite")
def show_invites(agency: str) -> Answer:
    """Invite one person, and see what became of earlier invites. A code is shown once."""
    viewer = current_viewer()
    place = agency_by_slug(viewer, agency)
    form = _invite_form(place)

    def step() -> str:
        guarded = (
            (form.child.data or "", form.proved.data) if isinstance(form, forms.GuardianInviteForm) else ()
        )
        session["invite"] = actions.create_invite(
            viewer, agency, form.role.data, form.legal_name.data, *guarded
        )
        return url_for("joining.show_invites", agency=agency)

    answer = pages.carry_out(form, step)
    if answer is not None:
        return answer
    rows, older = queries.invites(viewer, place, pages.positive(request.args.get("before")))
    code = session.pop("invite", "") if request.method == "GET" else ""
    return pages.page(
        "joining/show_invites.html", form, agency=place, rows=rows, roles=rules.ROLE_NAMES,
        link=f"{settings().base_url.rstrip('/')}/join/{code}" if code else "", days=actions.INVITE_LIVES.days,
        older_url=url_for("joining.show_invites", agency=agency, before=older) if older else None,
    )  # fmt: skip


def _invite_form(place: Agency) -> forms.InviteForm:
    viewer = current_viewer()
    roles = rules.may_invite(viewer, viewer.membership(place.slug))
    form = forms.GuardianInviteForm() if "guardian" in roles else forms.InviteForm()
    form.role.choices = rules.choices(roles)
    if isinstance(form, forms.GuardianInviteForm):
        form.child.choices = {"": gettext("Nobody: not a guardian"), **dict(minors_of(viewer, place))}
    return form


@bp.post("/a/<agency>/invites/<id:invite_id>/revoke")
@needs("agencies.invite")
def revoke_invite(agency: str, invite_id: int) -> Answer:
    """Take an invite back."""

    def step() -> str:
        actions.revoke_invite(current_viewer(), agency, invite_id)
        pages.say(gettext("The invite is taken back. Its link opens nothing now."))
        return url_for("joining.show_invites", agency=agency)

    return pages.pressed(step)


# --- joining -----------------------------------------------------------------------------------


@bp.route("/join", methods=["GET", "POST"])
@needs("agencies.join")
def apply() -> Answer:
    """Ask to join without an agency."""
    if current_viewer().signed_in:
        return redirect(url_for("home.show_home"), 303)
    if not settings().applications_open:
        return pages.page("joining/show_closed.html")
    form = forms.ApplyForm(locale=str(get_locale() or "en"))
    return _ask(form, None) or pages.page("joining/apply.html", form, minimum_age=settings().minimum_age)


@bp.route("/join/<code>", methods=["GET", "POST"])
@needs("agencies.join")
def join(code: str) -> Answer:
    """Join by an invite. Opening it uses nothing up; wrong, used, old and revoked codes look the same."""
    found = queries.open_invite(code, now())
    if found is None:
        return pages.page("joining/show_dead_invite.html")[0], 410
    if current_viewer().signed_in:
        return _accept(found)
    form = forms.JoinForm(locale=str(get_locale() or "en"))
    role, agency = found[0].role, found[1]
    return _ask(form, found) or pages.page(
        "joining/join.html", form, agency=agency, role=rules.ROLE_NAMES[role], is_guardian=role == "guardian",
        minimum_age=settings().minimum_age,
    )  # fmt: skip


def _ask(form: forms.JoinForm, found: tuple[Invite, Agency] | None) -> Response | None:
    mark = secrets.token_urlsafe(16)

    def step() -> str:
        words = form.application.data if isinstance(form, forms.ApplyForm) else ""
        actions.ask_to_join(
            found, form.email.data, form.display_name.data, form.password.data, form.born.data,
            form.locale.data, words, request.remote_addr or "", mark,
        )  # fmt: skip
        session[BROWSER] = mark
        return url_for("joining.show_sent")

    return pages.carry_out(form, step)


def _accept(found: tuple[Invite, Agency]) -> Answer:
    form, invite, agency = EmptyForm(), *found
    keeper: list[tuple[str, str]] = []

    def step() -> str:
        person = actions.accept_invite(current_viewer(), invite, agency)
        token = open_sign_in(person.id, device_name())
        keeper.append((token, device_mark(person.id, request.cookies.get("device", ""))))
        return url_for("home.show_home")

    answer = pages.carry_out(form, step)
    if answer is None:
        role = rules.ROLE_NAMES[invite.role]
        return pages.page(
            "joining/accept_invite.html",
            form,
            agency=agency,
            role=role,
            is_guardian=invite.role == "guardian",
        )
    if keeper:
        begin_session(answer, *keeper[0], keep=session.permanent)
        pages.say(gettext("Done. Every other device of yours was signed out."))
    return answer


@bp.get("/join/sent")
@needs("agencies.join")
def show_sent() -> Answer:
    """Say what happens next; the same for every address."""
    return pages.page("joining/show_sent.html")


@bp.route("/join/finish/<token>", methods=["GET", "POST"])
@needs("agencies.join")
def finish(token: str) -> Answer:
    """Open the account. Opening the link uses nothing up; the button does."""
    found = queries.open_pending(token, now())
    if found is None:
        return pages.page("joining/show_dead_invite.html")[0], 410
    pending, invite, agency = found
    same_browser = token_hash(session.get(BROWSER, "")) == pending.browser_hash
    form = forms.FinishForm()
    waits = pending.age_band == "13-15"

    def step() -> str:
        by_invite = (invite, agency) if invite and agency else None
        person = actions.finish(pending, by_invite, same_browser, form.password.data or "")
        pages.say(_what_now(person.state))
        return url_for("accounts.sign_in")

    answer = pages.carry_out(form, step)
    if answer is None:
        return pages.page(
            "joining/finish.html", form, name=pending.display_name, agency=agency, waits=waits,
            asks_password=not same_browser,
        )  # fmt: skip
    session.pop(BROWSER, None)
    return answer


def _what_now(state: str) -> str:
    if state == "waiting":
        return gettext(
            "Your account is made. It opens when your guardian has consented; you can sign in and wait."
        )
    if state == "applicant":
        return gettext("Thank you. A person reads what you wrote and answers by mail.")
    return gettext("Your account is open. Sign in with the password you chose.")


# --- applications ------------------------------------------------------------------------------


@bp.get("/applications")
@needs("agencies.decide_applications")
def show_applications() -> Answer:
    """People who ask to join, longest waiting first."""
    rows, after = queries.applications(current_viewer(), pages.positive(request.args.get("after")))
    on = url_for("joining.show_applications", after=after) if after else None
    return pages.page("joining/show_applications.html", rows=rows, on_url=on)


@bp.get("/applications/<handle>")
@needs("agencies.decide_applications")
def show_application(handle: str) -> Answer:
    """What one of them wrote."""
    return _application(handle, forms.DecisionForm())


@bp.post("/applications/<handle>/approve")
@needs("agencies.decide_applications")
def approve_application(handle: str) -> Answer:
    """Let her in."""
    form = forms.DecisionForm()

    def step() -> str:
        actions.approve(current_viewer(), handle, form.reason.data)
        pages.say(gettext("Approved. A mail goes out."))
        return url_for("joining.show_applications")

    return pages.carry_out(form, step) or _application(handle, form)


@bp.post("/applications/<handle>/decline")
@needs("agencies.decide_applications")
def decline_application(handle: str) -> Answer:
    """Do not let her in."""
    form = forms.DecisionForm()

    def step() -> str:
        actions.decline(current_viewer(), handle, form.reason.data)
        pages.say(gettext("Declined. The reason goes out by mail."))
        return url_for("joining.show_applications")

    return pages.carry_out(form, step) or _application(handle, form)


def _application(handle: str, form: forms.DecisionForm) -> Answer:
    person = queries.applicant(current_viewer(), handle)
    return pages.page("joining/show_application.html", form, person=person)
