"""Whether a channel answers at a moment: open, closed or unknown. Pure functions.

Hours are {"zone": IANA name, "always": true} or {"zone": …, "weekly": [{"days": "MO,TU", "opens": "09:00",
"closes": "17:00"}]}. A span that closes at or before it opens ends on the next day. None is unknown, which is
never shown as closed. Local times that a switch of the clock skips or repeats are read as RFC 5545 does:
by the offset before the gap, and the first of two.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class State:
    """`word`: open, closed or unknown; `turns`: when that changes (None: never, or not within nine days)."""

    word: str
    turns: dt.datetime | None = None


UNKNOWN = State("unknown")


def state_at(hours: Mapping[str, Any] | None, at: dt.datetime) -> State:
    """What a channel with these hours is at an aware moment."""
    if not hours:
        return UNKNOWN
    if hours.get("always"):
        return State("open")
    spans = merged(sorted(_spans(hours, at)))
    for opens, closes in spans:
        if opens <= at < closes:
            return State("open", closes)
        if opens > at:
            return State("closed", opens)
    return State("closed")


def merged(spans: list[tuple[dt.datetime, dt.datetime]]) -> list[tuple[dt.datetime, dt.datetime]]:
    """Sorted spans, those that touch or overlap made one."""
    found: list[tuple[dt.datetime, dt.datetime]] = []
    for opens, closes in spans:
        if found and opens <= found[-1][1]:
            found[-1] = (found[-1][0], max(closes, found[-1][1]))
        else:
            found.append((opens, closes))
    return found


def _spans(hours: Mapping[str, Any], at: dt.datetime) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """The spans around a moment, in UTC: from two days before it to eight after."""
    zone = ZoneInfo(hours["zone"])
    today = at.astimezone(zone).date()
    for day in (today + n * DAY for n in range(-2, 9)):
        for span in hours.get("weekly", ()):
            if DAYS[day.weekday()] in span["days"].split(","):
                opens, closes = _time(span["opens"]), _time(span["closes"])
                last = day if closes > opens else day + DAY
                yield _moment(day, opens, zone), _moment(last, closes, zone)


def _time(text: str) -> dt.time:
    return dt.time.fromisoformat(text)


def _moment(day: dt.date, time: dt.time, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(day, time, zone).astimezone(dt.UTC)
