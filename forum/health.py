"""Is the site well? `live` and `ready` for machines, `doctor` for the operator.

Strangers learn ok or not ok by check, never a version, a path or a number. What a check finds
out is asked of the modules that know.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from forum import jobs, migrating, outbox, sealing
from forum.config import Settings
from forum.db import db, now, sqlite
from forum.plugins import loaded

SAFE_SQLITE = (3, 51, 3)  # first without the WAL-reset race that can corrupt a database
LATE = dt.timedelta(minutes=10)  # jobs and mail that wait longer mean that no worker is running
LATELY = dt.timedelta(days=1)
NO_BEAT = dt.timedelta(minutes=15)  # longer than any one job may take
FREE = 100 * 2**20  # bytes of disk below which the site is not ready
RESERVE = 20 * 2**20  # bytes set aside so that content can be taken down on a full disk
ESSENTIAL = frozenset({"database", "schema", "keys"})  # the others do not keep people from reading
ASKED_OF_DATABASE = frozenset(
    {"schema", "jobs", "mail", "plugins"}
)  # not asked, and not ok, while it is away

AtHead = Callable[[], bool]


def live() -> dict[str, str]:
    """That the process answers; asks nobody."""
    return {"status": "ok"}


def ready(app: Flask, at_head: AtHead = migrating.at_head) -> tuple[bool, dict[str, str]]:
    """(whether people can be served, "ok" or "not ok" by check).

    `at_head` says whether the migrations have run. Late mail, late jobs and a full disk are reported
    but do not make the site unready: a balancer must not take away the pages that still work.
    """
    settings: Settings = app.config["CALLBOARD"]
    checks: dict[str, Callable[[], bool]] = {
        "database": _database_answers,
        "schema": at_head,
        "keys": lambda: not sealing.check(settings.data / "keys"),
        "jobs": lambda: _is_recent(jobs.oldest_due(now())),
        "mail": lambda: not outbox.failures(now() - LATELY) and _is_recent(outbox.oldest_due(now())),
        "disk": lambda: not list(_disk(settings)),
        "plugins": lambda: not list(_about_plugins(app)),
    }
    found: dict[str, bool] = {}
    with app.app_context():
        for name, check in checks.items():
            found[name] = (name not in ASKED_OF_DATABASE or found["database"]) and _holds(check)
    return all(found[name] for name in ESSENTIAL), {n: "ok" if f else "not ok" for n, f in found.items()}


def _holds(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except (SQLAlchemyError, OSError):
        db.session.rollback()
        return False


def _database_answers() -> bool:
    return db.session.scalar(select(1)) == 1


def _is_recent(moment: dt.datetime | None) -> bool:
    return moment is None or now() - moment < LATE


# --- doctor ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Finding:
    """What the doctor has to say: level `ok`, `warning` or `error`, and a sentence."""

    level: str
    sentence: str


def doctor(app: Flask, at_head: AtHead = migrating.at_head) -> list[Finding]:
    """Everything worth the operator's attention, worst first; a single `ok` when there is nothing."""
    settings: Settings = app.config["CALLBOARD"]
    with app.app_context():
        found = [
            *_about_settings(settings),
            *_about_keys(settings),
            *_disk(settings),
            *_about_database(settings),
        ]
        if _holds(_database_answers):
            found += [*_about_schema(at_head), *_asked(_about_work), *_asked(partial(_about_plugins, app))]
    order = ["error", "warning"]
    found.sort(key=lambda finding: order.index(finding.level))
    return found or [Finding("ok", "Everything is as it should be.")]


def _about_plugins(app: Flask) -> Iterator[Finding]:
    """What plugins ask to be looked at; a check that fails is worth a look itself."""
    plugins = loaded(app)
    for plugin, check in plugins.checks:
        said = plugins.guarded(plugin, f"health check {check.name}", check.run)
        if said is None:
            yield Finding("error", f"The check {check.name} of the plugin {plugin.name} failed; see the log.")
        elif said:
            yield Finding("warning", f"{plugin.name}: {said}")


def _about_settings(settings: Settings) -> Iterator[Finding]:
    if not settings.https:
        yield Finding("warning", "CALLBOARD_BASE_URL is http: fine on this machine, for nobody else.")
    if settings.demo:
        yield Finding("warning", "This is the demo: everybody can sign in as anybody.")
    if settings.trusted_hosts and "*" in settings.trusted_hosts:
        yield Finding("error", "CALLBOARD_TRUSTED_HOSTS must name hosts; a star would answer for all.")
    if settings.https and not settings.proxies:
        yield Finding("warning", "CALLBOARD_PROXIES is 0: behind a proxy all visitors have one address.")
    yield from _about_mail(settings)


def _about_mail(settings: Settings) -> Iterator[Finding]:
    url = urlsplit(settings.mail_url)
    if settings.mail_url.startswith("folder:"):
        yield Finding("warning", "CALLBOARD_MAIL_URL is a folder: nobody receives mail.")
    elif not url.hostname:
        yield Finding("error", "CALLBOARD_MAIL_URL names no host.")
    if not settings.demo and settings.mail_from.endswith("@localhost"):
        yield Finding("warning", "CALLBOARD_MAIL_FROM is not an address that can be answered.")


def _about_keys(settings: Settings) -> Iterator[Finding]:
    for sentence in sealing.check(settings.data / "keys"):
        yield Finding("error", sentence)


def _about_database(settings: Settings) -> Iterator[Finding]:
    if settings.database.startswith("sqlite") and sqlite.sqlite_version_info < SAFE_SQLITE:
        version = sqlite.sqlite_version
        yield Finding("warning", f"SQLite {version} can corrupt a busy database; 3.51.3 or newer cannot.")
    if not _holds(_database_answers):
        yield Finding("error", "The database does not answer.")
    elif settings.database.startswith("sqlite") and db.session.scalar(text("PRAGMA quick_check")) != "ok":
        yield Finding("error", "The database file is damaged: restore a backup.")


def _about_schema(at_head: AtHead) -> Iterator[Finding]:
    if not _holds(at_head):
        yield Finding("error", "Migrations are pending: run `callboard db upgrade`.")


def _about_work() -> Iterator[Finding]:
    beat = jobs.last_beat()
    if beat is None or now() - beat > NO_BEAT:
        when = f"since {beat:%Y-%m-%d %H:%M} UTC" if beat else "yet"
        yield Finding("error", f"No worker has run {when}: no mail goes out.")
    for name in jobs.failed():
        yield Finding("warning", f"The job {name} has failed.")
    if count := outbox.failures(now() - outbox.KEPT):
        yield Finding("warning", f"{count} mails could not be delivered; see outbox_mail.last_error.")


def _asked(question: Callable[[], Iterator[Finding]]) -> list[Finding]:
    try:
        return list(question())
    except SQLAlchemyError as error:
        db.session.rollback()
        return [Finding("error", f"The database lacks a table ({type(error).__name__}).")]


# --- disk ------------------------------------------------------------------------------------------


def _disk(settings: Settings) -> Iterator[Finding]:
    if not settings.data.is_dir() or not os.access(settings.data, os.W_OK):
        yield Finding("error", "The data folder is missing or cannot be written to.")
        return
    if shutil.disk_usage(settings.data).free < FREE:
        yield Finding("error", f"Less than {FREE // 2**20} MB are free on the data folder's disk.")
    if not has_reserve(settings.data):
        yield Finding("warning", "The reserve of 20 MB for taking content down on a full disk is not there.")


def has_reserve(folder: Path) -> bool:
    """Whether the reserve file is there in full."""
    path = folder / "reserve"
    return path.is_file() and path.stat().st_size >= RESERVE


def make_reserve(folder: Path) -> None:
    """Set the reserve aside, really written. Errors: OSError when there is no space for it."""
    if has_reserve(folder):
        return
    with (folder / "reserve").open("wb") as file:
        for _ in range(RESERVE // 2**20):
            file.write(os.urandom(2**20))  # zeros would take no space on some file systems
        os.fsync(file.fileno())


def release_reserve(folder: Path) -> None:
    """Give the reserve up, so that posts can be hidden and deleted on a full disk."""
    (folder / "reserve").unlink(missing_ok=True)
