"""Export and erasure of one person: each part of the site adds its own, in one transaction.

A part says what it holds about a person (`export`) and what it does when she goes (`erase`). A test
stores one of each thing, erases, and looks for what is left.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import logging
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from forum import jobs
from forum.db import db

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExportFile:
    """One file of an export: rows of JSON values, and a sentence on what they are."""

    name: str
    rows: list[dict[str, Any]]
    about: str


@dataclass(frozen=True)
class Part:
    """What one feature keeps about people. `erase(person_id, keep_words)` runs before the row goes."""

    name: str
    export: Callable[[int], list[ExportFile]]
    erase: Callable[[int, bool], None]


_parts: dict[str, Part] = {}


def register(part: Part) -> None:
    """Make a part known. Errors: ValueError when one name has two."""
    if _parts.setdefault(part.name, part) != part:
        raise ValueError(f"part {part.name} is defined twice")


def files(person_id: int) -> Iterator[ExportFile]:
    """Everything that is kept about a person, part by part."""
    for part in _parts.values():
        yield from part.export(person_id)


def archive(person_id: int) -> bytes:
    """The export as a ZIP of JSON files, with a list of them in plain words."""
    out, listed = io.BytesIO(), []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as folder:
        for file in files(person_id):
            folder.writestr(
                f"{file.name}.json", json.dumps(file.rows, ensure_ascii=False, indent=1, default=str)
            )
            listed.append(f"{file.name}.json: {file.about}")
        folder.writestr("read-me.txt", "\n".join(listed) + "\n")
    return out.getvalue()


def erase(person_id: int, keep_words: bool) -> None:
    """Every part forgets the person; her own row is still there and goes afterwards, by whoever asked.

    `keep_words`: her posts stay, without a name; otherwise their words go as well.
    """
    for part in _parts.values():
        part.erase(person_id, keep_words)


def rows_of(found: Any) -> list[dict[str, Any]]:
    """Rows of a select as dictionaries."""
    return [dict(row._mapping) for row in found]


@jobs.recurring("people_data.empty_log", every=dt.timedelta(hours=1))
def empty_log(at: dt.datetime) -> None:
    """SQLite: what was erased stands in the write-ahead log until that is emptied. Busy readers put it off an hour."""
    if db.engine.dialect.name != "sqlite":
        return
    connection = db.engine.raw_connection()
    try:
        busy = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    finally:
        connection.close()
    if busy:
        log.info("the write-ahead log is in use; it is emptied an hour later")
