"""Tables of agencies, memberships with their history, role grants and invites."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from forum.db import UTC, db, now


class Agency(db.Model):
    """A tenant."""

    __tablename__ = "agency"
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    city: Mapped[str] = mapped_column(String(80), default="")
    country: Mapped[str] = mapped_column(String(2), default="")
    timezone: Mapped[str] = mapped_column(String(40), default="America/New_York")
    about: Mapped[str] = mapped_column(String(600), default="")
    created_at: Mapped[dt.datetime] = mapped_column(UTC, default=now)


class Membership(db.Model):
    """Belonging to an agency, from `started_at` to `ended_at`; rows are ended, never deleted.

    `confirmed_at`: a coordinator or two peers have confirmed that she is who the agency says (H6).
    `invited_as`: in which capacity she was invited: agency, coordinator, operator, or '' when not by
    an invite. `legal_name` is sealed: what the inviter wrote; the agency reads it, peers never (P06).
    """

    __tablename__ = "membership"
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id", ondelete="RESTRICT"))
    invited_by: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    invited_as: Mapped[str] = mapped_column(String(12), default="")
    legal_name: Mapped[bytes | None] = mapped_column(LargeBinary)
    started_at: Mapped[dt.datetime] = mapped_column(UTC, default=now)
    confirmed_at: Mapped[dt.datetime | None] = mapped_column(UTC)
    ended_at: Mapped[dt.datetime | None] = mapped_column(UTC)
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    end_reason: Mapped[str] = mapped_column(String(300), default="")

    __table_args__ = (
        Index("ix_membership_person", "person_id", "ended_at"),
        Index("ix_membership_agency", "agency_id", "ended_at", "id"),
    )


class Confirmation(db.Model):
    """One peer's or coordinator's word that a membership is genuine."""

    __tablename__ = "confirmation"
    membership_id: Mapped[int] = mapped_column(
        ForeignKey("membership.id", ondelete="CASCADE"), primary_key=True
    )
    by_person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(UTC, default=now)


class RoleGrant(db.Model):
    """A role held at an agency, or with the Alliance (`agency_id` None). Ended, never deleted."""

    __tablename__ = "role_grant"
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    agency_id: Mapped[int | None] = mapped_column(ForeignKey("agency.id", ondelete="RESTRICT"))
    role: Mapped[str] = mapped_column(String(20))
    granted_by: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    granted_at: Mapped[dt.datetime] = mapped_column(UTC, default=now)
    expires_at: Mapped[dt.datetime | None] = mapped_column(UTC)
    ended_at: Mapped[dt.datetime | None] = mapped_column(UTC)
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))

    __table_args__ = (
        Index("ix_role_grant_person", "person_id", "ended_at"),
        Index("ix_role_grant_agency", "agency_id", "role", "ended_at"),
    )


class Invite(db.Model):
    """A one-use way in, bound to an agency and a role. Only the hash of its 128-bit code is kept.

    `invited_as`: agency, coordinator or operator; `legal_name` is sealed, bound to the code's hash.
    """

    __tablename__ = "invite"
    id: Mapped[int] = mapped_column(primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id", ondelete="CASCADE"))
    role: Mapped[str] = mapped_column(String(20))
    note: Mapped[str] = mapped_column(String(120), default="")
    invited_as: Mapped[str] = mapped_column(String(12), default="agency")
    legal_name: Mapped[bytes | None] = mapped_column(LargeBinary)
    child_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    created_at: Mapped[dt.datetime] = mapped_column(UTC, default=now)
    expires_at: Mapped[dt.datetime] = mapped_column(UTC)
    used_at: Mapped[dt.datetime | None] = mapped_column(UTC)
    used_by: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    revoked_at: Mapped[dt.datetime | None] = mapped_column(UTC)

    __table_args__ = (Index("ix_invite_agency", "agency_id", "id"),)


class PendingJoin(db.Model):
    """Somebody on her way in, by invite or by application, until she opens the mailed link.

    Only a hash of the link is kept. Nothing on a screen depends on whether the address is known.
    `browser_hash`: of a mark in the cookie of the browser that asked; another one gives the password.
    """

    __tablename__ = "pending_join"
    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    browser_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    invite_id: Mapped[int | None] = mapped_column(ForeignKey("invite.id", ondelete="CASCADE"))
    email: Mapped[str] = mapped_column(String(254))
    display_name: Mapped[str] = mapped_column(String(60))
    password_hash: Mapped[str] = mapped_column(String(200))
    born: Mapped[bytes] = mapped_column(LargeBinary)
    age_band: Mapped[str] = mapped_column(String(8))
    locale: Mapped[str] = mapped_column(String(8), default="en")
    timezone: Mapped[str] = mapped_column(String(40))
    application: Mapped[str] = mapped_column(String(2000), default="")
    created_at: Mapped[dt.datetime] = mapped_column(UTC, default=now)
    used_at: Mapped[dt.datetime | None] = mapped_column(UTC)


class Guardianship(db.Model):
    """A guardian's link to a child: proved by a coordinator, then consented to, revocable.

    `ended_at`: a coordinator has cut the guardian's access (H21) or the child has grown up; a
    consent that was given before stays on record.
    """

    __tablename__ = "guardianship"
    id: Mapped[int] = mapped_column(primary_key=True)
    child_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    guardian_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    verified_by: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    verified_at: Mapped[dt.datetime] = mapped_column(UTC, default=now)
    consented_at: Mapped[dt.datetime | None] = mapped_column(UTC)
    withdrawn_at: Mapped[dt.datetime | None] = mapped_column(UTC)
    terms_version: Mapped[str] = mapped_column(String(20), default="")
    ended_at: Mapped[dt.datetime | None] = mapped_column(UTC)
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
