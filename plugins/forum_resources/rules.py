"""Who may do what with listings. Base listings are for everybody; an agency adds, and takes nothing away."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from forum.sdk import ANYONE, Permission

PERMISSIONS = [
    Permission("resources.read", _("Read listings"), {ANYONE}),
    Permission("resources.report", _("Say that a number did not work"), {ANYONE}),
    Permission(
        "resources.read_local", _("Read what one’s agency added"),
        {"model", "new_face", "mentor", "coordinator", "agency_manager", "booker"},
    ),
    Permission("resources.add_local", _("Add a listing for one’s agency"), {"coordinator", "agency_manager"}),
]  # fmt: skip
