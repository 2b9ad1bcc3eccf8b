"""Machines learn ok or not ok; the operator learns why."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from forum import db, health, jobs, outbox
from forum.health import Finding
from tests.core.infrastructure.contender import small_app

WELL = {
    "database": "ok",
    "schema": "ok",
    "keys": "ok",
    "jobs": "ok",
    "mail": "ok",
    "disk": "ok",
    "plugins": "ok",
}


@pytest.fixture
def well(small: Flask) -> Flask:
    """A site with its reserve."""
    health.make_reserve(small.config["CALLBOARD"].data)
    return small


def _ready(app: Flask, at_head: bool = True) -> tuple[bool, list[str]]:
    ok, checks = health.ready(app, lambda: at_head)
    return ok, sorted(name for name, found in checks.items() if found != "ok")


def _doctor(app: Flask, at_head: bool = True) -> str:
    return "\n".join(f"{f.level}: {f.sentence}" for f in health.doctor(app, lambda: at_head))


def _beat() -> None:
    jobs._beat(db.now())


def test_a_process_that_answers_is_live() -> None:
    assert health.live() == {"status": "ok"}


def test_a_well_site_is_ready_and_says_nothing_else(well: Flask) -> None:
    assert health.ready(well, lambda: True) == (True, WELL)


def test_pending_migrations_make_it_unready(well: Flask) -> None:
    assert _ready(well, at_head=False) == (False, ["schema"])


def test_a_database_that_is_away_makes_it_unready(tmp_path: Any) -> None:
    app = small_app("postgresql+psycopg://nobody@127.0.0.1:9/none", tmp_path)

    assert _ready(app) == (False, ["database", "disk", "jobs", "mail", "plugins", "schema"])
    assert "error: The database does not answer." in _doctor(app)


def test_keys_that_others_can_read_make_it_unready(well: Flask) -> None:
    os.chmod(well.config["CALLBOARD"].data / "keys" / "sealing", 0o644)

    assert _ready(well) == (False, ["keys"])
    assert "keys/sealing can be read by others" in _doctor(well)


def test_late_jobs_are_reported_and_do_not_take_the_site_away(well: Flask) -> None:
    jobs.enqueue("race.count", {}, db.now() - dt.timedelta(minutes=11))
    db.commit()

    assert _ready(well) == (True, ["jobs"])


def test_late_or_failed_mail_is_reported_and_does_not_take_the_site_away(well: Flask) -> None:
    outbox.mail("test", "a@b.c", "x", "y")
    db.commit()
    assert _ready(well) == (True, [])

    db.db.session.execute(text("UPDATE outbox_mail SET failed_at = next_at"))
    db.commit()
    assert _ready(well) == (True, ["mail"])
    assert "1 mails could not be delivered" in _doctor(well)


def test_a_nearly_full_disk_is_reported(well: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=5))

    assert _ready(well) == (True, ["disk"])
    assert "error: Less than 100 MB are free" in _doctor(well)


def test_the_reserve_is_really_written_and_can_be_given_up(well: Flask) -> None:
    folder = well.config["CALLBOARD"].data

    assert (folder / "reserve").stat().st_blocks * 512 >= health.RESERVE
    health.release_reserve(folder)
    assert not health.has_reserve(folder)
    assert _ready(well) == (True, ["disk"])
    assert "warning: The reserve of 20 MB" in _doctor(well)
    health.make_reserve(folder)
    assert _ready(well) == (True, [])


def test_strangers_learn_no_version_path_or_number(well: Flask) -> None:
    _, checks = health.ready(well, lambda: False)

    assert set(checks.values()) <= {"ok", "not ok"}


# --- doctor ----------------------------------------------------------------------------------------


def test_the_doctor_has_nothing_to_say_about_a_good_site(database: str, tmp_path: Any) -> None:
    app = small_app(
        database,
        tmp_path,
        base_url="https://callboard.test",
        mail_url="smtps://mail.callboard.test",
        mail_from="post@callboard.test",
        proxies=1,
    )
    with app.app_context():
        db.db.create_all()
        _beat()
        health.make_reserve(tmp_path)
        found = health.doctor(app, lambda: True)
        db.db.session.remove()
        db.db.engine.dispose()

    assert found == [Finding("ok", "Everything is as it should be.")]


def test_the_doctor_names_what_is_wrong_worst_first(small: Flask) -> None:
    found = health.doctor(small, lambda: False)

    assert [f.level for f in found] == sorted(f.level for f in found)
    said = "\n".join(f.sentence for f in found)
    for part in (
        "http:",
        "is a folder",
        "CALLBOARD_MAIL_FROM",
        "callboard db upgrade",
        "No worker has run yet",
        "reserve",
    ):
        assert part in said


def test_the_doctor_knows_since_when_no_worker_runs(well: Flask) -> None:
    jobs._beat(db.now() - dt.timedelta(hours=1))
    assert "error: No worker has run since 20" in _doctor(well)

    _beat()
    assert "No worker" not in _doctor(well)


def test_the_doctor_warns_of_a_sqlite_that_can_corrupt(
    small_sqlite: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "SQLite" not in _doctor(small_sqlite)

    monkeypatch.setattr(health.sqlite, "sqlite_version_info", (3, 40, 1))
    monkeypatch.setattr(health.sqlite, "sqlite_version", "3.40.1")
    assert "warning: SQLite 3.40.1 can corrupt" in _doctor(small_sqlite)


def test_the_doctor_names_failed_jobs(well: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "failed", lambda: ["accounts.purge"])

    assert "warning: The job accounts.purge has failed." in _doctor(well)


def test_the_doctor_survives_a_database_without_tables(tmp_path: Any) -> None:
    app = small_app("", tmp_path)

    assert "error: The database lacks a table" in _doctor(app, at_head=False)
    with app.app_context():
        db.db.engine.dispose()


def test_a_star_among_the_hosts_is_an_error(tmp_path: Any) -> None:
    app = small_app("", tmp_path, trusted_hosts="*")

    assert "error: CALLBOARD_TRUSTED_HOSTS" in _doctor(app)
    with app.app_context():
        db.db.engine.dispose()
