"""Counters hold across refusals, processes and an absent Redis."""

from __future__ import annotations

import datetime as dt
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import func, select

from forum import db, limits
from forum.limits import LimitCount
from forum.permissions import Refused
from tests.core.infrastructure.contender import Contender, race

HOUR = dt.timedelta(hours=1)
NOON = dt.datetime(2026, 5, 1, 12, 0, tzinfo=dt.UTC)


def test_as_many_as_allowed_and_no_more(small: Flask) -> None:
    assert [limits.hit("a", 3, HOUR, NOON) for _ in range(5)] == [True, True, True, False, False]


def test_every_key_and_every_length_counts_for_itself(small: Flask) -> None:
    limits.hit("a", 1, HOUR, NOON)

    assert limits.hit("b", 1, HOUR, NOON)
    assert limits.hit("a", 1, 2 * HOUR, NOON)
    assert not limits.hit("a", 1, HOUR, NOON)


def test_a_new_window_begins_at_a_multiple_of_its_length(small: Flask) -> None:
    just_before = NOON - dt.timedelta(seconds=1)

    assert limits.hit("a", 1, HOUR, just_before)
    assert not limits.hit("a", 1, HOUR, just_before - HOUR + dt.timedelta(seconds=1))
    assert limits.hit("a", 1, HOUR, NOON)


def test_looking_does_not_count(small: Flask) -> None:
    assert all(limits.peek("a", 1, HOUR, NOON) for _ in range(3))
    limits.hit("a", 1, HOUR, NOON)

    assert not limits.peek("a", 1, HOUR, NOON)
    assert limits.peek("a", 1, HOUR, NOON + HOUR)


def test_the_count_outlives_the_refusal(small: Flask) -> None:
    for _ in range(3):
        limits.hit("a", 3, HOUR, NOON)
        db.rollback()

    assert not limits.hit("a", 3, HOUR, NOON)


def test_a_committed_count_is_not_counted_again(small: Flask) -> None:
    limits.hit("a", 3, HOUR, NOON)
    db.commit()
    db.rollback()

    assert db.db.session.scalar(select(LimitCount.count)) == 1


def test_one_too_many_is_refused_with_its_sentence(small: Flask) -> None:
    limits.check("a", 1, HOUR, "Wait an hour.")

    with pytest.raises(Refused, match="Wait an hour") as refusal:
        limits.check("a", 1, HOUR, "Wait an hour.")
    assert refusal.value.status == 429


def test_keys_are_not_stored_in_clear(small: Flask) -> None:
    limits.hit("ines@models.test", 1, HOUR, NOON)

    assert b"ines" not in bytes(db.db.session.scalars(select(LimitCount.key_hash)).one())


@pytest.mark.parametrize("key", ["", "x" * 10_000, "é\ud800\0"])
def test_any_text_is_a_key(small: Flask, key: str) -> None:
    assert limits.hit(key, 1, HOUR, NOON)
    assert not limits.hit(key, 1, HOUR, NOON)


def test_windows_that_have_ended_are_forgotten(small: Flask) -> None:
    limits.hit("a", 1, HOUR, NOON)
    limits.hit("b", 1, 48 * HOUR, NOON)
    limits.purge(NOON + 2 * HOUR)

    assert db.db.session.scalar(select(func.count()).select_from(LimitCount)) == 1
    assert not limits.hit("b", 1, 48 * HOUR, NOON)


def test_processes_that_hit_at_once_share_the_limit(small: Flask, contenders: list[Contender]) -> None:
    within = race(contenders, small, "hit", "shared", "8")

    assert sum(map(int, within)) == 10
    assert db.db.session.scalar(select(LimitCount.count)) == 32


# --- Redis ---------------------------------------------------------------------------------------


@pytest.fixture
def redis_server(small_sqlite: Flask) -> Iterator[subprocess.Popen[bytes]]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [program, "--port", str(port), "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _wait_for(port)
    limits.use_redis(small_sqlite, f"redis://127.0.0.1:{port}/0")
    yield server
    server.kill()
    server.wait()


def _wait_for(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("redis-server did not start")


def _rows() -> int:
    return db.db.session.scalar(select(func.count()).select_from(LimitCount)) or 0


@pytest.mark.redis
def test_redis_counts_when_there_is_one(redis_server: subprocess.Popen[bytes]) -> None:
    assert limits.peek("a", 2, HOUR)
    assert [limits.hit("a", 2, HOUR) for _ in range(3)] == [True, True, False]
    assert not limits.peek("a", 2, HOUR)
    db.rollback()

    assert not limits.hit("a", 2, HOUR)
    assert _rows() == 0


@pytest.mark.redis
def test_the_database_counts_when_redis_is_away(redis_server: subprocess.Popen[bytes]) -> None:
    limits.hit("a", 2, HOUR)
    redis_server.kill()
    redis_server.wait()
    begun = time.monotonic()

    assert [limits.hit("a", 2, HOUR) for _ in range(3)] == [True, True, False]
    assert _rows() == 1
    assert time.monotonic() - begun < 3


def test_without_its_package_redis_is_refused_at_start(
    small_sqlite: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)

    with pytest.raises(RuntimeError, match=r"callboard\[redis\]"):
        limits.use_redis(small_sqlite, "redis://127.0.0.1/0")
