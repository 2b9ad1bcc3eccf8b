"""Granting and ending roles (P19 to P21, H7): who may give which to whom, and what follows."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from forum import db
from forum.accounts.models import Person
from forum.agencies import actions, rules
from forum.agencies.models import Agency, Membership, RoleGrant
from forum.audit import AuditEntry
from forum.db import commit, now
from forum.permissions import Missing, Refused
from forum.testing import PASSWORD, Client, Signer, create_agency, create_board, create_person, viewer_of
from tests.core.accounts.steps import all_of, forget, link_in, mails, notice_kinds, one_of, work

EVERY_ROLE = list(rules.ROLE_NAMES)
GRANTABLE = {"coordinator": {"mentor"}, "operator": {"agency_manager", "booker", "coordinator"}}


def roles_of(person: Person) -> set[str]:
    """Roles she holds now."""
    return {
        g.role
        for g in all_of(
            select(RoleGrant).where(RoleGrant.person_id == person.id, RoleGrant.ended_at.is_(None))
        )
    }


def url_of(person: Person) -> str:
    """Her page of roles at Northlight."""
    return f"/a/northlight/members/{person.handle}/roles"


def grant(browser: Client, person: Person, role: str) -> Any:
    """Send the form."""
    return browser.send(url_of(person), url_of(person), role=role)


# --- who may give what -------------------------------------------------------------------------


@pytest.mark.parametrize("giver", sorted(set(EVERY_ROLE) - {"checker", "reviewer"}))
def test_nobody_gives_a_role_that_is_not_hers_to_give(app: Any, giver: str) -> None:
    who = create_person("giver", giver)
    for role in EVERY_ROLE:
        ines = create_person(f"ines-{role}".replace("_", "-"), "model")
        if role in GRANTABLE.get(giver, set()):
            actions.grant_at_agency(viewer_of(who), "northlight", ines.handle, role)
            commit()
            assert role in roles_of(ines)
        else:
            with pytest.raises(Missing):
                actions.grant_at_agency(viewer_of(who), "northlight", ines.handle, role)
            db.rollback()


@pytest.mark.parametrize("role", ["agency_manager", "booker", "model", "mentor", "moderator", "advocate"])
def test_members_and_the_agency_cannot_open_the_page(signed_in: Signer, role: str) -> None:
    ines = create_person("ines", "model")
    browser = signed_in(create_person("somebody", role))
    assert browser.get(url_of(ines)).status_code == 404
    assert browser.send(url_of(ines), "/account", role="mentor").status_code == 404
    assert browser.send(f"{url_of(ines)}/model/end", "/account").status_code == 404


def test_a_coordinator_makes_a_mentor(signed_in: Signer) -> None:
    ines, clea = create_person("ines", "model"), create_person("clea", "coordinator")
    own = signed_in(ines)
    assert grant(signed_in(clea), ines, "mentor").status_code == 303
    assert roles_of(ines) == {"model", "mentor"}
    assert own.get("/account").status_code == 303  # a change of role ends sign-ins
    assert notice_kinds(ines) == ["agencies.role_granted"]
    entry = one_of(select(AuditEntry).where(AuditEntry.action == "agencies.grant_role"))
    assert (entry.actor_id, entry.subject_id, entry.facts) == (
        clea.id,
        ines.id,
        {"role": "mentor", "by": "coordinator"},
    )


@pytest.mark.parametrize(
    "values", [{"confirmed": False}, {"age_band": "16-17"}, {"agency": "corso"}, {"state": "left"}]
)
def test_only_a_confirmed_adult_of_the_agency_becomes_a_mentor(
    signed_in: Signer, values: dict[str, Any]
) -> None:
    create_agency("northlight")
    ines, clea = create_person("ines", "model", **values), create_person("clea", "coordinator")
    browser = signed_in(clea)
    answer = browser.send(url_of(ines), "/account", role="mentor")
    assert answer.status_code in (404, 422)
    assert roles_of(ines) == {"model"}


def test_nobody_gives_a_role_to_herself(signed_in: Signer) -> None:
    clea = create_person("clea", "coordinator", "model")
    omar = create_person("omar", "operator", "model")
    assert grant(signed_in(clea), clea, "mentor").status_code == 422
    assert grant(signed_in(omar), omar, "agency_manager").status_code == 422
    assert (
        signed_in(omar).send("/people/omar/roles", "/people/omar/roles", role="moderator").status_code == 422
    )
    assert "mentor" not in roles_of(clea)
    assert roles_of(omar) == {"operator", "model"}


@pytest.mark.parametrize(
    ("held", "wanted"),
    [("agency_manager", "coordinator"), ("booker", "coordinator"), ("coordinator", "booker"),
     ("coordinator", "agency_manager")],
)  # fmt: skip
def test_coordinator_and_agency_never_go_together(signed_in: Signer, held: str, wanted: str) -> None:
    person, omar = create_person("somebody", held), create_person("omar", "operator")
    assert grant(signed_in(omar), person, wanted).status_code == 422
    assert roles_of(person) == {held}


def test_not_even_at_two_agencies(signed_in: Signer) -> None:
    create_agency("northlight")
    person, omar = create_person("somebody", "booker", agency="corso"), create_person("omar", "operator")
    db.db.session.add(Membership(person_id=person.id, agency_id=create_agency("northlight").id))
    commit()
    assert grant(signed_in(omar), person, "coordinator").status_code == 422
    assert grant(signed_in(omar), create_person("maud", "model"), "booker").status_code == 303


def test_an_agencys_staff_cannot_moderate(signed_in: Signer) -> None:
    ruth, omar = create_person("ruth", "agency_manager"), create_person("omar", "operator")
    browser = signed_in(omar)
    assert browser.send("/people/ruth/roles", "/people/ruth/roles", role="moderator").status_code == 422
    assert roles_of(ruth) == {"agency_manager"}


def test_minors_hold_no_staff_role(signed_in: Signer) -> None:
    ana, omar = create_person("ana", "new_face", age_band="16-17"), create_person("omar", "operator")
    for role in GRANTABLE["operator"]:
        assert grant(signed_in(omar), ana, role).status_code == 422
    assert roles_of(ana) == {"new_face"}


# --- what follows --------------------------------------------------------------------------------


def test_two_hats_bar_the_peer_boards(signed_in: Signer) -> None:
    """H7: a role on the agency's side closes the models' boards, and ending it needs a new sign-in."""
    ines, omar = create_person("ines", "model"), create_person("omar", "operator")
    peer, alliance = (
        create_board("northlight-room", "peer", "northlight"),
        create_board("members-room", "members"),
    )
    own, desk = signed_in(ines), signed_in(omar)
    assert own.get(f"/boards/{peer.slug}").status_code == 200
    grant(desk, ines, "booker")
    assert own.get("/account").status_code == 303
    own.sign_in(ines)
    for slug in (peer.slug, alliance.slug):
        assert own.get(f"/boards/{slug}").status_code == 404
    assert own.get("/people/omar").status_code == 404
    desk.send(f"{url_of(ines)}/booker/end", "/account")
    assert own.get("/account").status_code == 303
    own.sign_in(ines)
    assert own.get(f"/boards/{peer.slug}").status_code == 200
    assert notice_kinds(ines) == ["agencies.role_granted", "agencies.role_ended"]


def test_mailed_links_die_with_a_change_of_role(signed_in: Signer, client: Client) -> None:
    ines, clea = create_person("ines", "model"), create_person("clea", "coordinator")
    client.send("/reset", "/reset", email=ines.email)
    work()
    link = link_in(mails(ines.email)[-1])
    grant(signed_in(clea), ines, "mentor")
    assert client.get(link).status_code == 410


def test_staff_roles_end_after_a_year_unless_renewed(signed_in: Signer) -> None:
    ines, omar = create_person("ines", "model"), create_person("omar", "operator")
    browser = signed_in(omar)
    grant(browser, ines, "booker")
    first = one_of(select(RoleGrant).where(RoleGrant.role == "booker")).expires_at
    assert abs(first - now() - dt.timedelta(days=365)) < dt.timedelta(minutes=5)
    with time_machine.travel(now() + dt.timedelta(days=100)):
        renewer = signed_in(omar)
        assert grant(renewer, ines, "booker").status_code == 303
        assert one_of(select(RoleGrant).where(RoleGrant.role == "booker")).expires_at > first
    forget()
    with time_machine.travel(now() + dt.timedelta(days=466)):
        assert not viewer_of(db.db.session.get_one(Person, ines.id)).is_agency_staff
    forget()


def test_a_mentor_is_no_staff_and_does_not_expire(signed_in: Signer) -> None:
    ines, clea = create_person("ines", "model"), create_person("clea", "coordinator")
    grant(signed_in(clea), ines, "mentor")
    assert one_of(select(RoleGrant).where(RoleGrant.role == "mentor")).expires_at is None


@pytest.mark.parametrize("role", ["agency_manager", "coordinator"])
def test_every_operator_is_told_of_a_powerful_role(signed_in: Signer, role: str) -> None:
    ines, omar, oda = (
        create_person("ines", "model"),
        create_person("omar", "operator"),
        create_person("oda", "operator"),
    )
    grant(signed_in(omar), ines, role)
    assert notice_kinds(oda) == ["agencies.staff_role"]
    assert notice_kinds(omar) == []


def test_a_coordinator_ends_a_mentor_and_nothing_else(signed_in: Signer) -> None:
    mbali, ruth = create_person("mbali", "mentor", "model"), create_person("ruth", "agency_manager")
    clea = create_person("clea", "coordinator")
    browser = signed_in(clea)
    for person, role in (
        (mbali, "model"),
        (ruth, "agency_manager"),
        (clea, "coordinator"),
        (mbali, "operator"),
    ):
        assert browser.send(f"{url_of(person)}/{role}/end", "/account").status_code == 404
    assert browser.send(f"{url_of(mbali)}/mentor/end", "/account").status_code == 303
    assert browser.send(f"{url_of(mbali)}/mentor/end", "/account").status_code == 404
    assert roles_of(mbali) == {"model"}


def test_a_sensitive_page_asks_for_the_password(signed_in: Signer) -> None:
    ines, clea = create_person("ines", "model"), create_person("clea", "coordinator")
    with time_machine.travel(now(), tick=False) as clock:
        browser = signed_in(clea)
        clock.shift(dt.timedelta(minutes=20))
        assert browser.get(url_of(ines)).headers["Location"].startswith("/confirm?next=")
        asked = browser.send(url_of(ines), "/sign-out", role="mentor")
        assert asked.status_code == 403
        assert 'value="mentor"' in asked.text  # what was chosen is kept
        wrong = browser.send(url_of(ines), "/sign-out", role="mentor", confirm_password="not the password")
        assert wrong.status_code == 403
        assert roles_of(ines) == {"model"}
        right = browser.send(url_of(ines), "/sign-out", role="mentor", confirm_password=PASSWORD)
        assert right.status_code == 303
        assert roles_of(ines) == {"model", "mentor"}
        clock.shift(dt.timedelta(minutes=20))
        browser.send("/confirm", "/confirm", password=PASSWORD)
        assert grant(browser, ines, "mentor").status_code == 303


# --- roles with the Alliance ---------------------------------------------------------------------


def test_an_operator_makes_and_ends_a_moderator(signed_in: Signer) -> None:
    maud, omar, oda = (
        create_person("maud", agency=None),
        create_person("omar", "operator"),
        create_person("oda", "operator"),
    )
    browser, own = signed_in(omar), signed_in(maud)
    assert own.get("/applications").status_code == 404
    assert browser.send("/people/maud/roles", "/people/maud/roles", role="moderator").status_code == 303
    assert notice_kinds(oda) == ["agencies.staff_role"]
    own.sign_in(maud)
    assert own.get("/applications").status_code == 200
    assert browser.send("/people/maud/roles/moderator/end", "/people/maud/roles").status_code == 303
    assert own.get("/account").status_code == 303
    own.sign_in(maud)
    assert own.get("/applications").status_code == 404


@pytest.mark.parametrize("role", ["operator", "advocate", "guardian", "checker", "agency_manager", ""])
def test_the_web_makes_no_operator_and_no_advocate(signed_in: Signer, role: str) -> None:
    maud, omar = create_person("maud", agency=None), create_person("omar", "operator")
    browser = signed_in(omar)
    assert browser.send("/people/maud/roles", "/people/maud/roles", role=role).status_code == 422
    with pytest.raises(Missing):
        actions.grant_site_role(viewer_of(omar), maud, role)
    db.rollback()
    for person, held in ((omar, "operator"), (create_person("joan", "advocate"), "advocate")):
        assert (
            browser.send(f"/people/{person.handle}/roles/{held}/end", "/people/maud/roles").status_code == 404
        )
    assert roles_of(maud) == set()


@pytest.mark.parametrize("role", ["moderator", "coordinator", "agency_manager", "model", "advocate"])
def test_nobody_else_opens_the_page_of_site_roles(signed_in: Signer, role: str) -> None:
    create_person("maud", agency=None)
    browser = signed_in(create_person("somebody", role))
    assert browser.get("/people/maud/roles").status_code == 404
    assert browser.get("/people/nobody-there/roles").status_code == 404
    assert browser.send("/people/maud/roles", "/account", role="moderator").status_code == 404


# --- the command line, and agencies ----------------------------------------------------------------


def test_the_first_operator_comes_from_the_server(app: Any) -> None:
    person = actions.create_person("Omar@Example.org", "Omar", "seven plain wooden spoons")
    actions.grant_from_server(person.id, "operator", None)
    commit()
    assert viewer_of(person).site_roles == {"operator"}
    for role, agency in (
        ("coordinator", None),
        ("operator", "northlight"),
        ("king", None),
        ("booker", "no-such"),
    ):
        create_agency("northlight")
        with pytest.raises(Refused):
            actions.grant_from_server(person.id, role, agency)
        db.rollback()
    for email, password in (("omar@example.org", "seven plain wooden spoons"), ("x@example.org", "short")):
        with pytest.raises(Refused):
            actions.create_person(email, "Omar", password)
        db.rollback()


def test_an_operator_opens_an_agency(signed_in: Signer) -> None:
    browser = signed_in(create_person("omar", "operator"))
    answer = browser.send("/agencies", "/agencies", name="Orme", slug="orme")
    assert answer.headers["Location"] == "/a/orme/invites"
    assert browser.get("/a/orme/invites").status_code == 200
    for name, slug in (
        ("Orme", "orme"),
        ("Orme", "Orme!"),
        ("O", "o-two"),
        ("", "o-three"),
        ("Orme", "-x"),
        ("Orme", "x" * 41),
    ):
        assert browser.send("/agencies", "/agencies", name=name, slug=slug).status_code == 422
    assert len(all_of(select(Agency))) == 1


@pytest.mark.parametrize("role", ["moderator", "advocate", "agency_manager", "coordinator", "model"])
def test_nobody_else_sees_the_list_of_agencies(signed_in: Signer, role: str) -> None:
    browser = signed_in(create_person("somebody", role))
    assert browser.get("/agencies").status_code == 404
    assert browser.send("/agencies", "/account", name="Orme", slug="orme").status_code == 404
