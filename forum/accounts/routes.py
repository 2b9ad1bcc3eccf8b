"""Pages of accounts: sign-in, reset, one's own settings and devices."""

from __future__ import annotations

from flask import Blueprint, redirect, request, session, url_for
from flask_babel import gettext
from flask_login import UserMixin, login_user, logout_user
from werkzeug.wrappers import Response

from forum import pages, people_data
from forum.accounts import actions, forms, own_data, queries
from forum.db import commit, now, reading_only
from forum.permissions import Missing, needs
from forum.viewer import Viewer, current_viewer

bp = Blueprint("accounts", __name__)
Answer = Response | tuple[str, int]


class SignedIn(UserMixin):
    """What Flask-Login holds: a sign-in's token, and the viewer it stands for."""

    def __init__(self, token: str, viewer: Viewer | None = None) -> None:
        self.id, self.viewer = token, viewer


@bp.route("/sign-in", methods=["GET", "POST"])
@needs("accounts.sign_in")
def sign_in() -> Answer:
    """Sign in, then go where one was going."""
    form = forms.SignInForm()
    if request.method == "GET" and current_viewer().signed_in:
        return redirect(pages.own_address(request.args.get("next")), 303)
    keeper: list[tuple[str, str]] = []

    def step() -> str:
        mark = request.cookies.get("device", "")
        keeper.append(
            actions.sign_in(
                form.email.data, form.password.data, device_name(), request.remote_addr or "", mark
            )
        )
        return pages.own_address(request.args.get("next"), url_for("home.show_home"))

    answer = pages.carry_out(form, step)
    if answer is None or not keeper:
        return answer or pages.page("accounts/sign_in.html", form)
    return begin_session(answer, *keeper[0], keep=form.keep.data)


def begin_session(answer: Response, token: str, mark: str, keep: bool) -> Response:
    """Give the browser a fresh session for this sign-in, and the mark of a known device."""
    session.clear()
    session.permanent = keep
    login_user(SignedIn(token))
    return know_device(answer, mark)


def know_device(answer: Response, mark: str) -> Response:
    """Let this browser's tries to sign in be counted apart from those of strangers (A05)."""
    answer.set_cookie(
        "device", mark, max_age=365 * 86400, httponly=True, samesite="Lax", path="/sign-in",
        secure=actions.settings().https,
    )  # fmt: skip
    return answer


def device_name() -> str:
    """A few words by which a person knows her device again; the full header is not kept."""
    agent = request.user_agent.string
    systems = ("Android", "iPhone", "iPad", "Windows", "Mac OS X", "CrOS", "Linux")
    browsers = ("Firefox", "Edg", "OPR", "SamsungBrowser", "Chrome", "Safari")
    system = next((s for s in systems if s in agent), "")
    browser = next((b for b in browsers if b in agent), "")
    names = {"Edg": "Edge", "OPR": "Opera", "Mac OS X": "Mac", "CrOS": "Chromebook"}
    return " · ".join(names.get(part, part) for part in (browser, system) if part)


@bp.route("/sign-out", methods=["GET", "POST"])
@needs("accounts.sign_in")
def sign_out() -> Answer:
    """End this sign-in. GET asks first: a link must not sign anybody out."""
    form = forms.EmptyForm()

    def step() -> str:
        viewer = current_viewer()
        if viewer.sign_in_id:
            actions.end_sign_in(viewer, viewer.sign_in_id)
        return url_for("home.show_home")

    answer = pages.carry_out(form, step)
    if answer is None:
        return pages.page("accounts/sign_out.html", form)
    end_session()
    pages.say(gettext("You are signed out."))
    return answer


def end_session() -> None:
    """Forget everything the cookie held."""
    logout_user()
    session.clear()


@bp.route("/confirm", methods=["GET", "POST"])
@needs("accounts.manage_own")
def confirm_password() -> Answer:
    """Give the password again before something sensitive."""
    form = forms.ConfirmForm()

    def step() -> str:
        actions.confirm_password(current_viewer(), form.password.data)
        return pages.own_address(request.args.get("next"), url_for("accounts.show_account"))

    return pages.carry_out(form, step) or pages.page("accounts/confirm_password.html", form)


@bp.route("/reset", methods=["GET", "POST"])
@needs("accounts.sign_in")
def ask_reset() -> Answer:
    """Ask for a reset link. The next page is the same for every address."""
    form = forms.ResetForm()

    def step() -> str:
        actions.ask_reset(form.email.data, request.remote_addr or "")
        return url_for("accounts.show_reset_sent")

    return pages.carry_out(form, step) or pages.page("accounts/ask_reset.html", form)


@bp.get("/reset/sent")
@needs("accounts.sign_in")
def show_reset_sent() -> Answer:
    """Say what happens next."""
    return pages.page("accounts/show_reset_sent.html")


@bp.route("/reset/<token>", methods=["GET", "POST"])
@needs("accounts.sign_in")
def use_reset(token: str) -> Answer:
    """Choose a new password. Opening the link uses nothing up; sending the form does (A08)."""
    found = queries.open_link(token, "reset", now())
    if found is None:
        return pages.page("accounts/show_dead_link.html")[0], 410
    form = forms.NewPasswordForm()

    def step() -> str:
        actions.use_reset(*found, form.password.data)
        return url_for("accounts.sign_in")

    answer = pages.carry_out(form, step)
    if answer is None:
        return pages.page("accounts/use_reset.html", form)
    end_session()
    pages.say(gettext("Your password is changed. Sign in with the new one."))
    return know_device(
        answer, actions.device_mark(found[1].id)
    )  # she has the mailbox: no stranger shuts her out


@bp.route("/account", methods=["GET", "POST"])
@needs("accounts.manage_own")
def show_account() -> Answer:
    """One's own settings."""
    person = queries.own_person(current_viewer())
    form = forms.AccountForm(obj=person)

    def step() -> str:
        actions.change_account(
            current_viewer(), form.display_name.data, form.about.data or "", form.locale.data,
            form.timezone.data, form.mail_notices.data,
        )  # fmt: skip
        return url_for("accounts.show_account")

    answer = pages.carry_out(form, step)
    if answer is None:
        return pages.page("accounts/show_account.html", form, person=person)
    answer.delete_cookie("lang")
    pages.say(gettext("Saved."))
    return answer


@bp.route("/account/password", methods=["GET", "POST"])
@needs("accounts.manage_own")
def change_password() -> Answer:
    """A new password; every other device is signed out."""
    form = forms.ChangePasswordForm()

    def step() -> str:
        actions.change_password(current_viewer(), form.current_password.data, form.new_password.data)
        pages.say(gettext("Your password is changed. Every other device is signed out."))
        return url_for("accounts.show_account")

    return pages.carry_out(form, step) or pages.page("accounts/change_password.html", form)


@bp.route("/account/address", methods=["GET", "POST"])
@needs("accounts.secure_own")
def change_address() -> Answer:
    """Move the account to another e-mail address."""
    form = forms.AddressForm()

    def step() -> str:
        actions.ask_new_address(current_viewer(), form.email.data)
        pages.say(gettext("A mail is on its way to the new address. Open its link to finish."))
        return url_for("accounts.show_account")

    return pages.carry_out(form, step) or pages.page("accounts/change_address.html", form)


@bp.route("/account/address/<token>", methods=["GET", "POST"])
@needs("accounts.sign_in")
def use_address(token: str) -> Answer:
    """Prove the new address. Opening the link uses nothing up."""
    found = queries.open_link(token, "address", now())
    if found is None:
        return pages.page("accounts/show_dead_link.html")[0], 410
    form = forms.EmptyForm()

    def step() -> str:
        actions.use_new_address(*found)
        return url_for("accounts.sign_in")

    answer = pages.carry_out(form, step)
    if answer is None:
        return pages.page("accounts/use_address.html", form, address=found[0].address)
    end_session()
    pages.say(gettext("Your new address is in use. Sign in with it."))
    return answer


@bp.get("/account/devices")
@needs("accounts.manage_own")
def show_devices() -> Answer:
    """Where one is signed in."""
    return pages.page("accounts/show_devices.html", devices=queries.own_devices(current_viewer()))


@bp.post("/account/devices/<id:sign_in_id>/end")
@needs("accounts.manage_own")
def end_device(sign_in_id: int) -> Answer:
    """Sign one device out."""

    def step() -> str:
        actions.end_sign_in(current_viewer(), sign_in_id)
        pages.say(gettext("That device is signed out."))
        return url_for("accounts.show_devices")

    return carried_out(step)


@bp.post("/account/devices/end-others")
@needs("accounts.manage_own")
def end_other_devices() -> Answer:
    """Sign every other device out."""

    def step() -> str:
        viewer = current_viewer()
        actions.end_all_sign_ins(viewer.person_id or 0, but=viewer.sign_in_id)
        pages.say(gettext("Every other device is signed out."))
        return url_for("accounts.show_devices")

    return carried_out(step)


@bp.route("/account/export", methods=["GET", "POST"])
@needs("accounts.secure_own")
def export_own() -> Answer:
    """Everything that is kept about oneself, as a file."""
    form = forms.EmptyForm()
    if request.method == "GET" or not form.validate():
        return pages.page("accounts/export_own.html", form)
    commit()  # others write while the copy is made
    with reading_only():
        content = people_data.archive(current_viewer().person_id or 0)
    headers = {"Content-Disposition": 'attachment; filename="callboard.zip"'}
    return Response(content, mimetype="application/zip", headers=headers)


@bp.route("/account/delete", methods=["GET", "POST"])
@needs("accounts.secure_own")
def delete_own() -> Answer:
    """Close the account; a week later it is erased."""
    form = forms.DeletionForm()

    def step() -> str:
        own_data.ask_deletion(current_viewer(), bool(form.keep_words.data))
        return url_for("home.show_home")

    answer = pages.carry_out(form, step)
    if answer is None:
        return pages.page("accounts/delete_own.html", form)
    end_session()
    pages.say(gettext("Your account is closed. A mail says how to get it back within seven days."))
    return answer


@bp.route("/account/keep/<token>", methods=["GET", "POST"])
@needs("accounts.sign_in")
def keep_own(token: str) -> Answer:
    """Come back within the week. Opening the link uses nothing up."""
    found = queries.open_link(token, "keep", now())
    if found is None:
        return pages.page("accounts/show_dead_link.html")[0], 410
    form = forms.EmptyForm()

    def step() -> str:
        own_data.keep_account(*found)
        pages.say(gettext("Your account is open again. Sign in."))
        return url_for("accounts.sign_in")

    return pages.carry_out(form, step) or pages.page("accounts/keep_own.html", form)


def carried_out(step: pages.Step) -> Response:
    """A button's act. Errors: Missing when the form was malformed."""
    answer = pages.carry_out(forms.EmptyForm(), step)
    if answer is None:
        raise Missing
    return answer
