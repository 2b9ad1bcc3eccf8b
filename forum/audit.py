"""Who did what to what, and why: append-only and hash-chained.

Entries hold ids and reasons, never content. The table refuses UPDATE and DELETE by trigger;
who can drop triggers can also rewrite the whole chain, so publish `head()` somewhere else
from time to time and hand it to `verify`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import DDL, JSON, Index, String, Text, event, func, insert, select
from sqlalchemy.engine import Row
from sqlalchemy.orm import Mapped, Session, mapped_column

from forum.db import UTC, db, now

GENESIS = "0" * 64
LOCK = 0x0CA11B0A4D  # number of the PostgreSQL advisory lock that puts entries in a row

TRIGGERS_SQLITE = [
    """CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON audit_entry
    BEGIN SELECT RAISE(ABORT, 'audit entries are never changed'); END""",
    """CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry
    BEGIN SELECT RAISE(ABORT, 'audit entries are never deleted'); END""",
]
TRIGGERS_POSTGRESQL = [
    """CREATE OR REPLACE FUNCTION audit_entry_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'audit entries are never changed or deleted'; END $$""",
    """CREATE TRIGGER audit_entry_no_change BEFORE UPDATE OR DELETE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION audit_entry_refuse()""",
    """CREATE TRIGGER audit_entry_no_truncate BEFORE TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_refuse()""",
]
# For a downgrade; dropping the table takes its triggers along, but not PostgreSQL's function.
DROP_TRIGGERS_SQLITE = [
    "DROP TRIGGER IF EXISTS audit_entry_no_update",
    "DROP TRIGGER IF EXISTS audit_entry_no_delete",
]
DROP_TRIGGERS_POSTGRESQL = ["DROP FUNCTION IF EXISTS audit_entry_refuse() CASCADE"]
TRIGGERS = {"sqlite": TRIGGERS_SQLITE, "postgresql": TRIGGERS_POSTGRESQL}
DROP_TRIGGERS = {"sqlite": DROP_TRIGGERS_SQLITE, "postgresql": DROP_TRIGGERS_POSTGRESQL}


class AuditEntry(db.Model):
    """One act. Ids are dense, so a gap is a removed entry; `actor_id` outlives the person's row."""

    __tablename__ = "audit_entry"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[dt.datetime] = mapped_column(UTC)
    actor_id: Mapped[int | None]
    action: Mapped[str] = mapped_column(String(80))
    subject_kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[int | None]
    agency_id: Mapped[int | None]
    reason: Mapped[str] = mapped_column(Text, default="")
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))

    __table_args__ = (
        Index("ix_audit_entry_subject", "subject_kind", "subject_id", "id"),
        Index("ix_audit_entry_agency", "agency_id", "id"),
        Index("ix_audit_entry_actor", "actor_id", "id"),
    )


def _attach_triggers(dialect: str, statements: list[str]) -> None:
    for statement in statements:
        event.listen(AuditEntry.__table__, "after_create", DDL(statement).execute_if(dialect=dialect))


_attach_triggers("sqlite", TRIGGERS_SQLITE)
_attach_triggers("postgresql", TRIGGERS_POSTGRESQL)


def record(
    action: str,
    subject_kind: str,
    subject_id: int | None,
    *,
    actor_id: int | None,
    agency_id: int | None = None,
    reason: str = "",
    in_session: Session | None = None,
    **facts: Any,
) -> None:
    """Append an entry in the present transaction (`in_session`: in that one).

    `facts` are JSON values, ids and numbers rather than words. On PostgreSQL the transactions that
    record wait for each other from here to their end: record late, and never in a second session
    while the first has recorded. Errors: TypeError for a
    fact that is no JSON.
    """
    session = in_session or db.session()
    entry: dict[str, Any] = {
        "at": now(),
        "actor_id": actor_id,
        "action": action,
        "subject_kind": subject_kind,
        "subject_id": subject_id,
        "agency_id": agency_id,
        "reason": reason,
        "facts": json.loads(json.dumps(facts, allow_nan=False)),  # as it will come back, tuples as lists
    }
    _wait_for_turn(session)
    last_id, last_hash = head(session)
    entry |= {"id": last_id + 1, "previous_hash": last_hash}
    session.execute(insert(AuditEntry).values(**entry, hash=_hash(entry)))


def head(session: Session | None = None) -> tuple[int, str]:
    """(id, hash) of the newest entry; (0, `GENESIS`) when there is none. Worth publishing elsewhere."""
    newest = select(AuditEntry.id, AuditEntry.hash).order_by(AuditEntry.id.desc()).limit(1)
    row = (session or db.session()).execute(newest).first()
    return (row.id, row.hash) if row else (0, GENESIS)


def verify(published: tuple[int, str] | None = None) -> list[str]:
    """Every break of the chain, one sentence each; empty when it is whole.

    Sees changed entries, and removed ones that later entries follow. It cannot see that the
    newest entries were cut off, or that everything was written anew, unless `published` is a
    `head()` kept elsewhere. Reads row by row, in memory that does not grow.
    """
    breaks: list[str] = []
    last_id, last_hash, seen = 0, GENESIS, published is None
    for row in _rows():
        breaks += _breaks_at(row, last_id, last_hash)
        last_id, last_hash = row.id, row.hash
        seen = seen or published == (row.id, row.hash)
    if not seen and published is not None and published != (0, GENESIS):
        breaks.append(f"The published entry {published[0]} is not in the chain any more.")
    return breaks


def _breaks_at(row: Row[Any], last_id: int, last_hash: str) -> Iterator[str]:
    if row.id != last_id + 1:
        yield f"Entries {last_id + 1} to {row.id - 1} are missing."
    elif row.previous_hash != last_hash:
        yield f"Entry {row.id} does not follow entry {last_id}."
    if row.hash != _hash(row._asdict()):
        yield f"Entry {row.id} was changed."


def _rows() -> Iterator[Row[Any]]:
    columns = AuditEntry.__table__.c
    everything = select(*columns).order_by(columns.id).execution_options(yield_per=500)
    return iter(db.session.execute(everything))


def _wait_for_turn(session: Session) -> None:
    """SQLite's writers wait at BEGIN IMMEDIATE already."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(LOCK)))


def _hash(entry: dict[str, Any]) -> str:
    """SHA-256 of the entry as canonical JSON, previous hash included, its own left out."""
    covered = {name: value for name, value in entry.items() if name != "hash"}
    covered["at"] = entry["at"].astimezone(dt.UTC).isoformat(timespec="microseconds")
    text = json.dumps(covered, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
