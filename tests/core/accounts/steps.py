"""What the tests of accounts and agencies do again and again: jobs, mails, links, equal answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from argon2 import PasswordHasher
from sqlalchemy import select

from forum import db, jobs
from forum.accounts.models import Person
from forum.db import now
from forum.notifications.models import Notice
from forum.outbox import OutboxMail

STRANGER = "nobody-knows@example.org"
OFF_SITE = [
    "//evil.example", "///evil.example", "////evil.example", "https://evil.example", "http://evil.example",
    "HTTPS://evil.example", "https:evil.example", "https:/evil.example", "http:///evil.example", "ftp://evil.example",
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd",
    "/\\evil.example", "\\/evil.example", "\\\\evil.example", "/\\/evil.example", "\\evil.example",
    "/\t/evil.example", "/\n/evil.example", "/\r/evil.example", " //evil.example", "\t//evil.example",
    "\x00//evil.example", "/\x00/evil.example", "//evil.example/%2f..", "https://localhost@evil.example",
    "https://localhost.evil.example", "//localhost@evil.example", "evil.example", "www.evil.example", "./evil",
    "../evil",    "?next=//evil.example", "#//evil.example", "mailto:a@evil.example", "//[::1]/", "http://[bad",
    "blob:https://evil.example", "/ok\" onclick=x", "/<script>", "",
]  # fmt: skip


def forget() -> None:
    """End the test's own transaction, so that the site can write and the test reads anew."""
    db.db.session.rollback()
    db.db.session.expire_all()


def all_of(statement: Any) -> list[Any]:
    """The objects a select finds, read anew; nothing stays locked."""
    forget()
    found = list(db.db.session.scalars(statement))
    db.db.session.rollback()
    return found


def one_of(statement: Any) -> Any:
    """The only one."""
    found = all_of(statement)
    assert len(found) == 1, found
    return found[0]


def again(person: Person) -> Person:
    """The person's row as it is now."""
    return one_of(select(Person).where(Person.id == person.id))


def work() -> None:
    """Run every job that is due."""
    forget()
    for _ in range(5):
        jobs.run_due(now())
    db.db.session.rollback()


def mails(address: str = "") -> list[OutboxMail]:
    """Every queued mail (to this address), oldest first."""
    wanted = select(OutboxMail).order_by(OutboxMail.id)
    return all_of(wanted.where(OutboxMail.to_address == address) if address else wanted)


def link_in(mail: OutboxMail) -> str:
    """The path of the link in a mail."""
    found = re.search(r"http://localhost(/\S+)", mail.body)
    assert found, mail.body
    return found.group(1)


def notice_kinds(person: Person) -> list[str]:
    """Kinds of the notices somebody has, oldest first."""
    return [n.kind for n in all_of(select(Notice).where(Notice.person_id == person.id).order_by(Notice.id))]


def plain(answer: Any) -> tuple[int, str, str]:
    """Status, address and words of an answer, without chance and without the address that was asked for."""
    chance = re.compile(r'(name="(?:csrf_token|once|next)" value="|<form method="get" action=")[^"]*')
    return answer.status_code, answer.headers.get("Location", ""), chance.sub(r"\1", answer.text)


@contextmanager
def counted_hashes() -> Iterator[list[str]]:
    """The list grows by one for each password hash that is made or checked."""
    made: list[str] = []
    hash_once, verify = PasswordHasher.hash, PasswordHasher.verify

    def counting_hash(self: PasswordHasher, *args: Any, **kwargs: Any) -> str:
        made.append("hash")
        return hash_once(self, *args, **kwargs)

    def counting_verify(self: PasswordHasher, *args: Any, **kwargs: Any) -> bool:
        made.append("verify")
        return verify(self, *args, **kwargs)

    PasswordHasher.hash, PasswordHasher.verify = counting_hash, counting_verify  # type: ignore[method-assign]
    try:
        yield made
    finally:
        PasswordHasher.hash, PasswordHasher.verify = hash_once, verify  # type: ignore[method-assign]
