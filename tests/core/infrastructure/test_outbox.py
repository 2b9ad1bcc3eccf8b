"""Mail: exists if its cause does, looks right on the wire, is retried, is never lost."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import os
import shutil
import smtplib
import socket
import ssl
import stat
import subprocess
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from flask import Flask
from sqlalchemy import func, select, text

from forum import db, jobs, outbox, transport
from forum.accounts.models import Person
from forum.config import Settings
from forum.outbox import OutboxMail
from tests.core.infrastructure.contender import Contender, race

MINUTE = dt.timedelta(minutes=1)


def _later(minutes: float = 1) -> dt.datetime:
    return db.now() + minutes * MINUTE


def _settings(app: Flask, **changes: Any) -> Settings:
    return app.config["CALLBOARD"].with_values(**changes)


def _files(app: Flask) -> list[Path]:
    return sorted((app.config["CALLBOARD"].data / "mail").glob("*.eml"))


def _parsed(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=email.policy.default)  # type: ignore[return-value]


def _words(message: EmailMessage) -> str:
    return message.get_content().replace("\r\n", "\n")


def _row() -> OutboxMail:
    db.db.session.expire_all()
    return db.db.session.scalars(select(OutboxMail)).one()


def _queue(**changes: Any) -> None:
    values = {
        "kind": "test",
        "to_address": "ines@models.test",
        "subject": "Your sign-in",
        "body": "Hello\n",
    } | changes
    outbox.mail(**values)
    db.commit()


@pytest.fixture(autouse=True)
def _own_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_checks", {})
    monkeypatch.setattr(outbox, "_rests_until", {})


# --- queueing --------------------------------------------------------------------------------------


def test_a_mail_is_delivered_once_and_its_body_forgotten(small: Flask) -> None:
    _queue()

    assert outbox.deliver_due(_settings(small), _later()) == 1
    assert outbox.deliver_due(_settings(small), _later(60)) == 0
    assert len(_files(small)) == 1
    assert (_row().body, _row().failed_at) == ("", None)
    assert _row().sent_at is not None


def test_a_mail_of_a_rolled_back_transaction_does_not_exist(small: Flask) -> None:
    outbox.mail("test", "ines@models.test", "x", "y")
    db.rollback()

    assert outbox.deliver_due(_settings(small), _later()) == 0


def test_a_key_is_mailed_once_for_all(small: Flask) -> None:
    for _ in range(2):
        _queue(key="notice 7")
        outbox.deliver_due(_settings(small), _later())
    _queue(key="notice 7")

    assert db.db.session.scalar(select(func.count()).select_from(OutboxMail)) == 1


def test_a_person_who_goes_takes_her_mail_along(small: Flask, add_person: Any) -> None:
    person: Person = add_person()
    _queue(person_id=person.id)
    db.db.session.delete(person)
    db.commit()

    assert outbox.deliver_due(_settings(small), _later()) == 0


@pytest.mark.parametrize(
    "address",
    [
        "a@b.c\r\nBcc: d@e.f",
        "a@b.c\nBcc: d@e.f",
        "a@b.c, d@e.f",
        "a@b.c;d@e.f",
        "<a@b.c>",
        "a b@c.d",
        "a@b@c",
        "@",
        "",
        "a@b.c\0",
        "a" * 251 + "@b.c",
    ],
)
def test_more_or_less_than_one_address_is_refused(small_sqlite: Flask, address: str) -> None:
    with pytest.raises(ValueError):
        outbox.mail("test", address, "x", "y")


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\0"])
def test_a_subject_cannot_add_a_header_or_a_body(small_sqlite: Flask, end: str) -> None:
    _queue(subject=f"Hello{end}Bcc: victim@x.org{end}{end}<b>body</b>")
    outbox.deliver_due(_settings(small_sqlite), _later())
    message = _parsed(_files(small_sqlite)[0].read_bytes())

    assert message["Bcc"] is None
    assert message["Subject"] == "Hello Bcc: victim@x.org <b>body</b>"
    assert _words(message) == "Hello\n"


# --- on the wire -----------------------------------------------------------------------------------


def test_how_a_mail_looks(small_sqlite: Flask) -> None:
    _queue(
        subject="Ваш вхід – “Zoë” 👗 " + "long " * 20,
        body="Привіт\r\n\nFrom here\n.\nhttps://x.org/" + "a" * 200,
    )
    outbox.deliver_due(
        _settings(small_sqlite, base_url="https://callboard.test", site_name='Call"board'), _later()
    )
    raw = _files(small_sqlite)[0].read_bytes()
    message = _parsed(raw)

    assert message["Subject"] == ("Ваш вхід – “Zoë” 👗 " + "long " * 20).strip()
    assert _words(message) == "Привіт\n\nFrom here\n.\nhttps://x.org/" + "a" * 200 + "\n"
    assert message["From"] == '"Call\\"board" <callboard@localhost>'
    assert message["To"] == "ines@models.test"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@callboard.test>")
    assert message["Date"].datetime.tzinfo is not None
    assert message.get_content_type() == "text/plain"
    assert message.get_content_charset() == "utf-8"
    assert not {"Reply-To", "List-Unsubscribe", "X-Mailer"} & set(message.keys())
    assert max(map(len, raw.split(b"\r\n"))) < 1000


def test_a_sender_with_a_name_keeps_it(small_sqlite: Flask) -> None:
    _queue()
    outbox.deliver_due(_settings(small_sqlite, mail_from="The Alliance <post@alliance.test>"), _later())

    assert _parsed(_files(small_sqlite)[0].read_bytes())["From"] == "The Alliance <post@alliance.test>"


def test_the_folder_is_the_owners_alone(small_sqlite: Flask) -> None:
    _queue()
    outbox.deliver_due(_settings(small_sqlite), _later())

    assert stat.S_IMODE(_files(small_sqlite)[0].parent.stat().st_mode) == 0o700


class Mailbox:
    """What a mail server was given; refuses the first `faults` with this answer."""

    def __init__(self, answer: str = "", faults: int = 0) -> None:
        self.answer, self.faults, self.got, self.encrypted = answer, faults, [], []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Keep or refuse."""
        if self.faults:
            self.faults -= 1
            return self.answer
        self.got.append(envelope)
        self.encrypted.append(session.ssl is not None)
        return "250 OK"


@pytest.fixture
def mail_server() -> Iterator[Any]:
    """Start an SMTP server with this mailbox; returns the address for the settings."""
    running: list[Controller] = []

    def start(mailbox: Mailbox, **options: Any) -> str:
        controller = Controller(mailbox, hostname="127.0.0.1", port=0, **options)
        controller.start()
        running.append(controller)
        assert controller.server
        port = controller.server.sockets[0].getsockname()[1]
        return f"127.0.0.1:{port}"

    yield start
    for controller in running:
        controller.stop()


@pytest.fixture
def free_controller(monkeypatch: pytest.MonkeyPatch) -> None:
    """aiosmtpd asks its own port whether it is up; with port 0 it must ask the one it got."""

    def ask(controller: Controller) -> None:
        assert controller.server
        with socket.create_connection(controller.server.sockets[0].getsockname(), timeout=5) as line:
            assert line.recv(4) == b"220 "

    monkeypatch.setattr(Controller, "_trigger_server", ask)


pytestmark = pytest.mark.usefixtures("free_controller")


def test_a_mail_arrives_by_smtp(small: Flask, mail_server: Any) -> None:
    box = Mailbox()
    for number in range(3):
        _queue(subject=f"Ваш {number}", body="Привіт\n.\n")

    assert outbox.deliver_due(_settings(small, mail_url=f"smtp://{mail_server(box)}"), _later()) == 3
    assert [envelope.rcpt_tos for envelope in box.got] == [["ines@models.test"]] * 3
    assert _parsed(box.got[2].content)["Subject"] == "Ваш 2"
    assert _words(_parsed(box.got[2].content)) == "Привіт\n.\n"


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
def test_name_and_password_are_used(small_sqlite: Flask, mail_server: Any) -> None:
    box, tried = Mailbox(), []

    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        tried.append((data.login, data.password))
        return AuthResult(success=data.password == b"p@ss/word", handled=False)

    address = mail_server(box, authenticator=check, auth_require_tls=False, auth_required=True)
    _queue()
    right, wrong = (f"smtp://post:{word}@{address}" for word in ("p%40ss%2Fword", "guess"))

    assert outbox.deliver_due(_settings(small_sqlite, mail_url=wrong), _later()) == 0
    assert _row().last_error.startswith("SMTPAuthenticationError")
    assert outbox.deliver_due(_settings(small_sqlite, mail_url=right), _later(3)) == 1
    assert tried[-1] == (b"post", b"p@ss/word")


def test_a_password_is_never_sent_in_clear_to_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    class Plain:
        sock = None

        def __init__(self, *args: Any, **options: Any) -> None: ...

        def ehlo(self) -> None: ...

        def has_extn(self, name: str) -> bool:
            return False

        def login(self, name: str, password: str) -> None:
            raise AssertionError("sent in clear")

        def close(self) -> None: ...

    monkeypatch.setattr(smtplib, "SMTP", Plain)
    settings = Settings(mail_url="smtp://post:word@mail.example")
    with (
        transport.open_transport(settings) as send,
        pytest.raises(transport.MailServerAway, match="in clear"),
    ):
        send(EmailMessage(), "x")


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context with a certificate for 127.0.0.1 that nobody has signed, and its file."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    wanted = ["-newkey", "rsa:2048", "-nodes", "-subj", "/CN=mail", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", *wanted, "-keyout", str(key), "-out", str(cert)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context, cert


def test_another_machine_is_spoken_to_encrypted_and_only_if_it_is_the_right_one(
    small_sqlite: Flask, mail_server: Any, certificate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, file = certificate
    box = Mailbox()
    settings = _settings(small_sqlite, mail_url=f"smtp://{mail_server(box, tls_context=context)}")
    monkeypatch.setattr(transport, "_is_this_machine", lambda host: False)
    _queue()

    assert outbox.deliver_due(settings, _later()) == 0
    assert "CERTIFICATE_VERIFY_FAILED" in _row().last_error

    trusting = ssl.create_default_context(cafile=str(file))
    monkeypatch.setattr(ssl, "create_default_context", lambda: trusting)
    assert outbox.deliver_due(settings, _later(3)) == 1
    assert box.encrypted == [True]


# --- retries ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["451 busy", "550 no such mailbox", "554 spam"])
def test_a_refused_mail_is_tried_again_and_the_next_is_not_kept_waiting(
    small: Flask, mail_server: Any, answer: str
) -> None:
    box = Mailbox(answer, faults=1)
    settings = _settings(small, mail_url=f"smtp://{mail_server(box)}")
    _queue(subject="first")
    _queue(subject="second")

    assert outbox.deliver_due(settings, _later()) == 1
    assert outbox.deliver_due(settings, _later(1.5)) == 0
    assert outbox.deliver_due(settings, _later(3)) == 1
    assert [_parsed(envelope.content)["Subject"] for envelope in box.got] == ["second", "first"]


def test_a_server_that_is_away_costs_one_try_of_one_mail_a_round(small: Flask) -> None:
    settings = _settings(small, mail_url="smtp://127.0.0.1:9")
    _queue()
    _queue()

    for _ in range(3):
        assert outbox.deliver_due(settings, _later()) == 0
    assert sorted(db.db.session.scalars(select(OutboxMail.attempts))) == [0, 1]


def test_the_waits_grow_and_after_the_last_the_mail_is_given_up_and_kept(small: Flask) -> None:
    settings = _settings(small, mail_url="smtp://127.0.0.1:9")
    _queue()
    begun = at = _later()
    waits = []
    while _row().failed_at is None:
        outbox.deliver_due(settings, at)
        waits.append((_row().next_at - at) // MINUTE)
        at = _row().next_at

    assert waits == [1, 5, 30, 120, 720, 720]
    assert _row().attempts == 6
    assert _row().body == "Hello\n"
    assert "ConnectionRefusedError" in _row().last_error
    assert outbox.failures(begun) == 1
    assert outbox.deliver_due(settings, at + dt.timedelta(days=9)) == 0


def test_a_worker_killed_between_sending_and_noting_sends_again_with_the_same_name(
    small: Flask, doomed: Contender
) -> None:
    _queue()

    assert race([doomed], small, "die_after_sending") == [""]
    [first] = _files(small)
    one = _parsed(first.read_bytes())["Message-ID"]
    assert _row().sent_at is None
    first.unlink()  # as if the mailbox had taken it

    assert outbox.deliver_due(_settings(small), _later(2)) == 0  # its lease holds
    assert outbox.deliver_due(_settings(small), _later(12)) == 1
    assert _parsed(_files(small)[0].read_bytes())["Message-ID"] == one


def test_a_mail_whose_check_always_breaks_is_given_up_and_keeps_nobody_waiting(small: Flask) -> None:
    @outbox.recheck("broken")
    def broken(mail: OutboxMail) -> bool:
        raise KeyError("a check of ours that breaks")

    _queue(kind="broken")
    at = _later()
    for _ in range(len(outbox.WAITS) + 1):
        with pytest.raises(KeyError):
            outbox.deliver_due(_settings(small), at)
        db.rollback()
        at += outbox.LEASE

    assert outbox.deliver_due(_settings(small), at) == 0
    assert _row().failed_at is not None


def test_mails_are_told_apart_by_their_names(small_sqlite: Flask) -> None:
    for _ in range(5):
        _queue()
    outbox.deliver_due(_settings(small_sqlite), _later())
    names = {_parsed(file.read_bytes())["Message-ID"] for file in _files(small_sqlite)}

    assert len(names) == 5


@pytest.mark.skipif(
    os.geteuid() == 0 and not Path("/proc").exists(), reason="needs a folder that cannot be made"
)
def test_a_folder_that_cannot_be_written_is_tried_again(small_sqlite: Flask) -> None:
    _queue()

    assert outbox.deliver_due(_settings(small_sqlite, mail_url="folder:/proc/no/mail"), _later()) == 0
    assert outbox.deliver_due(_settings(small_sqlite), _later(3)) == 1


# --- still wanted? -----------------------------------------------------------------------------------


def test_a_mail_that_is_no_longer_wanted_is_dropped(small: Flask, add_person: Any) -> None:
    person: Person = add_person()

    @outbox.recheck("test")
    def still_hers(mail: OutboxMail) -> bool:
        found = db.db.session.scalar(select(Person.email).where(Person.id == mail.person_id))
        return found == mail.to_address

    _queue(person_id=person.id, to_address="old@models.test")
    _queue(person_id=person.id, to_address=person.email, key="wanted")

    assert outbox.deliver_due(_settings(small), _later()) == 1
    assert (_row().key, _row().to_address) == ("wanted", "")  # sent, and the address is not kept


def test_no_transaction_is_open_while_a_mail_is_sent(small: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    open_ones: list[bool] = []

    def folder(path: Path) -> Any:
        return lambda message, name: open_ones.append(db.db.session().in_transaction())

    monkeypatch.setattr(transport, "_folder", folder)
    outbox.recheck("test")(lambda mail: db.db.session.scalar(select(func.count(OutboxMail.id))) == 1)
    _queue()
    outbox.deliver_due(_settings(small), _later())

    assert open_ones == [False]


def test_old_mails_are_forgotten(small: Flask) -> None:
    _queue()
    _queue(subject="still waiting")
    db.db.session.execute(
        text("UPDATE outbox_mail SET sent_at = '2026-01-01 00:00:00' WHERE subject <> 'still waiting'")
    )
    outbox.purge(dt.datetime(2026, 1, 30, tzinfo=dt.UTC))
    assert db.db.session.scalar(select(func.count(OutboxMail.id))) == 2

    outbox.purge(dt.datetime(2026, 2, 1, tzinfo=dt.UTC))
    assert _row().subject == "still waiting"


def test_the_worker_delivers_mail() -> None:
    assert jobs._rounds["outbox"] is outbox.deliver_due
