"""Shapes of the forms about one person."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from wtforms import SelectField, TextAreaField
from wtforms.validators import Length

from forum.agencies.people.actions import MOST_DAYS
from forum.pages import Form, needed


class SuspendForm(Form):
    """For how long, and why."""

    days = SelectField(_("Days"), coerce=int, choices={str(n): str(n) for n in range(1, MOST_DAYS + 1)})
    reason = TextAreaField(_("Reason"), [needed(_("Write a reason.")), Length(max=300)])


class SiteRoleForm(Form):
    """A role with the Alliance."""

    role = SelectField(_("Role"))
