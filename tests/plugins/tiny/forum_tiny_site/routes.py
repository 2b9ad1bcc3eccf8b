"""Pages: quiet ones at /tiny, taps, a night pass, and one at a claimed path that knows its reader."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, url_for
from sqlalchemy import text

from forum.sdk import agency_in_hand, current_viewer, db, needs, page, pressed, tapped
from forum_tiny_site.models import Tap

bp = Blueprint("tiny_site", __name__)
short = Blueprint("tiny_site_short", __name__)
here = Blueprint("tiny_site_here", __name__)
PASS = "let-me-in"


def knows_the_pass(word: str) -> bool:
    """Policy: whoever knows the word."""
    return word == PASS


@bp.get("")
@needs("tiny_site.read")
def show_quiet() -> Any:
    """A quiet page in the site's frame."""
    return page("tiny_site/show_quiet.html", reader=current_viewer().handle)


@bp.get("/fails/<word>")
@needs("tiny_site.read")
def show_failing(word: str) -> Any:
    """Fails, with words in the message that nobody may read in the log."""
    raise ValueError(f"secret {word}")


@bp.get("/sql/<word>")
@needs("tiny_site.read")
def show_broken_sql(word: str) -> Any:
    """Asks for a table that is not there."""
    return str(
        db.session.execute(text("SELECT * FROM no_such_table WHERE word = :word"), {"word": word}).all()
    )


@bp.post("/tap/<int:number>")
@needs("tiny_site.read")
@tapped
def tap(number: int) -> Any:
    """A tap without token or cookie."""

    def step() -> str:
        db.session.add(Tap(number=number))
        return url_for("tiny_site.show_quiet")

    return pressed(step)


@bp.get("/night/<word>")
@needs("tiny_site.enter", by=knows_the_pass)
def show_night(word: str) -> Any:
    """Open to whoever has the pass."""
    return "the night room"


@short.get("/<id:number>")
@needs("tiny_site.meet")
def show_short(number: int) -> Any:
    """At a claimed path; knows its reader."""
    return f"short {number} for {current_viewer().handle}"


@here.get("")
@needs("tiny_site.meet")
def show_here(agency: str) -> Any:
    """The agency's part."""
    place = agency_in_hand()
    return f"here at {place.slug if place else 'nowhere'}"
