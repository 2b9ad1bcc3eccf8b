"""Viewer: who is looking. Every read takes one, and rights are computed from it alone.

A viewer is a frozen picture of the person's grants at this request. `scopes` is the set of
audiences whose boards may be read; every query about boards, topics, posts and search
filters by it and by nothing else (house rule 3; permissions P23 to P27).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from flask import g

MEMBER_ROLES = frozenset({"model", "new_face"})
PEER_ROLES = MEMBER_ROLES | {"mentor"}
AGENCY_ROLES = frozenset({"agency_manager", "booker"})
STAFF_ROLES = AGENCY_ROLES | {"coordinator", "moderator", "advocate", "operator"}
SITE_ROLES = frozenset({"moderator", "advocate", "operator"})
ROLES = PEER_ROLES | STAFF_ROLES | {"guardian"}  # every role that the core knows


@dataclass(frozen=True)
class Membership:
    """A person's standing in one agency, or in the Alliance alone (`agency_id` None)."""

    agency_id: int | None
    slug: str
    name: str
    roles: frozenset[str]
    confirmed: bool
    switches: str = ""  # of plugins, as forum.switches encodes them

    @property
    def is_agency(self) -> bool:
        """Holds a role on the agency's side here."""
        return bool(self.roles & AGENCY_ROLES)

    @property
    def is_peer(self) -> bool:
        """A confirmed model, new face or mentor here, and not on the agency's side (H6, H7)."""
        return self.confirmed and bool(self.roles & PEER_ROLES) and not self.is_agency


@dataclass(frozen=True)
class Viewer:
    """Who is looking; `NOBODY` when signed out."""

    person_id: int | None = None
    handle: str = ""
    display_name: str = ""
    locale: str = "en"
    timezone: str = "UTC"
    age_band: str = "adult"
    memberships: tuple[Membership, ...] = ()
    sign_in_id: int | None = None
    confirmed_at: dt.datetime | None = None  # when the password was last given on this sign-in
    member_since: dt.datetime | None = None
    notices: int = 0

    @property
    def signed_in(self) -> bool:
        """Whether there is a person at all."""
        return self.person_id is not None

    @cached_property
    def roles(self) -> frozenset[str]:
        """Every role held anywhere."""
        return frozenset().union(*(m.roles for m in self.memberships))

    @cached_property
    def site_roles(self) -> frozenset[str]:
        """Roles held with the Alliance itself."""
        return frozenset().union(*(m.roles for m in self.memberships if m.agency_id is None))

    @cached_property
    def agencies(self) -> tuple[Membership, ...]:
        """Memberships that belong to an agency."""
        return tuple(m for m in self.memberships if m.agency_id is not None)

    @cached_property
    def is_agency_staff(self) -> bool:
        """Holds a role on the side of any agency: no member board anywhere (P23)."""
        return bool(self.roles & AGENCY_ROLES)

    @cached_property
    def is_member(self) -> bool:
        """Reads the Alliance's member boards: a confirmed peer, a moderator or an advocate (P23)."""
        peer = any(m.is_peer for m in self.memberships)
        return not self.is_agency_staff and (peer or bool(self.site_roles & {"moderator", "advocate"}))

    @property
    def is_minor(self) -> bool:
        """Under eighteen."""
        return self.age_band != "adult"

    def membership(self, slug: str) -> Membership | None:
        """The standing in the agency with this slug, or None."""
        return next((m for m in self.agencies if m.slug == slug), None)

    def within(self, keeps: Callable[[Membership], bool]) -> Viewer:
        """The same person with only the memberships that `keeps` keeps."""
        return replace(self, memberships=tuple(m for m in self.memberships if keeps(m)))

    def has_role(self, role: str, agency_id: int | None = None) -> bool:
        """Whether this role is held in exactly this place (None: with the Alliance)."""
        return any(role in m.roles for m in self.memberships if m.agency_id == agency_id)

    @cached_property
    def scopes(self) -> tuple[str, ...]:
        """Audiences whose boards this viewer reads (see `boards.rules.scope_of`)."""
        found = ["public"]
        if self.memberships:  # an applicant sees what visitors see
            found.append("everyone")
        if self.is_member:
            found.append("members")
        for m in self.agencies:
            found.extend(_agency_scopes(m))
        return tuple(found)


def _agency_scopes(m: Membership) -> list[str]:
    found = []
    if m.roles & (PEER_ROLES | AGENCY_ROLES | {"coordinator"}):
        found.append(f"agency:{m.agency_id}")
    if m.is_peer:
        found.append(f"peer:{m.agency_id}")
        found.append(f"chartered:{m.agency_id}")
    elif "coordinator" in m.roles and not m.is_agency:
        found.append(f"chartered:{m.agency_id}")
    return found


NOBODY = Viewer()


def current_viewer() -> Viewer:
    """The viewer of the request in hand; NOBODY where there is none."""
    viewer: Viewer = g.get("viewer", NOBODY)
    return viewer
