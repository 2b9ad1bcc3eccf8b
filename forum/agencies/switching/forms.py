"""Shapes of the forms on an agency's plugins page; the settings forms are the plugins' own."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from wtforms import HiddenField
from wtforms.validators import AnyOf

from forum.pages import Form


class SwitchForm(Form):
    """One switch: `on` is `yes` or `no`."""

    on = HiddenField(validators=[AnyOf(("yes", "no"), message=_("Choose on or off."))])
