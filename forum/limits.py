"""How often something may be done: counters that hold across processes and survive a refusal.

They live in the database, or in Redis when the site has one; should Redis be away, the database
counts. Which limits there are is said where they are used, with their sentence.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib
import logging
import math
import time

from flask import Flask, current_app
from sqlalchemy import Index, LargeBinary, delete, select
from sqlalchemy.dialects.postgresql import insert  # SQLite is written the same ON CONFLICT
from sqlalchemy.orm import Mapped, Session, mapped_column

from forum import jobs
from forum.config import Settings
from forum.db import UTC, db, keep_after_rollback, now
from forum.permissions import Refused

log = logging.getLogger(__name__)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
REDIS_PATIENCE = 0.25  # seconds before the database counts instead
REDIS_REST = 5.0  # seconds that an absent Redis is not asked again


class LimitCount(db.Model):
    """How often a key was hit in one window. Keys (addresses, names) are stored as SHA-256 only."""

    __tablename__ = "limit_count"
    key_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    window_start: Mapped[dt.datetime] = mapped_column(UTC, primary_key=True)
    ends_at: Mapped[dt.datetime] = mapped_column(UTC)
    count: Mapped[int] = mapped_column(default=1)

    __table_args__ = (Index("ix_limit_count_ends_at", "ends_at"),)


class RedisCounter:
    """Counts in Redis or Valkey; answers None while it cannot.

    The package is an extra and takes half a second to import, so only sites that use it do.
    Errors: ImportError.
    """

    def __init__(self, url: str) -> None:
        redis = importlib.import_module("redis")
        timeouts = {"socket_timeout": REDIS_PATIENCE, "socket_connect_timeout": REDIS_PATIENCE}
        self._client = redis.Redis.from_url(url, **timeouts)
        self._fault: type[Exception] = redis.RedisError
        self._rests_until = 0.0

    def add(self, name: str, seconds: int, amount: int) -> int | None:
        """The count after adding `amount` (0: only look); it is forgotten after `seconds`."""
        if time.monotonic() < self._rests_until:
            return None
        try:
            with self._client.pipeline() as pipe:
                pipe.set(name, 0, ex=seconds, nx=True)
                pipe.incrby(name, amount)
                return int(pipe.execute()[1])
        except self._fault as error:
            self._rests_until = time.monotonic() + REDIS_REST
            log.warning("Redis does not count limits (%s); the database does.", type(error).__name__)
            return None


def init_app(app: Flask, settings: Settings) -> None:
    """Count in Redis if the settings name one. Errors: RuntimeError when its package is missing."""
    if settings.redis_url:
        use_redis(app, settings.redis_url)


def use_redis(app: Flask, url: str) -> None:
    """Count in this Redis from now on. Errors: RuntimeError when the package is missing."""
    try:
        app.extensions["limits"] = RedisCounter(url)
    except ImportError as error:
        raise RuntimeError("CALLBOARD_REDIS_URL needs a package: pip install callboard[redis]") from error


def hit(key: str, limit: int, per: dt.timedelta, at: dt.datetime | None = None) -> bool:
    """Count one; whether that is still within `limit` in this window of `per`.

    Windows are fixed (they begin at multiples of `per`), so at most twice the limit fits around
    a boundary. The count stays when the request is refused and rolled back. On PostgreSQL a key is
    locked from here to the commit: hit several keys always in the same order.
    """
    window, start = _window(key, per, at or now())
    counted = _in_redis(window, start, per, 1)
    if counted is None:
        counts: list[int] = []
        keep_after_rollback(lambda session: counts.append(_count(session, window, start, start + per)))
        counted = counts[0]
    return counted <= limit


def peek(key: str, limit: int, per: dt.timedelta, at: dt.datetime | None = None) -> bool:
    """Whether one more would be within the limit; counts nothing."""
    window, start = _window(key, per, at or now())
    counted = _in_redis(window, start, per, 0)
    if counted is None:
        counted = db.session.scalar(
            select(LimitCount.count).where(LimitCount.key_hash == window, LimitCount.window_start == start)
        )
    return (counted or 0) < limit


def check(key: str, limit: int, per: dt.timedelta, sentence: str) -> None:
    """Count one. Errors: Refused (429) with this sentence when it is one too many."""
    if not hit(key, limit, per):
        raise Refused(sentence, 429)


@jobs.recurring("limits.purge", every=dt.timedelta(hours=1))
def purge(at: dt.datetime) -> None:
    """Forget windows that have ended."""
    db.session.execute(delete(LimitCount).where(LimitCount.ends_at < at))


def _window(key: str, per: dt.timedelta, at: dt.datetime) -> tuple[bytes, dt.datetime]:
    """(hash of key and length, start of the window that `at` is in)."""
    name = f"{key}\x1f{per.total_seconds()}"
    start = EPOCH + per * ((at - EPOCH) // per)
    return hashlib.sha256(name.encode("utf-8", "replace")).digest(), start


def _count(session: Session, window: bytes, start: dt.datetime, end: dt.datetime) -> int:
    """One more, in one statement: two processes never read the same number."""
    row = insert(LimitCount).values(key_hash=window, window_start=start, ends_at=end, count=1)
    added = row.on_conflict_do_update(
        index_elements=["key_hash", "window_start"], set_={"count": LimitCount.count + 1}
    )
    return session.execute(added.returning(LimitCount.count)).scalar_one()


def _in_redis(window: bytes, start: dt.datetime, per: dt.timedelta, amount: int) -> int | None:
    counter: RedisCounter | None = current_app.extensions.get("limits")
    if counter is None:
        return None
    name = f"callboard:limit:{window.hex()}:{int(start.timestamp())}"
    return counter.add(name, math.ceil(per.total_seconds()) + 1, amount)
