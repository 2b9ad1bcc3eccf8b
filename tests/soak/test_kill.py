"""The server is killed in the middle of people writing: nothing acknowledged is lost, nothing is doubled.

What is started here is ended here, by its own process group.
"""

from __future__ import annotations

import http.client
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from forum import audit, db
from forum.boards.models import Post, Topic
from tests.personas import Site, csrf_token, forget, open_site

pytestmark = pytest.mark.soak
WRITERS = ("ana", "dasha", "mbali", "tomas", "joan", "femi", "maud", "eve")
ROUNDS, EACH = 4, 6


class Server:
    """`callboard serve` on a folder, in a process group of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environ = {
            **os.environ, "CALLBOARD_DATA": str(self.folder), "CALLBOARD_BASE_URL": f"http://127.0.0.1:{self.port}",
            "CALLBOARD_SECRET_KEY": "for tests only", "CALLBOARD_MAIL_FROM": "a@example.org",
        }  # fmt: skip
        command = [sys.executable, "-m", "forum", "serve", "--port", str(self.port)]
        self.process = subprocess.Popen(
            command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        for _ in range(150):
            try:
                if self.ask("GET", "/healthz") == 200:
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the server did not come up")

    def kill(self) -> None:
        """SIGKILL for the server, its web processes and its worker."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=10)

    def ask(self, method: str, url: str, cookie: str = "", **fields: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
            connection.request(method, url, urlencode(fields) if fields else None, headers)
            return connection.getresponse().status
        finally:
            connection.close()


@pytest.fixture
def served(seeded: Site, tmp_path: Path) -> Iterator[tuple[Server, Flask]]:
    """A server on a copy of the seeded site, and an application to look into its database."""
    folder = tmp_path / "data"
    shutil.copytree(seeded.folder, folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = open_site(folder, base_url=f"http://127.0.0.1:{port}")
    server = Server(folder, port)
    yield server, app
    if server.process is not None and server.process.poll() is None:
        server.kill()
    forget(app)


def cookie_of(app: Flask, site: Site, name: str) -> str:
    """A session cookie as the server would have given it."""
    signer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    assert signer is not None
    return f"callboard={signer.dumps({'csrf_token': 'c' * 40, '_user_id': site.tokens[name]})}"


def test_a_killed_server_loses_nothing_it_acknowledged_and_doubles_nothing(
    served: tuple[Server, Flask], seeded: Site
) -> None:
    server, app = served
    token, cookies = csrf_token(app), {n: cookie_of(app, seeded, n) for n in WRITERS}
    url = f"/topics/{seeded.topics['castings']}/reply"
    acknowledged: set[str] = set()
    uncertain: dict[str, tuple[str, str]] = {}  # words: writer, key

    def send(name: str, words: str, key: str) -> int:
        return server.ask("POST", url, cookies[name], csrf_token=token, body=words, once=key)

    def write(name: str, round_: int) -> None:
        for n in range(EACH):
            words, key = f"{name} {round_} {n}", secrets.token_urlsafe(16)
            try:
                status = send(name, words, key)
            except (OSError, http.client.HTTPException):
                uncertain[words] = (name, key)
                return
            assert status == 303, f"{words}: {status}"
            acknowledged.add(words)

    for round_ in range(ROUNDS):
        server.start()
        for words, (name, key) in list(uncertain.items()):  # people send again what was not answered
            assert send(name, words, key) == 303
            acknowledged.add(words)
            del uncertain[words]
        threads = [threading.Thread(target=write, args=(name, round_)) for name in WRITERS]
        for thread in threads:
            thread.start()
        time.sleep(random.uniform(0.05, 0.5))
        server.kill()
        for thread in threads:
            thread.join(timeout=30)
    server.start()
    for words, (name, key) in uncertain.items():
        assert send(name, words, key) == 303
        acknowledged.add(words)
        assert send(name, words, key) == 303  # and once more
    server.kill()

    with app.app_context():
        assert db.db.session.scalar(text("PRAGMA integrity_check")) == "ok"
        assert list(db.db.session.execute(text("PRAGMA foreign_key_check"))) == []
        topic = db.db.session.get_one(Topic, seeded.topics["castings"])
        found = db.db.session.scalars(select(Post.body).where(Post.topic_id == topic.id)).all()
        times = {words: found.count(words) for words in acknowledged}
        assert times == dict.fromkeys(acknowledged, 1)
        numbers = db.db.session.scalars(
            select(Post.number).where(Post.topic_id == topic.id).order_by(Post.number)
        ).all()
        assert numbers == list(range(1, topic.post_count + 1))
        indexed = db.db.session.scalar(select(func.count()).select_from(text("search_text")))
        living = db.db.session.scalar(select(func.count()).where(Post.deleted_at.is_(None)))
        assert indexed == living
        assert audit.verify() == []
    print(f"\n{len(acknowledged)} posts acknowledged over {ROUNDS} kills")


def test_a_killed_worker_loses_no_mail(served: tuple[Server, Flask], seeded: Site) -> None:
    """Mail queued in a transaction goes out after the restart, by whichever worker comes next."""
    from forum.accounts.models import Person
    from tests.personas import mark

    server, app = served
    with app.app_context():
        for person in db.db.session.scalars(select(Person)):
            person.mail_notices = True
        db.commit()
    forget(app)
    server.start()
    token = csrf_token(app)
    assert server.ask(
        "POST", f"/topics/{seeded.topics['castings']}/reply", cookie_of(app, seeded, "ana"), csrf_token=token, body="news"
    ) == 303  # fmt: skip
    server.kill()  # before or after its worker has taken the mail
    server.start()
    folder = app.config["CALLBOARD"].data / "mail"
    for _ in range(100):
        mails = list(folder.glob("*.eml")) if folder.exists() else []
        if mails:
            break
        time.sleep(0.2)
    server.kill()

    assert len(mails) == 1
    assert mark("mailbox ines") in mails[0].read_text("utf-8")


def test_a_full_queue_of_slow_strangers_does_not_keep_members_out(
    served: tuple[Server, Flask], seeded: Site
) -> None:
    """Three hundred connections that send a byte now and then: honest requests are answered all the same."""
    server, app = served
    server.start()
    slow = []
    for _ in range(300):
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=5)
        connection.sendall(b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\na")
        slow.append(connection)
    cookie, answers = cookie_of(app, seeded, "ana"), []
    for _ in range(20):
        began = time.monotonic()
        answers.append((server.ask("GET", seeded.topic_url("castings"), cookie), time.monotonic() - began))
    for connection in slow:
        connection.close()

    assert [status for status, _ in answers] == [200] * 20
    assert max(seconds for _, seconds in answers) < 5
