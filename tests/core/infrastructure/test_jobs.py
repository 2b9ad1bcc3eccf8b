"""Jobs run once for each cause, come back after a fault, and never stop the worker."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from forum import db, jobs, limits, once
from forum.jobs import Job, JobSchedule
from tests.core.infrastructure.contender import Contender, race

NOON = dt.datetime(2026, 5, 1, 12, 0, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Only the jobs of the test, and what it registers is forgotten afterwards."""
    monkeypatch.setattr(jobs, "_handlers", {})
    monkeypatch.setattr(jobs, "_recurring", {})
    monkeypatch.setattr(jobs, "_rounds", {})
    return


def _rows(table: Any = Job) -> int:
    return db.db.session.scalar(select(func.count()).select_from(table)) or 0


@pytest.fixture
def done() -> list[dict[str, Any]]:
    """Payloads that the handler `test.note` was given; one with `fail` fails."""
    noted: list[dict[str, Any]] = []

    @jobs.handler("test.note")
    def note(payload: dict[str, Any]) -> None:
        once.claim(f"effect {payload}", None)
        noted.append(payload)
        if payload.get("fail"):
            raise KeyError("a secret from a person")

    return noted


# --- queued --------------------------------------------------------------------------------------


def test_a_job_runs_with_its_payload_and_is_gone(small: Flask, done: list[Any]) -> None:
    jobs.enqueue("test.note", {"a": [1, "é", None]}, NOON)
    db.commit()

    assert jobs.run_due(NOON) == 1
    assert done == [{"a": [1, "é", None]}]
    assert _rows() == 0
    assert jobs.run_due(NOON) == 0


def test_a_job_of_a_rolled_back_transaction_does_not_exist(small: Flask, done: list[Any]) -> None:
    jobs.enqueue("test.note", {}, NOON)
    db.rollback()

    assert jobs.run_due(NOON) == 0


def test_a_job_waits_for_its_time_and_the_oldest_goes_first(small: Flask, done: list[Any]) -> None:
    for minutes in (2, 0, 1):
        jobs.enqueue("test.note", {"n": minutes}, NOON + minutes * MINUTE)
    db.commit()

    assert jobs.run_due(NOON - MINUTE) == 0
    jobs.run_due(NOON + MINUTE)
    assert done == [{"n": 0}, {"n": 1}]


def test_a_failed_job_leaves_nothing_and_comes_back(small: Flask, done: list[Any]) -> None:
    jobs.enqueue("test.note", {"fail": 1}, NOON)
    db.commit()
    jobs.run_due(NOON)

    assert _rows(once.FormOnce) == 0
    assert jobs.run_due(NOON + 59 * dt.timedelta(seconds=1)) == 0
    assert jobs.run_due(NOON + MINUTE) == 1
    assert len(done) == 2


def test_a_job_is_given_up_after_its_last_wait_and_kept(small: Flask, done: list[Any]) -> None:
    jobs.enqueue("test.note", {"fail": 1}, NOON)
    db.commit()
    at = NOON
    for wait in [*jobs.WAITS, dt.timedelta(days=9), dt.timedelta(days=9)]:
        jobs.run_due(at)
        at += wait

    job = db.db.session.scalars(select(Job)).one()
    assert len(done) == job.attempts == 6
    assert job.failed_at is not None
    assert jobs.failed() == ["test.note"]


def test_a_job_that_ends_its_worker_each_time_is_given_up(small: Flask, done: list[Any]) -> None:
    """The worker died in it, so nobody noted a failure; the lease ends, and another begins it."""
    jobs.enqueue("test.note", {"n": 1}, NOON)
    db.commit()
    at = NOON
    for _ in range(len(jobs.WAITS) + 1):
        assert jobs._claim_queued(at) is not None
        at += jobs.LEASE

    assert jobs.run_due(at) == 0
    assert done == []
    assert jobs.failed() == ["test.note"]


def test_a_job_that_waits_can_be_taken_back(small: Flask, done: list[Any]) -> None:
    jobs.enqueue("test.note", {"n": 1}, NOON, key="erase 7")
    jobs.enqueue("test.note", {"n": 2}, NOON, key="erase 8")
    jobs.cancel("erase 7")
    jobs.cancel("erase 9")
    jobs.enqueue("test.note", {"n": 3}, NOON + MINUTE, key="erase 7")
    db.commit()
    jobs.run_due(NOON)

    assert done == [{"n": 2}]


def test_what_is_stored_about_a_fault_quotes_nobody(small: Flask, done: list[Any]) -> None:
    jobs.enqueue("test.note", {"fail": 1}, NOON)
    db.commit()
    jobs.run_due(NOON)

    error = db.db.session.scalar(select(Job.last_error)) or ""
    assert error.startswith("KeyError at test_jobs.py:")
    assert "secret" not in error


def test_a_job_that_nobody_here_knows_waits(small: Flask, done: list[Any]) -> None:
    jobs.enqueue("gone_plugin.job", {}, NOON)
    db.commit()

    assert jobs.run_due(NOON) == 0
    assert _rows() == 1
    assert jobs.oldest_due(NOON) is None


def test_of_jobs_with_one_key_only_the_first_waits(small: Flask, done: list[Any]) -> None:
    for number in range(3):
        jobs.enqueue("test.note", {"n": number}, NOON, key="digest 7")
    db.commit()
    jobs.run_due(NOON)

    assert done == [{"n": 0}]


def test_a_key_is_free_again_once_its_job_has_begun(small: Flask) -> None:
    @jobs.handler("test.again")
    def again(payload: dict[str, Any]) -> None:
        if payload["n"] < 2:
            jobs.enqueue("test.again", {"n": payload["n"] + 1}, NOON, key="again")

    jobs.enqueue("test.again", {"n": 0}, NOON, key="again")
    db.commit()

    assert jobs.run_due(NOON) == 3


def test_a_job_that_another_worker_took_over_is_undone(small: Flask, done: list[Any]) -> None:
    @jobs.handler("test.slow")
    def slow(payload: dict[str, Any]) -> None:
        once.claim("effect", None)
        db.db.session.execute(text("UPDATE job SET attempts = attempts + 1"))

    jobs.enqueue("test.slow", {}, NOON)
    db.commit()
    jobs.run_due(NOON)

    assert _rows(once.FormOnce) == 0
    assert _rows() == 1


def test_one_call_does_a_handful_and_lets_others_have_a_turn(small: Flask, done: list[Any]) -> None:
    for number in range(60):
        jobs.enqueue("test.note", {"n": number}, NOON)
    db.commit()

    assert [jobs.run_due(NOON) for _ in range(4)] == [jobs.AT_ONCE] * 3 + [0]


def test_what_failed_for_good_is_forgotten_after_a_month(small: Flask) -> None:
    jobs.enqueue("test.a", {})
    jobs.enqueue("test.b", {})
    db.db.session.execute(text("UPDATE job SET failed_at = '2026-01-01 00:00:00' WHERE name = 'test.a'"))
    jobs.purge(dt.datetime(2026, 2, 1, tzinfo=dt.UTC))

    assert db.db.session.scalars(select(Job.name)).all() == ["test.b"]


def test_two_handlers_of_one_name_are_refused() -> None:
    jobs.handler("test.x")(lambda payload: None)

    with pytest.raises(ValueError):
        jobs.handler("test.x")(lambda payload: None)


# --- recurring -----------------------------------------------------------------------------------


@pytest.fixture
def runs() -> list[dt.datetime]:
    """When `test.hourly` ran."""
    moments: list[dt.datetime] = []
    jobs.recurring("test.hourly", every=dt.timedelta(hours=1))(moments.append)
    return moments


def test_a_recurring_job_runs_at_once_and_then_each_time_its_time_has_come(
    small: Flask, runs: list[dt.datetime]
) -> None:
    for minutes in (0, 1, 59, 60, 61, 200):
        jobs.run_due(NOON + minutes * MINUTE)

    assert [(moment - NOON) // MINUTE for moment in runs] == [0, 60, 200]


def test_a_failed_recurring_job_comes_back_sooner_and_is_reported_until_it_works(small: Flask) -> None:
    faults = [ValueError("x"), ValueError("y"), None]

    @jobs.recurring("test.daily", every=dt.timedelta(days=1))
    def daily(at: dt.datetime) -> None:
        if fault := faults.pop(0):
            raise fault

    jobs.run_due(NOON)
    assert jobs.failed() == ["test.daily"]
    jobs.run_due(NOON + MINUTE)
    jobs.run_due(NOON + 2 * MINUTE)
    assert len(faults) == 1
    jobs.run_due(NOON + 6 * MINUTE)

    assert jobs.failed() == []
    row = db.db.session.scalars(select(JobSchedule)).one()
    assert (row.last_run, row.next_run) == (NOON + 6 * MINUTE, NOON + 6 * MINUTE + dt.timedelta(days=1))


def test_a_recurring_job_defined_twice_is_refused(runs: list[dt.datetime]) -> None:
    with pytest.raises(ValueError):
        jobs.recurring("test.hourly", every=MINUTE)(lambda at: None)


# --- several processes ---------------------------------------------------------------------------


def test_workers_side_by_side_run_each_job_once(small: Flask, contenders: list[Contender]) -> None:
    for number in range(50):
        jobs.enqueue("race.count", {"number": str(number)})
    db.commit()

    begun = race(contenders, small, "run_jobs")

    assert _rows() == 0
    assert _rows(once.FormOnce) == 50
    assert db.db.session.scalar(select(limits.LimitCount.count)) == 50
    assert sum(map(int, begun)) >= 50


def test_a_worker_killed_in_a_job_leaves_it_whole_for_the_next(
    small: Flask, doomed: Contender, contenders: list[Contender]
) -> None:
    jobs.enqueue("race.count", {"number": "1"})
    db.commit()

    assert race([doomed], small, "die_in_a_job") == [""]
    assert _rows(once.FormOnce) == 0
    db.db.session.execute(text("UPDATE job SET run_at = '2026-01-01 00:00:00'"))  # its lease has ended
    db.commit()
    race(contenders[:1], small, "run_jobs")

    assert (_rows(), _rows(once.FormOnce)) == (0, 1)


# --- the worker ------------------------------------------------------------------------------------


def _work_until(app: Flask, condition: Any) -> None:
    stop = threading.Event()
    jobs.every_round("test.watch")(lambda settings, at: stop.set() or 0 if condition() else 0)
    worker = threading.Thread(target=jobs.work, args=(app, stop, 0.01))
    worker.start()
    worker.join(timeout=30)
    survived = stop.is_set()
    stop.set()
    worker.join()
    assert survived


def test_the_worker_does_jobs_and_rounds_and_stops_when_told(small: Flask, done: list[Any]) -> None:
    jobs.enqueue("test.note", {"n": 1}, NOON)
    db.commit()

    _work_until(small, lambda: bool(done))

    assert done == [{"n": 1}]


def test_the_worker_survives_any_fault_and_names_the_job(
    small: Flask, done: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    rounds: list[int] = []

    def broken(settings: Any, at: dt.datetime) -> int:
        rounds.append(1)
        db.db.session.execute(
            text("SELECT * FROM no_such_table WHERE secret = :s"), {"s": " ".join(["hidden", "words"])}
        )
        return 0

    jobs.every_round("test.broken")(broken)
    jobs.enqueue("test.note", {"fail": 1}, NOON)
    jobs.enqueue("test.note", {"n": 2}, NOON + MINUTE)
    db.commit()
    with caplog.at_level(logging.ERROR):
        _work_until(small, lambda: len(done) == 2 and len(rounds) >= 2)

    assert "job test.note failed" in caplog.text
    assert "test.broken failed" in caplog.text
    assert "hidden words" not in caplog.text


def test_the_worker_leaves_a_heartbeat(small: Flask) -> None:
    assert jobs.last_beat() is None
    db.rollback()

    _work_until(small, lambda: True)

    beat = jobs.last_beat()
    assert beat is not None
    assert db.now() - beat < MINUTE


def test_the_worker_survives_a_database_that_is_away(small_sqlite: Flask) -> None:
    db.db.session.execute(text("DROP TABLE job_schedule"))
    db.commit()

    _work_until(small_sqlite, lambda: True)
