"""What is done with members and roles: confirm, remove, grant, end; and opening an agency.

Rights change for the next request: grants end, sign-ins end, mailed links die, in the same
transaction (permissions.md, rule 5; H5, H7, H11, H13).
"""

from __future__ import annotations

import datetime as dt
import re

from flask_babel import gettext
from sqlalchemy import select, update

from forum import audit, limits, markup
from forum.accounts.actions import checked_name, end_all_sign_ins, kill_links, settings
from forum.accounts.handles import free_handle
from forum.accounts.models import Person
from forum.accounts.passwords import check_password, hash_password
from forum.accounts.queries import person_by_email
from forum.agencies import news, rules
from forum.agencies.models import Agency, Invite, Membership, RoleGrant
from forum.agencies.queries import (
    agency_by_slug,
    is_living,
    member_by_handle,
    membership_of,
    roles_anywhere,
    roles_at,
)
from forum.db import db, now
from forum.permissions import Missing, Refused
from forum.viewer import AGENCY_ROLES, MEMBER_ROLES, Viewer

REASON_LIMIT = 300


def checked_reason(text: str, limit: int = REASON_LIMIT) -> str:
    """A reason on one line. Errors: Refused when there is none, or too much of it."""
    reason = " ".join(markup.clean_text(text or "").split())
    if markup.seen(reason) < 3 or len(reason) > limit:
        raise Refused(gettext("Write a reason of 3 to %(n)s characters.", n=limit), 422, "reason")
    return reason


def end_access(person: Person) -> None:
    """After a change of role or state: every sign-in and every mailed link of a person ends."""
    end_all_sign_ins(person.id)
    kill_links(person.id)


def end_grants(person_id: int, agency_id: int | None, roles: list[str], actor_id: int | None) -> None:
    """End these roles of a person in one place; her sign-ins are ended by the caller."""
    db.session.execute(
        update(RoleGrant)
        .where(RoleGrant.person_id == person_id, RoleGrant.agency_id.is_not_distinct_from(agency_id))
        .where(RoleGrant.role.in_(roles), RoleGrant.ended_at.is_(None))
        .values(ended_at=now(), ended_by=actor_id)
        .execution_options(synchronize_session=False)
    )


def revoke_invites_of(person_id: int, agency_id: int) -> None:
    """Nobody comes in by the invite of somebody who has lost the right to give it."""
    db.session.execute(
        update(Invite)
        .where(Invite.created_by == person_id, Invite.agency_id == agency_id)
        .where(Invite.used_at.is_(None), Invite.revoked_at.is_(None))
        .values(revoked_at=now())
        .execution_options(synchronize_session=False)
    )


# --- roles -------------------------------------------------------------------------------------


def grant_at_agency(viewer: Viewer, slug: str, handle: str, role: str) -> None:
    """Give somebody who belongs to an agency a role there, or renew it. Errors: Missing, Refused."""
    agency = agency_by_slug(viewer, slug)
    standing = viewer.membership(slug)
    if role not in rules.may_grant(viewer, standing):
        raise Missing
    membership, person = member_by_handle(agency, handle)
    if role == "mentor" and (membership.confirmed_at is None or not _is_member(agency, person)):
        raise Refused(
            gettext("A mentor is a confirmed model of this agency. Confirm that person first."), 409, "role"
        )
    _grant(viewer, person, role, agency, rules.capacity(viewer, standing))


def _is_member(agency: Agency, person: Person) -> bool:
    held = roles_at(agency.id, [person.id]).get(person.id, set())
    return bool(held & MEMBER_ROLES) and not held & AGENCY_ROLES


def grant_site_role(viewer: Viewer, person: Person, role: str) -> None:
    """Make somebody a moderator, or renew it. Operators need two people, advocates their roster: not here."""
    if role not in rules.site_grants():
        raise Missing
    _grant(viewer, person, role, None, "operator")


def _grant(viewer: Viewer, person: Person, role: str, agency: Agency | None, by: str) -> None:
    if person.id == viewer.person_id:
        raise Refused(gettext("You cannot give a role to yourself. Ask somebody else who may."), 409, "role")
    limits.check(
        f"grants {viewer.person_id}",
        30,
        dt.timedelta(hours=1),
        gettext("That was a lot of roles at once. Wait an hour."),
    )
    give_role(person, role, agency, viewer.person_id)
    place = {"place": agency.name, "slug": agency.slug} if agency else {}
    news.tell(person, "agencies.role_granted", role=role, **place)
    if role in rules.TOLD_TO_OPERATORS:
        news.tell_operators(
            "agencies.staff_role", but=viewer.person_id, role=role, place=place.get("place", "")
        )
    audit.record(
        "agencies.grant_role", "person", person.id, actor_id=viewer.person_id,
        agency_id=agency.id if agency else None, role=role, by=by,
    )  # fmt: skip


def give_role(person: Person, role: str, agency: Agency | None, actor_id: int | None) -> None:
    """Check, grant or renew, and end the person's sign-ins (H7). Errors: Refused."""
    check_role(person, role)
    at = now()
    ends = at + dt.timedelta(days=settings().staff_role_days) if rules.is_staff_role(role) else None
    agency_id = agency.id if agency else None
    held = db.session.scalar(
        select(RoleGrant).where(
            RoleGrant.person_id == person.id, RoleGrant.agency_id.is_not_distinct_from(agency_id),
            RoleGrant.role == role, is_living(at),
        )
    )  # fmt: skip
    if held is not None:
        held.expires_at = ends
        return
    db.session.add(
        RoleGrant(
            person_id=person.id,
            agency_id=agency_id,
            role=role,
            granted_by=actor_id,
            granted_at=at,
            expires_at=ends,
        )
    )
    if agency is not None and membership_of(agency.id, person.id) is None:
        db.session.add(Membership(person_id=person.id, agency_id=agency.id, invited_by=actor_id))
    db.session.flush()
    end_access(person)


def check_role(person: Person, role: str) -> None:
    """Errors: Refused when this person cannot hold this role."""
    if rules.needs_adult(role) and person.age_band != "adult":
        raise Refused(gettext("Only somebody of eighteen or more can hold this role."), 409, "role")
    if rules.is_conflict(role, roles_anywhere(person.id)):
        sentence = gettext(
            "Roles on an agency’s side and roles that watch over agencies do not go together. End the other role first."
        )
        raise Refused(sentence, 409, "role")


def end_at_agency(viewer: Viewer, slug: str, handle: str, role: str) -> None:
    """End a role at an agency; the membership goes on. Errors: Missing, Refused."""
    agency = agency_by_slug(viewer, slug)
    standing = viewer.membership(slug)
    if role not in rules.may_end(viewer, standing):
        raise Missing
    _membership, person = member_by_handle(agency, handle)
    _end(viewer, person, role, agency, rules.capacity(viewer, standing))
    if role in AGENCY_ROLES | {"coordinator"}:
        revoke_invites_of(person.id, agency.id)


def end_site_role(viewer: Viewer, person: Person, role: str) -> None:
    """End a moderator's role. Operators and advocates: two people, not here. Errors: Missing, Refused."""
    if role not in rules.site_grants():
        raise Missing
    _end(viewer, person, role, None, "operator")


def _end(viewer: Viewer, person: Person, role: str, agency: Agency | None, by: str) -> None:
    agency_id = agency.id if agency else None
    if role not in roles_at(agency_id, [person.id]).get(person.id, set()):
        raise Missing
    if person.id == viewer.person_id:
        raise Refused(gettext("Ask somebody else to end your own role."), 409, "role")
    end_grants(person.id, agency_id, [role], viewer.person_id)
    end_access(person)
    place = {"place": agency.name, "slug": agency.slug} if agency else {}
    news.tell(person, "agencies.role_ended", role=role, **place)
    audit.record(
        "agencies.end_role",
        "person",
        person.id,
        actor_id=viewer.person_id,
        agency_id=agency_id,
        role=role,
        by=by,
    )


# --- agencies, and what the command line does ----------------------------------------------------


def create_agency(slug: str, name: str, actor_id: int | None = None) -> Agency:
    """Open an agency. Errors: Refused."""
    name = " ".join(markup.clean_text(name).split())
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?", slug or ""):
        raise Refused(gettext("Use small letters, digits and hyphens, at most 40."), 422, "slug")
    if markup.seen(name) < 2 or len(name) > 80:
        raise Refused(gettext("Use between %(a)s and %(b)s characters.", a=2, b=80), 422, "name")
    if db.session.scalar(select(Agency.id).where(Agency.slug == slug)) is not None:
        raise Refused(gettext("There is an agency with this short name already."), 409, "slug")
    agency = Agency(slug=slug, name=name, timezone=settings().default_timezone)
    db.session.add(agency)
    db.session.flush()
    audit.record(
        "agencies.create_agency", "agency", agency.id, actor_id=actor_id, agency_id=agency.id, by="operator"
    )
    return agency


def create_person(email: str, display_name: str, password: str) -> Person:
    """Open an adult's account from the server, without roles. Errors: Refused."""
    email, name = email.strip().lower(), checked_name(display_name)
    check_password(password, email)
    if email.count("@") != 1 or person_by_email(email) is not None:
        raise Refused(gettext("That is no address, or it has an account already."), 422, "email")
    person = Person(
        handle=free_handle(name), display_name=name, email=email, password_hash=hash_password(password),
        timezone=settings().default_timezone,
    )  # fmt: skip
    db.session.add(person)
    db.session.flush()
    audit.record("agencies.create_person", "person", person.id, actor_id=None)
    return person


def grant_from_server(person_id: int, role: str, agency_slug: str | None) -> None:
    """Give any role from the server's command line: the first operator comes from here. Errors: Refused."""
    person = db.session.get_one(Person, person_id)
    agency = db.session.scalar(select(Agency).where(Agency.slug == agency_slug)) if agency_slug else None
    if role not in rules.role_names() or (agency_slug and agency is None):
        raise Refused(gettext("There is no such role or no such agency."), 422)
    if (role in AGENCY_ROLES | {"coordinator", "mentor"}) != (
        agency is not None
    ) and role not in MEMBER_ROLES:
        raise Refused(gettext("This role needs an agency, or must have none."), 422)
    give_role(person, role, agency, None)
    place = {"place": agency.name, "slug": agency.slug} if agency else {}
    news.tell(person, "agencies.role_granted", role=role, **place)
    news.tell_operators("agencies.staff_role", role=role, place=place.get("place", ""))
    audit.record(
        "agencies.grant_role", "person", person.id, actor_id=None, agency_id=agency.id if agency else None,
        role=role, by="operator",
    )  # fmt: skip
