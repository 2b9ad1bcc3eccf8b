"""Suspending somebody for a few days, and lifting it again (P12)."""

from __future__ import annotations

import datetime as dt

from flask_babel import force_locale, gettext
from sqlalchemy import select

from forum import audit, jobs, outbox
from forum.accounts.models import Person
from forum.agencies import news
from forum.agencies.actions import checked_reason, end_access
from forum.agencies.people import queries
from forum.agencies.queries import settled_state
from forum.db import db, now
from forum.permissions import Missing, Refused
from forum.viewer import Viewer

MOST_DAYS = 7
MAY_BE_SUSPENDED = ("active", "waiting")


def suspend(viewer: Viewer, handle: str, days: int, reason: str) -> None:
    """Close somebody out for one to seven days, with a reason she is told. Errors: Missing, Refused."""
    person = queries.person_for_staff(viewer, handle)
    reason = checked_reason(reason)
    if not 1 <= days <= MOST_DAYS:
        raise Refused(gettext("From one to %(n)s days.", n=MOST_DAYS), 422, "days")
    if person.id == viewer.person_id:
        raise Refused(gettext("You cannot suspend yourself."))
    if "operator" not in viewer.site_roles and queries.staff_roles_of(person):
        raise Refused(gettext("This person has a staff role. Ask an operator."))
    if person.state not in MAY_BE_SUSPENDED:
        raise Refused(gettext("This account is not open at the moment."))
    person.state, person.suspended_until = "suspended", now() + dt.timedelta(days=days)
    end_access(person)
    _tell_why(person, days, reason)
    audit.record("agencies.suspend", "person", person.id, actor_id=viewer.person_id, reason=reason, days=days)


def _tell_why(person: Person, days: int, reason: str) -> None:
    with force_locale(person.locale):
        body = gettext(
            "Your account is closed for a time, in days: %(days)s. The reason, as the moderation team wrote it:\n\n"
            "%(reason)s\n\nAfter that it opens by itself. If you think this is wrong, answer this mail within six "
            "months: somebody else will look at it.",
            days=days, reason=reason,
        )  # fmt: skip
        outbox.mail("agencies.suspended", person.email, gettext("Your account"), body, person_id=person.id)


def lift(viewer: Viewer, handle: str) -> None:
    """End a suspension early. Errors: Missing."""
    person = queries.person_for_staff(viewer, handle)
    if person.state != "suspended" or person.suspended_until is None:
        raise Missing
    _open_again(person)
    audit.record("agencies.lift_suspension", "person", person.id, actor_id=viewer.person_id)


def _open_again(person: Person) -> None:
    person.state, person.suspended_until = settled_state(person), None
    news.tell(person, "agencies.suspension_over")


@jobs.recurring("agencies.lift_suspensions", every=dt.timedelta(minutes=10))
def lift_suspensions(at: dt.datetime) -> None:
    """Open the accounts whose suspension is over."""
    over = select(Person).where(Person.state == "suspended", Person.suspended_until <= at).limit(200)
    for person in db.session.scalars(over).all():
        _open_again(person)
        audit.record("agencies.lift_suspension", "person", person.id, actor_id=None)
