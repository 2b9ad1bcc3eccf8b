"""Mail: queued in the transaction that causes it, delivered after commit, retried, never lost.

Delivery is at least once: a worker that dies between sending and noting it sends the mail again,
with the same Message-ID, so that mailboxes can drop the second. The words of mails are made by
the features; how a message looks on the wire is in `transport` below.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import smtplib
from collections.abc import Callable, Iterator
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from urllib.parse import urlsplit

from sqlalchemy import ForeignKey, Index, String, Text, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert  # SQLite is written the same ON CONFLICT
from sqlalchemy.orm import Mapped, mapped_column

from forum import jobs
from forum.config import Settings
from forum.db import UTC, commit, db, now
from forum.transport import MailServerAway, Send, open_transport

LEASE = dt.timedelta(minutes=10)
WAITS = [dt.timedelta(minutes=m) for m in (1, 5, 30, 120, 720)]  # after the first, second … failure
REST = dt.timedelta(minutes=1)
AT_ONCE = 20  # mails of one call
_ADDRESS = re.compile(r"""[^\s@,;:<>()\[\]"\\]+@[^\s@,;:<>()\[\]"\\]+""")
KEPT = dt.timedelta(days=30)  # how long the row of a sent or failed mail is kept


class OutboxMail(db.Model):
    """A mail. `next_at` is when it is due; while it is being sent, when its lease ends.

    Once sent, `body` and `to_address` are empty. `failed_at`: given up.
    """

    __tablename__ = "outbox_mail"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str | None] = mapped_column(String(120), unique=True)
    kind: Mapped[str] = mapped_column(String(60))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    to_address: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[dt.datetime] = mapped_column(UTC, default=now)
    next_at: Mapped[dt.datetime] = mapped_column(UTC, default=now)
    attempts: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[dt.datetime | None] = mapped_column(UTC)
    failed_at: Mapped[dt.datetime | None] = mapped_column(UTC)
    last_error: Mapped[str] = mapped_column(String(300), default="")

    __table_args__ = (Index("ix_outbox_mail_due", "sent_at", "failed_at", "next_at", "id"),)


Check = Callable[[OutboxMail], bool]
_checks: dict[str, Check] = {}
_rests_until: dict[str, dt.datetime] = {}  # by address of the mail server


def recheck(kind: str) -> Callable[[Check], Check]:
    """Mark a function that is asked at delivery whether mails of this kind are still wanted.

    False drops the mail: the address has changed, a right is gone. Errors: ValueError for two.
    """

    def mark(check: Check) -> Check:
        if _checks.setdefault(kind, check) is not check:
            raise ValueError(f"mail {kind} is checked twice")
        return check

    return mark


def mail(
    kind: str,
    to_address: str,
    subject: str,
    body: str,
    *,
    person_id: int | None = None,
    key: str | None = None,
) -> None:
    """Queue a plain-text mail in the present transaction; with a `key` seen before, do nothing.

    The person's row must have been flushed. Line breaks in the subject become spaces. Errors: ValueError
    for what is not one address.
    """
    row = insert(OutboxMail).values(
        key=key,
        kind=kind,
        person_id=person_id,
        to_address=_one_address(to_address),
        subject=_one_line(subject)[:200],
        body=body.replace("\r\n", "\n").replace("\r", "\n"),
        created_at=now(),
        next_at=now(),
        attempts=0,
        last_error="",
    )
    db.session.execute(row.on_conflict_do_nothing(index_elements=["key"]))


@jobs.every_round("outbox")
def deliver_due(settings: Settings, at: dt.datetime) -> int:
    """Send what is due at `at`, one mail at a time; how many were sent (at most `AT_ONCE` are tried).

    No transaction is open while a server is spoken to. One that cannot be reached is left alone for a
    minute, so that jobs do not wait for it.
    """
    sent = 0
    if at < _rests_until.get(settings.mail_url, at):
        return sent
    with open_transport(settings) as send:
        for mail in _claimed(at):
            try:
                sent += _deliver(mail, send, settings, at)
            except MailServerAway as fault:
                _note_failure(mail, at, str(fault))
                _rests_until[settings.mail_url] = at + REST
                break
    return sent


def message(mail: OutboxMail, settings: Settings) -> EmailMessage:
    """The mail as it goes out: plain text, no tracking, the same Message-ID at every attempt.

    Errors: ValueError for an address that cannot stand in a header.
    """
    made = EmailMessage(policy=SMTP)
    made["From"] = _sender(settings)
    made["To"] = mail.to_address
    made["Subject"] = mail.subject
    made["Date"] = format_datetime(mail.created_at)
    made["Message-ID"] = f"<{_name(mail)}@{urlsplit(settings.base_url).hostname}>"
    made["Auto-Submitted"] = "auto-generated"
    made["X-Auto-Response-Suppress"] = "All"
    made.set_content(mail.body)
    return made


def failures(since: dt.datetime) -> int:
    """How many mails were given up since then."""
    return db.session.scalar(select(func.count()).where(OutboxMail.failed_at >= since)) or 0


def oldest_due(at: dt.datetime) -> dt.datetime | None:
    """Since when the longest-waiting mail is due; None when none is."""
    return db.session.scalar(select(func.min(OutboxMail.next_at)).where(*_due(at)))


@jobs.recurring("outbox.purge", every=dt.timedelta(days=1))
def purge(at: dt.datetime) -> None:
    """Forget mails that were sent or given up long ago."""
    over = func.coalesce(OutboxMail.sent_at, OutboxMail.failed_at)
    db.session.execute(delete(OutboxMail).where(over < at - KEPT))


# --- a mail's way ----------------------------------------------------------------------------------


def _due(at: dt.datetime) -> tuple:
    return OutboxMail.sent_at.is_(None), OutboxMail.failed_at.is_(None), OutboxMail.next_at <= at


def _claim(at: dt.datetime) -> OutboxMail | None:
    """The next due mail, leased and counted as an attempt, and committed as such."""
    _give_up_killers(at)
    due = select(OutboxMail).where(*_due(at)).order_by(OutboxMail.next_at, OutboxMail.id)
    mail = db.session.scalar(due.limit(1).with_for_update(skip_locked=True))
    if mail is not None:
        mail.next_at, mail.attempts = at + LEASE, mail.attempts + 1
        db.session.flush()
        db.session.expunge(mail)
    commit()
    return mail


def _give_up_killers(at: dt.datetime) -> None:
    """Nobody notes the failure of a mail whose worker dies with it, or whose check breaks: not for ever."""
    dead = update(OutboxMail).where(*_due(at), OutboxMail.attempts > len(WAITS))
    db.session.execute(dead.values(failed_at=at, last_error="its worker ended before it did, each time"))


def _claimed(at: dt.datetime) -> Iterator[OutboxMail]:
    for _ in range(AT_ONCE):
        mail = _claim(at)
        if mail is None:
            return
        if _is_wanted(mail):
            yield mail


def _deliver(mail: OutboxMail, send: Send, settings: Settings, at: dt.datetime) -> bool:
    """Whether the mail went out. Errors: MailServerAway."""
    try:
        send(message(mail, settings), _name(mail))
    except (smtplib.SMTPException, ValueError) as fault:
        _note_failure(mail, at, f"{type(fault).__name__}: {fault}")
        return False
    _note_sent(mail, at)
    return True


def _is_wanted(mail: OutboxMail) -> bool:
    """Ask the kind's check; drop the mail if it says no. Ends the transaction either way."""
    check = _checks.get(mail.kind)
    wanted = check is None or check(mail)
    if not wanted:
        db.session.execute(delete(OutboxMail).where(OutboxMail.id == mail.id))
    commit()
    return wanted


def _note_sent(mail: OutboxMail, at: dt.datetime) -> None:
    _note(mail, sent_at=at, body="", to_address="", last_error="")


def _note_failure(mail: OutboxMail, at: dt.datetime, error: str) -> None:
    given_up = mail.attempts > len(WAITS)
    wait = WAITS[min(mail.attempts, len(WAITS)) - 1]
    _note(mail, next_at=at + wait, failed_at=at if given_up else None, last_error=_one_line(error)[:300])


def _note(mail: OutboxMail, **values: object) -> None:
    db.session.execute(update(OutboxMail).where(OutboxMail.id == mail.id).values(**values))
    commit()


# --- headers ---------------------------------------------------------------------------------------


def _name(mail: OutboxMail) -> str:
    """The same at every attempt, and nothing to count mails by."""
    made_of = f"{mail.id} {mail.created_at.isoformat()} {mail.to_address} {mail.kind}"
    return hashlib.sha256(made_of.encode()).hexdigest()[:32]


def _sender(settings: Settings) -> Address:
    name, address = parseaddr(settings.mail_from)
    return Address(display_name=name or settings.site_name, addr_spec=address)


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _one_address(address: str) -> str:
    stripped = address.strip()
    if not _ADDRESS.fullmatch(stripped) or not stripped.isprintable() or len(stripped) > 254:
        raise ValueError("not one mail address")
    return stripped
