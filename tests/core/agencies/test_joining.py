"""Joining: by invite, by asking, in another browser, too young; and what no screen tells."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from forum import db
from forum.accounts import ages
from forum.accounts.models import Person
from forum.agencies.joining import actions as joining
from forum.agencies.joining.actions import create_invite
from forum.agencies.models import Agency, Invite, Membership, PendingJoin, RoleGrant
from forum.db import commit, now
from forum.jobs import Job
from forum.testing import Client, Signer, create_person, make_app, viewer_of
from tests.core.accounts.steps import (
    STRANGER,
    again,
    all_of,
    counted_hashes,
    forget,
    link_in,
    mails,
    one_of,
    plain,
    work,
)

PASSWORD = "seven plain wooden spoons"


def fields(**changes: str) -> dict[str, str]:
    """What somebody types who joins."""
    return {
        "email": "noor@example.org", "display_name": "Noor", "password": PASSWORD, "born": "2001-02-28",
        "locale": "en", **changes,
    }  # fmt: skip


def code_from(inviter: Person, role: str = "model", **more: Any) -> str:
    """A fresh invite's code."""
    code = create_invite(viewer_of(inviter), "northlight", role, "Noor Haddad", **more)
    commit()
    return code


def join(browser: Client, code: str, **changes: str) -> Any:
    """Send the form of an invite."""
    return browser.send(f"/join/{code}", f"/join/{code}", **fields(**changes))


def finish(browser: Client, email: str = "noor@example.org", **more: str) -> Any:
    """Open the mailed link and press its button."""
    work()
    link = link_in(mails(email)[-1])
    return browser.send(link, link, **more)


def noor() -> Person:
    """The person who joined."""
    return one_of(select(Person).where(Person.email == "noor@example.org"))


@pytest.mark.parametrize("broken", [False, True])
def test_of_two_who_take_one_name_at_once_the_second_is_told(
    any_app: Flask, monkeypatch: pytest.MonkeyPatch, broken: bool
) -> None:
    """Both saw that it was free. The database takes one, and the other is no fault; anything else is one."""
    browser = any_app.test_client()
    create_person("noor", "model", email="another@example.org")
    join(browser, code_from(create_person("ruth", "agency_manager")))
    monkeypatch.setattr(joining, "free_handle", lambda name: None if broken else "noor")
    answer = finish(browser)

    assert answer.status_code == (500 if broken else 409)
    assert ("did the same at this moment" in answer.text) != broken
    assert all_of(select(Person).where(Person.email == "noor@example.org")) == []
    monkeypatch.undo()
    link = link_in(mails("noor@example.org")[-1])
    assert browser.send(link, link).location == "/sign-in"


# --- by invite ---------------------------------------------------------------------------------


def test_somebody_invited_can_join(client: Client) -> None:
    ruth = create_person("ruth", "agency_manager")
    code = code_from(ruth)

    assert join(client, code).headers["Location"] == "/join/sent"
    assert client.get("/join/sent").status_code == 200
    assert all_of(select(Person).where(Person.email == "noor@example.org")) == []
    assert finish(client).headers["Location"] == "/sign-in"

    person = noor()
    membership = one_of(select(Membership).where(Membership.person_id == person.id))
    assert (person.handle, person.state, person.age_band) == ("noor", "active", "adult")
    assert (membership.confirmed_at, membership.invited_by, membership.invited_as) == (
        None,
        ruth.id,
        "agency",
    )
    assert ages.born_of(person) == dt.date(2001, 2, 28)
    assert [g.role for g in all_of(select(RoleGrant).where(RoleGrant.person_id == person.id))] == ["model"]
    assert all_of(select(PendingJoin)) == []
    assert client.sign_in("noor@example.org", PASSWORD).status_code == 303
    assert client.get("/a/northlight").status_code == 200
    assert client.get("/a/northlight/members").status_code == 404  # not confirmed yet


def test_opening_an_invite_uses_nothing_up(client: Client) -> None:
    code = code_from(create_person("ruth", "agency_manager"))
    for method in ("GET", "HEAD", "GET", "OPTIONS"):
        assert client.open(f"/join/{code}", method=method).status_code == 200
    assert one_of(select(Invite)).used_at is None
    assert all_of(select(PendingJoin)) == []


def test_opening_the_mailed_link_uses_nothing_up(client: Client) -> None:
    join(client, code_from(create_person("ruth", "agency_manager")))
    work()
    link = link_in(mails("noor@example.org")[0])
    for method in ("GET", "HEAD", "GET"):
        assert client.open(link, method=method).status_code == 200
    assert finish(client).status_code == 303
    dead = client.get(link)
    assert dead.status_code == 410


def test_wrong_used_old_and_revoked_invites_look_the_same(app: Flask, client: Client) -> None:
    ruth = create_person("ruth", "agency_manager")
    used, revoked, old = code_from(ruth), code_from(ruth), code_from(ruth)
    rows = list(all_of(select(Invite).order_by(Invite.id)))
    for row, field in zip(rows, ("used_at", "revoked_at", "expires_at"), strict=True):
        setattr(db.db.session.get(Invite, row.id), field, now() - dt.timedelta(days=1))
    commit()
    browser = app.test_client()
    answers = {
        plain(browser.get(f"/join/{code}")) for code in (used, revoked, old, "A" * 22, "x", "%F0%9F%98%80")
    }
    assert len(answers) == 1
    assert {a[0] for a in answers} == {410}
    for code in (used, revoked, old, "A" * 22):
        assert browser.send(f"/join/{code}", "/sign-in", **fields()).status_code == 410
    assert all_of(select(PendingJoin)) == []


def test_two_people_cannot_use_one_invite(app: Flask) -> None:
    code = code_from(create_person("ruth", "agency_manager"))
    first, second = app.test_client(), app.test_client()
    join(first, code)
    join(second, code, email="zoe@example.org", display_name="Zoe")
    work()
    slow = link_in(mails("zoe@example.org")[0])
    assert finish(first).status_code == 303
    assert second.get(slow).status_code == 410
    assert second.send(slow, "/sign-in").status_code == 410
    assert all_of(select(Person).where(Person.email == "zoe@example.org")) == []


def test_an_invite_dies_with_the_right_to_give_it(client: Client) -> None:
    ruth = create_person("ruth", "agency_manager")
    code = code_from(ruth)
    assert client.get(f"/join/{code}").status_code == 200
    grant = one_of(select(RoleGrant))
    db.db.session.get(RoleGrant, grant.id).ended_at = now()
    commit()
    assert client.get(f"/join/{code}").status_code == 410


def test_a_link_to_finish_dies_after_two_days(client: Client) -> None:
    join(client, code_from(create_person("ruth", "agency_manager")))
    work()
    link = link_in(mails("noor@example.org")[0])
    with time_machine.travel(now() + dt.timedelta(hours=49)):
        assert client.get(link).status_code == 410


# --- nobody is told who has an account -----------------------------------------------------------


@pytest.mark.parametrize("way", ["invite", "apply"])
def test_a_known_and_an_unknown_address_look_the_same(app: Flask, way: str) -> None:
    ines, ruth = create_person("ines", "model"), create_person("ruth", "agency_manager")
    answers, hashes = [], []
    for email in (ines.email, STRANGER):
        url = f"/join/{code_from(ruth)}" if way == "invite" else "/join"
        browser = app.test_client()
        token = browser.token(url)
        more = {"application": "I would like to."} if way == "apply" else {}
        with counted_hashes() as made:
            sent = browser.post(url, data={"csrf_token": token, **fields(email=email, **more)})
        answers.append((plain(sent), sorted(dict(sent.headers)), plain(browser.get("/join/sent"))))
        hashes.append(made)
    assert answers[0] == answers[1]
    assert hashes == [["hash"], ["hash"]]
    assert mails() == []  # decided later
    assert len(all_of(select(Job).where(Job.name == "agencies.welcome"))) == 2
    work()
    assert "sign in first" in mails(ines.email)[0].body
    assert "/join/finish/" in mails(STRANGER)[0].body
    assert mails(ines.email)[0].subject == mails(STRANGER)[0].subject
    assert [p.email for p in all_of(select(PendingJoin))] == [STRANGER]


def test_refusals_do_not_depend_on_the_address_either(app: Flask) -> None:
    ines, ruth = create_person("ines", "model"), create_person("ruth", "agency_manager")
    code = code_from(ruth)
    for wrong in ({"password": "short"}, {"born": "2020-01-01"}, {"display_name": "Admin"}, {"locale": "xx"}):
        pages = []
        for email in (ines.email, STRANGER):
            sent = join(app.test_client(), code, email=email, **wrong)
            pages.append((sent.status_code, plain(sent)[2].replace(email, "…")))
        assert pages[0] == pages[1]
        assert pages[0][0] == 422


def test_one_mailbox_is_not_flooded(app: Flask) -> None:
    for n in range(5):
        answer = app.test_client().send("/join", "/join", **fields(application=f"Please {n}"))
        assert answer.status_code == 303
    work()
    assert len(mails("noor@example.org")) == 3


def test_tries_are_limited_per_source_and_per_invite(app: Flask) -> None:
    code = code_from(create_person("ruth", "agency_manager"))
    browser = app.test_client()
    token = browser.token(f"/join/{code}")
    data = {"csrf_token": token, **fields()}
    answers = [
        browser.post(f"/join/{code}", data=data, environ_base={"REMOTE_ADDR": f"192.0.2.{n}"})
        for n in range(11)
    ]
    assert [a.status_code for a in answers] == [303] * 10 + [422]
    assert "Too many tries with this invite" in answers[-1].text
    many = [browser.post("/join", data={**data, "application": "Please"}) for _ in range(21)]
    assert "Too many tries from here" in many[-1].text


# --- whose password it is --------------------------------------------------------------------------


def test_another_browser_must_know_the_password(app: Flask) -> None:
    code = code_from(create_person("ruth", "agency_manager"))
    join(app.test_client(), code)
    other = app.test_client()
    assert finish(other).status_code == 422
    assert finish(other, password="not her words").status_code == 422
    assert all_of(select(Person).where(Person.email == "noor@example.org")) == []
    assert finish(other, password=PASSWORD).status_code == 303
    assert noor().state == "active"


# --- ages ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "born", ["", "yesterday", "28/02/2001", "2001-02-30", "2030-01-01", "1850-01-01", "x" * 40]
)
def test_a_date_that_cannot_be_is_refused(client: Client, born: str) -> None:
    assert join(client, code_from(create_person("ruth", "agency_manager")), born=born).status_code == 422
    assert all_of(select(PendingJoin)) == []


def test_somebody_too_young_is_refused_and_shown_the_help_lines(client: Client) -> None:
    young = (now() - dt.timedelta(days=12 * 365)).date().isoformat()
    answer = join(client, code_from(create_person("ruth", "agency_manager")), born=young)
    assert answer.status_code == 422
    assert "listen to you at any age" in answer.text
    assert 'href="tel:' in answer.text


def test_a_site_may_ask_for_more_years(migrated_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(migrated_folder, tmp_path / "data")
    app = make_app(tmp_path / "data", minimum_age=18)
    with app.app_context():
        young = (now() - dt.timedelta(days=17 * 365)).date().isoformat()
        sent = app.test_client().send("/join", "/join", **fields(born=young, application="Please"))
        assert "18 years" in sent.text
        forget()


def test_a_fourteen_year_old_waits_for_her_guardian(client: Client) -> None:
    young = (now() - dt.timedelta(days=14 * 366)).date().isoformat()
    join(client, code_from(create_person("ruth", "agency_manager"), "new_face"), born=young)
    finish(client)
    assert (noor().state, noor().age_band) == ("waiting", "13-15")
    client.sign_in("noor@example.org", PASSWORD)
    assert client.get("/account").status_code == 200
    assert client.get("/a/northlight").status_code == 404


def test_a_fourteen_year_old_cannot_ask_without_an_agency(client: Client) -> None:
    young = (now() - dt.timedelta(days=14 * 366)).date().isoformat()
    answer = client.send("/join", "/join", **fields(born=young, application="Please"))
    assert answer.status_code == 422
    assert "coordinator" in answer.text


def test_a_minor_cannot_become_a_booker(client: Client) -> None:
    young = (now() - dt.timedelta(days=17 * 365)).date().isoformat()
    code = code_from(create_person("ruth", "agency_manager"), "booker")
    assert join(client, code, born=young).status_code == 422


# --- asking ----------------------------------------------------------------------------------------


def test_somebody_without_an_agency_can_ask(client: Client) -> None:
    assert client.send("/join", "/join", **fields(application="Twelve years in Milan.")).status_code == 303
    finish(client)
    assert (noor().state, noor().application) == ("applicant", "Twelve years in Milan.")
    client.sign_in("noor@example.org", PASSWORD)
    for url in ("/", "/boards", "/account"):
        assert client.get(url).status_code == 200
    for url in ("/a/northlight", "/applications", "/people/noor/roles"):
        assert client.get(url).status_code == 404


def test_asking_can_be_closed(migrated_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(migrated_folder, tmp_path / "data")
    app = make_app(tmp_path / "data", applications_open=False)
    with app.app_context():
        assert "closed" in app.test_client().get("/join").text
        app.test_client().send("/join", "/sign-in", **fields(application="Please"))
        assert all_of(select(PendingJoin)) == []


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"email": "no address"}, 422), ({"email": ""}, 422), ({"display_name": "<script>"}, 422),
        ({"password": ""}, 422),
        ({"application": ""}, 422), ({"application": "x" * 2001}, 422), ({"role": "operator"}, 400),
        ({"application": "x" * 300_000}, 413), ({"display_name": "x" * 61}, 422),
    ],
)  # fmt: skip
def test_malformed_questions_are_refused(client: Client, changes: dict[str, str], status: int) -> None:
    answer = client.send("/join", "/join", **{**fields(application="Please"), **changes})
    assert answer.status_code == status
    assert PASSWORD not in answer.text
    assert all_of(select(PendingJoin)) == []


# --- with an account ---------------------------------------------------------------------------------


def test_a_member_can_join_a_second_agency(signed_in: Signer) -> None:
    ruth, tomas = create_person("ruth", "agency_manager"), create_person("tomas", "model", agency="corso")
    code = code_from(ruth)
    here, there = signed_in(tomas), signed_in(tomas)
    shown = here.get(f"/join/{code}")
    assert "Join Northlight" in shown.text
    assert here.send(f"/join/{code}", f"/join/{code}").headers["Location"] == "/"
    assert here.get("/a/northlight").status_code == 200  # in a fresh sign-in of its own
    assert here.get("/a/corso").status_code == 200
    assert there.get("/account").status_code == 303  # every older one has ended
    assert here.get(f"/join/{code}").status_code == 410


def test_nobody_uses_an_invite_of_her_own(signed_in: Signer) -> None:
    ruth = create_person("ruth", "agency_manager")
    code = code_from(ruth)
    assert signed_in(ruth).send(f"/join/{code}", f"/join/{code}").status_code == 422
    assert one_of(select(Invite)).used_at is None


def test_a_coordinator_cannot_take_a_role_on_the_agencys_side(signed_in: Signer) -> None:
    ruth, clea = create_person("ruth", "agency_manager"), create_person("clea", "coordinator")
    code = code_from(ruth, "booker")
    assert signed_in(clea).send(f"/join/{code}", f"/join/{code}").status_code == 422
    assert again(clea).state == "active"
    assert one_of(select(Invite)).used_at is None


def test_an_agencys_manager_cannot_become_its_coordinator(signed_in: Signer) -> None:
    omar, rosa = create_person("omar", "operator"), create_person("rosa", "agency_manager", agency="corso")
    create_person("ruth", "agency_manager")
    code = code_from(omar, "coordinator")
    assert signed_in(rosa).send(f"/join/{code}", f"/join/{code}").status_code == 422


def test_an_applicant_can_come_in_by_invite(signed_in: Signer) -> None:
    ruth = create_person("ruth", "agency_manager")
    vic = create_person("vic", agency=None, state="applicant", application="Please")
    code = code_from(ruth)
    signed_in(vic).send(f"/join/{code}", f"/join/{code}")
    assert (again(vic).state, again(vic).application) == ("active", "")


def test_nothing_of_the_code_is_kept(client: Client) -> None:
    code = code_from(create_person("ruth", "agency_manager"))
    invite = one_of(select(Invite))
    assert len(code) >= 22
    assert code.encode() not in bytes(invite.code_hash)
    assert b"Noor" not in bytes(invite.legal_name)
    assert one_of(select(Agency)).slug == "northlight"
