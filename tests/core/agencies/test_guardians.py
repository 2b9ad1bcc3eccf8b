"""Guardians (P16, P22, H21): consent, its withdrawal, cutting the link, and growing up."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from forum import db
from forum.accounts import ages
from forum.accounts.models import Person
from forum.agencies.guardians.actions import TERMS_VERSION, move_age_bands
from forum.agencies.models import Guardianship, RoleGrant
from forum.db import commit
from forum.sealing import Broken
from forum.testing import Client, Signer, create_person, viewer_of
from tests.core.accounts.steps import again, all_of, forget, link_in, mails, notice_kinds, one_of, plain, work


def family(**values: Any) -> tuple[Person, Person, Guardianship]:
    """A waiting child, her guardian, and the link that a coordinator made."""
    child = create_person("dasha", "new_face", **{"age_band": "13-15", "state": "waiting", **values})
    guardian = create_person("olena", "guardian")
    link = Guardianship(child_id=child.id, guardian_id=guardian.id)
    db.db.session.add(link)
    commit()
    return child, guardian, link


def press(browser: Client, what: str, handle: str = "dasha") -> int:
    """One of the guardian's buttons."""
    return int(browser.send(f"/guardian/{handle}/{what}", "/account").status_code)


def test_consent_opens_the_account(signed_in: Signer) -> None:
    child, guardian, _link = family()
    own, browser = signed_in(child), signed_in(guardian)
    assert own.get("/a/northlight").status_code == 404
    assert "Waiting for your decision" in browser.get("/guardian").text
    assert press(browser, "consent") == 303
    assert own.get("/a/northlight").status_code == 200
    made = one_of(select(Guardianship))
    assert (made.terms_version, made.consented_at is not None) == (TERMS_VERSION, True)
    assert notice_kinds(child) == ["agencies.consent_given"]
    assert press(browser, "consent") == 404  # twice


def test_withdrawing_freezes_and_consenting_again_opens(signed_in: Signer, client: Client) -> None:
    child, guardian, _link = family()
    clea, ruth = create_person("clea", "coordinator"), create_person("ruth", "agency_manager")
    browser = signed_in(guardian)
    assert press(browser, "withdraw") == 404  # nothing to withdraw
    press(browser, "consent")
    own = signed_in(child)
    client.send("/reset", "/reset", email=child.email)
    work()
    reset = link_in(mails(child.email)[-1])
    assert press(browser, "withdraw") == 303
    assert own.get("/account").status_code == 303
    assert client.get(reset).status_code == 410
    own.sign_in(child)
    assert "paused" in own.get("/account").text
    assert own.get("/a/northlight").status_code == 404
    assert notice_kinds(clea) == ["agencies.child_frozen"]
    assert notice_kinds(ruth) == []
    assert press(browser, "consent") == 303
    assert again(child).state == "active"
    assert again(child).display_name == "Dasha"  # nothing was erased


def test_one_guardians_no_weighs_more_than_anothers_yes(signed_in: Signer) -> None:
    child, first, _link = family()
    second = create_person("petro", "guardian")
    db.db.session.add(Guardianship(child_id=child.id, guardian_id=second.id))
    commit()
    press(signed_in(first), "consent")
    press(signed_in(second), "consent")
    press(signed_in(second), "withdraw")
    assert again(child).state == "waiting"
    press(signed_in(second), "consent")
    assert again(child).state == "active"


def test_a_guardian_signs_the_child_out(signed_in: Signer) -> None:
    child, guardian, _link = family(state="active")
    own = signed_in(child)
    assert press(signed_in(guardian), "end-sign-ins") == 303
    assert own.get("/account").status_code == 303


@pytest.mark.parametrize("what", ["consent", "withdraw", "end-sign-ins"])
def test_nobody_acts_for_a_child_that_is_not_hers(signed_in: Signer, what: str) -> None:
    child, _guardian, _link = family()
    other, clea = create_person("petro", "guardian"), create_person("clea", "coordinator")
    for person in (other, clea, create_person("ines", "model"), child):
        browser = signed_in(person)
        assert press(browser, what) == 404
        assert press(browser, what, "nobody-there") == 404
    assert one_of(select(Guardianship)).consented_at is None


def test_only_guardians_open_the_page(signed_in: Signer, client: Client) -> None:
    child, guardian, _link = family()
    assert signed_in(guardian).get("/guardian").status_code == 200
    for person in (child, create_person("clea", "coordinator"), create_person("omar", "operator")):
        assert signed_in(person).get("/guardian").status_code == 404
    assert client.get("/guardian").headers["Location"].startswith("/sign-in")


def test_a_guardian_sees_nothing_but_name_and_state(signed_in: Signer) -> None:
    child, guardian, _link = family(about="I write about school.", state="active")
    browser = signed_in(guardian)
    text = browser.get("/guardian").text
    assert "Dasha" in text
    for secret in ("school", child.email, "Northlight"):
        assert secret not in text
    for url in ("/people/dasha", "/a/northlight", "/a/northlight/members", "/applications", "/agencies"):
        assert browser.get(url).status_code == 404


def test_from_sixteen_on_a_guardian_decides_nothing(signed_in: Signer) -> None:
    _child, guardian, _link = family(age_band="16-17", state="active")
    browser = signed_in(guardian)
    assert press(browser, "consent") == 404
    assert press(browser, "withdraw") == 404
    assert press(browser, "end-sign-ins") == 303


def test_an_adult_child_is_not_shown(signed_in: Signer) -> None:
    _child, guardian, _link = family(age_band="adult", state="active")
    browser = signed_in(guardian)
    assert "Dasha" not in browser.get("/guardian").text
    assert press(browser, "end-sign-ins") == 404


# --- cutting the link (H21) --------------------------------------------------------------------


def test_a_coordinator_can_cut_a_guardian_off(signed_in: Signer) -> None:
    child, guardian, link = family()
    browser = signed_in(guardian)
    press(browser, "consent")
    desk = signed_in(create_person("clea", "coordinator"))
    page = desk.get("/a/northlight/members/dasha/roles").text
    assert "Olena" in page
    assert desk.send(f"/a/northlight/guardianships/{link.id}/end", "/account").status_code == 303
    assert browser.get("/account").status_code == 303
    browser.sign_in(guardian)
    assert browser.get("/guardian").status_code == 404
    assert press(browser, "withdraw") == 404
    assert again(child).state == "active"  # the consent stays on record
    assert notice_kinds(child) == ["agencies.consent_given"]
    assert desk.send(f"/a/northlight/guardianships/{link.id}/end", "/account").status_code == 404


def test_a_cut_guardians_no_does_not_hold_the_child(signed_in: Signer) -> None:
    child, first, _link = family()
    second = create_person("petro", "guardian")
    db.db.session.add(Guardianship(child_id=child.id, guardian_id=second.id))
    commit()
    press(signed_in(first), "consent")
    press(signed_in(second), "consent")
    press(signed_in(second), "withdraw")
    clea = signed_in(create_person("clea", "coordinator"))
    bad = one_of(select(Guardianship).where(Guardianship.guardian_id == second.id))
    clea.send(f"/a/northlight/guardianships/{bad.id}/end", "/account")
    assert again(child).state == "active"


@pytest.mark.parametrize(
    ("role", "agency"),
    [
        ("coordinator", "corso"), ("agency_manager", "northlight"), ("model", "northlight"), ("operator", None),
        ("guardian", None), ("moderator", None),
    ],
)  # fmt: skip
def test_nobody_else_cuts_a_link(signed_in: Signer, role: str, agency: str | None) -> None:
    _child, _guardian, link = family()
    browser = signed_in(create_person("somebody", role, agency=agency))
    for slug in ("northlight", "corso"):
        assert browser.send(f"/a/{slug}/guardianships/{link.id}/end", "/account").status_code == 404
    assert one_of(select(Guardianship)).ended_at is None


# --- growing up (S24) --------------------------------------------------------------------------


def born(person: Person, day: str) -> None:
    """Put a sealed birth date on record."""
    row = db.db.session.get_one(Person, person.id)
    row.born = ages.seal_born(dt.date.fromisoformat(day), str(person.id))
    commit()


def run(moment: str) -> None:
    """The hourly job at this moment."""
    at = dt.datetime.fromisoformat(moment)
    with time_machine.travel(at, tick=False):
        move_age_bands(at)
        commit()


def test_somebody_turns_sixteen_and_is_free_of_consent(app: Any) -> None:
    child, guardian, _link = family(timezone="America/New_York")
    born(child, "2011-03-10")
    run("2027-03-10T04:59:00+00:00")  # still the ninth in New York
    assert (again(child).age_band, again(child).state) == ("13-15", "waiting")
    run("2027-03-10T05:01:00+00:00")
    assert (again(child).age_band, again(child).state) == ("16-17", "active")
    assert notice_kinds(child) == ["agencies.turned_16"]
    assert one_of(select(Guardianship)).ended_at is None
    assert viewer_of(guardian).site_roles == {"guardian"}
    run("2027-03-10T06:01:00+00:00")
    assert notice_kinds(child) == ["agencies.turned_16"]  # once


def test_somebody_turns_eighteen_on_the_day(signed_in: Signer) -> None:
    child, guardian, _link = family(age_band="16-17", state="active", timezone="Europe/Kyiv")
    born(child, "2009-05-02")
    assert viewer_of(child).is_minor
    run("2027-05-01T21:30:00+00:00")  # half past midnight in Kyiv
    assert not viewer_of(again(child)).is_minor
    assert notice_kinds(child) == ["agencies.turned_18"]
    assert one_of(select(Guardianship)).ended_at is not None
    held = all_of(select(RoleGrant).where(RoleGrant.person_id == guardian.id, RoleGrant.ended_at.is_(None)))
    assert held == []
    forget()


def test_nobody_is_moved_back_or_by_another_persons_date(app: Any) -> None:
    ana = create_person("ana", "new_face", age_band="16-17")
    other = create_person("una", "new_face", age_band="16-17")
    born(ana, "2013-01-01")
    run("2027-01-02T12:00:00+00:00")
    assert again(ana).age_band == "16-17"
    row = db.db.session.get_one(Person, other.id)
    row.born = again(ana).born  # one person's sealed date in another's row
    commit()
    with pytest.raises(Broken):
        ages.born_of(again(other))
    forget()


@pytest.mark.parametrize(
    ("day", "on", "years", "band"),
    [
        ("2010-02-28", "2026-02-27", 15, "13-15"), ("2010-02-28", "2026-02-28", 16, "16-17"),
        ("2008-02-29", "2026-02-28", 17, "16-17"), ("2008-02-29", "2026-03-01", 18, "adult"),
        ("2008-11-22", "2026-11-21", 17, "16-17"), ("2008-11-22", "2026-11-22", 18, "adult"),
    ],
)  # fmt: skip
def test_bands_change_on_the_birthday(day: str, on: str, years: int, band: str) -> None:
    given = dt.date.fromisoformat(day), dt.date.fromisoformat(on)
    assert (ages.age_on(*given), ages.band_of(*given)) == (years, band)


def test_closing_and_coming_back_is_no_way_around_consent(signed_in: Signer, app: Any) -> None:
    child, guardian, _link = family()
    born(child, "2012-01-01")
    own = signed_in(child)
    own.send("/account/delete", "/account/delete", keep_words="y", sure="y")
    back = link_in(mails(child.email)[-1])
    app.test_client().send(back, back)
    assert again(child).state == "waiting"
    press(signed_in(guardian), "consent")
    assert again(child).state == "active"


def test_the_pages_for_both_say_the_same_about_what_is_seen(signed_in: Signer) -> None:
    child, guardian, _link = family()
    assert "may read what you and your mentor write" in signed_in(child).get("/account").text
    assert "may also read what the mentor and your child write" in signed_in(guardian).get("/guardian").text
    assert plain(signed_in(guardian).get("/people/dasha"))[0] == 404
