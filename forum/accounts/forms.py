"""Shapes of the account forms. Rules and meanings are in actions."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from wtforms import BooleanField, EmailField, PasswordField, SelectField, StringField, TextAreaField
from wtforms.validators import Email, Length

from forum.config import LANGUAGES
from forum.pages import Form, needed
from forum.times import known_zones

NEED_EMAIL = _("Write your e-mail address.")
NEED_PASSWORD = _("Write your password.")
BAD_EMAIL = _("Write an address like name@example.org.")


class SignInForm(Form):
    """E-mail and password."""

    email = EmailField(_("E-mail"), [needed(NEED_EMAIL), Length(max=254)])
    password = PasswordField(_("Password"), [needed(NEED_PASSWORD), Length(max=1000)])
    keep = BooleanField(_("Keep me signed in: this is my own phone or computer"))


class ResetForm(Form):
    """The address to send a reset link to."""

    email = EmailField(_("E-mail"), [needed(NEED_EMAIL), Length(max=254), Email(BAD_EMAIL)])


class NewPasswordForm(Form):
    """A new password, by mailed link."""

    password = PasswordField(_("New password"), [needed(NEED_PASSWORD), Length(max=1000)])


class ChangePasswordForm(Form):
    """A new password, knowing the present one."""

    current_password = PasswordField(_("Present password"), [needed(NEED_PASSWORD), Length(max=1000)])
    new_password = PasswordField(_("New password"), [needed(NEED_PASSWORD), Length(max=1000)])


class ConfirmForm(Form):
    """The password once more."""

    password = PasswordField(_("Password"), [needed(NEED_PASSWORD), Length(max=1000)])


class AddressForm(Form):
    """A new e-mail address."""

    email = EmailField(_("New e-mail"), [needed(NEED_EMAIL), Length(max=254), Email(BAD_EMAIL)])


class EmptyForm(Form):
    """A button and nothing else."""


class AccountForm(Form):
    """What a person sets about herself."""

    display_name = StringField(_("Display name"), [needed(_("Write a name.")), Length(max=60)])
    about = TextAreaField(_("About you"), [Length(max=600)])
    locale = SelectField(_("Language"), choices=LANGUAGES)
    timezone = SelectField(_("Time zone"), choices={z: z.replace("_", " ") for z in known_zones()})
    mail_notices = BooleanField(_("Mail me when there is something new. The mail never says what."))


class DeletionForm(Form):
    """Leaving for good."""

    keep_words = BooleanField(_("Leave my posts standing, without my name"), default=True)
    sure = BooleanField(_("Yes, close my account"), [needed(_("Tick the box if you want this."))])
