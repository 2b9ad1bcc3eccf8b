"""Export and erasure of one person: each part of the site adds its own, in one transaction.

A part says what it holds about a person (`export`) and what it does when she goes (`erase`). A test
stores one of each thing, erases, and looks for what is left.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import logging
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from forum import jobs
from forum.db import db, now
from forum.declare import ErasureReport, ExportFile, Kept, PersonRef
from forum.plugins import loaded

log = logging.getLogger(__name__)

FILE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*(\.[a-z0-9]+)+")


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
    for _, found in loaded().everyone("person_export", list, person=PersonRef(person_id)):
        yield from found


def archive(person_id: int) -> bytes:
    """The export as a ZIP of JSON files, with a list of them in plain words.

    Errors: ValueError for a part that names its files badly; then nobody gets half an export.
    """
    out, listed = io.BytesIO(), []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as folder:
        for file in files(person_id):
            name, content = _packed(file)
            if name in folder.namelist() or not FILE_NAME.fullmatch(name):
                raise ValueError(f"the export has {name!r} twice, or it is no name for a file")
            folder.writestr(name, content)
            listed.append(f"{name}: {file.about}")
        folder.writestr("read-me.txt", "\n".join(listed) + "\n")
    return out.getvalue()


def _packed(file: ExportFile) -> tuple[str, bytes]:
    if isinstance(file.rows, bytes):
        return file.name, file.rows
    return f"{file.name}.json", json.dumps(file.rows, ensure_ascii=False, indent=1, default=str).encode()


def erase(person_id: int, keep_words: bool) -> tuple[Kept, ...]:
    """Every part and plugin forgets the person; her own row is still there and goes afterwards, by whoever asked.

    `keep_words`: her posts stay, without a name; otherwise their words go as well. Returns what a
    legal reason keeps.
    """
    reports = loaded().everyone("person_erase", ErasureReport, person=PersonRef(person_id), now=now())
    for part in _parts.values():
        part.erase(person_id, keep_words)
    return tuple(kept for _, report in reports for kept in report.kept)


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
