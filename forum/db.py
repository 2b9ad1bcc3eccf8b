"""The database: engine, naming convention, UTC time, and the one commit of a request.

Routes call `commit()` once. What must happen after it (and only then) goes through
`after_commit`; what must survive a refusal (a limiter's count) through `keep_after_rollback`;
the few effects that a read may have go through `record`, in a transaction of their own.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, Dialect, Engine, MetaData, event
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

try:
    import pysqlite3 as sqlite
except ImportError:  # no wheel for this platform: `callboard doctor` warns when the version is old
    sqlite = sqlite3

log = logging.getLogger(__name__)
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
IN_ERROR = 3  # psycopg.pq.TransactionStatus.INERROR
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "busy_timeout=5000",
    "secure_delete=ON",
    "trusted_schema=OFF",
)


WRITES = re.compile(
    r"(\s|--[^\n]*\n|/\*.*?\*/)*((insert|update|delete|replace|merge|create|alter|drop|truncate)\b"
    r"|with\b.*\b(insert\s+into|update|delete\s+from)\b)",
    re.IGNORECASE | re.DOTALL,
)


class Base(DeclarativeBase):
    """Base of every table."""

    metadata = MetaData(naming_convention=NAMING)


class UTC(TypeDecorator[dt.datetime]):
    """A moment in UTC: aware in Python, naive UTC in the database; naive input is refused."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Aware → naive UTC. Errors: ValueError for a naive moment."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a zone")
        return value.astimezone(dt.UTC).replace(tzinfo=None)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Naive UTC → aware."""
        return None if value is None else value.replace(tzinfo=dt.UTC)


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False, "autoflush": False})

_reading: ContextVar[bool] = ContextVar("reading", default=False)


def now() -> dt.datetime:
    """The present moment, aware, UTC."""
    return dt.datetime.now(dt.UTC)


@contextmanager
def reading_only() -> Iterator[None]:
    """Transactions begun inside are plain BEGIN on SQLite; outside they are BEGIN IMMEDIATE."""
    token = _reading.set(True)
    try:
        yield
    finally:
        _reading.reset(token)


def set_reading(reading: bool) -> None:
    """Say whether the transactions of this request only read (GET, HEAD) or write."""
    _reading.set(reading)


def is_reading() -> bool:
    """Whether the transactions of this request only read."""
    return _reading.get()


def engine_options(url: str) -> dict[str, Any]:
    """Flask-SQLAlchemy's engine options for this address."""
    if url.startswith("sqlite"):
        return {
            "hide_parameters": True,
            "module": sqlite,
            "connect_args": {"check_same_thread": False, "timeout": 5.0},
        }
    return {"pool_pre_ping": True, "pool_size": 5, "hide_parameters": True}


@event.listens_for(Engine, "connect")
def _prepare_connection(connection: Any, record: Any) -> None:
    if not isinstance(connection, (sqlite.Connection, sqlite3.Connection)):
        return
    connection.isolation_level = None  # this module begins transactions itself
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


@event.listens_for(Engine, "begin")
def _begin(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN" if _reading.get() else "BEGIN IMMEDIATE")


@event.listens_for(Engine, "before_cursor_execute")
def _refuse_writing(
    connection: Connection, cursor: Any, statement: str, values: Any, context: Any, many: bool
) -> None:
    """A GET never writes (house rule; permissions.md, P71): what may follow one goes through `record`."""
    if _reading.get() and WRITES.match(statement):
        raise RuntimeError(f"a request that reads wanted to write: {statement.split(None, 3)[:3]}")


@contextmanager
def unharmed() -> Iterator[None]:
    """Around the code of a plugin: a statement that fails in it does not fail those that come after.

    While reading, a failed transaction is given up, for it holds nothing. While writing, what the
    code did is undone to where it began, and the rest goes on.
    """
    if not _reading.get():
        with db.session.begin_nested():
            yield
        return
    try:
        yield
    finally:
        if _has_failed(db.session()):
            db.session.rollback()


def _has_failed(session: Session) -> bool:
    """Whether nothing more can be asked in this transaction; asks nothing itself."""
    if not session.is_active:
        return True
    if not session.in_transaction() or db.engine.dialect.name == "sqlite":
        return False
    status: int = session.connection().connection.dbapi_connection.info.transaction_status  # type: ignore[union-attr]
    return status == IN_ERROR


def commit() -> None:
    """The one commit of a request, command or job; then what was queued for after it."""
    db.session.commit()
    db.session.info.pop("kept", None)
    for step in db.session.info.pop("after_commit", []):
        step()


def let_others_write() -> None:
    """Before slow work in a writing request (a password hash): give the write lock back, keeping only what was counted.

    Everything else written so far is undone, a form's key among it: should the slow work refuse, the
    same form can be sent again. What is read after it is read anew.
    """
    rollback()


def after_commit(step: Callable[[], None]) -> None:
    """Run `step` once the transaction is safe on disk; never if it is rolled back."""
    db.session.info.setdefault("after_commit", []).append(step)


def keep_after_rollback(step: Callable[[Session], None]) -> None:
    """Do `step` now, and again in a transaction of its own should this one be rolled back."""
    db.session.info.setdefault("kept", []).append(step)
    step(db.session())


def rollback() -> None:
    """Undo everything of this request except what was to be kept."""
    kept = db.session.info.pop("kept", [])
    db.session.info.pop("after_commit", None)
    db.session.rollback()
    if kept:
        try:
            record(lambda session: [step(session) for step in kept])
        except OperationalError:
            log.warning("a limiter's count was lost: the database is not answering")


def record(effect: Callable[[Session], Any]) -> None:
    """Write `effect` in a short transaction of its own.

    The callers of this function are listed by name in tests/house/test_house.py: a read mark,
    an access-audit row and a sign-in touch are the only effects a GET may have.
    """
    token = _reading.set(False)
    try:
        with Session(db.engine, expire_on_commit=False) as session:
            effect(session)
            session.commit()
    finally:
        _reading.reset(token)
