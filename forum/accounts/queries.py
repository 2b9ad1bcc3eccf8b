"""Reads about accounts. The viewer reads her own, and display names where a page shows them."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from forum.accounts.models import MailLink, Person, SignIn
from forum.db import db
from forum.viewer import Viewer


def token_hash(token: str) -> bytes:
    """What is kept of a random token: SHA-256, enough for 128 bits and more of chance."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def own_person(viewer: Viewer) -> Person:
    """The viewer's own row, to show or to change."""
    return db.session.get_one(Person, viewer.person_id)


@dataclass(frozen=True)
class Device:
    """One of the viewer's sign-ins."""

    id: int
    name: str
    since: dt.datetime
    seen: dt.datetime
    is_this: bool


def own_devices(viewer: Viewer) -> list[Device]:
    """The viewer's living sign-ins, newest first, at most 50."""
    rows = db.session.execute(
        select(SignIn.id, SignIn.device, SignIn.created_at, SignIn.touched_at)
        .where(SignIn.person_id == viewer.person_id, SignIn.ended_at.is_(None))
        .order_by(SignIn.id.desc())
        .limit(50)
    )
    return [Device(r.id, r.device, r.created_at, r.touched_at, r.id == viewer.sign_in_id) for r in rows]


def person_by_email(email: str) -> Person | None:
    """For sign-in and mailed links only: nothing of it reaches a page."""
    return db.session.scalar(select(Person).where(Person.email == email.strip().lower()))


def open_link(token: str, kind: str, at: dt.datetime) -> tuple[MailLink, Person] | None:
    """The living link of this token and its person; None once used, expired, or the address changed."""
    row = db.session.execute(
        select(MailLink, Person)
        .join(Person, Person.id == MailLink.person_id)
        .where(MailLink.token_hash == token_hash(token), MailLink.kind == kind, MailLink.used_at.is_(None))
        .where(MailLink.expires_at > at, (Person.state == "left") == (kind == "keep"))
    ).first()
    if row is None or (kind == "reset" and row[0].address != row[1].email):
        return None
    return row[0], row[1]


def people_by_id(ids: Sequence[int]) -> dict[int, Person]:
    """People for a job or an action that already knows whom it is about."""
    return {p.id: p for p in db.session.scalars(select(Person).where(Person.id.in_(ids)))}
