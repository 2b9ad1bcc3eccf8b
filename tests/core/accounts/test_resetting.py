"""Reset by mail: who learns what, and when a link lives."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from forum import outbox
from forum.agencies import news
from forum.db import commit, now
from forum.jobs import Job
from forum.testing import Client, Signer, create_person
from tests.core.accounts.steps import STRANGER, all_of, counted_hashes, link_in, mails, plain, work

NEW = "seven plain wooden spoons"


def asked_link(client: Client, email: str) -> str:
    client.send("/reset", "/reset", email=email)
    work()
    return link_in(mails(email)[-1])


def test_a_member_can_choose_a_new_password(client: Client) -> None:
    person = create_person("ines", "model")
    link = asked_link(client, person.email)

    answer = client.send(link, link, password=NEW)
    assert answer.headers["Location"] == "/sign-in"
    assert client.sign_in(person).status_code == 422
    assert client.sign_in(person, NEW).status_code == 303


def test_a_reset_opens_the_door_while_strangers_go_on_guessing(app: Flask) -> None:
    """From many addresses they use up every minute's tries; who has the mailbox gets in on a new phone."""
    person, own = create_person("ines", "model"), app.test_client()
    link = asked_link(own, person.email)

    def guess() -> None:
        for n in range(25):
            thief = app.test_client()
            data = {"csrf_token": thief.token(), "email": person.email, "password": "a guess"}
            thief.post("/sign-in", data=data, environ_base={"REMOTE_ADDR": f"198.51.100.{n}"})

    with time_machine.travel(now(), tick=False):
        guess()
        assert "Too many tries" in own.sign_in(person).text
        own.send(link, link, password=NEW)
        guess()
        assert own.sign_in(person, NEW).status_code == 303


def test_a_stranger_cannot_tell_known_from_unknown(app: Flask) -> None:
    person = create_person("ines", "model")
    answers, hashes, jobs_made = [], [], []
    for email in (person.email, STRANGER):
        browser = app.test_client()
        token = browser.token("/reset")
        with counted_hashes() as made:
            sent = browser.post("/reset", data={"csrf_token": token, "email": email})
        answers.append((plain(sent), plain(browser.get(sent.headers["Location"]))))
        hashes.append(made)
        jobs_made.append(len(all_of(select(Job).where(Job.name == "accounts.send_reset"))))
        assert mails() == []  # nothing is sent before the answer
    assert answers[0] == answers[1]
    assert hashes == [[], []]
    assert jobs_made == [1, 2]
    work()
    assert [m.to_address for m in mails()] == [person.email]


def test_opening_the_link_uses_nothing_up(client: Client) -> None:
    person = create_person("ines", "model")
    link = asked_link(client, person.email)
    for method in ("GET", "HEAD", "OPTIONS", "GET"):
        client.open(link, method=method)
    assert client.send(link, link, password=NEW).status_code == 303


def test_a_link_works_once(client: Client) -> None:
    person = create_person("ines", "model")
    link = asked_link(client, person.email)
    client.send(link, link, password=NEW)
    client.get("/sign-in")  # shows that it is done
    dead = client.get(link)
    assert dead.status_code == 410
    assert plain(dead) == plain(client.get("/reset/never-made"))
    assert client.send(link, password="another set of words").status_code == 410


def test_a_link_dies_after_an_hour(client: Client) -> None:
    person = create_person("ines", "model")
    link = asked_link(client, person.email)
    with time_machine.travel(now() + dt.timedelta(minutes=61)):
        assert client.get(link).status_code == 410


@pytest.mark.parametrize("weak", ["short", "password123", "ines@example.org", "aaaaaaaaaaaa", "x" * 300])
def test_an_easy_password_is_refused_and_the_link_lives_on(client: Client, weak: str) -> None:
    person = create_person("ines", "model", email="ines.carbonnel@example.org")
    link = asked_link(client, person.email)
    answer = client.send(link, link, password=weak if weak != "ines@example.org" else "ines.carbonnel words")
    assert answer.status_code == 422
    assert client.send(link, link, password=NEW).status_code == 303


def test_every_sign_in_ends_with_a_reset(client: Client, signed_in: Signer) -> None:
    person = create_person("ines", "model")
    phone = signed_in(person)
    link = asked_link(client, person.email)
    client.send(link, link, password=NEW)
    assert phone.get("/account").status_code == 303


def test_a_link_to_the_old_address_dies_with_it(client: Client, signed_in: Signer) -> None:
    person = create_person("ines", "model")
    link = asked_link(client, person.email)
    own = signed_in(person)
    own.send("/account/address", "/account/address", email="new@example.org")
    work()
    proof = link_in(mails("new@example.org")[-1])
    own.send(proof, proof)
    assert client.get(link).status_code == 410


def test_one_mailbox_is_not_flooded(client: Client) -> None:
    person = create_person("ines", "model")
    for _ in range(6):
        client.send("/reset", "/reset", email=person.email)
    work()
    assert len(mails(person.email)) == 3


def test_the_mail_says_nothing_in_its_subject_and_links_to_the_configured_host(client: Client) -> None:
    person = create_person("ines", "model")
    client.post("/reset", data={"csrf_token": client.token("/reset"), "email": person.email},
                headers={"X-Forwarded-Host": "evil.example"})  # fmt: skip
    work()
    mail = mails(person.email)[0]
    assert "callboard" not in mail.subject.lower()
    assert "http://localhost/reset/" in mail.body
    assert "evil" not in mail.body
    assert client.get("/reset", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize("changed", [False, True])
def test_a_queued_mail_does_not_go_to_an_address_she_no_longer_has(
    app: Flask, client: Client, changed: bool
) -> None:
    """H13: the reset link, and what is new about her roles, wait in the outbox while the address changes."""
    person = create_person("ines", "model")
    client.send("/reset", "/reset", email=person.email)
    work()
    news.tell(person, "agencies.confirmed", place="Northlight", slug="northlight")
    if changed:
        person.email = "another@example.org"
    commit()
    outbox.deliver_due(app.config["CALLBOARD"], now() + dt.timedelta(minutes=1))

    sent = [] if changed else ["accounts.reset", "agencies.news"]
    assert [m.kind for m in mails() if m.sent_at] == sent
    assert len(mails()) == len(sent)
