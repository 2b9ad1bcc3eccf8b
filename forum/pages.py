"""What every route does with a page or a form: render, carry out, give back what was typed.

`carry_out` is the one place where a form becomes an action: shape is checked, the action runs,
its refusal becomes a sentence beside the field, the one commit happens, and a form sent twice
as it was answers with the first answer. Nothing here knows a feature.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import Any

from flask import flash, redirect, render_template, request
from flask_babel import gettext
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import Field
from wtforms.validators import StopValidation

from forum import db, once
from forum.permissions import Missing, Refused
from forum.viewer import current_viewer

Step = Callable[[], str]
ALWAYS_ALLOWED = {"csrf_token", "once", "confirm_password"}


class Form(FlaskForm):
    """Base of every form: unknown fields are refused, control characters never reach an action."""

    class Meta(FlaskForm.Meta):
        """CSRF is checked once, for every request, by the application."""

        csrf = False

        def bind_field(self, form: Any, unbound_field: Any, options: dict[str, Any]) -> Field:
            """Give every text field a filter that drops NUL and lone surrogates."""
            filters = [_without_nul, *unbound_field.kwargs.get("filters", ())]
            return unbound_field.bind(form=form, **{**options, "filters": filters})

    refused_with = 409  # the status of the refusal, where a page has no form to show it in

    def refuse(self, refusal: Refused) -> None:
        """Put the refusal's sentence beside its field, or at the head of the form."""
        self.refused_with = refusal.status
        field = self._fields.get(refusal.field or "")
        if field is None:
            self.form_errors: list[str] = [*self.form_errors, refusal.sentence]
        else:
            field.errors = [*field.errors, refusal.sentence]


def _without_nul(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return value.replace("\0", "").encode("utf-8", "ignore").decode("utf-8")


def needed(message: str) -> Callable[[Any, Any], None]:
    """Validator: the field has something in it besides spaces; `message` is translated when shown."""

    def check(form: Any, field: Field) -> None:
        if not field.data or (isinstance(field.data, str) and not field.data.strip()):
            raise StopValidation(str(message))

    check.field_flags = {"required": True}  # type: ignore[attr-defined]
    return check


def carry_out(form: Form, step: Step) -> Response | None:
    """Run `step` for a submitted, valid form and go where it says; None when there is a page to show.

    `step` returns an address of this site. A form whose `once` key was seen before is not
    carried out again: the answer is the first one's address.
    """
    if request.method != "POST":
        return None
    refuse_unknown_fields(form)
    if not form.validate():
        return None
    try:
        address = _first_time(step)
        db.commit()
    except Refused as refusal:
        db.rollback()
        form.refuse(refusal)
        return None
    return redirect(address, 303)


def _first_time(step: Step) -> str:
    key = _key_of_form()
    if not key:
        return step()
    before = once.claim(key, current_viewer().person_id)
    if before is not None:
        return own_address(before)
    address = step()
    once.remember(key, address)
    return address


def _key_of_form() -> str:
    """The key of this form as it was filled in; '' when it has none.

    Whoever goes back to a page that was sent, and writes something else on it, sends another form: it must not
    be dropped as if it were the first. Passwords are left out.
    """
    key = request.form.get("once", "")[:80]
    if not key:
        return ""
    typed = (
        f for f in request.form.items(multi=True) if f[0] not in ALWAYS_ALLOWED and "password" not in f[0]
    )
    digest = hashlib.sha256(repr(list(typed)).encode("utf-8", "replace")).hexdigest()
    return f"{key} {request.path} {digest}"


def refuse_unknown_fields(form: Form) -> None:
    """Errors: Refused (400) when the request carries a field this form does not have."""
    unknown = set(request.form) - set(form._fields) - ALWAYS_ALLOWED
    if unknown:
        raise Refused(gettext("This form had a part that Callboard does not know. Nothing was saved."), 400)


def page(template: str, form: Form | None = None, **context: Any) -> tuple[str, int]:
    """The page, with 422 when its form was sent and has errors (what was typed is still in it)."""
    wrong = form is not None and request.method == "POST" and bool(form.errors)
    return render_template(template, form=form, **context), 422 if wrong else 200


def pressed(step: Step, form: Form | None = None) -> Response:
    """Carry out what a button does; its form has no fields, or hidden ones. Errors: Refused, with a sentence."""
    form = form if form is not None else Form()
    answer = carry_out(form, step)
    if answer is None:
        wrong = [sentence for field in form for sentence in field.errors]
        said = [*form.form_errors, *wrong, gettext("This form could not be understood. Nothing was saved.")]
        raise Refused(said[0], form.refused_with)
    return answer


def say(sentence: str) -> None:
    """Show this sentence on the next page."""
    flash(sentence)


def own_address(address: str | None, otherwise: str = "/") -> str:
    """`address` when it is a path of this site and no longer than is kept, else `otherwise` (no open redirect: A12)."""
    if not address or len(address) > once.LONGEST or any(ord(c) < 33 or c in '\\"<>' for c in address):
        return otherwise
    return address if address.startswith("/") and not address.startswith("//") else otherwise


def idempotency_key() -> str:
    """A fresh key for one form on one page."""
    return secrets.token_urlsafe(16)


def positive(text: str | None) -> int | None:
    """A whole number from 1 to 2,147,483,647 in a query string; None when absent.

    Errors: Missing for anything else.
    """
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and 0 < int(text) <= 2_147_483_647):
        raise Missing
    return int(text)
