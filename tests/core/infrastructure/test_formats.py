"""Feeds that parse, cells that no spreadsheet executes, validators that Flask takes."""

from __future__ import annotations

import csv
import datetime as dt
import io
from xml.etree import ElementTree

import pytest
from flask import Flask, Response

from forum import formats

AT = dt.datetime(2026, 5, 1, 9, 30, tzinfo=dt.UTC)
ATOM = "{http://www.w3.org/2005/Atom}"


def _feed(**changes: str) -> formats.Feed:
    values = {
        "title": "A & B",
        "html": "<p>x &amp; y</p>",
        "author": "Inès <3",
        "url": 'https://x.org/?a=1&b="2"',
    }
    values |= changes
    entry = formats.Entry(
        "https://x.org/1", values["title"], values["url"], AT, values["author"], values["html"]
    )
    return formats.Feed("https://x.org/", "News", "https://x.org/", "https://x.org/feed", [entry])


def test_a_feed_says_what_was_put_in() -> None:
    root = ElementTree.fromstring(formats.atom(_feed()))
    entry = root.find(f"{ATOM}entry")

    assert root.findtext(f"{ATOM}updated") == AT.isoformat()
    assert entry is not None
    assert entry.findtext(f"{ATOM}title") == "A & B"
    assert entry.findtext(f"{ATOM}author/{ATOM}name") == "Inès <3"
    assert entry.find(f"{ATOM}link").get("href") == 'https://x.org/?a=1&b="2"'  # type: ignore[union-attr]
    assert entry.find(f"{ATOM}content").attrib == {"type": "html"}  # type: ignore[union-attr]
    assert entry.findtext(f"{ATOM}content") == "<p>x &amp; y</p>"


@pytest.mark.parametrize(
    "nasty", ["]]><x>", "</title><script>", "\x00\x0b\ufffe\ud800", "&#0; &nbsp;", "<!--", "é 👗"]
)
def test_a_feed_parses_whatever_is_in_it(nasty: str) -> None:
    feed = formats.atom(_feed(title=nasty, html=nasty, author=nasty, url=f"https://x.org/{nasty}"))

    root = ElementTree.fromstring(feed.encode())
    assert {child.tag for child in root.iter()} <= {
        f"{ATOM}{name}"
        for name in ("feed", "id", "title", "link", "updated", "entry", "author", "name", "content")
    }


def test_an_empty_feed_has_all_that_atom_asks_for() -> None:
    root = ElementTree.fromstring(formats.atom(formats.Feed("i", "t", "u", "s")))

    assert [child.tag.removeprefix(ATOM) for child in root] == ["id", "title", "link", "link", "updated"]


RISKY = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "＝1",
    " =1",
    "\n=1",
    "'=1",
    "'",
    "=cmd|' /C calc'!A0",
    "−1 =x",
]


@pytest.mark.parametrize("text", [*RISKY, "plain", 'with "quotes", commas\nand lines', "", "é", "-", "a=b"])
def test_a_cell_is_no_formula_and_reads_back(text: str) -> None:
    written = formats.csv_rows([[text, 1]])
    [[cell, number]] = list(csv.reader(io.StringIO(written, newline="")))

    assert not cell.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))
    assert formats.csv_text(cell) == text
    assert number == "1"


def test_numbers_dates_and_nothing_are_written_as_such() -> None:
    assert formats.csv_rows([[-5, 1.5, None, True, AT]]) == '-5,1.5,"","True","2026-05-01T09:30:00+00:00"\r\n'


def test_a_problem_for_programs() -> None:
    assert formats.problem(404, "Not found", "No such page.") == {
        "type": "about:blank",
        "status": 404,
        "title": "Not found",
        "detail": "No such page.",
    }


def test_an_etag_depends_on_every_part_and_flask_takes_it() -> None:
    response = Response()
    response.set_etag(formats.etag("post", 1, AT))

    assert response.get_etag() == (formats.etag("post", 1, AT), False)
    assert len({formats.etag("ab", "c"), formats.etag("a", "bc"), formats.etag("abc")}) == 3
    with Flask("x").test_request_context(headers={"If-None-Match": f'"{formats.etag(1)}"'}) as context:
        assert context.request.if_none_match.contains(formats.etag(1))


def test_events_are_a_calendar_that_others_read() -> None:
    icalendar = pytest.importorskip("icalendar")
    at = dt.datetime(2026, 3, 8, 6, 30, tzinfo=dt.UTC)
    meeting = formats.Event(
        "pair-7-2@callboard", "Call with Mbali; bring, if you can: the contract", at, at + dt.timedelta(hours=1),
        "https://board.example.org/a/x", "Line one\nLine two \x00", 3,
    )  # fmt: skip
    off = formats.Event("pair-7-3@callboard", "x" * 300, at, at, cancelled=True)

    text = formats.ical([meeting, off], at)
    first, second = icalendar.Calendar.from_ical(text).walk("VEVENT")

    assert (first["summary"], first["sequence"], first["status"]) == (meeting.summary, 3, "CONFIRMED")
    assert first["dtstart"].dt == at
    assert first["description"] == "Line one\nLine two "
    assert second["status"] == "CANCELLED"
    assert all(len(line) <= 75 for line in text.split(b"\r\n"))
    with pytest.raises(ValueError, match="zone"):
        formats.ical([formats.Event("x", "x", at.replace(tzinfo=None), at)], at)
