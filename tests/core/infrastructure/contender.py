"""The small application of these tests, and the processes that race each other in them.

Run as a program it is one contender: it reads lines of JSON `[database, data folder, what, …]`,
opens that application, says `ready`, waits for a second line, does `what`, prints what came out.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from flask import Flask, current_app
from flask_babel import Babel
from sqlalchemy import text

import forum.accounts.models
from forum import audit, db, jobs, limits, once, outbox, sealing, search
from forum.config import Settings

TABLES = [forum.accounts.models, audit, jobs, limits, once, outbox, search]
HOUR = dt.timedelta(hours=1)


def small_app(database: str, data: Path, **changes: object) -> Flask:
    """An application with a database, keys and settings, and no routes."""
    settings = Settings(data=data, database_url=database, testing=True, **changes)  # type: ignore[arg-type]
    app = Flask("small")
    app.config.update(
        CALLBOARD=settings,
        SECRET_KEY="only for tests",
        SQLALCHEMY_DATABASE_URI=settings.database,
        SQLALCHEMY_ENGINE_OPTIONS=db.engine_options(settings.database),
    )
    db.db.init_app(app)
    Babel(app)
    sealing.init_app(app, settings)
    limits.init_app(app, settings)
    return app


class Contender:
    """A process beside this one, kept for several races because starting it takes a second."""

    def __init__(self) -> None:
        root = Path(__file__).parents[3]
        self.process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
        )

    def say(self, *line: str) -> None:
        """Write a line."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        """The next line it says; empty when it is dead."""
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        """Let it go."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(timeout=30)
        assert self.process.stdout
        self.process.stdout.close()


def race(contenders: list[Contender], app: Flask, *what: str) -> list[str]:
    """What they say who do the same with this application's database at the same moment."""
    settings: Settings = app.config["CALLBOARD"]
    for contender in contenders:
        contender.say(settings.database, str(settings.data), *what)
    assert [contender.hear() for contender in contenders] == ["ready"] * len(contenders)
    for contender in contenders:
        contender.say("go")
    return [contender.hear() for contender in contenders]


def claim(key: str, *, pause: str = "0.2") -> str:
    before = once.claim(key, 7)
    if before is None:
        time.sleep(float(pause))
        once.remember(key, "/topics/1")
    db.commit()
    return "first" if before is None else f"second {before}"


def hit(key: str, times: str) -> str:
    within = 0
    for _ in range(int(times)):
        within += limits.hit(key, 10, HOUR, dt.datetime(2026, 5, 1, 12, 30, tzinfo=dt.UTC))
        db.commit()
    return str(within)


def record(times: str) -> str:
    for number in range(int(times)):
        audit.record("test.race", "thing", number, actor_id=1)
        db.commit()
    return "done"


def run_jobs() -> str:
    """Run every job there is; each writes its number down in the transaction it runs in."""
    begun = 0
    while done := jobs.run_due(db.now()):
        begun += done
    return str(begun)


@jobs.handler("race.count")
def count(payload: dict[str, str]) -> None:
    once.claim(payload["number"], None)
    limits.hit("jobs done", 1, HOUR, dt.datetime(2099, 5, 1, tzinfo=dt.UTC))  # not purged meanwhile


def die_after_sending() -> str:
    """Send a mail and be killed before it can be noted, as by `kill -9`."""
    outbox._note_sent = lambda mail, at: os.kill(os.getpid(), signal.SIGKILL)
    outbox.deliver_due(current_app.config["CALLBOARD"], db.now())
    return "survived"


def die_in_a_job() -> str:
    """Be killed in the middle of a job's transaction."""

    def dying(payload: dict[str, str]) -> None:
        count(payload)
        os.kill(os.getpid(), signal.SIGKILL)

    jobs._handlers["race.count"] = dying
    jobs.run_due(db.now())
    return "survived"


def main() -> None:
    """Do what the lines say until there are none."""
    known = {f.__name__: f for f in (claim, hit, record, run_jobs, die_after_sending, die_in_a_job)}
    for line in sys.stdin:
        database, data, name, *arguments = json.loads(line)
        with small_app(database, Path(data)).app_context():
            db.db.session.scalar(text("SELECT 1"))  # connected before the start
            db.rollback()
            print("ready", flush=True)
            sys.stdin.readline()
            print(known[name](*arguments), flush=True)
            db.db.engine.dispose()


if __name__ == "__main__":
    main()
