"""One's own account: settings, password, address, devices, leaving for good."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from forum.accounts import actions
from forum.accounts.models import Person, SignIn
from forum.db import now
from forum.permissions import Refused
from forum.testing import PASSWORD, Signer, create_person
from tests.core.accounts.steps import again, all_of, counted_hashes, link_in, mails, one_of, plain, work

NEW = "seven plain wooden spoons"
SETTINGS = {"display_name": "Inès C.", "about": "Lyon", "locale": "es", "timezone": "Europe/Paris"}


PAGES = (
    "/account /account/password /account/address /account/devices /account/export /account/delete /confirm /sign-out "
    "/leave/about"
)


@pytest.mark.parametrize("url", PAGES.split())
def test_a_member_can_open_every_page_of_her_account(signed_in: Signer, url: str) -> None:
    answer = signed_in(create_person("ines", "model")).get(url)
    assert answer.status_code == 200
    assert "<h1>" in answer.text


def test_nobody_can_open_them_signed_out(app: Flask) -> None:
    for url in ("/account", "/account/password", "/account/address", "/account/devices", "/confirm"):
        assert app.test_client().get(url).headers["Location"].startswith("/sign-in?next=")


def test_a_member_can_change_what_stands_about_her(signed_in: Signer) -> None:
    person = create_person("ines", "model")
    browser = signed_in(person)
    assert browser.send("/account", "/account", **SETTINGS, mail_notices="y").status_code == 303
    changed = again(person)
    assert (changed.display_name, changed.locale, changed.mail_notices) == ("Inès C.", "es", True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"display_name": "Moderator"}, {"display_name": "x"}, {"display_name": "✔ Staff"}, {"display_name": "a" * 61},
        {"locale": "xx"}, {"timezone": "Mars/Base"}, {"about": "y" * 700}, {"display_name": "<b>Ines</b>"},
    ],
)  # fmt: skip
def test_settings_out_of_bounds_are_refused(signed_in: Signer, wrong: dict[str, str]) -> None:
    person = create_person("ines", "model")
    assert signed_in(person).send("/account", "/account", **{**SETTINGS, **wrong}).status_code == 422
    assert again(person).display_name == "Ines"


DECEIVING = (
    "Moderatоr", "MODERATΟR", "M0derator", "Modera-tor", "Ｍoderator", "rnoderator", "Call board", "CaIIboard",
    "Callboard Team", "The Moderators", "Ana · Moderator", "moderation team.", "Аlliance", "АІІіапсе", "Al1iance",
    "Stаff", "Mödérator", "Модератор", "Ines Admin", "Moderadora", "Αna", "Оlena", "Ana\ufe0f", "Ana\u17b4a",
)  # fmt: skip
HONEST = (
    "Inès C.", "Олена", "Ελένη", "Նարե", "李小龍", "ひかりカナ", "محمد", "हिन्दी", "Ana Олена", "O’Neil", "Zoë-Marie", "Đặng Thị",
    "Carolina Stafford", "Ada Minster", "Ana 2",
)  # fmt: skip


@pytest.mark.parametrize("name", DECEIVING)
def test_no_name_passes_for_the_people_who_run_the_site(app: Flask, name: str) -> None:
    with pytest.raises(Refused):
        actions.checked_name(name)


@pytest.mark.parametrize("name", HONEST)
def test_names_of_every_alphabet_are_taken(app: Flask, name: str) -> None:
    assert actions.checked_name(name) == name


def test_nobody_can_make_herself_older_or_an_operator(signed_in: Signer) -> None:
    person = create_person("ana", "new_face", age_band="16-17")
    for field in ("age_band", "born", "state", "role", "id"):
        assert (
            signed_in(person).send("/account", "/account", **SETTINGS, **{field: "adult"}).status_code == 400
        )
    assert again(person).age_band == "16-17"


def test_a_new_password_needs_the_present_one_and_ends_other_devices(signed_in: Signer) -> None:
    person = create_person("ines", "model")
    here, there = signed_in(person), signed_in(person)
    url = "/account/password"
    assert here.send(url, url, current_password="wrong words", new_password=NEW).status_code == 422
    assert here.send(url, url, current_password=PASSWORD, new_password="short").status_code == 422
    assert here.send(url, url, current_password=PASSWORD, new_password=NEW).status_code == 303
    assert here.get("/account").status_code == 200
    assert there.get("/account").status_code == 303


def test_a_new_password_kills_mailed_links(client, signed_in: Signer) -> None:  # type: ignore[no-untyped-def]
    person = create_person("ines", "model")
    client.send("/reset", "/reset", email=person.email)
    work()
    link = link_in(mails(person.email)[-1])
    url = "/account/password"
    signed_in(person).send(url, url, current_password=PASSWORD, new_password=NEW)
    assert client.get(link).status_code == 410


def test_a_known_and_an_unknown_new_address_look_the_same(app: Flask, signed_in: Signer) -> None:
    taken, answers, hashes = create_person("una", "model"), [], []
    for email in (taken.email, "free@example.org"):
        browser = signed_in(create_person(f"ines{len(answers)}", "model", display_name="Ines"))
        token = browser.token("/account/address")
        with counted_hashes() as made:
            sent = browser.post("/account/address", data={"csrf_token": token, "email": email})
        page = browser.get(sent.headers["Location"])
        answers.append((plain(sent), page.text[page.text.index('role="status"'):][:300]))  # fmt: skip
        hashes.append(made)
    assert answers[0] == answers[1]
    assert hashes == [[], []]
    work()
    assert "already has one" in mails(taken.email)[0].body  # the mailbox learns it
    assert "/account/address/" in mails("free@example.org")[0].body


def test_many_members_cannot_flood_a_strangers_mailbox(signed_in: Signer) -> None:
    for n in range(5):
        person = create_person(f"ines{n}", "model", display_name="Ines")
        signed_in(person).send("/account/address", "/account/address", email="victim@example.net")
        work()

    assert len(mails("victim@example.net")) == 3


def test_an_address_is_used_only_after_its_link(signed_in: Signer, app: Flask) -> None:
    person = create_person("ines", "model")
    browser = signed_in(person)
    browser.send("/account/address", "/account/address", email="New@example.org")
    work()
    link = link_in(mails("new@example.org")[0])
    assert again(person).email == "ines@example.org"
    for method in ("GET", "HEAD"):
        assert app.test_client().open(link, method=method).status_code == 200
    assert again(person).email == "ines@example.org"
    assert browser.send(link, link).status_code == 303
    assert again(person).email == "new@example.org"
    assert browser.get("/account").status_code == 303  # signed out everywhere
    assert browser.get(link).status_code == 410
    assert mails("ines@example.org")  # the old address is told


def test_something_sensitive_asks_for_the_password_again(signed_in: Signer) -> None:
    person = create_person("ines", "model")
    with time_machine.travel(now(), tick=False) as clock:
        browser = signed_in(person)
        clock.shift(dt.timedelta(minutes=16))
        asked = browser.get("/account/address")
        assert asked.headers["Location"] == "/confirm?next=/account/address"
        url = asked.headers["Location"]
        assert browser.send(url, url, password="wrong words").status_code == 422
        assert browser.send(url, url, password=PASSWORD).headers["Location"] == "/account/address"
        assert browser.get("/account/address").status_code == 200


def test_a_member_can_sign_one_device_out_and_all_others(signed_in: Signer) -> None:
    person = create_person("ines", "model")
    here, phone, tablet = signed_in(person), signed_in(person), signed_in(person)
    second = all_of(select(SignIn).order_by(SignIn.id))[1].id
    here.send(f"/account/devices/{second}/end", "/account/devices")
    assert (phone.get("/account").status_code, tablet.get("/account").status_code) == (303, 200)
    here.send("/account/devices/end-others", "/account/devices")
    assert (here.get("/account").status_code, tablet.get("/account").status_code) == (200, 303)


def test_nobody_can_sign_another_persons_device_out(signed_in: Signer) -> None:
    victim, thief = create_person("ines", "model"), create_person("una", "model")
    theirs = signed_in(victim)
    own = signed_in(thief)
    target = one_of(select(SignIn).where(SignIn.person_id == victim.id)).id
    for number in (target, 999_999):
        assert own.send(f"/account/devices/{number}/end", "/account/devices").status_code == 404
    assert theirs.get("/account").status_code == 200


def test_an_idle_sign_in_ends(signed_in: Signer) -> None:
    person = create_person("ines", "model")
    browser = signed_in(person)
    with time_machine.travel(now() + dt.timedelta(days=31)):
        assert browser.get("/account").status_code == 303


def test_a_form_sent_twice_is_carried_out_once(signed_in: Signer) -> None:
    browser = signed_in(create_person("ines", "model"))
    token = browser.token("/account/address")
    data = {"csrf_token": token, "once": "k" * 22, "email": "free@example.org"}
    first, second = browser.post("/account/address", data=data), browser.post("/account/address", data=data)
    assert plain(first) == plain(second)
    work()
    assert len(mails("free@example.org")) == 1


def test_the_account_can_be_closed_and_kept(signed_in: Signer, app: Flask) -> None:
    person = create_person("ines", "model")
    browser = signed_in(person)
    assert browser.send("/account/delete", "/account/delete", keep_words="y").status_code == 422
    browser.send("/account/delete", "/account/delete", keep_words="y", sure="y")
    assert again(person).state == "left"
    link = link_in(mails(person.email)[0])
    assert app.test_client().get(link).status_code == 200
    visitor = app.test_client()
    assert visitor.send(link, link).status_code == 303
    assert one_of(select(Person).where(Person.id == person.id)).state == "active"
