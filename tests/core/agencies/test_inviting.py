"""Invites: who may give which, what the list shows, and that a code is shown once (A10)."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from forum import db
from forum.accounts.models import Person
from forum.agencies.actions import end_at_agency, grant_at_agency
from forum.agencies.joining.actions import create_invite
from forum.agencies.models import Guardianship, Invite, RoleGrant
from forum.audit import AuditEntry
from forum.db import commit, now
from forum.permissions import Missing
from forum.testing import Client, Signer, create_agency, create_person, viewer_of
from tests.core.accounts.steps import again, all_of, link_in, mails, notice_kinds, one_of, work

URL = "/a/northlight/invites"
CEILING = {
    "agency_manager": {"model", "new_face", "booker"},
    "booker": {"model", "new_face"},
    "coordinator": {"model", "new_face", "guardian"},
    "operator": {"agency_manager", "coordinator", "model", "new_face"},
    "model": set(),
    "mentor": set(),
    "moderator": set(),
    "advocate": set(),
    "guardian": set(),
}
EVERY_ROLE = ["model", "new_face", "mentor", "guardian", "coordinator", "agency_manager", "booker", "moderator",
              "advocate", "operator", "checker"]  # fmt: skip


def invite(browser: Client, role: str = "model", **more: str) -> Any:
    """Send the form."""
    return browser.send(URL, URL, legal_name="Noor Haddad", role=role, **more)


@pytest.mark.parametrize("role", CEILING)
def test_nobody_can_invite_above_her_ceiling(app: Flask, role: str) -> None:
    create_agency("northlight")
    inviter = create_person("inviter", role)
    dasha = create_person("dasha", "new_face", age_band="13-15")
    for wanted in EVERY_ROLE:
        if wanted in CEILING[role]:
            create_invite(viewer_of(inviter), "northlight", wanted, "Noor Haddad", dasha.handle, True)
            commit()
        else:
            with pytest.raises(Missing):
                create_invite(viewer_of(inviter), "northlight", wanted, "Noor Haddad", dasha.handle, True)
            db.rollback()
    assert {i.role for i in all_of(select(Invite))} == CEILING[role]


@pytest.mark.parametrize("role", ["model", "mentor", "new_face", "moderator", "advocate", "guardian"])
def test_members_cannot_open_the_page(signed_in: Signer, role: str) -> None:
    create_agency("northlight")
    browser = signed_in(create_person("somebody", role))
    assert browser.get(URL).status_code == 404
    assert browser.send(URL, legal_name="Noor Haddad", role="model").status_code == 404


def test_nobody_can_invite_to_another_agency(signed_in: Signer) -> None:
    create_agency("northlight")
    rosa = create_person("rosa", "agency_manager", agency="corso")
    browser = signed_in(rosa)
    assert browser.get(URL).status_code == 404
    assert browser.get("/a/no-such-agency/invites").status_code == 404
    with pytest.raises(Missing):
        create_invite(viewer_of(rosa), "northlight", "model", "Noor Haddad")


def test_nobody_can_invite_signed_out(client: Client) -> None:
    create_agency("northlight")
    assert client.get(URL).headers["Location"].startswith("/sign-in")
    assert client.send(URL, legal_name="Noor", role="model").headers["Location"].startswith("/sign-in")


def test_the_link_is_shown_once(signed_in: Signer) -> None:
    browser = signed_in(create_person("ruth", "agency_manager"))
    assert invite(browser).headers["Location"] == URL
    shown = browser.get(URL).text
    links = re.findall(r"http://localhost/join/([\w-]+)", shown)
    assert len(links) == 1
    assert browser.get(f"/join/{links[0]}").status_code == 200
    assert links[0] not in browser.get(URL).text
    assert "Noor Haddad" in browser.get(URL).text


@pytest.mark.parametrize("name", ["", " ", "x", "y" * 121])
def test_a_name_is_needed(signed_in: Signer, name: str) -> None:
    browser = signed_in(create_person("ruth", "agency_manager"))
    assert browser.send(URL, URL, legal_name=name, role="model").status_code == 422
    assert all_of(select(Invite)) == []


def test_a_role_out_of_the_list_is_refused(signed_in: Signer) -> None:
    browser = signed_in(create_person("ruth", "agency_manager"))
    for role in ("operator", "agency_manager", "guardian", ""):
        assert invite(browser, role).status_code == 422
    assert all_of(select(Invite)) == []


def test_an_invite_lives_fourteen_days_and_twenty_fit_into_a_day(signed_in: Signer) -> None:
    browser = signed_in(create_person("ruth", "agency_manager"))
    answers = [invite(browser).status_code for _ in range(21)]
    assert answers == [303] * 20 + [422]
    rows = all_of(select(Invite))
    assert len(rows) == 20
    assert abs(rows[0].expires_at - now() - dt.timedelta(days=14)) < dt.timedelta(minutes=5)


def test_a_booker_sees_her_own_invites_a_manager_the_agencys(signed_in: Signer) -> None:
    people = {
        role: create_person(role, role) for role in ("agency_manager", "booker", "coordinator", "operator")
    }
    other = create_person("bo", "booker")
    for role, person in [*people.items(), ("bo", other)]:
        create_invite(viewer_of(person), "northlight", "model", f"Invited by {role}")
        commit()
    seen = {
        role: set(re.findall(r"Invited by \w+", signed_in(p).get(URL).text)) for role, p in people.items()
    }
    agencys = {"Invited by agency_manager", "Invited by booker", "Invited by bo"}
    assert seen["booker"] == {"Invited by booker"}
    assert seen["agency_manager"] == agencys
    assert seen["operator"] == {"Invited by operator"}
    assert seen["coordinator"] == agencys | {"Invited by coordinator", "Invited by operator"}


def test_an_invite_can_be_taken_back_once(signed_in: Signer, client: Client) -> None:
    ruth = create_person("ruth", "agency_manager")
    code = create_invite(viewer_of(ruth), "northlight", "model", "Noor Haddad")
    commit()
    number = one_of(select(Invite)).id
    browser = signed_in(ruth)
    assert browser.send(f"{URL}/{number}/revoke", URL).status_code == 303
    assert client.get(f"/join/{code}").status_code == 410
    assert browser.send(f"{URL}/{number}/revoke", URL).status_code == 404


def test_nobody_can_take_back_an_invite_she_does_not_see(signed_in: Signer) -> None:
    ruth, clea = create_person("ruth", "agency_manager"), create_person("clea", "coordinator")
    others = [create_person("bea", "booker"), create_person("rosa", "agency_manager", agency="corso"),
              create_person("omar", "operator"), create_person("ines", "model")]  # fmt: skip
    create_invite(viewer_of(ruth), "northlight", "model", "Noor Haddad")
    create_invite(viewer_of(clea), "northlight", "model", "Zoe Lind")
    commit()
    first, second = [i.id for i in all_of(select(Invite).order_by(Invite.id))]
    for person in others:
        for number in (first, second, 999_999, 2_147_483_648):
            assert signed_in(person).send(f"{URL}/{number}/revoke", "/account").status_code == 404
    assert signed_in(ruth).send(f"{URL}/{second}/revoke", URL).status_code == 404
    assert {i.revoked_at for i in all_of(select(Invite))} == {None}


def test_invites_of_somebody_whose_role_ends_die(signed_in: Signer, client: Client) -> None:
    ruth, bea = create_person("ruth", "agency_manager"), create_person("bea", "booker")
    code = create_invite(viewer_of(bea), "northlight", "model", "Noor Haddad")
    commit()
    browser = signed_in(ruth)
    page = browser.get("/a/northlight/members").text
    address = re.search(r"/a/northlight/members/\d+/remove", page)
    assert address
    browser.send(address.group(), address.group(), reason="She works elsewhere now.")
    assert client.get(f"/join/{code}").status_code == 410
    assert again(bea).state == "active"


def test_an_old_invite_does_not_come_back_with_the_role(client: Client) -> None:
    """Ended and given again a month later: what was handed out in between opens nothing."""
    omar, ruth = create_person("omar", "operator"), create_person("ruth", "agency_manager")
    code = create_invite(viewer_of(ruth), "northlight", "model", "Noor Haddad")
    commit()
    end_at_agency(viewer_of(omar), "northlight", "ruth", "agency_manager")
    commit()
    grant_at_agency(viewer_of(omar), "northlight", "ruth", "agency_manager")
    commit()

    assert "agency_manager" in viewer_of(again(ruth)).roles
    assert client.get(f"/join/{code}").status_code == 410


def test_giving_a_code_away_is_written_down_without_it(signed_in: Signer) -> None:
    ruth = create_person("ruth", "agency_manager")
    create_invite(viewer_of(ruth), "northlight", "model", "Noor Haddad")
    commit()
    entry = one_of(select(AuditEntry).where(AuditEntry.action == "agencies.invite"))
    assert entry.facts == {"role": "model", "by": "agency"}
    assert entry.agency_id is not None


# --- guardians -----------------------------------------------------------------------------------


def test_a_coordinator_can_invite_a_guardian(signed_in: Signer, client: Client) -> None:
    clea, dasha = create_person("clea", "coordinator"), create_person("dasha", "new_face", age_band="13-15")
    browser = signed_in(clea)
    assert invite(browser, "guardian", child="", proved="y").status_code == 422
    assert invite(browser, "guardian", child="dasha").status_code == 422  # not proved
    assert invite(browser, "guardian", child="nobody", proved="y").status_code in (404, 422)
    assert invite(browser, "guardian", child="dasha", proved="y").status_code == 303
    code = re.findall(r"http://localhost/join/([\w-]+)", browser.get(URL).text)[0]
    data = {"email": "olena@example.org", "display_name": "Olena", "password": "seven plain wooden spoons",
            "born": "1980-05-05", "locale": "uk"}  # fmt: skip
    client.send(f"/join/{code}", f"/join/{code}", **data)
    work()
    link = link_in(mails("olena@example.org")[0])
    client.send(link, link)
    olena = one_of(select(Person).where(Person.email == "olena@example.org"))
    made = one_of(select(Guardianship))
    assert (made.child_id, made.guardian_id, made.verified_by, made.consented_at) == (
        dasha.id,
        olena.id,
        clea.id,
        None,
    )
    grant = one_of(select(RoleGrant).where(RoleGrant.person_id == olena.id))
    assert (grant.role, grant.agency_id) == ("guardian", None)
    assert notice_kinds(dasha) == ["agencies.guardian_linked"]
    client.sign_in("olena@example.org", "seven plain wooden spoons")
    assert client.get("/guardian").status_code == 200
    assert client.get("/a/northlight").status_code == 404


def test_a_child_cannot_become_her_own_guardian(signed_in: Signer) -> None:
    clea = create_person("clea", "coordinator")
    dasha = create_person("dasha", "new_face", age_band="13-15")
    ana = create_person("ana", "new_face", age_band="16-17")
    code = create_invite(viewer_of(clea), "northlight", "guardian", "Olena", dasha.handle, True)
    commit()
    for child in (dasha, ana):
        assert signed_in(child).send(f"/join/{code}", f"/join/{code}").status_code in (404, 422)
    assert all_of(select(Guardianship)) == []


def test_a_guardian_cannot_be_invited_for_an_adult_or_somebody_elsewhere(app: Flask) -> None:
    clea = create_person("clea", "coordinator")
    for person in (
        create_person("ines", "model"),
        create_person("lia", "new_face", agency="corso", age_band="13-15"),
    ):
        with pytest.raises(Missing):
            create_invite(viewer_of(clea), "northlight", "guardian", "Olena", person.handle, True)
        db.rollback()


def test_staff_roles_given_by_invite_are_told_to_every_operator(signed_in: Signer) -> None:
    create_agency("northlight")
    omar, second = create_person("omar", "operator"), create_person("oda", "operator")
    code = create_invite(viewer_of(omar), "northlight", "agency_manager", "Ruth Adeyemi")
    commit()
    ruth = create_person("ruth", agency=None)
    signed_in(ruth).send(f"/join/{code}", f"/join/{code}")
    assert notice_kinds(omar) == notice_kinds(second) == ["agencies.staff_role"]
    grant = one_of(select(RoleGrant).where(RoleGrant.person_id == ruth.id))
    assert abs(grant.expires_at - now() - dt.timedelta(days=365)) < dt.timedelta(minutes=5)
