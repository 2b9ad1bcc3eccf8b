"""Confirming new members and ending memberships (P14, H5, H6, H11)."""

from __future__ import annotations

from sqlalchemy import select

from forum import audit
from forum.accounts.models import Person
from forum.agencies import news, rules
from forum.agencies.actions import checked_reason, end_access, end_grants, revoke_invites_of
from forum.agencies.models import Agency, Confirmation, Membership, RoleGrant
from forum.agencies.queries import agency_by_slug, member_by_handle, roles_at, viewer_of_person
from forum.db import db, now
from forum.permissions import Missing
from forum.viewer import AGENCY_ROLES, MEMBER_ROLES, PEER_ROLES, Viewer

PEERS_NEEDED = 2


# --- confirming --------------------------------------------------------------------------------


def confirm_member(viewer: Viewer, slug: str, handle: str) -> bool:
    """Say that a new member is genuine; whether she is confirmed now (H6).

    A coordinator's word is enough, of peers two are needed. Whoever invited her never counts, nor
    does anybody who has a role on the agency's side. Errors: Missing.
    """
    agency = agency_by_slug(viewer, slug)
    standing = viewer.membership(slug)
    membership, person = member_by_handle(agency, handle)
    db.session.refresh(membership, with_for_update=True)  # others may press at this moment
    if not _may_confirm(viewer, membership, person, roles_at(agency.id, [person.id]).get(person.id, set())):
        raise Missing
    if db.session.get(Confirmation, (membership.id, viewer.person_id)) is None:
        db.session.add(Confirmation(membership_id=membership.id, by_person_id=viewer.person_id))
        db.session.flush()
    acts = rules.capacity(viewer, standing)
    audit.record("agencies.confirm_member", "membership", membership.id, actor_id=viewer.person_id, by=acts)
    if acts != "coordinator" and _peers_who_vouch(membership) < PEERS_NEEDED:
        return False
    membership.confirmed_at = now()
    news.tell(person, "agencies.confirmed", place=agency.name, slug=agency.slug)
    return True


def _may_confirm(viewer: Viewer, membership: Membership, person: Person, held: set[str]) -> bool:
    standing = next((m for m in viewer.agencies if m.agency_id == membership.agency_id), None)
    if not rules.may_vouch(viewer, standing) or person.id == viewer.person_id:
        return False
    if membership.confirmed_at or membership.invited_by == viewer.person_id or person.state != "active":
        return False
    if not held & PEER_ROLES or held & AGENCY_ROLES:
        return False
    return person.age_band == "adult" or rules.capacity(viewer, standing) == "coordinator"


def _peers_who_vouch(membership: Membership) -> int:
    """How many of those who said yes are confirmed adult peers still, by their rights of now."""
    said = db.session.scalars(
        select(Person)
        .join(Confirmation, Confirmation.by_person_id == Person.id)
        .where(Confirmation.membership_id == membership.id)
    )
    viewers = [viewer_of_person(p, now()) for p in said]
    standings = [
        (v, next((m for m in v.agencies if m.agency_id == membership.agency_id), None)) for v in viewers
    ]
    return sum(rules.may_vouch(v, m) and rules.capacity(v, m) == "peer" for v, m in standings)


# --- removing ----------------------------------------------------------------------------------


def remove_member(viewer: Viewer, slug: str, membership_id: int, reason: str) -> None:
    """End a membership and everything that hung on it (P14, H5, H11). Errors: Missing, Refused.

    Her account, her data and the Alliance's boards stay hers; she is told who did it.
    """
    agency = agency_by_slug(viewer, slug)
    membership, person, held = removable(viewer, agency, membership_id)
    reason = checked_reason(reason)
    membership.ended_at, membership.ended_by, membership.end_reason = now(), viewer.person_id, reason
    end_grants(person.id, agency.id, list(held), viewer.person_id)
    _keep_with_alliance(person, membership, held, viewer.person_id)
    revoke_invites_of(person.id, agency.id)
    end_access(person)
    by = rules.capacity(viewer, viewer.membership(slug))
    news.tell(person, "agencies.removed", place=agency.name, by=by)
    audit.record(
        "agencies.remove_member", "membership", membership.id, actor_id=viewer.person_id, agency_id=agency.id,
        reason=reason, by=by,
    )  # fmt: skip


def removable(viewer: Viewer, agency: Agency, membership_id: int) -> tuple[Membership, Person, set[str]]:
    """A membership that this viewer may end, the person, and her roles there. Errors: Missing."""
    membership = db.session.get(Membership, membership_id)
    if membership is None or membership.agency_id != agency.id or membership.ended_at:
        raise Missing
    held = roles_at(agency.id, [membership.person_id]).get(membership.person_id, set())
    own = membership.person_id == viewer.person_id
    if own or not rules.may_remove(viewer, viewer.membership(agency.slug), held):
        raise Missing
    person = db.session.get_one(Person, membership.person_id)
    if person.state == "left":  # closed by herself and about to be erased: in no list, so not here either
        raise Missing
    return membership, person, held


def _keep_with_alliance(person: Person, membership: Membership, held: set[str], actor_id: int | None) -> None:
    """A confirmed member who leaves an agency stays a member of the Alliance (P14)."""
    if membership.confirmed_at is None or not held & PEER_ROLES or held & AGENCY_ROLES:
        return
    if not roles_at(None, [person.id]).get(person.id, set()) & MEMBER_ROLES:
        role = "new_face" if held & MEMBER_ROLES == {"new_face"} else "model"
        db.session.add(RoleGrant(person_id=person.id, agency_id=None, role=role, granted_by=actor_id))
