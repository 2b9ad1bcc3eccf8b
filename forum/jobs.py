"""Work that is done later or again and again: queued jobs, recurring jobs, and the worker's loop.

A queued job is a row in the transaction that asks for it, so it exists exactly if its cause does.
It runs in a transaction of its own that also removes the row: its effects on the database happen
once. Effects elsewhere (mail) belong into `outbox`. What the jobs do is in the features.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Callable
from functools import partial
from itertools import takewhile
from typing import Any, TypeVar

from flask import Flask, current_app
from sqlalchemy import JSON, Index, String, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert  # SQLite is written the same ON CONFLICT
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Mapped, mapped_column

from forum.config import Settings
from forum.db import UTC, commit, db, now, record, rollback
from forum.faults import described

Handler = Callable[[dict[str, Any]], None]
Recurring = Callable[[dt.datetime], None]
Round = Callable[[Settings, dt.datetime], int]
H = TypeVar("H", bound=Handler)
R = TypeVar("R", bound=Recurring)

log = logging.getLogger(__name__)
LEASE = dt.timedelta(minutes=10)  # a job that takes longer may be begun again by another worker
WAITS = [dt.timedelta(minutes=m) for m in (1, 5, 30, 120, 720)]  # after the first, second … failure
AT_ONCE = 20  # jobs of one call, so that mail and a request to stop get their turn
BEAT = dt.timedelta(seconds=30)
WORKER = "worker"  # row of job_schedule that says when a worker was last alive
KEPT = dt.timedelta(days=30)  # how long a job that failed for good is kept
LONGEST_PAUSE = 30.0  # seconds between rounds while something is broken


class Job(db.Model):
    """A queued job. `run_at` is when it is due; while it runs, when its lease ends."""

    __tablename__ = "job"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str | None] = mapped_column(String(120), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[dt.datetime] = mapped_column(UTC, default=now)
    run_at: Mapped[dt.datetime] = mapped_column(UTC, default=now)
    attempts: Mapped[int] = mapped_column(default=0)
    failed_at: Mapped[dt.datetime | None] = mapped_column(UTC)
    last_error: Mapped[str] = mapped_column(String(300), default="")

    __table_args__ = (Index("ix_job_due", "failed_at", "run_at", "id"),)


class JobSchedule(db.Model):
    """When a recurring job last ran (`last_run`: to its end) and is next due."""

    __tablename__ = "job_schedule"
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    last_run: Mapped[dt.datetime | None] = mapped_column(UTC)
    next_run: Mapped[dt.datetime] = mapped_column(UTC, default=now)
    failures: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(String(300), default="")


_handlers: dict[str, Handler] = {}
_recurring: dict[str, tuple[dt.timedelta, Recurring]] = {}
_rounds: dict[str, Round] = {}


def handler(name: str) -> Callable[[H], H]:
    """Mark the function that does the queued jobs of this name. Errors: ValueError for a name in use."""

    def mark(function: H) -> H:
        if _handlers.setdefault(name, function) is not function:
            raise ValueError(f"job {name} has two handlers")
        return function

    return mark


def recurring(name: str, every: dt.timedelta) -> Callable[[R], R]:
    """Mark a function of the present moment to be run `every` so often, first at the next round.

    Errors: ValueError for a name in use.
    """

    def mark(function: R) -> R:
        if name in _recurring or name == WORKER:
            raise ValueError(f"recurring job {name} is defined twice")
        _recurring[name] = (every, function)
        return function

    return mark


def every_round(name: str) -> Callable[[Round], Round]:
    """Mark what the worker also does each round (the outbox); it answers how much it has done."""

    def mark(function: Round) -> Round:
        _rounds[name] = function
        return function

    return mark


def enqueue(
    name: str, payload: dict[str, Any], run_at: dt.datetime | None = None, key: str | None = None
) -> None:
    """Queue a job in the present transaction, due now or at `run_at`.

    With a `key` there is at most one such job waiting: another is dropped until the first is begun.
    """
    row = insert(Job).values(
        key=key,
        name=name,
        payload=payload,
        created_at=now(),
        run_at=run_at or now(),
        attempts=0,
        last_error="",
    )
    db.session.execute(row.on_conflict_do_nothing(index_elements=["key"]))


def enqueue_apart(name: str, payload: dict[str, Any], key: str | None = None) -> None:
    """Queue a job in a short transaction of its own: for what a request noticed while it only read."""
    values = {
        "key": key,
        "name": name,
        "payload": payload,
        "created_at": now(),
        "run_at": now(),
        "attempts": 0,
        "last_error": "",
    }
    row = insert(Job).values(**values).on_conflict_do_nothing(index_elements=["key"])
    record(lambda session: session.execute(row))


def cancel(key: str) -> None:
    """Take back, in the present transaction, the job that waits under this key, if one does."""
    db.session.execute(delete(Job).where(Job.key == key))


def run_due(at: dt.datetime) -> int:
    """Run what is due at `at`, recurring jobs first; how many were begun (at most `AT_ONCE` of each)."""
    _make_known(at)
    begun = sum(1 for _ in takewhile(bool, (_run_one_recurring(at) for _ in range(AT_ONCE))))
    return begun + sum(1 for _ in takewhile(bool, (_run_one_queued(at) for _ in range(AT_ONCE))))


def work(app: Flask, stop: threading.Event, pause: float = 1.0) -> None:
    """The worker: rounds of jobs and mail until `stop` is set; `pause` seconds when there is nothing.

    Any fault of a job is logged with its name and survived. While the database is away the
    pauses grow to `LONGEST_PAUSE`.
    """
    wait = pause
    while not stop.is_set():
        with app.app_context():
            done, whole = _one_round(app.config["CALLBOARD"])
        wait = pause if whole else min(2 * wait, LONGEST_PAUSE)
        if not done or not whole:
            stop.wait(wait)


def oldest_due(at: dt.datetime) -> dt.datetime | None:
    """Since when the longest-waiting job is due; None when none is. Jobs nobody here knows do not count."""
    return db.session.scalar(
        select(func.min(Job.run_at)).where(Job.failed_at.is_(None), Job.run_at <= at, Job.name.in_(_handlers))
    )


def failed() -> list[str]:
    """Names of the jobs that have failed for good, and of recurring ones that failed lately."""
    queued = select(Job.name).where(Job.failed_at.is_not(None)).distinct()
    again = select(JobSchedule.name).where(JobSchedule.failures > 0, JobSchedule.name.in_(_every_recurring()))
    return sorted({*db.session.scalars(queued), *db.session.scalars(again)})


def last_beat() -> dt.datetime | None:
    """When a worker was last alive."""
    return db.session.scalar(select(JobSchedule.last_run).where(JobSchedule.name == WORKER))


# --- one round -----------------------------------------------------------------------------------


def _one_round(settings: Settings) -> tuple[int, bool]:
    """(how much was done, whether everything could be tried)."""
    at = now()
    steps: dict[str, Callable[[], int]] = {"heartbeat": partial(_beat, at), "jobs": partial(run_due, at)}
    steps |= {name: partial(function, settings, at) for name, function in _rounds.items()}
    done = [_contained(name, step) for name, step in steps.items()]
    return sum(filter(None, done)), None not in done


def _contained(name: str, step: Callable[[], int]) -> int | None:
    """How much the step did; None if it failed, which is logged."""
    try:
        return step()
    except Exception as error:
        _log("the worker's part %s failed", name, error)
        _forget_transaction()
        return None


def _beat(at: dt.datetime) -> int:
    due = select(JobSchedule.last_run).where(JobSchedule.name == WORKER, JobSchedule.last_run > at - BEAT)
    if db.session.scalar(due) is None:
        row = insert(JobSchedule).values(name=WORKER, last_run=at, next_run=at, failures=0, last_error="")
        db.session.execute(row.on_conflict_do_update(index_elements=["name"], set_={"last_run": at}))
    commit()
    return 0


def _forget_transaction() -> None:
    """Roll back; if even that fails, the connection is gone and the session goes with it."""
    try:
        rollback()
    except Exception as error:
        _log("rolling back after %s failed", "a fault", error)
        db.session.remove()


@recurring("jobs.purge", every=dt.timedelta(days=1))
def purge(at: dt.datetime) -> None:
    """Forget jobs that failed for good long ago: their payloads may name people."""
    db.session.execute(delete(Job).where(Job.failed_at < at - KEPT))


def _every_recurring() -> dict[str, tuple[dt.timedelta, Recurring]]:
    """The recurring jobs of this application: the core's, and those of its plugins."""
    return {**current_app.extensions.get("jobs", {}), **_recurring}


# --- recurring -----------------------------------------------------------------------------------


def _make_known(at: dt.datetime) -> None:
    known = set(db.session.scalars(select(JobSchedule.name)))
    rows = [
        {"name": n, "next_run": at, "failures": 0, "last_error": ""}
        for n in _every_recurring()
        if n not in known
    ]
    if rows:
        db.session.execute(insert(JobSchedule).values(rows).on_conflict_do_nothing())
    commit()


def _run_one_recurring(at: dt.datetime) -> bool:
    row = _claim_recurring(at)
    if row is None:
        return False
    every, function = _every_recurring()[row.name]

    def step() -> None:
        function(at)
        _note_run(row.name, at, at + every)

    error = _attempt(row.name, step)
    if error:
        failures = row.failures + 1
        _note_run(row.name, at, at + min(every, _wait(failures)), failures, error)
        commit()
    return True


def _claim_recurring(at: dt.datetime) -> JobSchedule | None:
    due = (
        select(JobSchedule)
        .where(JobSchedule.name.in_(_every_recurring()), JobSchedule.next_run <= at)
        .order_by(JobSchedule.next_run, JobSchedule.name)
    )
    row = db.session.scalar(due.limit(1).with_for_update(skip_locked=True))
    if row is not None:
        row.next_run = at + min(_every_recurring()[row.name][0], LEASE)
        db.session.flush()
        db.session.expunge(row)
    commit()
    return row


def _note_run(name: str, at: dt.datetime, next_run: dt.datetime, failures: int = 0, error: str = "") -> None:
    values: dict[str, Any] = {"next_run": next_run, "failures": failures, "last_error": error}
    if not failures:
        values["last_run"] = at
    db.session.execute(update(JobSchedule).where(JobSchedule.name == name).values(**values))


# --- queued --------------------------------------------------------------------------------------


class _LeaseLost(Exception):
    """Another worker has begun this job since: what this one did is rolled back."""


def _run_one_queued(at: dt.datetime) -> bool:
    job = _claim_queued(at)
    if job is None:
        return False

    def step() -> None:
        _handlers[job.name](job.payload)
        _remove(job)

    error = _attempt(job.name, step)
    if error:
        _put_off(job, at, error)
    return True


def _claim_queued(at: dt.datetime) -> Job | None:
    """The next due job, leased and counted as an attempt; one that ended its workers each time is given up."""
    _give_up_killers(at)
    due = select(Job).where(Job.failed_at.is_(None), Job.run_at <= at, Job.name.in_(_handlers))
    first = due.order_by(Job.run_at, Job.id).limit(1).with_for_update(skip_locked=True)
    job = db.session.scalar(first)
    if job is not None:
        job.run_at, job.attempts, job.key = at + LEASE, job.attempts + 1, None
        db.session.flush()
        db.session.expunge(job)
    commit()
    return job


def _give_up_killers(at: dt.datetime) -> None:
    """Nobody notes the failure of a job whose worker dies with it: without this it would be begun for ever."""
    dead = update(Job).where(Job.failed_at.is_(None), Job.run_at <= at, Job.attempts > len(WAITS))
    db.session.execute(dead.values(failed_at=at, last_error="its worker ended before it did, each time"))


def _remove(job: Job) -> None:
    """Done, if it is still ours. Errors: _LeaseLost."""
    ours = delete(Job).where(Job.id == job.id, Job.attempts == job.attempts).returning(Job.id)
    if db.session.scalar(ours) is None:
        raise _LeaseLost


def _put_off(job: Job, at: dt.datetime, error: str) -> None:
    given_up = job.attempts > len(WAITS)
    db.session.execute(
        update(Job)
        .where(Job.id == job.id, Job.attempts == job.attempts)
        .values(run_at=at + _wait(job.attempts), failed_at=at if given_up else None, last_error=error)
    )
    commit()


# --- both ----------------------------------------------------------------------------------------


def _attempt(name: str, step: Callable[[], None]) -> str:
    """Run the step and commit; '' or, when it failed and was rolled back, what to store about it."""
    try:
        step()
        commit()
    except Exception as error:
        _log("job %s failed", name, error)
        rollback()
        return described(error)[:300]
    return ""


def _wait(failures: int) -> dt.timedelta:
    return WAITS[min(failures, len(WAITS)) - 1]


def _log(sentence: str, name: str, error: Exception) -> None:
    if isinstance(error, StatementError):
        error.hide_parameters = True  # values are people's data
    log.error(sentence, name, exc_info=error)
