"""What people do with their accounts: sign in and out, reset, change, end devices.

Answers never tell whether an address is known: the same path runs, the same number of
hashes, and mail is decided by a job (abuse cases A01 to A07).
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import secrets
import unicodedata
from collections.abc import Callable

from flask import Flask, current_app
from flask_babel import force_locale, gettext
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import delete, func, select, update

from forum import audit, jobs, limits, outbox
from forum.accounts import names
from forum.accounts.models import MailLink, Person, SignIn
from forum.accounts.passwords import check_password, hash_password, is_password
from forum.accounts.queries import own_person, person_by_email, token_hash
from forum.config import LANGUAGES, Settings
from forum.db import db, let_others_write, now, record
from forum.markup import clean_text
from forum.permissions import Missing, Refused
from forum.times import known_zones
from forum.viewer import Viewer

RESET_HOURS = 1
QUARTER = dt.timedelta(minutes=15)
MAY_SIGN_IN = ("active", "applicant", "waiting")


def settings() -> Settings:
    """The settings of the application in hand."""
    found: Settings = current_app.config["CALLBOARD"]
    return found


def sign_in(email: str, password: str, device: str, source: str, mark: str) -> tuple[str, str]:
    """Open a sign-in. Returns the token for the cookie, and the device's mark.

    Errors: Refused, with one sentence for every reason but too many tries.
    """
    email = email.strip().lower()
    _count_try(email, source, mark)
    person = person_by_email(email)
    known = person is not None and person.state in MAY_SIGN_IN
    person_id, hashed = (person.id, person.password_hash) if person is not None and known else (0, "")
    let_others_write()
    right = is_password(hashed, password)
    if not right or not _is_unchanged(person_id, hashed):
        raise Refused(
            gettext("E-mail and password do not go together. Check both, or reset the password."), 422
        )
    return open_sign_in(person_id, device), device_mark(person_id, mark)


def _is_unchanged(person_id: int, hashed: str) -> bool:
    """Whether the password that was just checked is still the person's, and she may still sign in."""
    now_kept = db.session.execute(
        select(Person.password_hash, Person.state).where(Person.id == person_id)
    ).first()
    return now_kept is not None and now_kept[0] == hashed and now_kept[1] in MAY_SIGN_IN


def open_sign_in(person_id: int, device: str) -> str:
    """A new server-side sign-in; returns the token, which is kept nowhere else."""
    token = secrets.token_urlsafe(32)
    db.session.add(SignIn(person_id=person_id, token_hash=token_hash(token), device=device[:80]))
    return token


def _count_try(email: str, source: str, mark: str) -> None:
    """A stranger's tries never shut the owner out: her known devices count on their own (A05)."""
    sentence = gettext("Too many tries. Wait a minute, then try again, or reset the password by mail.")
    owner = _marked_person(mark)
    if owner is not None and (person := db.session.get(Person, owner)) and person.email == email:
        limits.check(f"sign-in device {mark}", 10, QUARTER, sentence)
        return
    net = network(source)
    limits.check(f"sign-in source {net}", 60, QUARTER, sentence)
    limits.check(f"sign-in {email} {net}", 10, QUARTER, sentence)
    limits.check(f"sign-in {email}", 20, dt.timedelta(minutes=1), sentence)


def network(source: str) -> str:
    """The address, or for IPv6 its /64: what one household or attacker holds."""
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return "unknown"
    if address.version == 6:
        return str(ipaddress.ip_network(f"{address}/64", strict=False))
    return str(address)


def _marks() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="device mark")


def _marked_person(mark: str) -> int | None:
    try:
        return int(_marks().loads(mark)[0])
    except (BadSignature, ValueError, TypeError, IndexError, KeyError):
        return None


def device_mark(person_id: int, mark: str = "") -> str:
    """The signed cookie by which a device is known to have signed in as this person before."""
    if _marked_person(mark) == person_id:
        return mark
    return str(_marks().dumps([person_id, secrets.token_urlsafe(8)]))


def end_sign_in(viewer: Viewer, sign_in_id: int) -> None:
    """End one of the viewer's own sign-ins. Errors: Missing."""
    row = db.session.get(SignIn, sign_in_id)
    if row is None or row.person_id != viewer.person_id or row.ended_at:
        raise Missing
    row.ended_at = now()


def end_all_sign_ins(person_id: int, but: int | None = None) -> None:
    """End every sign-in of a person, perhaps but one: after a new password, role or state (A22)."""
    keep = [] if but is None else [SignIn.id != but]
    db.session.execute(
        update(SignIn)
        .where(SignIn.person_id == person_id, SignIn.ended_at.is_(None), *keep)
        .values(ended_at=now())
    )


def kill_links(person_id: int) -> None:
    """Every mailed link of a person dies: address, password, role or state has changed (H13)."""
    db.session.execute(
        update(MailLink)
        .where(MailLink.person_id == person_id, MailLink.used_at.is_(None))
        .values(used_at=now())
    )


def confirm_password(viewer: Viewer, password: str) -> None:
    """Give the password again on this sign-in, before a sensitive act. Errors: Refused."""
    limits.check(
        f"confirm {viewer.person_id}", 10, QUARTER, gettext("Too many tries. Wait a quarter of an hour.")
    )
    if not is_password(own_person(viewer).password_hash, password):
        raise Refused(gettext("That is not your password."), 422, "password")
    row = db.session.get_one(SignIn, viewer.sign_in_id)
    row.confirmed_at = now()


def ask_reset(email: str, source: str) -> None:
    """Ask for a reset link. What the screen says never depends on the address; a job decides."""
    limits.check(
        f"reset source {network(source)}", 30, dt.timedelta(hours=1), gettext("Too many tries. Wait an hour.")
    )
    jobs.enqueue("accounts.send_reset", {"email": email.strip().lower()})


@jobs.handler("accounts.send_reset")
def send_reset(payload: dict[str, str]) -> None:
    """Mail the link, at most 3 an hour and 10 a day to one mailbox (A07)."""
    person = person_by_email(payload["email"])
    if person is None or person.state not in (*MAY_SIGN_IN, "suspended"):
        return
    if not _fits_mailbox("reset", person.email):
        return
    token = mail_link(person, "reset", person.email, dt.timedelta(hours=RESET_HOURS))
    with force_locale(person.locale):
        body = gettext(
            "Somebody, we hope you, asked for a new password.\n\nOpen this page within an hour and choose one:"
            "\n%(link)s\n\nIf it was not you, do nothing: your password stays as it is.",
            link=f"{settings().base_url}/reset/{token}",
        )
        outbox.mail("accounts.reset", person.email, gettext("Your sign-in"), body, person_id=person.id)


def _fits_mailbox(what: str, address: str) -> bool:
    """Count a mail that anybody can cause: 3 an hour and 10 a day to one mailbox, whoever asked (A07)."""
    fits = limits.hit(f"{what} hour {address}", 3, dt.timedelta(hours=1))
    return limits.hit(f"{what} day {address}", 10, dt.timedelta(days=1)) and fits


def mail_link(person: Person, kind: str, address: str, lives: dt.timedelta) -> str:
    """A fresh one-use link of this kind; returns its token."""
    token = secrets.token_urlsafe(24)
    db.session.add(
        MailLink(
            person_id=person.id, kind=kind, token_hash=token_hash(token), address=address,
            expires_at=now() + lives,
        )
    )  # fmt: skip
    return token


def use_reset(link: MailLink, person: Person, password: str) -> None:
    """Set the password by a mailed link; every sign-in and every other link ends."""
    check_password(password, person.email)
    person.password_hash = hash_password(password)
    kill_links(person.id)
    end_all_sign_ins(person.id)
    tell_by_mail(person, "accounts.password_changed", _password_changed)
    audit.record("accounts.reset_password", "person", person.id, actor_id=person.id)


def change_password(viewer: Viewer, current: str, password: str) -> None:
    """Change the viewer's own password; her other sign-ins end. Errors: Refused."""
    person = own_person(viewer)
    limits.check(f"confirm {person.id}", 10, QUARTER, gettext("Too many tries. Wait a quarter of an hour."))
    if not is_password(person.password_hash, current):
        raise Refused(gettext("That is not your password."), 422, "current_password")
    check_password(password, person.email, "new_password")
    person.password_hash = hash_password(password)
    kill_links(person.id)
    end_all_sign_ins(person.id, but=viewer.sign_in_id)
    tell_by_mail(person, "accounts.password_changed", _password_changed)


def _password_changed() -> str:
    return gettext(
        "Your password was changed. If it was not you, reset it at once:\n%(link)s",
        link=f"{settings().base_url}/reset",
    )


def tell_by_mail(person: Person, kind: str, words: Callable[[], str]) -> None:
    """Mail a person about her own account, in her language. `words` makes the text."""
    with force_locale(person.locale):
        outbox.mail(kind, person.email, gettext("Your sign-in"), words(), person_id=person.id)


def change_account(
    viewer: Viewer, display_name: str, about: str, locale: str, timezone: str, mails: bool
) -> None:
    """Change name, words about oneself, language, zone and mails. Errors: Refused."""
    person = own_person(viewer)
    person.display_name = checked_name(display_name)
    person.about = clean_text(about).strip()[:600]
    if locale not in LANGUAGES or timezone not in known_zones():
        raise Refused(gettext("Choose a language and a time zone from the lists."), 422)
    person.locale, person.timezone, person.mail_notices = locale, timezone, mails


def checked_name(name: str) -> str:
    """A display name that cannot pass for staff or break a page. Errors: Refused."""
    cleaned = " ".join(clean_text(name).split())
    letters = sum(c.isalpha() for c in cleaned)
    if letters < 2 or len(cleaned) > 60:
        raise Refused(gettext("Use a name of 2 to 60 characters, with letters."), 422, "display_name")
    if any(not (c.isalnum() or c in " -'’.·" or c.isalpha() or _is_mark(c)) for c in cleaned):
        raise Refused(gettext("Use letters, digits, spaces, points and hyphens only."), 422, "display_name")
    if names.passes_for_staff(cleaned):
        raise Refused(
            gettext("That name could be taken for the people who run Callboard."), 422, "display_name"
        )
    if names.mixes_alphabets(cleaned) or names.has_unseen_marks(cleaned):
        raise Refused(gettext("Write each part of the name in letters of one alphabet."), 422, "display_name")
    return cleaned


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")


def ask_new_address(viewer: Viewer, address: str) -> None:
    """Ask to move the account to another address: a link goes there, the old one stays until used."""
    limits.check(
        f"address {viewer.person_id}", 5, dt.timedelta(days=1), gettext("Too many tries. Wait a day.")
    )
    jobs.enqueue(
        "accounts.send_new_address", {"person_id": str(viewer.person_id), "address": address.lower()}
    )


@jobs.handler("accounts.send_new_address")
def send_new_address(payload: dict[str, str]) -> None:
    """Mail the new address its link; an address in use is told so in its own mailbox, not on a screen."""
    person, address = db.session.get(Person, int(payload["person_id"])), payload["address"]
    if person is None or not _fits_mailbox("address", address):
        return
    with force_locale(person.locale):
        if person_by_email(address) is not None:
            body = gettext(
                "Somebody wanted to use this address for an account. It already has one; nothing changed."
            )
        else:
            token = mail_link(person, "address", address, dt.timedelta(hours=24))
            link = f"{settings().base_url}/account/address/{token}"
            body = gettext("To use this address with your account, open this page:\n%(link)s", link=link)
        outbox.mail("accounts.address", address, gettext("Your sign-in"), body)


def use_new_address(link: MailLink, person: Person) -> None:
    """The new address is proved: it becomes the account's, and the old one is told."""
    if person_by_email(link.address) is not None:
        raise Missing
    old, person.email = person.email, link.address
    kill_links(person.id)
    end_all_sign_ins(person.id)
    with force_locale(person.locale):
        body = gettext(
            "Your account now uses another address. If it was not you, write to the people who run it."
        )
        outbox.mail("accounts.old_address", old, gettext("Your sign-in"), body)
    audit.record("accounts.change_address", "person", person.id, actor_id=person.id)


def touch_sign_in(app: Flask, sign_in_id: int) -> None:
    """Note that a sign-in is in use: one of the three effects that may follow a GET."""
    with app.app_context():
        record(
            lambda session: session.execute(
                update(SignIn).where(SignIn.id == sign_in_id).values(touched_at=now())
            )
        )


@jobs.recurring("accounts.purge", every=dt.timedelta(hours=6))
def purge(at: dt.datetime) -> None:
    """Forget ended and unused sign-ins, and links past their time."""
    idle = at - dt.timedelta(days=settings().sign_in_days)
    db.session.execute(delete(SignIn).where(func.coalesce(SignIn.ended_at, SignIn.touched_at) < idle))
    db.session.execute(delete(MailLink).where(MailLink.expires_at < at - dt.timedelta(days=7)))


@outbox.recheck("accounts.reset")
def still_that_address(mail: outbox.OutboxMail) -> bool:
    """A reset goes out only to the address that the account still has."""
    return db.session.scalar(select(Person.email).where(Person.id == mail.person_id)) == mail.to_address
