"""Signing in and out: journeys, refusals, and what a stranger can and cannot learn or do."""

from __future__ import annotations

import datetime as dt
import threading
import time

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update

from forum import serving
from forum.accounts import actions, passwords
from forum.accounts.models import Person, SignIn
from forum.db import now, record
from forum.pages import own_address
from forum.testing import PASSWORD, Client, Signer, create_person
from tests.core.accounts.steps import OFF_SITE, STRANGER, all_of, counted_hashes, plain


def test_a_member_can_sign_in_and_out(client: Client) -> None:
    person = create_person("ines", "model")

    answer = client.sign_in(person)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert client.get("/account").status_code == 200

    assert client.get("/sign-out").status_code == 200  # a link alone signs nobody out
    assert client.get("/account").status_code == 200
    client.send("/sign-out")
    assert client.get("/account").status_code == 303


def test_the_page_one_wanted_comes_after_signing_in(client: Client) -> None:
    person = create_person("ines", "model")

    asked = client.get("/account/devices?x=1")
    assert asked.headers["Location"] == "/sign-in?next=/account/devices?x%3D1"
    answer = client.send(asked.headers["Location"], "/sign-in", email=person.email, password=PASSWORD)
    assert answer.headers["Location"] == "/account/devices?x=1"


@pytest.mark.parametrize("wish", OFF_SITE)
def test_nobody_is_sent_to_another_site(app: Flask, client: Client, wish: str) -> None:
    assert own_address(wish) == "/"
    person = create_person("ines", "model")
    answer = client.post(
        "/sign-in", query_string={"next": wish},
        data={"csrf_token": client.token(), "email": person.email, "password": PASSWORD},
    )  # fmt: skip
    assert answer.status_code in (303, 400)  # 400: a NUL in the address
    assert answer.headers.get("Location", "/") == "/"


def test_a_wish_too_long_to_keep_is_no_fault(app: Flask, client: Client) -> None:
    """A page asked for signed out may have a long query; the form's answer is kept up to a length."""
    person, wish = create_person("ines", "model"), "/search?q=" + "a" * 700
    answer = client.post(
        "/sign-in", query_string={"next": wish},
        data={"csrf_token": client.token(), "once": "k" * 22, "email": person.email, "password": PASSWORD},
    )  # fmt: skip
    assert (answer.status_code, answer.location) == (303, "/")
    sent = client.post(
        "/confirm", query_string={"next": wish},
        data={"csrf_token": client.token("/confirm"), "once": "c" * 22, "password": PASSWORD},
    )  # fmt: skip
    assert (sent.status_code, sent.location) == (303, "/account")


def test_a_stranger_cannot_tell_known_from_unknown(app: Flask) -> None:
    person = create_person("ines", "model")
    passwords._hash_of_nobody(passwords._present_hasher())  # made once in a process's life
    answers, hashes = [], []
    for email in (person.email, STRANGER):
        browser = app.test_client()
        token = browser.token()
        with counted_hashes() as made:
            sent = browser.post(
                "/sign-in", data={"csrf_token": token, "email": email, "password": "wrong words"}
            )
        answers.append((sent.status_code, plain(sent)[2].replace(email, "…"), sorted(dict(sent.headers))))
        hashes.append(made)
    assert answers[0] == answers[1]
    assert answers[0][0] == 422
    assert hashes == [["verify"], ["verify"]]


@pytest.mark.parametrize("state", ["suspended", "declined", "left", "unverified"])
def test_a_closed_account_answers_like_a_wrong_password(app: Flask, state: str) -> None:
    person = create_person("ines", "model", state=state)
    answers = [app.test_client().sign_in(person, password) for password in (PASSWORD, "wrong words")]
    assert plain(answers[0]) == plain(answers[1])
    assert answers[0].status_code == 422


def test_what_was_typed_stays_but_never_the_password(client: Client) -> None:
    answer = client.send("/sign-in", email="ines@example.org", password="not her words")
    assert 'value="ines@example.org"' in answer.text
    assert "not her words" not in answer.text


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 422),
        ({"email": " ", "password": " "}, 422),
        ({"email": "x" * 300, "password": "y"}, 422),
        ({"email": "a@b.c", "password": "y" * 5000}, 422),
        ({"email": "a\0b@example.org", "password": "\0"}, 422),
        ({"email": "a@example.org", "password": "b", "role": "operator"}, 400),
        ({"email": "a@example.org", "password": "z" * 300_000}, 413),
    ],
)
def test_malformed_and_oversize_forms_are_refused(
    client: Client, fields: dict[str, str], status: int
) -> None:
    assert client.send("/sign-in", **fields).status_code == status


def test_without_a_token_nothing_happens(client: Client) -> None:
    person = create_person("ines", "model")
    assert client.post("/sign-in", data={"email": person.email, "password": PASSWORD}).status_code == 400
    assert all_of(select(SignIn)) == []


def test_a_stranger_cannot_lock_the_owner_out_of_her_device(app: Flask) -> None:
    person = create_person("ines", "model")
    own = app.test_client()
    own.sign_in(person)
    own.send("/sign-out")
    thieves = [app.test_client() for _ in range(4)]
    refusals = []
    for n, thief in enumerate(thieves):
        token = thief.token()
        for _ in range(8):
            data = {"csrf_token": token, "email": person.email, "password": "a guess"}
            refusals.append(
                thief.post("/sign-in", data=data, environ_base={"REMOTE_ADDR": f"192.0.2.{n}"}).text
            )
    assert "Too many tries" in refusals[-1]  # the stranger is stopped
    assert own.sign_in(person).status_code == 303  # her own device is not


def test_a_stranger_cannot_keep_the_owner_out_for_more_than_a_minute(app: Flask) -> None:
    person = create_person("ines", "model")
    thief, own = app.test_client(), app.test_client()
    token = thief.token()
    with time_machine.travel(now(), tick=False) as clock:
        for _ in range(30):
            data = {"csrf_token": token, "email": person.email, "password": "a guess"}
            thief.post("/sign-in", data=data, environ_base={"REMOTE_ADDR": "192.0.2.7"})
        clock.shift(dt.timedelta(seconds=60))
        assert own.sign_in(person).status_code == 303  # a new device, from another address


def test_the_sign_in_is_new_and_its_token_is_kept_nowhere(client: Client, app: Flask) -> None:
    person = create_person("ines", "model")
    with client.session_transaction() as session:
        session["_user_id"] = "planted by somebody else"
    client.sign_in(person)
    with client.session_transaction() as session:
        token = session["_user_id"]
    rows = all_of(select(SignIn))
    assert len(rows) == 1
    assert token != "planted by somebody else"
    assert token.encode() not in bytes(rows[0].token_hash)


@pytest.mark.parametrize("change", [{"password_hash": "another"}, {"state": "suspended"}, {}])
def test_what_changes_while_a_password_is_checked_counts(
    client: Client, monkeypatch: pytest.MonkeyPatch, change: dict[str, str]
) -> None:
    """The check lets others write: a new password or a suspension of that moment must not be overtaken."""
    person, check = create_person("ines", "model"), actions.is_password

    def slow(kept: str, given: str) -> bool:
        right = check(kept, given)
        if change:
            record(
                lambda session: session.execute(update(Person).where(Person.id == person.id).values(**change))
            )
        return right

    monkeypatch.setattr(actions, "is_password", slow)

    assert client.sign_in("ines@example.org").status_code == (422 if change else 303)
    assert len(all_of(select(SignIn))) == (0 if change else 1)


@pytest.mark.parametrize("purpose", [None, "Sec-Purpose", "Purpose"])
def test_a_guess_of_the_browser_is_no_use_of_a_sign_in(
    app: Flask, signed_in: Signer, purpose: str | None
) -> None:
    browser, long_ago = signed_in(create_person("ines", "model")), now() - dt.timedelta(hours=3)
    record(lambda session: session.execute(update(SignIn).values(touched_at=long_ago)))
    browser.get("/boards", headers={purpose: "prefetch"} if purpose else {})

    assert (all_of(select(SignIn))[0].touched_at == long_ago) == bool(purpose)


def test_a_replayed_cookie_is_dead_after_signing_out(app: Flask, signed_in: Signer) -> None:
    browser = signed_in(create_person("ines", "model"))
    with browser.session_transaction() as session:
        token = session["_user_id"]
    browser.send("/sign-out")
    replay = app.test_client()
    with replay.session_transaction() as session:
        session["_user_id"] = token
    assert replay.get("/account").status_code == 303


def test_leaving_quickly_forgets_the_cookies_and_the_button_ends_the_sign_in(signed_in: Signer) -> None:
    browser = signed_in(create_person("ines", "model"))
    gone = browser.get("/leave?next=//evil.example")
    assert gone.headers["Location"] == "https://www.wikipedia.org/"
    assert "cookies" in gone.headers["Clear-Site-Data"]
    assert one_is_open()
    again = signed_in(create_person("una", "model"))
    again.send("/leave", "/leave/about")
    assert len([s for s in all_of(select(SignIn)) if s.ended_at is None]) == 1


def one_is_open() -> bool:
    return [s.ended_at for s in all_of(select(SignIn))] == [None]


def test_a_flood_of_sign_ins_leaves_a_thread_to_those_who_read(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hashes at a time, one that waits; whoever comes then is told so at once, known or not (A06)."""
    person, started, gate = create_person("ines", "model"), [], threading.Event()

    class Slow:
        def verify(self, kept: str, given: str) -> bool:
            started.append(kept)
            return gate.wait(10)

        def hash(self, password: str) -> str:
            return "the hash of nobody"

    monkeypatch.setattr(passwords, "_present_hasher", Slow)

    def check() -> None:
        with app.app_context():
            passwords.is_password("kept", "given")

    busy = [threading.Thread(target=check) for _ in range(serving.THREADS - 1)]
    for thread in busy:
        thread.start()
    while len(started) < 2 or passwords._places._value:
        time.sleep(0.01)
    answers = [app.test_client().sign_in(email) for email in (person.email, STRANGER)]
    gate.set()
    for thread in busy:
        thread.join()

    assert len(started) == 3
    assert [("Many people" in a.text, a.status_code) for a in answers] == [(True, 422)] * 2
