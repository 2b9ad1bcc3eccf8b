"""What every page carries: navigation, hotlines, banner, the reader's clock, and asset addresses.

Everything here is cheap: addresses are made once per application, no statement is sent.
"""

from __future__ import annotations

import hashlib
import json
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from gettext import NullTranslations
from pathlib import Path
from typing import Any

from flask import Flask, current_app, g, request
from flask_babel import get_locale, get_translations, gettext
from markupsafe import Markup

from forum import slots
from forum.config import LANGUAGES
from forum.db import now
from forum.declare import HelpLink
from forum.pages import idempotency_key
from forum.paths import PACKAGE
from forum.plugins import loaded
from forum.times import Clock
from forum.viewer import Viewer, current_viewer


@dataclass(frozen=True)
class NavLink:
    """One entry of the navigation; `count` is what waits there."""

    label: str
    url: str
    current: bool
    count: int = 0


def init_app(app: Flask) -> None:
    """Give every template what it may count on."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(translated, translated_plural, newstyle=True)  # type: ignore[attr-defined]
    app.jinja_env.globals.update(
        asset=asset, zone_time=zone_time, idempotency_key=idempotency_key, languages=LANGUAGES, slot=slots.slot,
        help_links=slots.help_links,
    )  # fmt: skip
    app.context_processor(layout_values)


ENGLISH = NullTranslations()
_catalogue: ContextVar[NullTranslations] = ContextVar("catalogue", default=ENGLISH)


def choose_catalogue() -> None:
    """Look up the reader's catalogue once, for every text of the page."""
    _catalogue.set(get_translations())


def translated(text: str) -> str:
    """A text in the reader's language; cheap enough for every label of a page."""
    return _catalogue.get().gettext(text)


def translated_plural(one: str, many: str, count: int) -> str:
    """A text for one or for many, in the reader's language."""
    return _catalogue.get().ngettext(one, many, count)


def layout_values() -> dict[str, Any]:
    """The values of base.html."""
    choose_catalogue()
    viewer, language = current_viewer(), str(get_locale() or "en")
    settings = current_app.config["CALLBOARD"]
    quiet = {"get_flashed_messages": no_messages} if "quiet" in g else {}
    banner = gettext("This is a demo. Staff sign in without a second factor.") if settings.demo else None
    return {
        "viewer": viewer,
        "site_name": settings.site_name,
        "nav": navigation(viewer),
        "hotlines": hotlines(),
        "banner": banner,
        "source_url": settings.source_url,
        "language_action": request.path if request.method == "GET" else "/",
        "lang": language,
        "text_direction": "ltr",
        "zone_time": clock().time,
        **quiet,
    }


def no_messages(**wanted: Any) -> list[Any]:
    """On quiet pages: taking a sentence off the session would set a cookie, so it waits for the next page."""
    return []


def navigation(viewer: Viewer) -> list[NavLink]:
    """At most five places; what waits there is counted."""
    path = request.path
    links = [NavLink(gettext("Today"), "/", path == "/")]
    links.append(NavLink(gettext("Boards"), "/boards", path.startswith(("/boards", "/topics", "/posts"))))
    if viewer.signed_in:
        if viewer.agencies:
            first = viewer.agencies[0]
            links.append(NavLink(first.name, f"/a/{first.slug}", path.startswith("/a/")))
        notices = NavLink(
            gettext("Notices"), "/notifications", path.startswith("/notifications"), viewer.notices
        )
        links.append(notices)
    links += [
        NavLink(label, url, path == url or path.startswith(f"{url}/")) for label, url in slots.nav_links()
    ]
    if viewer.signed_in:
        links.append(NavLink(gettext("Account"), "/account", path.startswith("/account")))
    return links


def hotlines() -> list[HelpLink]:
    """The lines of the help strip: those that plugins give, or, when none does, the few the core carries."""
    language = str(get_locale() or "en")
    return slots.help_links("strip") or [
        HelpLink(
            line["label"][language], f"tel:{line['tel']}", True, line["about"][language], line["printed"]
        )
        for line in _own_lines()
    ]


@lru_cache(maxsize=1)
def _own_lines() -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = json.loads((PACKAGE / "hotlines.json").read_text("utf-8"))
    return lines


def clock() -> Clock:
    """The reader's clock, made once per request."""
    if "clock" not in g:
        viewer = current_viewer()
        zone = viewer.timezone if viewer.signed_in else current_app.config["CALLBOARD"].default_timezone
        g.clock = Clock(str(get_locale() or "en"), zone, now())
    found: Clock = g.clock
    return found


def zone_time(moment: Any) -> Markup:
    """A moment in the reader's zone, as `<time>`."""
    return clock().time(moment)


def asset(name: str) -> str:
    """The address of a static file; it changes when the file does, so it may be kept for a year."""
    plugin = loaded().get(name.partition("/")[0])
    folder = plugin.own("static") if plugin else None
    if folder is None:
        return f"/static/{name}?v={_version(str(current_app.static_folder), name)}"
    return f"/static/{name}?v={_version(str(folder), name.partition('/')[2])}"


@lru_cache(maxsize=32)
def _version(folder: str, name: str) -> str:
    return hashlib.sha256((Path(folder) / name).read_bytes()).hexdigest()[:10]
