"""Shapes of the forms of agencies. Rules and meanings are in actions."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import Length

from forum.pages import Form, needed


class RemoveForm(Form):
    """Why a membership ends."""

    reason = TextAreaField(_("Reason"), [needed(_("Write a reason.")), Length(max=300)])


class RoleForm(Form):
    """A role to give; the choices are those the viewer may give."""

    role = SelectField(_("Role"))


class AgencyForm(Form):
    """A new agency."""

    name = StringField(_("Name"), [needed(_("Write a name.")), Length(max=80)])
    slug = StringField(_("Short name for its address"), [needed(_("Write a short name.")), Length(max=40)])
