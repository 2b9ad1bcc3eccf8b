"""The page where an agency sees, switches and sets up its plugins."""

from __future__ import annotations

from flask import Blueprint, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from forum import pages
from forum.agencies.queries import agency_by_slug
from forum.agencies.switching import actions, forms, queries
from forum.permissions import Missing, may, needs
from forum.plugins import loaded
from forum.switches import settings_of
from forum.viewer import current_viewer

bp = Blueprint("switching", __name__)
Answer = Response | tuple[str, int]


@bp.get("/a/<agency>/plugins")
@needs("agencies.show_plugins")
def show_plugins(agency: str) -> Answer:
    """What is switched on, for everybody who belongs to the agency; the switches for who may use them."""
    viewer = current_viewer()
    return pages.page(
        "switching/show_plugins.html", agency=agency_by_slug(viewer, agency), parts=queries.parts(viewer, agency),
        always=queries.always_there(viewer),
        may_switch=may(viewer, "agencies.switch_plugins", viewer.membership(agency)),
    )  # fmt: skip


@bp.post("/a/<agency>/plugins/<plugin>/switch")
@needs("agencies.switch_plugins")
def switch_plugin(agency: str, plugin: str) -> Answer:
    """Switch one on or off."""
    form = forms.SwitchForm()

    def step() -> str:
        switched = actions.switch(current_viewer(), agency, plugin, form.on.data == "yes")
        title = str(switched.info.title)
        if form.on.data == "yes":
            pages.say(gettext("%(part)s is on now.", part=title))
        else:
            pages.say(gettext("%(part)s is off now. Nothing is lost.", part=title))
        return url_for("switching.show_plugins", agency=agency)

    return pages.pressed(step, form)


@bp.route("/a/<agency>/plugins/<plugin>/settings", methods=["GET", "POST"])
@needs("agencies.switch_plugins")
def show_settings(agency: str, plugin: str) -> Answer:
    """Set one up."""
    viewer = current_viewer()
    part, place = queries.switchable(viewer, agency, plugin)
    shape = loaded().settings_forms.get(plugin)
    if shape is None or place.agency is None:
        raise Missing
    form = shape(data=dict(settings_of(place.agency.id, plugin)))

    def step() -> str:
        actions.set_up(viewer, agency, plugin, form)
        pages.say(gettext("Saved. Your members see in the log that the settings were changed."))
        return url_for("switching.show_plugins", agency=agency)

    return pages.carry_out(form, step) or pages.page(
        "switching/show_settings.html",
        form,
        agency=place.agency,
        part=part,
        fields=actions.setting_fields(form),
    )
