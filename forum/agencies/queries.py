"""Reads about agencies, memberships and roles, and the one that makes a Viewer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from flask import url_for
from flask_babel import gettext
from sqlalchemy import ColumnElement, Row, and_, bindparam, exists, or_, select

from forum import switches
from forum.accounts.models import Person, SignIn
from forum.accounts.queries import token_hash
from forum.agencies import rules
from forum.agencies.models import Agency, Guardianship, Membership, RoleGrant
from forum.db import db, now
from forum.permissions import Missing
from forum.plugins import Place, loaded
from forum.viewer import Membership as Standing
from forum.viewer import Viewer

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

_living_grants = (
    select(
        RoleGrant.person_id,
        RoleGrant.role,
        RoleGrant.agency_id,
        Agency.slug,
        Agency.name,
        Membership.confirmed_at,
        switches.encoded(RoleGrant.agency_id).label("switches"),
    )
    .outerjoin(Agency, Agency.id == RoleGrant.agency_id)
    .outerjoin(
        Membership,
        and_(
            Membership.person_id == RoleGrant.person_id,
            Membership.agency_id == RoleGrant.agency_id,
            Membership.ended_at.is_(None),
        ),
    )
    .where(RoleGrant.ended_at.is_(None))
    .where(or_(RoleGrant.expires_at.is_(None), RoleGrant.expires_at > bindparam("at")))
    .order_by(RoleGrant.agency_id)
)
_grants = _living_grants.where(RoleGrant.person_id == bindparam("person_id"))
_grants_of_people = _living_grants.where(RoleGrant.person_id.in_(bindparam("person_ids", expanding=True)))


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


def standings_of_people(person_ids: Collection[int], at: dt.datetime) -> dict[int, tuple[Standing, ...]]:
    """Several people's living grants, folded by person and place. One statement."""
    found: dict[int, dict[int | None, list[Row]]] = {}
    for row in db.session.execute(_grants_of_people, {"person_ids": list(person_ids), "at": at}):
        found.setdefault(row.person_id, {}).setdefault(row.agency_id, []).append(row)
    return {
        person_id: tuple(_standing(agency_id, rows) for agency_id, rows in places.items())
        for person_id, places in found.items()
    }


def _standing(agency_id: int | None, rows: list[Row]) -> Standing:
    first = rows[0]
    return Standing(
        agency_id=agency_id,
        slug=first.slug or "",
        name=first.name or "",
        roles=frozenset(r.role for r in rows),
        confirmed=agency_id is None or first.confirmed_at is not None,
        switches=first.switches or "",
    )


# --- agencies ----------------------------------------------------------------------------------

PAGE = 50


def agency_by_slug(viewer: Viewer, slug: str) -> Agency:
    """The agency of this slug, for its own people and for operators. Errors: Missing."""
    agency = db.session.scalar(select(Agency).where(Agency.slug == slug))
    if agency is None or (viewer.membership(slug) is None and "operator" not in viewer.site_roles):
        raise Missing
    return agency


def standing_at(viewer: Viewer, slug: str) -> Standing:
    """The viewer's standing at an agency; an operator without one gets one without roles. Errors: Missing."""
    standing = viewer.membership(slug)
    if standing is not None:
        return standing
    agency = agency_by_slug(viewer, slug)
    words = switches.words_of(agency.id)
    return Standing(agency.id, agency.slug, agency.name, frozenset(), confirmed=False, switches=words)


def place_by_slug(viewer: Viewer, slug: str) -> Place:
    """An agency with the plugins that are on there, for its own people and for operators. Errors: Missing."""
    return loaded().place_of(standing_at(viewer, slug))


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
