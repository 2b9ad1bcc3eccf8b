"""Open, closed or unknown, in every case that directories get wrong: past midnight, two spans, clock changes, other zones."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from forum_resources.hours import UNKNOWN, State, merged, state_at

NY, PARIS = "America/New_York", "Europe/Paris"
WEEKDAYS = "MO,TU,WE,TH,FR"
OFFICE = {"zone": NY, "weekly": [{"days": WEEKDAYS, "opens": "09:00", "closes": "17:00"}]}
TWO_SPANS = {
    "zone": NY,
    "weekly": [
        {"days": "MO", "opens": "09:00", "closes": "12:00"},
        {"days": "MO", "opens": "14:00", "closes": "18:00"},
    ],
}
NIGHT = {"zone": NY, "weekly": [{"days": "FR,SA", "opens": "22:00", "closes": "04:00"}]}
PARIS_OFFICE = {"zone": PARIS, "weekly": [{"days": WEEKDAYS, "opens": "09:00", "closes": "18:00"}]}
EVERY_DAY = {"zone": NY, "weekly": [{"days": "MO,TU,WE,TH,FR,SA,SU", "opens": "00:00", "closes": "00:00"}]}
SUNDAY_NIGHT = {"zone": NY, "weekly": [{"days": "SU", "opens": "01:00", "closes": "05:00"}]}
PARIS_SUNDAY = {"zone": PARIS, "weekly": [{"days": "SU", "opens": "01:00", "closes": "05:00"}]}
IN_THE_GAP = {"zone": NY, "weekly": [{"days": "SU", "opens": "02:30", "closes": "06:00"}]}

# hours, moment in UTC, what it is, and when that changes (UTC)
CASES: list[tuple[dict[str, Any] | None, str, str, str | None]] = [
    (None, "2026-11-23T15:00", "unknown", None),
    ({}, "2026-11-23T15:00", "unknown", None),
    ({"zone": NY, "always": True}, "2026-11-23T15:00", "open", None),
    ({"zone": NY, "weekly": []}, "2026-11-23T15:00", "closed", None),
    (OFFICE, "2026-11-23T13:59", "closed", "2026-11-23T14:00"),  # Monday 08:59
    (OFFICE, "2026-11-23T14:00", "open", "2026-11-23T22:00"),
    (OFFICE, "2026-11-23T21:59", "open", "2026-11-23T22:00"),
    (OFFICE, "2026-11-23T22:00", "closed", "2026-11-24T14:00"),
    (OFFICE, "2026-11-27T22:00", "closed", "2026-11-30T14:00"),  # Friday evening → Monday
    (OFFICE, "2026-11-28T15:00", "closed", "2026-11-30T14:00"),
    (OFFICE, "2026-07-06T13:00", "open", "2026-07-06T21:00"),  # summer time: an hour earlier in UTC
    (OFFICE, "2026-07-06T12:59", "closed", "2026-07-06T13:00"),
    (TWO_SPANS, "2026-11-23T16:30", "open", "2026-11-23T17:00"),
    (TWO_SPANS, "2026-11-23T17:00", "closed", "2026-11-23T19:00"),
    (TWO_SPANS, "2026-11-23T19:00", "open", "2026-11-23T23:00"),
    (TWO_SPANS, "2026-11-23T23:00", "closed", "2026-11-30T14:00"),
    (NIGHT, "2026-11-28T02:59", "closed", "2026-11-28T03:00"),  # Friday 21:59
    (NIGHT, "2026-11-28T03:00", "open", "2026-11-28T09:00"),
    (NIGHT, "2026-11-28T08:59", "open", "2026-11-28T09:00"),  # Saturday 03:59, of Friday's span
    (NIGHT, "2026-11-28T09:00", "closed", "2026-11-29T03:00"),
    (NIGHT, "2026-11-29T08:00", "open", "2026-11-29T09:00"),  # Sunday 03:00, of Saturday's span
    (NIGHT, "2026-11-30T04:00", "closed", "2026-12-05T03:00"),
    (EVERY_DAY, "2026-11-23T05:00", "open", None),
    (PARIS_OFFICE, "2026-11-23T08:00", "open", "2026-11-23T17:00"),
    (PARIS_OFFICE, "2026-11-23T17:00", "closed", "2026-11-24T08:00"),
    (PARIS_OFFICE, "2026-07-06T07:00", "open", "2026-07-06T16:00"),
    # New York, 8 March 2026: 02:00 becomes 03:00; the span of four hours lasts three
    (SUNDAY_NIGHT, "2026-03-08T05:59", "closed", "2026-03-08T06:00"),
    (SUNDAY_NIGHT, "2026-03-08T06:00", "open", "2026-03-08T09:00"),
    (SUNDAY_NIGHT, "2026-03-08T08:59", "open", "2026-03-08T09:00"),
    (SUNDAY_NIGHT, "2026-03-08T09:00", "closed", "2026-03-15T05:00"),
    (IN_THE_GAP, "2026-03-08T07:29", "closed", "2026-03-08T07:30"),  # 02:30 is not there: read as 03:30
    (IN_THE_GAP, "2026-03-08T07:30", "open", "2026-03-08T10:00"),
    # New York, 1 November 2026: 02:00 becomes 01:00 again; the span lasts five hours
    (SUNDAY_NIGHT, "2026-11-01T04:59", "closed", "2026-11-01T05:00"),
    (SUNDAY_NIGHT, "2026-11-01T05:30", "open", "2026-11-01T10:00"),
    (SUNDAY_NIGHT, "2026-11-01T06:30", "open", "2026-11-01T10:00"),
    (SUNDAY_NIGHT, "2026-11-01T10:00", "closed", "2026-11-08T06:00"),
    # Paris, 29 March and 25 October 2026
    (PARIS_SUNDAY, "2026-03-29T00:00", "open", "2026-03-29T03:00"),
    (PARIS_SUNDAY, "2026-03-29T03:00", "closed", "2026-04-04T23:00"),
    (PARIS_SUNDAY, "2026-10-24T23:00", "open", "2026-10-25T04:00"),
    (PARIS_SUNDAY, "2026-10-25T04:00", "closed", "2026-11-01T00:00"),
]


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(("hours", "at", "word", "turns"), CASES)
def test_a_channel_is_open_closed_or_unknown(
    hours: dict[str, Any] | None, at: str, word: str, turns: str | None
) -> None:
    found = state_at(hours, moment(at))

    assert found.word == word
    if turns is not None:
        assert found.turns == moment(turns)


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Pacific/Auckland", "America/Los_Angeles"])
def test_the_zone_of_whoever_asks_changes_nothing(zone: str) -> None:
    from zoneinfo import ZoneInfo

    at = moment("2026-11-23T14:00")
    assert state_at(OFFICE, at.astimezone(ZoneInfo(zone))) == state_at(OFFICE, at)


def test_there_are_forty_cases_and_unknown_is_no_closed() -> None:
    assert len(CASES) >= 40
    assert UNKNOWN.word == "unknown"
    assert State("open") != State("closed")


def test_spans_that_touch_are_one() -> None:
    day = [moment(f"2026-11-23T{hour:02}:00") for hour in range(4)]
    assert merged([(day[0], day[1]), (day[1], day[2])]) == [(day[0], day[2])]
    assert merged([(day[0], day[3]), (day[1], day[2])]) == [(day[0], day[3])]
