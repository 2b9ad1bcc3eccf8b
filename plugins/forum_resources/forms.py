"""Shape of the form for an agency's own listings."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from wtforms import StringField, TextAreaField
from wtforms.validators import Length

from forum.sdk import Form, needed


class LocalForm(Form):
    """A listing of an agency's own."""

    name = StringField(
        _("Name"),
        validators=[
            needed(_("Write what it is called.")),
            Length(max=120, message=_("At most 120 characters.")),
        ],
    )
    contact = StringField(
        _("Number or address"),
        validators=[
            needed(_("Write how to reach it.")),
            Length(max=200, message=_("At most 200 characters.")),
        ],
    )
    note = TextAreaField(
        _("What it is good for"), validators=[Length(max=600, message=_("At most 600 characters."))]
    )
