"""Storing notices, mailing that there is one, and marking them read."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask_babel import force_locale, gettext
from sqlalchemy import select, update

from forum import notices, outbox
from forum.accounts.models import Person
from forum.agencies.queries import viewer_of_person
from forum.db import db, now
from forum.notifications.models import Notice
from forum.notifications.queries import own_notices
from forum.viewer import Viewer


def store(person_id: int, kind: str, subject_id: int | None, facts: dict[str, Any]) -> None:
    """Keep a notice, count it, and by the person's wish mail her that there is one."""
    db.session.add(Notice(person_id=person_id, kind=kind, subject_id=subject_id, facts=facts))
    counted = Person.notices_unread + 1
    db.session.execute(update(Person).where(Person.id == person_id).values(notices_unread=counted))
    person = db.session.execute(
        select(Person.email, Person.locale, Person.mail_notices).where(Person.id == person_id)
    ).one()
    if person.mail_notices:
        _mail(person_id, person.email, person.locale)


def _mail(person_id: int, email: str, locale: str) -> None:
    """At most one an hour, and it never says what about (rule 9 of forum.md, section 3)."""
    with force_locale(locale):
        link = f"{current_app.config['CALLBOARD'].base_url}/notifications"
        body = gettext("There is something new for you:\n%(link)s", link=link)
        key = f"notice {person_id} {now():%Y-%m-%dT%H}"
        outbox.mail("notifications.new", email, gettext("Something new"), body, person_id=person_id, key=key)


def mark_all_read(viewer: Viewer) -> None:
    """Everything in the viewer's inbox is read."""
    db.session.execute(
        update(Notice)
        .where(Notice.person_id == viewer.person_id, Notice.read_at.is_(None))
        .values(read_at=now())
    )
    db.session.execute(update(Person).where(Person.id == viewer.person_id).values(notices_unread=0))


@outbox.recheck("notifications.new")
def still_hers(mail: outbox.OutboxMail) -> bool:
    """Only to the address the account still has, while she wants it and there is something she may read."""
    person = db.session.get(Person, mail.person_id)
    if person is None or not person.mail_notices or person.state != "active":
        return False
    lines, _older = own_notices(viewer_of_person(person, now()))
    return person.email == mail.to_address and any(not line.read for line in lines)


notices.deliver_with(store)
