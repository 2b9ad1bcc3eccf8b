"""Pages of notes at an agency, and two that are wrong on purpose: one writes while reading, one fails."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, url_for
from flask_babel import lazy_gettext as _
from sqlalchemy import select
from wtforms import StringField

from forum.sdk import (
    Form,
    agency_in_hand,
    agency_settings,
    carry_out,
    current_viewer,
    db,
    needed,
    needs,
    notify,
    page,
)
from forum_tiny_agency.models import Note

bp = Blueprint("tiny_agency", __name__)
inner = Blueprint("inner", __name__)  # a blueprint inside a blueprint is behind the same gate


class NoteForm(Form):
    """A note."""

    body = StringField(_("Note"), validators=[needed(_("Write something."))])


class AgencySettings(Form):
    """What an agency may set."""

    heading = StringField("Heading", default="Notes")


@bp.route("", methods=["GET", "POST"])
@needs("tiny_agency.read")
def show_notes(agency: str) -> Any:
    """The agency's notes, and a form."""
    place, viewer, form = agency_in_hand(), current_viewer(), NoteForm()
    assert place

    def step() -> str:
        db.session.add(Note(agency_id=place.id, author_id=viewer.person_id, body=form.body.data))
        notify(viewer.person_id or 0, "tiny_agency.noted", agency_id=place.id)
        return url_for("tiny_agency.show_notes", agency=agency)

    rows = db.session.scalars(select(Note.body).where(Note.agency_id == place.id).order_by(Note.id)).all()
    heading = agency_settings(place, "tiny_agency")["heading"]
    return carry_out(form, step) or page("tiny_agency/show_notes.html", form, rows=rows, heading=heading)


@bp.get("/managed")
@needs("tiny_agency.manage")
def show_managed(agency: str) -> Any:
    """For those who manage notes."""
    return "managed"


@bp.get("/sensitive")
@needs("tiny_agency.open")
def show_sensitive(agency: str) -> Any:
    """Needs the password given lately."""
    return "opened"


@bp.get("/writes")
@needs("tiny_agency.read")
def show_writing(agency: str) -> Any:
    """Writes while reading, which is refused."""
    viewer, place = current_viewer(), agency_in_hand()
    assert place
    db.session.add(Note(agency_id=place.id, author_id=viewer.person_id, body="written by a look"))
    db.session.flush()
    return "written"


@bp.get("/fails")
@needs("tiny_agency.read")
def show_failing(agency: str) -> Any:
    """Fails."""
    raise ZeroDivisionError("a secret word")


@inner.get("/page")
@needs("tiny_agency.read")
def show_inner(agency: str) -> Any:
    """A page of the blueprint inside."""
    return "inside"


bp.register_blueprint(inner, url_prefix="/inner")
