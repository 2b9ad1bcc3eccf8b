"""Reads about guardians and their children."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Row, select

from forum.accounts.models import Person
from forum.agencies import rules
from forum.agencies.models import Agency, Guardianship, Membership
from forum.db import db
from forum.permissions import Missing
from forum.viewer import Viewer


@dataclass(frozen=True)
class Child:
    """A child as her guardian sees her: a name, and whether consent is given. Never what she writes."""

    handle: str
    name: str
    needs_consent: bool
    consented_at: dt.datetime | None
    withdrawn_at: dt.datetime | None
    terms_version: str

    @property
    def has_consent(self) -> bool:
        """Whether a consent holds now."""
        return self.consented_at is not None and self.withdrawn_at is None


def own_children(viewer: Viewer) -> list[Child]:
    """The children for whom the viewer is on record."""
    rows = db.session.execute(
        select(Guardianship, Person)
        .join(Person, Person.id == Guardianship.child_id)
        .where(Guardianship.guardian_id == viewer.person_id, Guardianship.ended_at.is_(None))
        .where(Person.state != "left", Person.age_band != "adult")
        .order_by(Person.display_name, Person.id)
    )
    return [
        Child(
            p.handle, p.display_name, p.age_band == "13-15", g.consented_at, g.withdrawn_at, g.terms_version
        )
        for g, p in rows
    ]


def own_child(viewer: Viewer, handle: str) -> tuple[Guardianship, Person]:
    """The link to one of the viewer's children. Errors: Missing."""
    row = db.session.execute(
        select(Guardianship, Person)
        .join(Person, Person.id == Guardianship.child_id)
        .where(Guardianship.guardian_id == viewer.person_id, Guardianship.ended_at.is_(None))
        .where(Person.handle == handle, Person.state != "left", Person.age_band != "adult")
    ).first()
    if row is None:
        raise Missing
    return row[0], row[1]


def guardians_of(viewer: Viewer, agency: Agency, child: Person) -> Sequence[Row]:
    """Guardians of a member, for the coordinator. Errors: Missing."""
    if not rules.is_coordinator(viewer, viewer.membership(agency.slug)):
        raise Missing
    return db.session.execute(
        select(
            Guardianship.id,
            Guardianship.consented_at,
            Guardianship.withdrawn_at,
            Person.display_name.label("name"),
        )
        .join(Person, Person.id == Guardianship.guardian_id)
        .where(Guardianship.child_id == child.id, Guardianship.ended_at.is_(None))
        .order_by(Guardianship.id)
    ).all()


def guardianship_at(agency: Agency, guardianship_id: int) -> tuple[Guardianship, Person]:
    """A living link to a child who belongs to this agency. Errors: Missing."""
    row = db.session.execute(
        select(Guardianship, Person)
        .join(Person, Person.id == Guardianship.child_id)
        .join(Membership, Membership.person_id == Person.id)
        .where(Guardianship.id == guardianship_id, Guardianship.ended_at.is_(None))
        .where(Membership.agency_id == agency.id, Membership.ended_at.is_(None))
    ).first()
    if row is None:
        raise Missing
    return row[0], row[1]
