"""What agencies keep about a person: memberships, roles, invites, guardianships, and ways in not finished."""

from __future__ import annotations

from sqlalchemy import delete, or_, select, update

from forum import people_data
from forum.accounts.models import Person
from forum.agencies.models import (
    Agency,
    Confirmation,
    Guardianship,
    Invite,
    Membership,
    PendingJoin,
    RoleGrant,
)
from forum.db import db
from forum.people_data import ExportFile, rows_of


def _export(person_id: int) -> list[ExportFile]:
    memberships = (
        select(
            Agency.name,
            Membership.started_at,
            Membership.confirmed_at,
            Membership.ended_at,
            Membership.end_reason,
        )
        .join(Agency, Agency.id == Membership.agency_id)
        .where(Membership.person_id == person_id)
    )
    roles = (
        select(
            RoleGrant.role,
            Agency.name.label("agency"),
            RoleGrant.granted_at,
            RoleGrant.expires_at,
            RoleGrant.ended_at,
        )
        .outerjoin(Agency, Agency.id == RoleGrant.agency_id)
        .where(RoleGrant.person_id == person_id)
    )
    invites = select(Invite.role, Invite.created_at, Invite.used_at, Invite.revoked_at).where(
        Invite.created_by == person_id
    )
    guarding = select(Guardianship.verified_at, Guardianship.consented_at, Guardianship.withdrawn_at).where(
        or_(Guardianship.child_id == person_id, Guardianship.guardian_id == person_id)
    )
    words = select(Confirmation.at).where(Confirmation.by_person_id == person_id)
    return [
        ExportFile("memberships", rows_of(db.session.execute(memberships)), "where you belong and belonged"),
        ExportFile("roles", rows_of(db.session.execute(roles)), "the roles you hold and held"),
        ExportFile("invites", rows_of(db.session.execute(invites)), "invites you made"),
        ExportFile("guardians", rows_of(db.session.execute(guarding)), "guardians on record"),
        ExportFile(
            "confirmations", rows_of(db.session.execute(words)), "when you said that a new member is genuine"
        ),
    ]


def _erase(person_id: int, keep_words: bool) -> None:
    address = db.session.scalar(select(Person.email).where(Person.id == person_id))
    unfinished = PendingJoin.email == address
    guarding = or_(Guardianship.child_id == person_id, Guardianship.guardian_id == person_id)
    for gone in (
        delete(PendingJoin).where(unfinished),
        delete(Guardianship).where(guarding),
        delete(Invite).where(Invite.child_id == person_id),
        delete(Confirmation).where(Confirmation.by_person_id == person_id),
        delete(Membership).where(Membership.person_id == person_id),
        delete(RoleGrant).where(RoleGrant.person_id == person_id),
        update(Invite).where(Invite.used_by == person_id).values(used_by=None, note="", legal_name=None),
    ):
        db.session.execute(gone)


people_data.register(people_data.Part("agencies", _export, _erase))
