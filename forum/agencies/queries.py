"""Reads about agencies, memberships and roles, and the one that makes a Viewer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from flask import url_for
from flask_babel import gettext
from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, exists, func, or_, select, tuple_

from forum import sealing
from forum.accounts.models import Person, SignIn
from forum.accounts.queries import token_hash
from forum.agencies import rules
from forum.agencies.models import Agency, Confirmation, Guardianship, Membership, RoleGrant
from forum.db import db, now
from forum.permissions import Missing
from forum.viewer import AGENCY_ROLES, MEMBER_ROLES, PEER_ROLES, Viewer
from forum.viewer import Membership as Standing

LIVING = ("active", "applicant", "waiting")

_sign_in = (
    select(
        SignIn.id, SignIn.confirmed_at, SignIn.touched_at, Person.id.label("person_id"), Person.handle,
        Person.display_name, Person.locale, Person.timezone, Person.age_band, Person.state,
        Person.created_at, Person.notices_unread,
    )
    .join(Person, Person.id == SignIn.person_id)
    .where(SignIn.token_hash == bindparam("token_hash"), SignIn.ended_at.is_(None))
    .where(SignIn.touched_at > bindparam("idle_since"), Person.state.in_(LIVING))
)  # fmt: skip

_grants = (
    select(RoleGrant.role, RoleGrant.agency_id, Agency.slug, Agency.name, Membership.confirmed_at)
    .outerjoin(Agency, Agency.id == RoleGrant.agency_id)
    .outerjoin(
        Membership,
        and_(
            Membership.person_id == RoleGrant.person_id,
            Membership.agency_id == RoleGrant.agency_id,
            Membership.ended_at.is_(None),
        ),
    )
    .where(RoleGrant.person_id == bindparam("person_id"), RoleGrant.ended_at.is_(None))
    .where(or_(RoleGrant.expires_at.is_(None), RoleGrant.expires_at > bindparam("at")))
    .order_by(RoleGrant.agency_id)
)


def viewer_of_token(token: str, at: dt.datetime, idle_days: int) -> tuple[Viewer, dt.datetime] | None:
    """The viewer behind a sign-in's token and when it was last touched; None when it is over.

    Two statements. Rights are read anew at every request (permissions.md, rule 5).
    """
    values = {"token_hash": token_hash(token), "idle_since": at - dt.timedelta(days=idle_days)}
    row = db.session.execute(_sign_in, values).first()
    if row is None:
        return None
    standings = standings_of(row.person_id, at) if row.state == "active" else ()
    return _viewer(row, standings), row.touched_at


def viewer_of_person(person: Person, at: dt.datetime) -> Viewer:
    """The viewer a person would be now: for notices, mails and jobs about her rights."""
    return Viewer(
        person_id=person.id, handle=person.handle, display_name=person.display_name, locale=person.locale,
        timezone=person.timezone, age_band=person.age_band, member_since=person.created_at,
        memberships=standings_of(person.id, at) if person.state == "active" else (),
    )  # fmt: skip


def _viewer(row: Row, standings: tuple[Standing, ...]) -> Viewer:
    return Viewer(
        person_id=row.person_id, handle=row.handle, display_name=row.display_name, locale=row.locale,
        timezone=row.timezone, age_band=row.age_band, memberships=standings, sign_in_id=row.id,
        confirmed_at=row.confirmed_at, member_since=row.created_at, notices=row.notices_unread,
    )  # fmt: skip


def standings_of(person_id: int, at: dt.datetime) -> tuple[Standing, ...]:
    """A person's living grants, folded by place. One statement."""
    places: dict[int | None, list[Row]] = {}
    for row in db.session.execute(_grants, {"person_id": person_id, "at": at}):
        places.setdefault(row.agency_id, []).append(row)
    return tuple(_standing(agency_id, rows) for agency_id, rows in places.items())


def _standing(agency_id: int | None, rows: list[Row]) -> Standing:
    first = rows[0]
    return Standing(
        agency_id=agency_id,
        slug=first.slug or "",
        name=first.name or "",
        roles=frozenset(r.role for r in rows),
        confirmed=agency_id is None or first.confirmed_at is not None,
    )


# --- agencies ----------------------------------------------------------------------------------

PAGE = 50


def agency_by_slug(viewer: Viewer, slug: str) -> Agency:
    """The agency of this slug, for its own people and for operators. Errors: Missing."""
    agency = db.session.scalar(select(Agency).where(Agency.slug == slug))
    if agency is None or (viewer.membership(slug) is None and "operator" not in viewer.site_roles):
        raise Missing
    return agency


def all_agencies(viewer: Viewer) -> Sequence[Agency]:
    """Every agency, for operators. Errors: Missing."""
    if "operator" not in viewer.site_roles:
        raise Missing
    return db.session.scalars(select(Agency).order_by(Agency.name, Agency.id)).all()


def is_living(at: dt.datetime) -> ColumnElement[bool]:
    """Filter: the grant holds at this moment."""
    return and_(RoleGrant.ended_at.is_(None), or_(RoleGrant.expires_at.is_(None), RoleGrant.expires_at > at))


def holds(roles: Collection[str]) -> ColumnElement[bool]:
    """Filter on memberships: one of these roles is held at the membership's agency now."""
    return exists().where(
        RoleGrant.person_id == Membership.person_id, RoleGrant.agency_id == Membership.agency_id,
        RoleGrant.role.in_(roles), is_living(now()),
    )  # fmt: skip


def roles_at(agency_id: int | None, person_ids: Sequence[int]) -> dict[int, set[str]]:
    """Roles these people hold now at an agency (None: with the Alliance). One statement."""
    rows = db.session.execute(
        select(RoleGrant.person_id, RoleGrant.role).where(
            RoleGrant.person_id.in_(person_ids),
            RoleGrant.agency_id.is_not_distinct_from(agency_id),
            is_living(now()),
        )
    )
    found: dict[int, set[str]] = {}
    for row in rows:
        found.setdefault(row.person_id, set()).add(row.role)
    return found


def roles_anywhere(person_id: int) -> set[str]:
    """Every role this person holds now, wherever."""
    return set(
        db.session.scalars(select(RoleGrant.role).where(RoleGrant.person_id == person_id, is_living(now())))
    )


def membership_of(agency_id: int, person_id: int) -> Membership | None:
    """The living membership of a person at an agency."""
    return db.session.scalar(
        select(Membership).where(
            Membership.agency_id == agency_id,
            Membership.person_id == person_id,
            Membership.ended_at.is_(None),
        )
    )


def member_by_handle(agency: Agency, handle: str) -> tuple[Membership, Person]:
    """Somebody who belongs to this agency, for a coordinator, peer or operator of it. Errors: Missing."""
    row = db.session.execute(
        select(Membership, Person)
        .join(Person, Person.id == Membership.person_id)
        .where(Membership.agency_id == agency.id, Membership.ended_at.is_(None))
        .where(Person.handle == handle, Person.state != "left")
    ).first()
    if row is None:
        raise Missing
    return row[0], row[1]


def settled_state(person: Person) -> str:
    """`waiting` for somebody under 16 while no guardian consents or one has taken consent back, else `active`."""
    if person.age_band != "13-15":
        return "active"
    links = db.session.execute(
        select(Guardianship.consented_at, Guardianship.withdrawn_at, Guardianship.ended_at).where(
            Guardianship.child_id == person.id
        )
    ).all()
    given = any(link.consented_at and not link.withdrawn_at for link in links)
    taken_back = any(link.withdrawn_at and not link.ended_at for link in links)
    return "active" if given and not taken_back else "waiting"


# --- members -----------------------------------------------------------------------------------


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
            Person.state == "active",
        )
        wanted = wanted.where(*adult_peer, holds(PEER_ROLES), ~holds(AGENCY_ROLES))
    elif acts == "operator":
        wanted = wanted.where(holds(AGENCY_ROLES | {"coordinator"}))
    elif acts not in ("agency", "coordinator"):
        raise Missing
    rows = db.session.execute(_page_of(wanted, agency.id, after, by_name=acts != "agency")).all()
    held = roles_at(agency.id, [r.person_id for r in rows[:PAGE]])
    shown = [_member(viewer, standing, acts, row, held.get(row.person_id, set())) for row in rows[:PAGE]]
    return shown, shown[-1].membership_id if len(rows) > PAGE else None


def _page_of(wanted: Select, agency_id: int, after: int | None, by_name: bool) -> Select:
    order = _by_name if by_name else (Membership.id,)
    if after is not None and by_name:
        last = db.session.execute(
            select(*_by_name)
            .join(Person, Person.id == Membership.person_id)
            .where(Membership.id == after, Membership.agency_id == agency_id)
        ).first()
        if last is None:
            raise Missing
        wanted = wanted.where(tuple_(*_by_name) > tuple_(*last))
    elif after is not None:
        wanted = wanted.where(Membership.id > after)
    return wanted.order_by(*order).limit(PAGE + 1)


def _member(viewer: Viewer, standing: Standing | None, acts: str, row: Row, held: set[str]) -> Member:
    removable = row.person_id != viewer.person_id and rules.may_remove(viewer, standing, held)
    ordered = tuple(role for role in rules.ROLE_NAMES if role in held)
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
            tuple(x for x in rules.ROLE_NAMES if x in held[r.person_id] & shown),
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


# --- desks -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Desk:
    """A page where somebody has work to do."""

    label: str
    url: str


def desks(viewer: Viewer) -> list[Desk]:
    """Where the viewer's roles have their work, for the first page. Asks the database nothing."""
    found = []
    for m in viewer.agencies:
        if rules.capacity(viewer, m) in ("agency", "coordinator"):
            members, invites = f"/a/{m.slug}/members", f"/a/{m.slug}/invites"
            found.append(Desk(gettext("Members of %(agency)s", agency=m.name), members))
            found.append(Desk(gettext("Invites to %(agency)s", agency=m.name), invites))
    if rules.is_guardian(viewer, None):
        found.append(Desk(gettext("Your child’s account"), url_for("guardians.show_children")))
    if rules.is_site_staff(viewer, None):
        found.append(Desk(gettext("People who ask to join"), url_for("joining.show_applications")))
    if rules.is_operator(viewer, None):
        found.append(Desk(gettext("Agencies and roles"), url_for("agencies.show_agencies")))
    return found
