"""Pages of the tiny plugin: at an agency, on the site, quiet, tapped, and by a receipt."""

from __future__ import annotations

from flask import Blueprint, session
from flask_babel import gettext
from werkzeug.wrappers import Response

from forum.sdk import agency_in_hand, current_viewer, db, needs, page, pressed, tapped
from forum_tiny.models import Note

bp = Blueprint("tiny", __name__)
site_bp = Blueprint("tiny_site", __name__)
quiet_bp = Blueprint("tiny_quiet", __name__)
short_bp = Blueprint("tiny_short", __name__)
RECEIPTS = {"right"}


@bp.get("")
@needs("tiny.read")
def show_notes(agency: str) -> tuple[str, int]:
    """The notes of an agency."""
    place = agency_in_hand()
    return page("tiny/page.html", words=f"notes of {place.name if place else 'nobody'}")


@bp.get("/own")
@needs("tiny.own")
def show_own(agency: str) -> tuple[str, int]:
    """A page that only a verdict opens."""
    return page("tiny/page.html", words="own notes")


@site_bp.get("")
@needs("tiny.visit")
def show_site(agency: str = "") -> tuple[str, int]:
    """The site's part."""
    return page("tiny/page.html", words=gettext("Notes for everybody"))


@site_bp.get("/writes")
@needs("tiny.visit")
def writes() -> str:
    """A GET that wants to write: refused at run time."""
    db.session.add(Note(words="never"))
    db.session.flush()
    return "written"


@site_bp.get("/receipt/<receipt>")
@needs("tiny.read", by=lambda receipt: receipt in RECEIPTS)
def show_receipt(receipt: str) -> tuple[str, int]:
    """A page without a person."""
    return page("tiny/page.html", words="by receipt")


@quiet_bp.get("")
@needs("tiny.visit")
def show_quiet() -> tuple[str, int]:
    """A quiet page."""
    return page("tiny/page.html", words=f"quiet for {current_viewer().display_name or 'anybody'}")


@quiet_bp.get("/broken/<secret>")
@needs("tiny.visit")
def broken(secret: str) -> str:
    """A quiet page with a fault."""
    raise ValueError(f"zqsecretqz {secret}")


@quiet_bp.post("/tap")
@needs("tiny.visit")
@tapped
def tap() -> Response:
    """One tap without token or cookie."""

    def step() -> str:
        db.session.add(Note(words=f"tapped {len(session)}"))
        return "/tiny-quiet"

    return pressed(step)


@short_bp.get("/<code>")
@needs("tiny.visit")
def show_short(code: str) -> tuple[str, int]:
    """At a claimed path."""
    return page("tiny/page.html", words=f"short {code}")
