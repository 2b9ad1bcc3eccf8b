"""What accounts keep about a person, and leaving for good: a week to think again, then erasure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from flask_babel import force_locale, gettext
from sqlalchemy import delete, select

from forum import audit, jobs, outbox, people_data, sealing
from forum.accounts.actions import end_all_sign_ins, kill_links, mail_link, settings
from forum.accounts.models import MailLink, Person, SignIn
from forum.accounts.queries import own_person
from forum.db import db, now
from forum.declare import ExportFile, Kept
from forum.people_data import rows_of
from forum.permissions import Missing
from forum.viewer import Viewer

GRACE = dt.timedelta(days=7)


def ask_deletion(viewer: Viewer, keep_words: bool) -> None:
    """Leave: rights and sign-ins end now, everything is erased in a week unless she comes back."""
    person = own_person(viewer)
    kill_links(person.id)
    end_all_sign_ins(person.id)
    person.state = "left"
    token = mail_link(person, "keep", person.email, GRACE)
    due = now() + GRACE
    payload = {"person_id": str(person.id), "keep_words": "yes" if keep_words else ""}
    jobs.cancel(_erasure_of(person))  # of an earlier time: the week begins anew
    jobs.enqueue("accounts.erase", payload, run_at=due, key=_erasure_of(person))
    with force_locale(person.locale):
        body = gettext(
            "Your account is closed. In seven days everything in it is erased.\n\n"
            "If you want it back, open this page before then:\n%(link)s",
            link=f"{settings().base_url}/account/keep/{token}",
        )
        outbox.mail("accounts.closed", person.email, gettext("Your sign-in"), body)
    audit.record("accounts.ask_deletion", "person", person.id, actor_id=person.id)


def keep_account(link: MailLink, person: Person) -> None:
    """She came back within the week. Errors: Missing when the account is not closed."""
    if person.state != "left":
        raise Missing
    person.state = _state_again(person)
    jobs.cancel(_erasure_of(person))
    kill_links(person.id)
    audit.record("accounts.keep", "person", person.id, actor_id=person.id)


def _erasure_of(person: Person) -> str:
    return f"accounts.erase {person.id}"


def _state_again(person: Person) -> str:
    """Never more than before: an applicant asks still, and under 16 a guardian's consent is looked at first."""
    if person.application:
        return "applicant"
    return "waiting" if person.age_band == "13-15" else "active"


@jobs.handler("accounts.erase")
def erase_person(payload: dict[str, str]) -> None:
    """Erase, if the account is still closed and the week is over."""
    person = db.session.get(Person, int(payload["person_id"]))
    if person is None or person.state != "left":
        return
    address, locale = person.email, person.locale
    kept = people_data.erase(person.id, bool(payload.get("keep_words")))
    db.session.execute(delete(Person).where(Person.id == person.id))
    _say_goodbye(address, locale, kept)
    audit.record("accounts.erase", "person", person.id, actor_id=None, kept=len(kept))


def _say_goodbye(address: str, locale: str, kept: Sequence[Kept]) -> None:
    """The last mail, if something stays: what a legal reason keeps, and until when."""
    if not kept:
        return
    with force_locale(locale):
        lines = [f"- {k.what}: {k.reason}" + (f" ({k.until})" if k.until else "") for k in kept]
        body = gettext(
            "Your account is erased. The law asks us to keep this:\n%(list)s", list="\n".join(lines)
        )
        outbox.mail("accounts.erased", address, gettext("Your sign-in"), body)


def _export(person_id: int) -> list[ExportFile]:
    person = db.session.get_one(Person, person_id)
    sealed = {"born": person.born, "legal_name": person.legal_name}
    own = {
        "handle": person.handle, "display_name": person.display_name, "email": person.email,
        "about": person.about, "language": person.locale, "timezone": person.timezone,
        "age_band": person.age_band, "state": person.state, "application": person.application,
        "mail_notices": person.mail_notices, "since": person.created_at,
    }  # fmt: skip
    for name, blob in sealed.items():
        own[name] = sealing.open_sealed(blob, f"{name}:{person_id}").decode() if blob else None
    sign_ins = db.session.execute(
        select(SignIn.device, SignIn.created_at, SignIn.touched_at, SignIn.ended_at).where(
            SignIn.person_id == person_id
        )
    )
    return [
        ExportFile("account", [own], "what you told us about yourself"),
        ExportFile("devices", rows_of(sign_ins), "where you signed in; no addresses are kept"),
    ]


def _erase(person_id: int, keep_words: bool) -> None:
    address = db.session.get_one(Person, person_id).email
    mails = (outbox.OutboxMail.person_id == person_id) | (outbox.OutboxMail.to_address == address)
    db.session.execute(delete(outbox.OutboxMail).where(mails))
    db.session.execute(delete(MailLink).where(MailLink.person_id == person_id))
    db.session.execute(delete(SignIn).where(SignIn.person_id == person_id))


people_data.register(people_data.Part("accounts", _export, _erase))
