"""Looking inside, in this process and with the test client: statements per page, and a profile.

Nothing of this is timed for the table: the measured servers carry no hook.
"""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, event

from bench import floor
from bench.browser import FORM, HEADERS
from bench.load import Request
from bench.servers import Site, callboard_environment

UNCOUNTED = ("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA", "SAVEPOINT", "RELEASE")


def application(site: Site, data: Path) -> Flask:
    """The same application on the same data, in this process."""
    if site.name == "floor":
        return floor.create_app(str(data))
    from forum.app import create_app  # not at the top: it is not needed for a measurement
    from forum.config import Settings

    return create_app(Settings.from_environment(callboard_environment(data, site.port)))


def send(client: FlaskClient, site: Site, request: Request) -> int:
    """Carry a request out, effects after the answer included; returns the status."""
    headers = HEADERS | ({"Cookie": request.cookie} if request.cookie else {})
    answer = client.open(
        request.path, method=request.method, headers=headers, data=request.body or None, buffered=True,
        content_type=FORM if request.body else None, base_url=f"http://127.0.0.1:{site.port}",
    )  # fmt: skip
    return answer.status_code


@contextmanager
def listening() -> Iterator[list[str]]:
    """The statements that any engine sends meanwhile."""
    heard: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.lstrip().upper().startswith(UNCOUNTED):
            heard.append(" ".join(statement.split()))

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        event.remove(Engine, "before_cursor_execute", hear)


def statements(app: Flask, site: Site, request: Request) -> list[str]:
    """What one request sends, once everything is warm and read."""
    client = app.test_client(use_cookies=False)
    if request.method == "GET":
        send(client, site, request)
    with listening() as heard:
        status = send(client, site, request)
    if not 200 <= status < 400:
        raise RuntimeError(f"{site.name} answers {status} to {request.method} {request.path}")
    return heard


def profile(app: Flask, site: Site, requests: list[Request], lines: int = 45) -> None:
    """Print where the time of these requests goes; the first tenth only warms."""
    client = app.test_client(use_cookies=False)
    first = len(requests) // 10
    for request in requests[:first]:
        send(client, site, request)
    requests = requests[first:]
    profiler = cProfile.Profile()
    profiler.enable()
    for request in requests:
        send(client, site, request)
    profiler.disable()
    stats = pstats.Stats(profiler).strip_dirs()
    print(f"{site.name}: {len(requests)} requests")
    stats.sort_stats("cumulative").print_stats(lines)
    stats.sort_stats("tottime").print_stats(lines)
