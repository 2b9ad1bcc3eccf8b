"""Reads of the people of an agency, each viewer as far as she may know them (P05, P06, P11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext
from sqlalchemy import Row, Select, exists, func, select, tuple_

from forum import sealing
from forum.accounts.models import Person
from forum.agencies import rules
from forum.agencies.models import Agency, Confirmation, Membership, RoleGrant
from forum.agencies.queries import PAGE, holds, is_living, roles_at
from forum.db import db, now
from forum.permissions import Missing
from forum.viewer import AGENCY_ROLES, MEMBER_ROLES, PEER_ROLES, Viewer
from forum.viewer import Membership as Standing


@dataclass(frozen=True)
class Member:
    """A row of a members list. For the agency: no handle, and `name` is the legal one (P06)."""

    membership_id: int
    handle: str
    name: str
    roles: tuple[str, ...]
    minor: bool = False
    waiting: bool = False
    invited_as: str = ""
    may_be_removed: bool = False


_members = (
    select(
        Membership.id, Membership.person_id, Membership.confirmed_at, Membership.invited_as, Membership.legal_name,
        Person.handle, Person.display_name, Person.age_band, Person.state, Person.legal_name.label("own_legal_name"),
    )
    .join(Person, Person.id == Membership.person_id)
    .where(Membership.ended_at.is_(None), Person.state != "left")
)  # fmt: skip
_by_name = (func.lower(Person.display_name), Membership.id)


def members(viewer: Viewer, agency: Agency, after: int | None) -> tuple[list[Member], int | None]:
    """A page of the people of an agency, as far as this viewer may know them; the key of the next page.

    The agency: legal names it supplied, in the order of joining. Coordinator: everybody. Peers:
    confirmed adult peers. Operators: the people with a staff role.
    """
    standing = viewer.membership(agency.slug)
    acts = rules.capacity(viewer, standing)
    wanted = _members.where(Membership.agency_id == agency.id)
    if acts == "peer":
        adult_peer = (
            Membership.confirmed_at.is_not(None),
            Person.age_band == "adult",
            Person.state.in_(("active", "suspended")),  # who is missing here must not tell of a suspension
        )
        wanted = wanted.where(*adult_peer, holds(PEER_ROLES), ~holds(AGENCY_ROLES))
    elif acts == "operator":
        wanted = wanted.where(holds(AGENCY_ROLES | {"coordinator"}))
    elif acts not in ("agency", "coordinator"):
        raise Missing
    rows = db.session.execute(_page_of(wanted, after, by_name=acts != "agency")).all()
    held = roles_at(agency.id, [r.person_id for r in rows[:PAGE]])
    shown = [_member(viewer, standing, acts, row, held.get(row.person_id, set())) for row in rows[:PAGE]]
    return shown, shown[-1].membership_id if len(rows) > PAGE else None


def _page_of(wanted: Select, after: int | None, by_name: bool) -> Select:
    """The page that goes on behind membership `after`, itself one of `wanted`: a name that this viewer is not
    shown would tell, by where the page begins, how it is spelled (H23). Errors: Missing."""
    order = _by_name if by_name else (Membership.id,)
    if after is not None and by_name:
        last = db.session.execute(wanted.with_only_columns(*_by_name).where(Membership.id == after)).first()
        if last is None:
            raise Missing
        wanted = wanted.where(tuple_(*_by_name) > tuple_(*last))
    elif after is not None:
        wanted = wanted.where(Membership.id > after)
    return wanted.order_by(*order).limit(PAGE + 1)


def _member(viewer: Viewer, standing: Standing | None, acts: str, row: Row, held: set[str]) -> Member:
    removable = row.person_id != viewer.person_id and rules.may_remove(viewer, standing, held)
    ordered = tuple(role for role in rules.role_names() if role in held)
    if acts == "agency":
        name = _name_for_agency(row.person_id, row.display_name, row.legal_name or row.own_legal_name, held)
        waiting = row.state == "waiting" or (row.confirmed_at is None and bool(held & PEER_ROLES))
        return Member(row.id, "", name, ordered, row.age_band != "adult", waiting, "", removable)
    if acts == "peer":
        return Member(row.id, row.handle, row.display_name, ordered)
    waiting = row.state != "active" or (row.confirmed_at is None and bool(held & PEER_ROLES))
    return Member(
        row.id,
        row.handle,
        row.display_name,
        ordered,
        row.age_band != "adult",
        waiting,
        row.invited_as,
        removable,
    )


def name_for(viewer: Viewer, agency: Agency, membership: Membership, person: Person, held: set[str]) -> str:
    """How this viewer knows a member: the agency by the legal name, everybody else by the display name."""
    if rules.capacity(viewer, viewer.membership(agency.slug)) != "agency":
        return person.display_name
    blob = membership.legal_name or person.legal_name
    return _name_for_agency(person.id, person.display_name, blob, held)


def _name_for_agency(person_id: int, display_name: str, blob: bytes | None, held: set[str]) -> str:
    """People on the agency's side and coordinators are known to it; of members only the legal name."""
    if held & (AGENCY_ROLES | {"coordinator"}):
        return display_name
    return (
        sealing.open_sealed(blob, f"legal_name:{person_id}").decode()
        if blob
        else gettext("Name not on record")
    )


def grants_at(agency: Agency, person: Person) -> Sequence[Row]:
    """Roles a person holds at an agency now, with their dates: for who may give and end them."""
    return db.session.execute(
        select(RoleGrant.role, RoleGrant.granted_at, RoleGrant.expires_at)
        .where(RoleGrant.person_id == person.id, RoleGrant.agency_id == agency.id, is_living(now()))
        .order_by(RoleGrant.id)
    ).all()


def staff_of(viewer: Viewer, agency: Agency) -> list[Member]:
    """Who works for the agency, and who coordinates: open to everybody who belongs to it."""
    rows = db.session.execute(
        _members.where(Membership.agency_id == agency.id, holds(AGENCY_ROLES | {"coordinator"})).order_by(
            *_by_name
        )
    ).all()
    held = roles_at(agency.id, [r.person_id for r in rows])
    shown = AGENCY_ROLES | {"coordinator"}
    return [
        Member(
            r.id,
            r.handle,
            r.display_name,
            tuple(x for x in rules.role_names() if x in held[r.person_id] & shown),
        )
        for r in rows
    ]


@dataclass(frozen=True)
class Newcomer:
    """Somebody who waits to be confirmed; `said_yes`: this viewer has confirmed her already."""

    handle: str
    name: str
    invited_as: str
    said_yes: bool


def newcomers(viewer: Viewer, agency: Agency) -> list[Newcomer]:
    """Members whom this viewer could confirm. Peers are shown adults only (P11)."""
    standing = viewer.membership(agency.slug)
    if not rules.may_vouch(viewer, standing):
        return []
    said = exists().where(
        Confirmation.membership_id == Membership.id, Confirmation.by_person_id == viewer.person_id
    )
    wanted = (
        select(Person.handle, Person.display_name, Membership.invited_as, said.label("said"))
        .join(Person, Person.id == Membership.person_id)
        .where(
            Membership.agency_id == agency.id,
            Membership.ended_at.is_(None),
            Membership.confirmed_at.is_(None),
        )
        .where(
            Person.state == "active", Person.id != viewer.person_id, holds(PEER_ROLES), ~holds(AGENCY_ROLES)
        )
        .where(Membership.invited_by.is_distinct_from(viewer.person_id))
        .order_by(Membership.id)
        .limit(PAGE)
    )
    if rules.capacity(viewer, standing) == "peer":
        wanted = wanted.where(Person.age_band == "adult")
    return [Newcomer(r.handle, r.display_name, r.invited_as, r.said) for r in db.session.execute(wanted)]


def minors_of(viewer: Viewer, agency: Agency) -> list[tuple[str, str]]:
    """(handle, display name) of the members under eighteen, for the coordinator's invites."""
    if not rules.is_coordinator(viewer, viewer.membership(agency.slug)):
        return []
    rows = db.session.execute(
        _members.where(Membership.agency_id == agency.id, Person.age_band != "adult", holds(MEMBER_ROLES))
        .order_by(*_by_name)
        .limit(500)
    )
    return [(r.handle, r.display_name) for r in rows]
