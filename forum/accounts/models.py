"""Tables of people and their sign-ins. No queries, no rules."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from forum.db import UTC, db, now


class Person(db.Model):
    """Somebody with an account, or asking for one.

    `state`: unverified → applicant → active; waiting (13 to 15, a guardian has not consented);
    suspended; declined; left. Only `active` holds rights. `born` is sealed: the date of birth.
    """

    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    handle: Mapped[str] = mapped_column(String(40), unique=True)
    display_name: Mapped[str] = mapped_column(String(60))
    legal_name: Mapped[bytes | None] = mapped_column(LargeBinary)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[str] = mapped_column(String(12), default="active")
    age_band: Mapped[str] = mapped_column(String(8), default="adult")
    born: Mapped[bytes | None] = mapped_column(LargeBinary)
    about: Mapped[str] = mapped_column(String(600), default="")
    locale: Mapped[str] = mapped_column(String(8), default="en")
    timezone: Mapped[str] = mapped_column(String(40), default="America/New_York")
    mail_notices: Mapped[bool] = mapped_column(default=False)
    notices_unread: Mapped[int] = mapped_column(default=0)
    application: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[dt.datetime] = mapped_column(UTC, default=now)
    suspended_until: Mapped[dt.datetime | None] = mapped_column(UTC)

    __table_args__ = (Index("ix_person_state", "state", "created_at"),)


class SignIn(db.Model):
    """One device's session. Only the hash of its token is kept; `ended_at` ends it at once."""

    __tablename__ = "sign_in"
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    device: Mapped[str] = mapped_column(String(80), default="")
    created_at: Mapped[dt.datetime] = mapped_column(UTC, default=now)
    touched_at: Mapped[dt.datetime] = mapped_column(UTC, default=now)
    confirmed_at: Mapped[dt.datetime] = mapped_column(UTC, default=now)
    ended_at: Mapped[dt.datetime | None] = mapped_column(UTC)

    __table_args__ = (Index("ix_sign_in_person", "person_id", "ended_at"),)


class MailLink(db.Model):
    """A mailed one-use link: kind `reset`, `verify` or `address`. Only its hash is kept.

    `address` is where it was sent: a link dies when the person's address has changed since (H13).
    """

    __tablename__ = "mail_link"
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    address: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[dt.datetime] = mapped_column(UTC, default=now)
    expires_at: Mapped[dt.datetime] = mapped_column(UTC)
    used_at: Mapped[dt.datetime | None] = mapped_column(UTC)
