"""Ages: the band a birth date falls in, and the sealed date itself (P08, S09, H17).

Everybody else sees at most the band. Which band gives which right is decided elsewhere.
"""

from __future__ import annotations

import datetime as dt

from forum import sealing
from forum.accounts.models import Person

BANDS = UNDER_16, UNDER_18, ADULT = "13-15", "16-17", "adult"


def age_on(born: dt.date, day: dt.date) -> int:
    """Full years on this day; who was born on 29 February turns a year older on 1 March."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def band_of(born: dt.date, day: dt.date) -> str:
    """The age band on this day."""
    age = age_on(born, day)
    if age < 16:
        return UNDER_16
    return UNDER_18 if age < 18 else ADULT


def seal_born(born: dt.date, about: str) -> bytes:
    """The date, sealed; `about` names the row it belongs to, so that it opens nowhere else."""
    return sealing.seal(born.isoformat(), f"born:{about}")


def open_born(blob: bytes, about: str) -> dt.date:
    """The sealed date. Errors: sealing.Broken when it is another row's."""
    return dt.date.fromisoformat(sealing.open_sealed(blob, f"born:{about}").decode())


def born_of(person: Person) -> dt.date | None:
    """A person's birth date, or None when it is not on record."""
    return open_born(person.born, str(person.id)) if person.born else None
