"""The pages of things that did not work: a clear sentence, what was typed, and never a trace.

Missing and forbidden are the same page. A request body is given back as long as it can be read.
"""

from __future__ import annotations

import logging
from itertools import islice

from flask import Flask, current_app, render_template, request
from flask_babel import get_locale, gettext
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import IntegrityError, OperationalError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, SecurityError

from forum import db
from forum.permissions import Missing, Refused

log = logging.getLogger(__name__)
UNIQUE = "23505"  # PostgreSQL's state for a value that is there already
WORDS = 20  # characters from which a text is worth giving back where no form can
HIDDEN_WHEN_GIVEN_BACK = {
    *("csrf_token", "once", "password", "new_password", "current_password", "confirm_password"),
}


def init_app(app: Flask) -> None:
    """Register every handler."""
    app.register_error_handler(Missing, missing)
    app.register_error_handler(404, missing)
    app.register_error_handler(Refused, refused)
    app.register_error_handler(CSRFError, stale_form)
    app.register_error_handler(RequestEntityTooLarge, too_large)
    app.register_error_handler(SecurityError, unknown_host)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(OperationalError, busy)
    app.register_error_handler(IntegrityError, taken)
    app.register_error_handler(500, broken)


def _page(code: int, title: str, sentence: str, **more: object) -> tuple[str, int]:
    """The page; nothing on it repeats the address, so that it is as long for one that is missing as for any."""
    shown = {"code": code, "title": title, "sentence": sentence, "language_action": "/", **more}
    return render_template("errors/error.html", **shown), code


def missing(error: Exception) -> tuple[str, int]:
    """404 for what is not there and for what is not the viewer's: one page, one length."""
    db.rollback()
    sentence = gettext("It may have moved, or it may be open only to some people.")
    return _page(404, gettext("There is nothing here for you"), sentence, kept_text=typed_words())


def refused(error: Refused) -> tuple[str, int]:
    """A refusal that no form could show."""
    db.rollback()
    return _page(error.status, gettext("That was not done"), error.sentence, kept_text=_typed())


def stale_form(error: CSRFError) -> tuple[str, int]:
    """The page was open too long, or cookies are off: the text comes back, ready to send again."""
    db.rollback()
    sentence = gettext(
        "This page was open for a long time, so nothing was saved. Your words are below; send them again."
    )
    return _give_back(400, gettext("Please send it once more"), sentence)


def _give_back(code: int, title: str, sentence: str, **more: object) -> tuple[str, int]:
    """A page with everything that was typed but passwords, ready to be sent again."""
    typed = islice(
        request.form.items(multi=True), current_app.config["MAX_FORM_PARTS"]
    )  # no form of ours has more
    fields = [(n, v) for n, v in typed if n not in HIDDEN_WHEN_GIVEN_BACK and "\0" not in v]
    shown = {
        "code": code,
        "title": title,
        "sentence": sentence,
        "fields": fields,
        "language_action": "/",
        **more,
    }
    return render_template("errors/stale_form.html", **shown), code


def password_first(wrong: str) -> tuple[str, int]:
    """A sensitive form was sent long after the password: her words, and a box for it. `wrong`: why not, last time."""
    sentence = wrong or gettext("This needs your password once more. Nothing was saved yet.")
    return _give_back(403, gettext("Give your password first"), sentence, ask_password=True)


def sign_in_first() -> tuple[str, int]:
    """Sent with a sign-in that has ended: the words are shown to be copied, in nobody's name yet (R47)."""
    sentence = gettext(
        "You are signed out, so nothing was saved. Copy your words, sign in and send them again."
    )
    return _page(401, gettext("Sign in first"), sentence, kept_text=typed_words())


def too_large(error: Exception) -> tuple[str, int]:
    """A body above the limit; it was not read, so it cannot be given back."""
    db.rollback()
    return _page(413, gettext("That is too much at once"), gettext("Make it shorter and send it again."))


def unknown_host(error: Exception) -> tuple[str, int]:
    """A Host that the site does not answer for (A09): Flask can make no address for it."""
    return _plain(400, gettext("That was not done"), gettext("This site does not answer to that name."))


def _plain(code: int, title: str, sentence: str, kept_text: str = "") -> tuple[str, int]:
    """A page that needs neither database nor viewer."""
    lang = str(get_locale() or "en")
    shown = {"code": code, "lang": lang, "title": title, "sentence": sentence, "kept_text": kept_text}
    return render_template("errors/plain.html", **shown), code


def http_error(error: HTTPException) -> tuple[str, int]:
    """Any other 4xx or 5xx that the framework raises."""
    db.rollback()
    code = error.code or 500
    if code == 405:
        return _page(405, gettext("This page takes no such request"), gettext("Go back and use its form."))
    if code == 429:
        return _page(429, gettext("Too many at once"), gettext("Wait a minute, then try again."))
    return _page(code, gettext("That was not done"), gettext("The request could not be understood."))


def busy(error: OperationalError) -> tuple[str, int]:
    """The database could not be reached or stayed locked: nothing was saved, say so."""
    db.rollback()
    log.error("database unavailable: %s", error.orig)
    sentence = gettext("Nothing was saved. Wait a moment, then send it again.")
    return _plain(503, gettext("Callboard is busy"), sentence, _typed())


def taken(error: IntegrityError) -> tuple[str, int]:
    """Two people took one name, address or place at the same moment: one of them did (R29), the other may try again.

    Errors: the same again when another rule of the database was broken; that is a fault of ours.
    """
    db.rollback()
    if getattr(error.orig, "sqlstate", None) != UNIQUE and "UNIQUE constraint" not in str(error.orig):
        raise error
    sentence = gettext("Somebody did the same at this moment, so nothing was saved. Send it once more.")
    return _page(409, gettext("That was not done"), sentence, kept_text=_typed())


def broken(error: Exception) -> tuple[str, int]:
    """A fault of ours; Flask has logged it. The page asks the database nothing."""
    db.rollback()
    sentence = gettext("Nothing was saved. It is written down for the people who run Callboard.")
    return _plain(500, gettext("Something broke on our side"), sentence, _typed())


def typed_words() -> str:
    """The longest text of the form in hand if it took a while to write, else ''."""
    text = _typed()
    return text if len(text) >= WORDS else ""


def _typed() -> str:
    """The longest text of the form in hand, so that nobody loses what she wrote; '' when it cannot be read."""
    if request.method != "POST":
        return ""
    try:
        texts = [v.replace("\0", "") for n, v in request.form.items() if n not in HIDDEN_WHEN_GIVEN_BACK]
    except HTTPException:  # too large, or no form at all
        return ""
    return max(texts, key=len, default="")
