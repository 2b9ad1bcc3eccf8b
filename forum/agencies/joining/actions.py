"""Inviting, joining, accepting and deciding.

What a screen says never depends on whether an address is known: the same steps run, with one
password hash, and a job decides which mail goes out (A01 to A03). Links are used by POST only (A08).
"""

from __future__ import annotations

import datetime as dt
import secrets

from flask_babel import force_locale, gettext
from sqlalchemy import delete, select, update

from forum import audit, jobs, limits, markup, outbox, sealing
from forum.accounts import ages
from forum.accounts.actions import checked_name, network, settings
from forum.accounts.handles import free_handle
from forum.accounts.models import Person
from forum.accounts.passwords import check_password, hash_password, is_password
from forum.accounts.queries import own_person, person_by_email, token_hash
from forum.agencies import news, rules
from forum.agencies.actions import checked_reason, end_access, give_role
from forum.agencies.joining import queries
from forum.agencies.models import Agency, Guardianship, Invite, Membership, PendingJoin, RoleGrant
from forum.agencies.queries import agency_by_slug, member_by_handle, membership_of, roles_at, settled_state
from forum.config import LANGUAGES
from forum.db import db, now
from forum.permissions import Missing, Refused
from forum.viewer import Viewer

INVITE_LIVES = dt.timedelta(days=14)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
OLDEST = 120  # years


# --- inviting ----------------------------------------------------------------------------------


def create_invite(
    viewer: Viewer, slug: str, role: str, name: str, child: str = "", proved: bool = False
) -> str:
    """Invite one person; returns the code, which is kept nowhere (A10). Errors: Missing, Refused."""
    agency = agency_by_slug(viewer, slug)
    standing = viewer.membership(slug)
    if role not in rules.may_invite(viewer, standing):
        raise Missing
    name = " ".join(markup.clean_text(name).split())
    if markup.seen(name) < 2 or len(name) > 120:
        raise Refused(gettext("Write the name as it stands in the person’s papers."), 422, "legal_name")
    child_id = _child(agency, child, proved) if role == "guardian" else None
    limits.check(
        f"invites {viewer.person_id}", 20, DAY, gettext("Twenty invites a day is the most. Go on tomorrow.")
    )
    code = secrets.token_urlsafe(16)
    acts = rules.capacity(viewer, standing)
    invite = Invite(
        code_hash=token_hash(code), agency_id=agency.id, role=role, invited_as=acts, child_id=child_id,
        created_by=viewer.person_id, expires_at=now() + INVITE_LIVES,
    )  # fmt: skip
    invite.legal_name = sealing.seal(name, queries.about_invite(invite))
    db.session.add(invite)
    db.session.flush()
    shown = agency.id if role != "guardian" else None  # guardians are not in the agency's log
    audit.record(
        "agencies.invite", "invite", invite.id, actor_id=viewer.person_id, agency_id=shown, role=role, by=acts
    )
    return code


def _child(agency: Agency, handle: str, proved: bool) -> int:
    if not handle:
        raise Refused(gettext("Choose the child."), 422, "child")
    _membership, child = member_by_handle(agency, handle)
    if child.age_band == ages.ADULT:
        raise Missing
    if not proved:
        sentence = gettext("Check first that this is the guardian, by another way than through the child.")
        raise Refused(sentence, 422, "proved")
    return child.id


def revoke_invite(viewer: Viewer, slug: str, invite_id: int) -> None:
    """Take back an invite nobody has used. Errors: Missing."""
    agency = agency_by_slug(viewer, slug)
    invite = queries.invite_by_id(viewer, agency, invite_id)
    if invite.used_at or invite.revoked_at:
        raise Missing
    invite.revoked_at = now()
    acts = rules.capacity(viewer, viewer.membership(slug))
    shown = agency.id if invite.role != "guardian" else None
    audit.record(
        "agencies.revoke_invite", "invite", invite.id, actor_id=viewer.person_id, agency_id=shown, by=acts
    )


# --- joining -----------------------------------------------------------------------------------


def ask_to_join(
    found: tuple[Invite, Agency] | None, email: str, display_name: str, password: str, born: str, locale: str,
    application: str, source: str, browser: str,
) -> None:  # fmt: skip
    """Begin to join, by invite or by application; a mail goes on. Errors: Refused.

    `browser` is a mark kept in this browser: another one must give the password to finish, so that
    nobody opens an account for her with a password she did not choose.
    """
    invite, agency = found or (None, None)
    limits.check(
        f"join source {network(source)}", 20, HOUR, gettext("Too many tries from here. Wait an hour.")
    )
    email, name = email.strip().lower(), checked_name(display_name)
    day = checked_born(born, invite)
    text = markup.clean_text(application).strip()[:2000]
    if locale not in LANGUAGES:
        raise Refused(gettext("Choose a language from the list."), 422, "locale")
    check_password(password, email)
    if invite is not None:
        limits.check(
            f"join invite {invite.id}", 10, DAY, gettext("Too many tries with this invite. Go on tomorrow.")
        )
    pending = PendingJoin(
        invite_id=invite.id if invite else None, email=email, display_name=name, locale=locale, application=text,
        password_hash=hash_password(password), born=ages.seal_born(day, f"join:{email}"),
        age_band=ages.band_of(day, now().date()), browser_hash=token_hash(browser),
        timezone=agency.timezone if agency else settings().default_timezone,
    )  # fmt: skip
    db.session.add(pending)
    db.session.flush()
    jobs.enqueue("agencies.welcome", {"pending_id": pending.id})


def checked_born(text: str, invite: Invite | None) -> dt.date:
    """The birth date of somebody who may join so. Errors: Refused."""
    try:
        born = dt.date.fromisoformat((text or "").strip())
    except ValueError:
        raise Refused(gettext("Write the date as year-month-day, like 2006-04-30."), 422, "born") from None
    today = now().date()
    age, least = ages.age_on(born, today), settings().minimum_age
    if born > today or age > OLDEST:
        raise Refused(gettext("Check the year."), 422, "born")
    if age < least:
        sentence = gettext(
            "Callboard opens accounts from %(n)s years on. The people on the lines at the foot of this page listen "
            "to you at any age, and an account is not needed for that.",
            n=least,
        )  # fmt: skip
        raise Refused(sentence, 422, "born")
    if invite is None and age < 16:
        sentence = gettext(
            "Under 16, a parent or guardian has to consent, and a coordinator at your agency arranges that. Ask there "
            "for a link. The help lines at the foot of this page are for you too."
        )
        raise Refused(sentence, 422, "born")
    if invite is not None and rules.needs_adult(invite.role) and age < 18:
        raise Refused(gettext("This invite is for somebody of eighteen or more."), 422, "born")
    return born


@jobs.handler("agencies.welcome")
def welcome(payload: dict[str, int]) -> None:
    """Mail the link to finish, or that there is an account already: the mailbox learns it, no screen does."""
    pending = db.session.get(PendingJoin, payload["pending_id"])
    if pending is None or pending.token_hash is not None:
        return
    fits = limits.hit(f"join hour {pending.email}", 3, HOUR)
    fits = limits.hit(f"join day {pending.email}", 10, DAY) and fits
    known = person_by_email(pending.email) is not None
    base = settings().base_url.rstrip("/")
    with force_locale(pending.locale):
        if known:
            body = gettext(
                "Somebody, we hope you, asked for an account with this address. It has one already, or has asked "
                "before.\n\nIf you were sent an invite: sign in first, then open the invite again.\n%(link)s\n\nIf it "
                "was not you, do nothing.",
                link=f"{base}/sign-in",
            )  # fmt: skip
        else:
            token = secrets.token_urlsafe(24)
            pending.token_hash = token_hash(token)
            body = gettext(
                "Somebody, we hope you, asked for an account with this address.\n\nOpen this page within two days to "
                "finish:\n%(link)s\n\nIf it was not you, do nothing: nothing has been opened.",
                link=f"{base}/join/finish/{token}",
            )  # fmt: skip
        if fits:
            outbox.mail("agencies.welcome", pending.email, gettext("Your sign-in"), body)
    if known or not fits:
        db.session.delete(pending)


def finish(
    pending: PendingJoin, found: tuple[Invite, Agency] | None, same_browser: bool, password: str
) -> Person:
    """Open the account: by invite with its role, else as an applicant. Errors: Missing, Refused."""
    if not same_browser:
        limits.check(f"finish {pending.id}", 10, HOUR, gettext("Too many tries. Wait an hour."))
        if not is_password(pending.password_hash, password):
            raise Refused(gettext("That is not the password you chose when you asked."), 422, "password")
    if person_by_email(pending.email) is not None:
        raise Missing
    born = ages.open_born(pending.born, f"join:{pending.email}")
    person = Person(
        handle=free_handle(pending.display_name), display_name=pending.display_name, email=pending.email,
        password_hash=pending.password_hash, state="applicant", age_band=ages.band_of(born, now().date()),
        locale=pending.locale, timezone=pending.timezone, application=pending.application,
    )  # fmt: skip
    db.session.add(person)
    db.session.flush()
    person.born = ages.seal_born(born, str(person.id))
    if found is not None:
        use_invite(person, *found)
    db.session.delete(pending)
    audit.record("agencies.join", "person", person.id, actor_id=person.id)
    return person


def use_invite(person: Person, invite: Invite, agency: Agency) -> None:
    """Use an invite up, once, and let the person in with its role. Errors: Missing, Refused."""
    at = now()
    used = db.session.execute(
        update(Invite)
        .where(Invite.id == invite.id, Invite.used_at.is_(None), Invite.revoked_at.is_(None))
        .where(Invite.expires_at > at)
        .values(used_at=at, used_by=person.id)
        .execution_options(synchronize_session=False)
        .returning(Invite.id)
    ).first()
    if used is None:
        raise Missing
    if invite.role == "guardian":
        _become_guardian(person, invite)
    else:
        _become_member(person, invite, agency)
    person.state, person.application = settled_state(person), ""
    if invite.role in rules.TOLD_TO_OPERATORS:
        news.tell_operators("agencies.staff_role", role=invite.role, place=agency.name)
    end_access(person)


def _become_member(person: Person, invite: Invite, agency: Agency) -> None:
    name = queries.legal_name_of(invite)
    if membership_of(agency.id, person.id) is None:
        sealed = sealing.seal(name, f"legal_name:{person.id}") if name else None
        person.legal_name = person.legal_name or sealed
        db.session.add(
            Membership(
                person_id=person.id, agency_id=agency.id, invited_by=invite.created_by,
                invited_as=invite.invited_as, legal_name=sealed,
            )
        )  # fmt: skip
        db.session.flush()
    give_role(person, invite.role, agency, invite.created_by)


def _become_guardian(person: Person, invite: Invite) -> None:
    child = db.session.get(Person, invite.child_id) if invite.child_id else None
    if child is None or child.id == person.id or child.age_band == ages.ADULT:
        raise Missing
    give_role(person, "guardian", None, invite.created_by)
    linked = select(Guardianship.id).where(
        Guardianship.child_id == child.id,
        Guardianship.guardian_id == person.id,
        Guardianship.ended_at.is_(None),
    )
    if db.session.scalar(linked) is None:
        db.session.add(Guardianship(child_id=child.id, guardian_id=person.id, verified_by=invite.created_by))
    news.tell(child, "agencies.guardian_linked")
    audit.record("agencies.link_guardian", "person", child.id, actor_id=person.id, guardian=person.id)


def accept_invite(viewer: Viewer, invite: Invite, agency: Agency) -> Person:
    """Take up an invite with the account one has. Errors: Missing, Refused."""
    person = own_person(viewer)
    limits.check(
        f"join invite {invite.id}", 10, DAY, gettext("Too many tries with this invite. Go on tomorrow.")
    )
    if invite.created_by == person.id:
        raise Refused(gettext("This invite is yours to give, not to use."), 409)
    if invite.role in roles_at(agency.id, [person.id]).get(person.id, set()):
        raise Refused(gettext("You have this role here already."), 409)
    use_invite(person, invite, agency)
    audit.record("agencies.accept_invite", "person", person.id, actor_id=person.id)
    return person


@jobs.recurring("agencies.purge_joins", every=HOUR)
def purge(at: dt.datetime) -> None:
    """Forget people who did not finish."""
    db.session.execute(delete(PendingJoin).where(PendingJoin.created_at < at - queries.LINK_LIVES))


# --- deciding ----------------------------------------------------------------------------------


def approve(viewer: Viewer, handle: str, reason: str) -> None:
    """Let an applicant in as a member of the Alliance. Errors: Missing, Refused."""
    person = queries.applicant(viewer, handle)
    reason = checked_reason(reason)
    person.application = ""
    person.state = settled_state(person)
    db.session.add(RoleGrant(person_id=person.id, agency_id=None, role="model", granted_by=viewer.person_id))
    end_access(person)
    news.tell(person, "agencies.approved")
    audit.record("agencies.approve", "person", person.id, actor_id=viewer.person_id, reason=reason)


def decline(viewer: Viewer, handle: str, reason: str) -> None:
    """Do not let an applicant in; the reason goes to her mailbox. Errors: Missing, Refused."""
    person = queries.applicant(viewer, handle)
    reason = checked_reason(reason)
    person.state, person.application = "declined", ""
    end_access(person)
    with force_locale(person.locale):
        body = gettext(
            "We read what you wrote, and did not open an account. The reason:\n\n%(reason)s\n\nIf you think this is "
            "wrong, answer this mail: somebody else will look at it.",
            reason=reason,
        )  # fmt: skip
        outbox.mail(
            "agencies.declined", person.email, gettext("What you asked for"), body, person_id=person.id
        )
    audit.record("agencies.decline", "person", person.id, actor_id=viewer.person_id, reason=reason)
