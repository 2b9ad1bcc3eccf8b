"""What guardians do for a child, what a coordinator does about guardians, and growing up.

Withdrawing freezes, it does not erase (P22). Nothing here shows a guardian what a child writes,
or whether she asked for help (S08, H21).
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select, update

from forum import audit, jobs
from forum.accounts import ages
from forum.accounts.actions import end_all_sign_ins, kill_links
from forum.accounts.models import Person
from forum.agencies import news
from forum.agencies.actions import end_access
from forum.agencies.guardians import queries
from forum.agencies.models import Agency, Guardianship, Membership, RoleGrant
from forum.agencies.queries import agency_by_slug, is_living, settled_state
from forum.db import db, now
from forum.notices import notify
from forum.permissions import Missing
from forum.times import zone
from forum.viewer import Viewer

TERMS_VERSION = "1"  # of the text in templates/guardians/show_children.html; a new text gets a new number


def consent(viewer: Viewer, handle: str) -> None:
    """Consent to a child's account, with the text as it stands. Errors: Missing."""
    link, child = queries.own_child(viewer, handle)
    if child.age_band != ages.UNDER_16 or (link.consented_at and not link.withdrawn_at):
        raise Missing
    link.consented_at, link.withdrawn_at, link.terms_version = now(), None, TERMS_VERSION
    db.session.flush()
    if child.state == "waiting":
        child.state = settled_state(child)
    news.tell(child, "agencies.consent_given")
    audit.record("agencies.consent", "person", child.id, actor_id=viewer.person_id, terms=TERMS_VERSION)


def withdraw(viewer: Viewer, handle: str) -> None:
    """Take consent back: the account is frozen at once, nothing is erased. Errors: Missing."""
    link, child = queries.own_child(viewer, handle)
    if child.age_band != ages.UNDER_16 or not link.consented_at or link.withdrawn_at:
        raise Missing
    link.withdrawn_at = now()
    db.session.flush()
    if child.state == "active":
        child.state = "waiting"
    end_access(child)
    notify(child.id, "agencies.consent_withdrawn")
    _tell_coordinators(child)
    audit.record("agencies.withdraw_consent", "person", child.id, actor_id=viewer.person_id)


def _tell_coordinators(child: Person) -> None:
    rows = db.session.execute(
        select(RoleGrant.person_id, Agency.name, Agency.slug)
        .join(Membership, Membership.agency_id == RoleGrant.agency_id)
        .join(Agency, Agency.id == RoleGrant.agency_id)
        .where(Membership.person_id == child.id, Membership.ended_at.is_(None))
        .where(RoleGrant.role == "coordinator", is_living(now()))
    )
    for row in rows.all():
        notify(row.person_id, "agencies.child_frozen", child.id, place=row.name, slug=row.slug)


def end_childs_sign_ins(viewer: Viewer, handle: str) -> None:
    """Sign a child out everywhere (P16). Errors: Missing."""
    _link, child = queries.own_child(viewer, handle)
    end_all_sign_ins(child.id)
    audit.record("agencies.end_sign_ins", "person", child.id, actor_id=viewer.person_id)


def end_guardianship(viewer: Viewer, slug: str, guardianship_id: int) -> str:
    """Cut a guardian's link (H21); returns the child's handle. A consent given before stays on record.

    Errors: Missing.
    """
    agency = agency_by_slug(viewer, slug)
    link, child = queries.guardianship_at(agency, guardianship_id)
    guardian = db.session.get_one(Person, link.guardian_id)
    if guardian.id == viewer.person_id:
        raise Missing
    _end_link(link, guardian, viewer.person_id)
    if child.state == "waiting":
        child.state = settled_state(child)
    news.tell(guardian, "agencies.guardian_ended")
    audit.record(
        "agencies.end_guardianship", "person", child.id, actor_id=viewer.person_id, guardian=guardian.id
    )
    return child.handle


def _end_link(link: Guardianship, guardian: Person, actor_id: int | None) -> None:
    """End the link, and with the last one the guardian's role and sign-ins."""
    link.ended_at, link.ended_by = now(), actor_id
    db.session.flush()
    others = select(Guardianship.id).where(
        Guardianship.guardian_id == guardian.id, Guardianship.ended_at.is_(None)
    )
    if db.session.scalar(others.limit(1)) is not None:
        return
    db.session.execute(
        update(RoleGrant)
        .where(RoleGrant.person_id == guardian.id, RoleGrant.role == "guardian", RoleGrant.ended_at.is_(None))
        .values(ended_at=now(), ended_by=actor_id)
        .execution_options(synchronize_session=False)
    )
    end_access(guardian)


@jobs.recurring("agencies.move_age_bands", every=dt.timedelta(hours=1))
def move_age_bands(at: dt.datetime) -> None:
    """Move everybody who had a birthday, on the day it is where she lives (S24)."""
    minors = select(Person).where(
        Person.age_band != ages.ADULT, Person.born.is_not(None), Person.state != "left"
    )
    for person in db.session.scalars(minors).all():
        born = ages.born_of(person)
        band = ages.band_of(born, at.astimezone(zone(person.timezone)).date()) if born else person.age_band
        if ages.BANDS.index(band) > ages.BANDS.index(person.age_band):
            _grow(person, band)
        elif (
            person.state == "waiting"
        ):  # came back after closing the account: accounts cannot ask for consents
            person.state = settled_state(person)


def _grow(person: Person, band: str) -> None:
    """A new band: rights follow from it at once; mailed links die with the old one (H13)."""
    person.age_band = band
    if person.state == "waiting":
        person.state = settled_state(person)
    kill_links(person.id)
    news.tell(person, "agencies.turned_18" if band == ages.ADULT else "agencies.turned_16")
    audit.record("agencies.move_age_band", "person", person.id, actor_id=None)
    if band == ages.ADULT:
        links = select(Guardianship).where(
            Guardianship.child_id == person.id, Guardianship.ended_at.is_(None)
        )
        for link in db.session.scalars(links).all():
            _end_link(link, db.session.get_one(Person, link.guardian_id), None)
