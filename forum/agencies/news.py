"""What people are told about their roles, memberships and accounts: notices, and one neutral mail.

The mail never says what about (A28); the notice does, in words made when it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import current_app
from flask_babel import force_locale, gettext
from sqlalchemy import select

from forum import outbox
from forum.accounts.models import Person
from forum.agencies.models import RoleGrant
from forum.agencies.queries import is_living
from forum.agencies.rules import role_name
from forum.db import db, now
from forum.notices import Kind, Told, Words, notify, register
from forum.viewer import Viewer

Facts = dict[str, Any]


def _role(facts: Facts) -> str:
    if facts.get("place"):
        return gettext("%(role)s at %(agency)s", role=role_name(facts["role"]), agency=facts["place"])
    return gettext("%(role)s with the Alliance", role=role_name(facts["role"]))


def _granted(facts: Facts) -> str:
    return gettext(
        "You were given a role: %(role)s. You were signed out everywhere for it.", role=_role(facts)
    )


def _ended(facts: Facts) -> str:
    return gettext("A role of yours has ended: %(role)s.", role=_role(facts))


def _removed(facts: Facts) -> str:
    who = {
        "agency": gettext("the agency’s office"),
        "coordinator": gettext("the coordinator"),
        "operator": gettext("the Alliance"),
    }.get(facts.get("by", ""), gettext("the Alliance"))
    return gettext(
        "Your membership of %(agency)s was ended by %(who)s. Your account stays yours. If this is wrong you may "
        "appeal: answer the mail that we sent you.",
        agency=facts["place"], who=who,
    )  # fmt: skip


def _confirmed(facts: Facts) -> str:
    return gettext(
        "You are confirmed at %(agency)s. The models’ boards are open to you.", agency=facts["place"]
    )


def _staff_role(facts: Facts) -> str:
    return gettext("To all operators: somebody was given the role %(role)s.", role=_role(facts))


def _frozen(facts: Facts) -> str:
    return gettext(
        "A guardian has taken back consent for a member of %(agency)s. The account is paused.",
        agency=facts["place"],
    )


def _approved(facts: Facts) -> str:
    return gettext("You are in. The members’ boards are open to you.")


def _open_again(facts: Facts) -> str:
    return gettext("Your suspension is over. Everything is open to you again.")


def _turned_16(facts: Facts) -> str:
    return gettext("You are sixteen now: your account no longer depends on a guardian’s consent.")


def _turned_18(facts: Facts) -> str:
    return gettext(
        "You are eighteen now. Your guardian’s view of your account has ended, and what is for adults is open to you."
    )


def _consent_given(facts: Facts) -> str:
    return gettext("Your guardian has consented. Your account is open.")


def _consent_withdrawn(facts: Facts) -> str:
    return gettext("Your guardian took back consent. Your account was paused; nothing was deleted.")


def _guardian_linked(facts: Facts) -> str:
    return gettext(
        "A guardian is now on record for your account. Your account page says what a guardian sees."
    )


def _guardian_ended(facts: Facts) -> str:
    return gettext("A coordinator has ended the link between a guardian and a child’s account.")


def _plugin_paused(facts: Facts) -> str:
    return gettext(
        "To all operators: the plugin %(plugin)s was slow, so what it shows was left out for ten minutes. See the log.",
        plugin=facts["plugin"],
    )  # fmt: skip


SENTENCES: dict[str, tuple[str, Callable[[Facts], str]]] = {
    "agencies.role_granted": ("A role was given to you", _granted),
    "agencies.role_ended": ("A role of yours ended", _ended),
    "agencies.removed": ("Your membership was ended", _removed),
    "agencies.confirmed": ("You were confirmed", _confirmed),
    "agencies.approved": ("You were approved", _approved),
    "agencies.suspension_over": ("Your suspension is over", _open_again),
    "agencies.turned_16": ("You turned sixteen", _turned_16),
    "agencies.turned_18": ("You turned eighteen", _turned_18),
    "agencies.consent_given": ("Your guardian consented", _consent_given),
    "agencies.consent_withdrawn": ("Your guardian took back consent", _consent_withdrawn),
    "agencies.guardian_linked": ("A guardian was linked to your account", _guardian_linked),
    "agencies.guardian_ended": ("A guardian's link ended", _guardian_ended),
    "agencies.child_frozen": ("A guardian took back consent for a member", _frozen),
    "agencies.plugin_paused": ("A plugin was slow", _plugin_paused),
    "agencies.staff_role": ("Somebody was given a staff role", _staff_role),
}


def describe(viewer: Viewer, told: Sequence[Told]) -> dict[int, Words]:
    """Words of this feature's notices; they lead to the account or to the agency."""
    return {
        n.id: Words(SENTENCES[n.kind][1](n.facts), _address(viewer, n.facts))
        for n in told
        if _is_hers_to_know(viewer, n)
    }


def _is_hers_to_know(viewer: Viewer, told: Told) -> bool:
    """What was told to a role is no longer said to who has lost it (H12); the rest is about herself."""
    if told.kind == "agencies.staff_role":
        return "operator" in viewer.site_roles
    if told.kind == "agencies.child_frozen":
        standing = viewer.membership(told.facts.get("slug", ""))
        return standing is not None and "coordinator" in standing.roles
    return True


def _address(viewer: Viewer, facts: Facts) -> str:
    slug = facts.get("slug", "")
    return f"/a/{slug}" if slug and viewer.membership(slug) else "/account"


register(*(Kind(name, title, describe) for name, (title, _words) in SENTENCES.items()))


def tell(person: Person, kind: str, **facts: Any) -> None:
    """A notice, and a mail that there is one: for what nobody should learn by chance."""
    notify(person.id, kind, None, **facts)
    with force_locale(person.locale):
        body = gettext(
            "There is news about your account. Sign in to read it:\n%(link)s\n\nIf you think that something was "
            "decided wrongly, answer this mail: a person reads it.",
            link=f"{current_app.config['CALLBOARD'].base_url}/notifications",
        )  # fmt: skip
        outbox.mail("agencies.news", person.email, gettext("Your account"), body, person_id=person.id)


def tell_operators(kind: str, but: int | None = None, **facts: Any) -> None:
    """A notice to every operator: one person acted, all may see it (P20)."""
    operators = select(RoleGrant.person_id).where(
        RoleGrant.role == "operator", RoleGrant.agency_id.is_(None), is_living(now())
    )
    for person_id in db.session.scalars(operators.distinct()):
        if person_id != but:
            notify(person_id, kind, None, **facts)


@outbox.recheck("agencies.news")
def is_still_hers(mail: outbox.OutboxMail) -> bool:
    """Only to the address that the account still has (H12, H13)."""
    return db.session.scalar(select(Person.email).where(Person.id == mail.person_id)) == mail.to_address
