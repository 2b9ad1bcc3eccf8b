"""Pages of listings: for everybody at /resources, quiet; and what an agency adds at its own address."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, request, url_for
from flask_babel import format_datetime, gettext
from werkzeug.wrappers import Response as Answer

from forum.sdk import (
    Missing,
    agency_in_hand,
    carry_out,
    current_viewer,
    may,
    needs,
    now,
    page,
    pressed,
    say,
    tapped,
)
from forum_resources import actions, forms, queries
from forum_resources.queries import Listing

bp = Blueprint("resources", __name__)
local_bp = Blueprint("resources_local", __name__)
FIRST = 1  # priority up to which a listing is for anyone, at once
TOPICS = ("emergency", "assault", "trafficking", "work")
Page = Answer | tuple[str, int]


@bp.get("")
@needs("resources.read")
def show_listings() -> Page:
    """Every listing; plain links narrow it by topic and to what is open now."""
    topic, only_open = chosen_topic(), request.args.get("open") == "now"
    return page(
        "resources/show_listings.html", listings=chosen(topic, only_open), topic=topic, only_open=only_open,
        topics=[(name, topic_name(name)) for name in TOPICS],
    )  # fmt: skip


def chosen_topic() -> str:
    """The topic of the address. Errors: Missing for one that there is not."""
    topic = request.args.get("topic", "")
    if topic and topic not in TOPICS:
        raise Missing
    return topic


def chosen(topic: str, only_open: bool) -> list[Listing]:
    """The listings of a topic, or all; only those known to answer now, if that is wished."""
    found = queries.listings(current_viewer(), now())
    return [one for one in found if (not topic or topic in one.topics) and (not only_open or one.is_open)]


def topic_name(topic: str) -> str:
    """A topic in the reader's language."""
    return {
        "emergency": gettext("Danger now"),
        "assault": gettext("Sexual assault and harassment"),
        "trafficking": gettext("Forced or trapped"),
        "work": gettext("Work, contracts and pay"),
    }[topic]


@bp.get("/help-now")
@needs("resources.read")
def show_help_now() -> Page:
    """The few lines that suit anyone, one tap each."""
    return page("resources/show_help_now.html", listings=_first())


def _first() -> list[Listing]:
    return queries.listings(current_viewer(), now(), most_priority=FIRST)


@bp.get("/list.txt")
@needs("resources.read")
def show_text() -> Response:
    """Every listing as plain text, for slow nets and for passing on."""
    return _as_text(chosen(chosen_topic(), request.args.get("open") == "now"))


@bp.get("/help-now.txt")
@needs("resources.read")
def show_help_text() -> Response:
    """The first lines as plain text."""
    return _as_text(_first())


def _as_text(listings: list[Listing]) -> Response:
    lines = [
        gettext("As of %(when)s. Unknown means that nobody told us.", when=format_datetime(now(), "medium")),
        "",
    ]
    for one in listings:
        lines += [one.label, *(f"  {line.printed}: {state_words(line)}" for line in one.lines), ""]
    return Response("\n".join(lines), mimetype="text/plain")


def state_words(line: queries.Line) -> str:
    """Open, closed or unknown, in words."""
    always = line.state.turns is None
    return {
        "open": gettext("open, day and night") if always else gettext("open now"),
        "closed": gettext("closed now"),
        "unknown": gettext("hours unknown"),
    }[line.state.word]


@bp.get("/<uuid:service_id>")
@needs("resources.read")
def show_listing(service_id: UUID) -> Page:
    """One listing, with every way to reach it."""
    found = queries.listings(current_viewer(), now(), id=str(service_id))
    if not found:
        raise Missing
    return page("resources/show_listing.html", listing=found[0])


@bp.post("/<uuid:service_id>/channels/<int:position>/report")
@needs("resources.report")
@tapped
def report_channel(service_id: UUID, position: int) -> Answer:
    """One tap: this did not work."""

    def step() -> str:
        if position > 99:
            raise Missing
        actions.report(str(service_id), position, request.remote_addr or "")
        return url_for("resources.show_reported", service_id=service_id)

    return pressed(step)


@bp.get("/<uuid:service_id>/reported")
@needs("resources.read")
def show_reported(service_id: UUID) -> Page:
    """Thanks, and what else there is."""
    others = [one for one in _first() if one.id != str(service_id)]
    return page("resources/show_reported.html", listings=others)


# --- at an agency -------------------------------------------------------------------------------------


@local_bp.route("", methods=["GET", "POST"])
@needs("resources.read_local")
def show_local(agency: str) -> Page:
    """What the agency added for its own people; who may add gets the form."""
    viewer, place = current_viewer(), agency_in_hand()
    if place is None:
        raise Missing
    adds = may(viewer, "resources.add_local", viewer.membership(agency))
    if request.method == "POST" and not adds:
        raise Missing
    form = forms.LocalForm()

    def step() -> str:
        actions.add_local(viewer, place, form.name.data, form.contact.data, form.note.data or "")
        say(gettext("Added. Your agency’s people see it here and in search."))
        return url_for("resources_local.show_local", agency=agency)

    return carry_out(form, step) or page(
        "resources/show_local.html", form, agency=place, rows=queries.local_listings(viewer, place), adds=adds
    )


@local_bp.post("/<id:listing_id>/remove")
@needs("resources.add_local")
def remove_local(agency: str, listing_id: int) -> Answer:
    """Take one away again."""
    place = agency_in_hand()
    if place is None:
        raise Missing

    def step() -> str:
        actions.remove_local(current_viewer(), place, listing_id)
        return url_for("resources_local.show_local", agency=agency)

    return pressed(step)
