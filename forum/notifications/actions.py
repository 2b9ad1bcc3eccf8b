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
from forum.notifications.queries import own_notices, words_of
from forum.viewer import Viewer


def store(
    person_id: int, kind: notices.Kind, subject_id: int | None, agency_id: int | None, facts: dict[str, Any]
) -> None:
    """Keep a notice, count it, and by the person's wish or the kind's mail her that there is one."""
    notice = Notice(
        person_id=person_id, kind=kind.name, subject_id=subject_id, agency_id=agency_id, facts=facts
    )
    db.session.add(notice)
    counted = Person.notices_unread + 1
    db.session.execute(update(Person).where(Person.id == person_id).values(notices_unread=counted))
    person = db.session.execute(
        select(Person.email, Person.locale, Person.mail_notices).where(Person.id == person_id)
    ).one()
    if kind.mail_template:
        db.session.flush()
        _mail_words(notice, kind, person.email, person.locale)
    elif person.mail_notices or kind.mailed:
        _mail(person_id, person.email, person.locale)


def _mail(person_id: int, email: str, locale: str) -> None:
    """At most one an hour, and it never says what about (rule 9 of forum.md, section 3)."""
    with force_locale(locale):
        link = f"{current_app.config['CALLBOARD'].base_url}/notifications"
        body = gettext("There is something new for you:\n%(link)s", link=link)
        key = f"notice {person_id} {now():%Y-%m-%dT%H}"
        outbox.mail("notifications.new", email, gettext("Something new"), body, person_id=person_id, key=key)


def _mail_words(notice: Notice, kind: notices.Kind, email: str, locale: str) -> None:
    """The kind's own mail, made from the notice's facts and nothing else."""
    with force_locale(locale):
        link = f"{current_app.config['CALLBOARD'].base_url}/notifications"
        body = current_app.jinja_env.get_template(kind.mail_template).render({**notice.facts, "link": link})
        key = f"told {notice.id}"
        outbox.mail("notifications.told", email, str(kind.title), body, person_id=notice.person_id, key=key)


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
    if person is None or person.state != "active" or person.email != mail.to_address:
        return False
    lines, _older = own_notices(viewer_of_person(person, now()))
    unread = [line for line in lines if not line.read]
    return any(person.mail_notices or line.mailed for line in unread)


@outbox.recheck("notifications.told")
def still_told(mail: outbox.OutboxMail) -> bool:
    """Only to the address the account still has, and while the notice would be shown to her."""
    person, notice = db.session.get(Person, mail.person_id), _told_by(mail)
    if person is None or notice is None or person.state != "active" or person.email != mail.to_address:
        return False
    return notice.id in words_of(viewer_of_person(person, now()), [notice])


def _told_by(mail: outbox.OutboxMail) -> Notice | None:
    number = (mail.key or "").removeprefix("told ")
    return db.session.get(Notice, int(number)) if number.isdigit() else None


notices.deliver_with(store)
