"""Reads about invites, people on their way in, and applications."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Row, select

from forum import sealing
from forum.accounts.models import Person
from forum.accounts.queries import token_hash
from forum.agencies import rules
from forum.agencies.models import Agency, Invite, PendingJoin
from forum.agencies.queries import viewer_of_person
from forum.db import db, now
from forum.permissions import Missing
from forum.viewer import Viewer

LINK_LIVES = dt.timedelta(days=2)
PAGE = 50


def open_invite(code: str, at: dt.datetime) -> tuple[Invite, Agency] | None:
    """The living invite of this code; None once used, revoked, too old, or the inviter has lost the right."""
    row = db.session.execute(
        select(Invite, Agency)
        .join(Agency, Agency.id == Invite.agency_id)
        .where(Invite.code_hash == token_hash(code), Invite.used_at.is_(None), Invite.revoked_at.is_(None))
        .where(Invite.expires_at > at)
    ).first()
    if row is None or not inviter_may_still(row[0], row[1], at):
        return None
    return row[0], row[1]


def inviter_may_still(invite: Invite, agency: Agency, at: dt.datetime) -> bool:
    """Whether who made the invite could make it now (permissions.md, rule 5)."""
    inviter = db.session.get(Person, invite.created_by) if invite.created_by else None
    if inviter is None:
        return False
    viewer = viewer_of_person(inviter, at)
    return invite.role in rules.may_invite(viewer, viewer.membership(agency.slug))


def open_pending(token: str, at: dt.datetime) -> tuple[PendingJoin, Invite | None, Agency | None] | None:
    """Who finishes by this mailed link, with her invite; None when link or invite is over."""
    pending = db.session.scalar(
        select(PendingJoin).where(
            PendingJoin.token_hash == token_hash(token), PendingJoin.used_at.is_(None),
            PendingJoin.created_at > at - LINK_LIVES,
        )
    )  # fmt: skip
    if pending is None:
        return None
    if pending.invite_id is None:
        return pending, None, None
    invite = db.session.get_one(Invite, pending.invite_id)
    agency = db.session.get_one(Agency, invite.agency_id)
    over = invite.used_at or invite.revoked_at or invite.expires_at <= at
    return None if over or not inviter_may_still(invite, agency, at) else (pending, invite, agency)


@dataclass(frozen=True)
class InviteLine:
    """An invite in the list; its code is not kept anywhere. `state`: open, used, expired, revoked."""

    id: int
    name: str
    role: str
    state: str
    until: dt.datetime


def invites(viewer: Viewer, agency: Agency, before: int | None) -> tuple[list[InviteLine], int | None]:
    """A page of invites, newest first, and the key of the next.

    A booker sees her own, a manager those of the agency's side, an operator those of operators, the
    coordinator all (P06).
    """
    wanted = select(Invite).where(Invite.agency_id == agency.id, *_seen_by(viewer, agency))
    if before is not None:
        wanted = wanted.where(Invite.id < before)
    rows = db.session.scalars(wanted.order_by(Invite.id.desc()).limit(PAGE + 1)).all()
    shown = [_line(row, now()) for row in rows[:PAGE]]
    return shown, shown[-1].id if len(rows) > PAGE else None


def invite_by_id(viewer: Viewer, agency: Agency, invite_id: int) -> Invite:
    """An invite that this viewer sees. Errors: Missing."""
    invite = db.session.scalar(
        select(Invite).where(Invite.id == invite_id, Invite.agency_id == agency.id, *_seen_by(viewer, agency))
    )
    if invite is None:
        raise Missing
    return invite


def _seen_by(viewer: Viewer, agency: Agency) -> list:
    standing = viewer.membership(agency.slug)
    acts = rules.capacity(viewer, standing)
    if acts == "agency" and standing and "agency_manager" not in standing.roles:
        return [Invite.created_by == viewer.person_id, Invite.invited_as == "agency"]
    if acts in ("agency", "operator"):
        return [Invite.invited_as == acts]
    if acts == "coordinator":
        return []
    raise Missing


def _line(invite: Invite, at: dt.datetime) -> InviteLine:
    state = "open"
    if invite.used_at:
        state = "used"
    elif invite.revoked_at:
        state = "revoked"
    elif invite.expires_at <= at:
        state = "expired"
    return InviteLine(invite.id, legal_name_of(invite), invite.role, state, invite.expires_at)


def legal_name_of(invite: Invite) -> str:
    """The legal name that the inviter wrote."""
    if invite.legal_name is None:
        return ""
    return sealing.open_sealed(invite.legal_name, about_invite(invite)).decode()


def about_invite(invite: Invite) -> str:
    """What an invite's sealed name is bound to."""
    return f"invite:{invite.code_hash.hex()}"


def applications(viewer: Viewer, after: int | None) -> tuple[Sequence[Row], int | None]:
    """A page of people who ask to join, longest waiting first, and the key of the next. Errors: Missing."""
    if not rules.is_site_staff(viewer, None):
        raise Missing
    wanted = select(Person.id, Person.handle, Person.display_name, Person.created_at, Person.age_band).where(
        Person.state == "applicant", Person.id > (after or 0)
    )
    rows = db.session.execute(wanted.order_by(Person.id).limit(PAGE + 1)).all()
    return rows[:PAGE], rows[PAGE - 1].id if len(rows) > PAGE else None


def applicant(viewer: Viewer, handle: str) -> Person:
    """Somebody who asks to join. Errors: Missing."""
    person = db.session.scalar(select(Person).where(Person.handle == handle, Person.state == "applicant"))
    if person is None or not rules.is_site_staff(viewer, None):
        raise Missing
    return person
