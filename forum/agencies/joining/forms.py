"""Shapes of the forms by which people come in. Rules and meanings are in actions."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from wtforms import BooleanField, EmailField, PasswordField, SelectField, StringField, TextAreaField
from wtforms.validators import Email, Length, Optional

from forum.accounts.forms import BAD_EMAIL, NEED_EMAIL, NEED_PASSWORD
from forum.config import LANGUAGES
from forum.pages import Form, needed


class JoinForm(Form):
    """Who somebody is, to open an account by invite."""

    email = EmailField(_("E-mail"), [needed(NEED_EMAIL), Length(max=254), Email(BAD_EMAIL)])
    display_name = StringField(_("Display name"), [needed(_("Write a name.")), Length(max=60)])
    password = PasswordField(_("Password"), [needed(NEED_PASSWORD), Length(max=1000)])
    born = StringField(_("Date of birth"), [needed(_("Write your date of birth.")), Length(max=10)])
    locale = SelectField(_("Language"), choices=LANGUAGES)


class ApplyForm(JoinForm):
    """The same, and why one asks."""

    application = TextAreaField(
        _("Who you are and why you ask"), [needed(_("Write a few words about yourself.")), Length(max=2000)]
    )


class FinishForm(Form):
    """The password once more, where another browser opens the mailed link."""

    password = PasswordField(_("The password you chose"), [Optional(), Length(max=1000)])


class InviteForm(Form):
    """One person to invite. The choices of role are those of the viewer."""

    legal_name = StringField(
        _("Legal name"), [needed(_("Write the name as it stands in the person’s papers.")), Length(max=120)]
    )
    role = SelectField(_("As"))


class GuardianInviteForm(InviteForm):
    """The same for a coordinator, who invites guardians too."""

    child = SelectField(_("For a guardian: the child"), validate_choice=False, default="")
    proved = BooleanField(
        _("I have checked, by another way than through the child, that this is the guardian")
    )


class DecisionForm(Form):
    """A reason, and the button that was pressed says which way."""

    reason = TextAreaField(_("Reason"), [needed(_("Write a reason.")), Length(max=300)])
