"""Formats that other programs read: Atom, iCalendar, CSV, problem+json, ETag.

Escaping is done here, once. What goes into them, and who may read it, is the caller's affair:
nothing of a private board belongs in a feed.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import importlib
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape, quoteattr

# What spreadsheets take for a formula at the start of a cell, full-width forms included (OWASP).
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠'\t\r]")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Entry:
    """One entry of a feed. `id` never changes; `html` is already safe."""

    id: str
    title: str
    url: str
    updated: dt.datetime
    author: str
    html: str


@dataclass(frozen=True)
class Feed:
    """A feed. `url` is the page it mirrors, `self_url` the feed itself; both absolute."""

    id: str
    title: str
    url: str
    self_url: str
    entries: Sequence[Entry] = ()

    @property
    def updated(self) -> dt.datetime:
        """The moment of the newest entry; 1970 for a feed that never had one."""
        return max((e.updated for e in self.entries), default=dt.datetime.fromtimestamp(0, dt.UTC))


def atom(feed: Feed) -> str:
    """The feed as Atom (RFC 4287), to be served as application/atom+xml; charset=utf-8."""
    return "\n".join(
        [
            '<?xml version="1.0" encoding="utf-8"?>',
            '<feed xmlns="http://www.w3.org/2005/Atom">',
            _element("id", feed.id),
            _element("title", feed.title),
            f"<link href={_quoted(feed.url)}/>",
            f'<link rel="self" href={_quoted(feed.self_url)}/>',
            _element("updated", feed.updated.isoformat()),
            *map(_entry, feed.entries),
            "</feed>\n",
        ]
    )


def _entry(entry: Entry) -> str:
    parts = [
        _element("id", entry.id),
        _element("title", entry.title),
        f"<link href={_quoted(entry.url)}/>",
        _element("updated", entry.updated.isoformat()),
        f"<author>{_element('name', entry.author)}</author>",
        f'<content type="html">{_text(entry.html)}</content>',
    ]
    return f"<entry>{''.join(parts)}</entry>"


def _element(name: str, text: str) -> str:
    return f"<{name}>{_text(text)}</{name}>"


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("", text))


def _quoted(text: str) -> str:
    return quoteattr(_NOT_XML.sub("", text))


@dataclass(frozen=True)
class Event:
    """Something in a calendar. `uid` never changes; a change raises `sequence`; moments are aware."""

    uid: str
    summary: str
    starts: dt.datetime
    ends: dt.datetime
    url: str = ""
    words: str = ""
    sequence: int = 0
    cancelled: bool = False


def ical(events: Sequence[Event], made_at: dt.datetime) -> bytes:
    """The events as a calendar file (RFC 5545), in UTC. Errors: ValueError for a moment without a zone."""
    icalendar = importlib.import_module("icalendar")  # a third of a second, which only calendars should cost
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//Callboard//EN")
    calendar.add("version", "2.0")
    for event in events:
        calendar.add_component(_ical_event(icalendar.Event(), event, made_at))
    return bytes(calendar.to_ical())


def _ical_event(made: Any, event: Event, made_at: dt.datetime) -> Any:
    if event.starts.tzinfo is None or event.ends.tzinfo is None:
        raise ValueError("a moment without a zone")
    made.add("uid", event.uid)
    made.add("dtstamp", made_at.astimezone(dt.UTC))
    made.add("dtstart", event.starts.astimezone(dt.UTC))
    made.add("dtend", event.ends.astimezone(dt.UTC))
    made.add("summary", _NOT_XML.sub("", event.summary))
    made.add("sequence", event.sequence)
    made.add("status", "CANCELLED" if event.cancelled else "CONFIRMED")
    if event.words:
        made.add("description", _NOT_XML.sub("", event.words))
    if event.url:
        made.add("url", event.url)
    return made


def csv_rows(rows: Iterable[Iterable[Any]]) -> str:
    """The rows as CSV (RFC 4180) in which no cell is a formula.

    A text that begins like one gets an apostrophe in front; so does one that begins with an
    apostrophe, so that taking one away (`csv_text`) always gives the text back. Numbers stay.
    """
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n").writerows(
        [_cell(value) for value in row] for row in rows
    )
    return out.getvalue()


def _cell(value: Any) -> Any:
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    text = value.isoformat() if isinstance(value, (dt.date, dt.datetime)) else str(value)
    text = text.replace("\0", "")
    return f"'{text}" if _FORMULA.match(text) else text


def csv_text(cell: str) -> str:
    """The text that a cell written by `csv_rows` stands for."""
    return cell.removeprefix("'")


def problem(status: int, title: str, detail: str) -> dict[str, Any]:
    """A fault for programs (RFC 9457), to be served as application/problem+json."""
    return {"type": "about:blank", "status": status, "title": title, "detail": detail}


def etag(*parts: object) -> str:
    """A validator made of these parts, without quotes: `response.set_etag` adds them."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode())
    return digest.hexdigest()[:32]
