"""Times as people read them: in the reader's zone and language, with the full date on hover.

Cheap enough to be called for every row of a page: month and day names are looked up once per
language, and nothing here asks the database.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale
from markupsafe import Markup

DAY = dt.timedelta(days=1)


@lru_cache(maxsize=1)
def known_zones() -> tuple[str, ...]:
    """The IANA names people may choose from, sorted."""
    return tuple(sorted(z for z in available_timezones() if "/" in z and not z.startswith(("Etc/", "posix"))))


@lru_cache(maxsize=64)
def _names(language: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    locale = Locale.parse(language)
    short, wide = locale.months["format"]["abbreviated"], locale.months["format"]["wide"]
    days = locale.days["format"]["wide"]
    return (
        tuple(short[n] for n in range(1, 13)),
        tuple(wide[n] for n in range(1, 13)),
        tuple(days[n] for n in range(7)),
    )


@lru_cache(maxsize=256)
def zone(name: str) -> ZoneInfo:
    """The zone of this name; UTC for one that this machine does not know."""
    return ZoneInfo(name) if name in available_timezones() else ZoneInfo("UTC")


@dataclass(frozen=True)
class Clock:
    """A reader's clock: her language, her zone, and the moment of her request."""

    language: str
    zone_name: str
    at: dt.datetime

    def time(self, moment: dt.datetime | None) -> Markup:
        """`<time>` with a short text (today: the hour; this year: day and month) and the full date."""
        if moment is None:
            return Markup("")
        local = moment.astimezone(zone(self.zone_name))
        return Markup(
            f'<time datetime="{moment:%Y-%m-%dT%H:%MZ}" title="{self.full(local)}">{self.short(local)}</time>'
        )

    def short(self, local: dt.datetime) -> str:
        """`14:05` today, `3 Nov` this year, `3 Nov 2025` before; in the reader's language."""
        today = self.at.astimezone(local.tzinfo)
        months = _names(self.language)[0]
        if local.date() == today.date():
            return f"{local:%H:%M}"
        day = f"{local.day} {months[local.month - 1]}"
        return day if local.year == today.year else f"{day} {local.year}"

    def full(self, local: dt.datetime) -> str:
        """`Sunday 22 November 2026, 14:05 (America/New York)` in the reader's language."""
        _, months, days = _names(self.language)
        place = self.zone_name.replace("_", " ")
        return f"{days[local.weekday()]} {local.day} {months[local.month - 1]} {local.year}, {local:%H:%M} ({place})"
