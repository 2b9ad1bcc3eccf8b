"""Reads of one person by others: as much of her as the viewer may know (P05, S10)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from forum.accounts.models import Person
from forum.agencies import rules
from forum.agencies.models import Agency, RoleGrant
from forum.agencies.queries import is_living, standings_of, standings_of_people
from forum.db import db, now
from forum.permissions import Missing
from forum.viewer import AGENCY_ROLES, PEER_ROLES, Viewer
from forum.viewer import Membership as Standing

SHOWN = (
    "active",
    "waiting",
    "suspended",
)  # a suspension is between her and the moderators: nobody sees it here


@dataclass(frozen=True)
class Place:
    """An agency that viewer and person share, and the person's roles there."""

    name: str
    slug: str
    roles: tuple[str, ...]


@dataclass(frozen=True)
class Profile:
    """What a viewer is shown of a person; `places` holds shared agencies only (H20)."""

    person_id: int
    handle: str
    name: str
    about: str = ""
    places: tuple[Place, ...] = ()
    is_own: bool = False
    is_minor: bool = False


def profile(viewer: Viewer, handle: str, at: dt.datetime) -> Profile:
    """The profile as far as this viewer may see it. Errors: Missing, alike for nobody and not for you.

    Her own: all. People of the same agency: name, words, roles there. Moderators: name and words.
    Members who meet on the Alliance's boards: the name of an adult. An agency's side: nothing.
    """
    person = db.session.scalar(select(Person).where(Person.handle == handle))
    if person is None or not viewer.signed_in:
        raise Missing
    own = person.id == viewer.person_id
    standings = standings_of(person.id, at) if person.state in SHOWN else ()
    places = _shared(viewer, standings, own)
    if own or places:
        minor = person.age_band != "adult" and (own or _coordinates(viewer, places))
        return Profile(person.id, handle, person.display_name, person.about, places, own, minor)
    if _moderates(viewer, person):
        return Profile(
            person.id, handle, person.display_name, person.about, is_minor=person.age_band != "adult"
        )
    if _meets_on_boards(viewer, person, standings):
        return Profile(person.id, handle, person.display_name)
    raise Missing


def names_for(viewer: Viewer, ids: Collection[int]) -> dict[int, str]:
    """Names of these people as far as the viewer may see them, by the rules of `profile`; others are missing.

    Two statements, whatever the number.
    """
    if not viewer.signed_in:
        return {}
    people = db.session.execute(
        select(Person.id, Person.display_name, Person.state, Person.age_band).where(Person.id.in_(list(ids)))
    ).all()
    standings = standings_of_people([p.id for p in people if p.state in SHOWN], now())
    return {p.id: p.display_name for p in people if _is_named(viewer, p, standings.get(p.id, ()))}


def _is_named(viewer: Viewer, person: Row, standings: Sequence[Standing]) -> bool:
    own = person.id == viewer.person_id
    seen = own or bool(_shared(viewer, standings, own))
    return seen or _moderates(viewer, person) or _meets_on_boards(viewer, person, standings)


def _moderates(viewer: Viewer, person: Any) -> bool:
    return "moderator" in viewer.site_roles and person.state not in ("left", "unverified")


def _meets_on_boards(viewer: Viewer, person: Any, standings: Sequence[Standing]) -> bool:
    """An adult whom a member of the Alliance's boards meets there."""
    return _meets(viewer) and person.age_band == "adult" and any(_is_seen(m) for m in standings)


def _shared(viewer: Viewer, standings: Sequence[Standing], own: bool) -> tuple[Place, ...]:
    found = []
    for theirs in standings:
        mine = viewer.membership(theirs.slug) if theirs.agency_id is not None else None
        if mine is not None and (own or _sees(viewer, mine, theirs)):
            found.append(
                Place(theirs.name, theirs.slug, tuple(r for r in rules.role_names() if r in theirs.roles))
            )
    return tuple(found)


def _sees(viewer: Viewer, mine: Standing, theirs: Standing) -> bool:
    """Peers see who models there, the coordinator everybody, and all see who coordinates or works there (P05)."""
    acts = rules.capacity(viewer, mine)
    if acts == "coordinator":
        return True
    if acts not in ("peer", "member") or viewer.is_agency_staff:
        return False
    return bool(theirs.roles & (AGENCY_ROLES | {"coordinator"})) or (
        acts == "peer" and bool(theirs.roles & PEER_ROLES)
    )


def _coordinates(viewer: Viewer, places: Sequence[Place]) -> bool:
    return any(rules.is_coordinator(viewer, viewer.membership(p.slug)) for p in places)


def _meets(viewer: Viewer) -> bool:
    """Reads the Alliance's boards as a member, not as staff."""
    return not viewer.is_agency_staff and any(m.is_peer for m in viewer.memberships)


def _is_seen(theirs: Standing) -> bool:
    """Writes on boards of the Alliance: confirmed members and staff; guardians and newcomers stay unseen."""
    staff = AGENCY_ROLES | {"coordinator", "moderator", "advocate", "operator"}
    return theirs.is_peer or bool(theirs.roles & staff)


def person_for_staff(viewer: Viewer, handle: str) -> Person:
    """A person, for a moderator or operator with a task about her. Errors: Missing."""
    person = db.session.scalar(
        select(Person).where(Person.handle == handle, Person.state.not_in(("left", "unverified")))
    )
    if person is None or not rules.is_site_staff(viewer, None):
        raise Missing
    return person


def grants_of(viewer: Viewer, person: Person) -> Sequence[Row]:
    """Every role a person holds now, for operators: where, since when, until when. Errors: Missing."""
    if not rules.is_operator(viewer, None):
        raise Missing
    return db.session.execute(
        select(
            RoleGrant.role, RoleGrant.granted_at, RoleGrant.expires_at, RoleGrant.agency_id,
            Agency.name.label("agency_name"), Agency.slug.label("agency_slug"),
        )
        .outerjoin(Agency, Agency.id == RoleGrant.agency_id)
        .where(RoleGrant.person_id == person.id, is_living(now()))
        .order_by(RoleGrant.agency_id.nulls_first(), RoleGrant.id)
    ).all()  # fmt: skip


def staff_roles_of(person: Person) -> set[str]:
    """Roles that protect from a moderator's suspension: hers is then an operator's affair."""
    held = select(RoleGrant.role).where(RoleGrant.person_id == person.id, is_living(now()))
    return set(db.session.scalars(held)) & (AGENCY_ROLES | rules.WATCHING_ROLES)
