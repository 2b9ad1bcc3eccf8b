"""What the Alliance decides: applications and suspensions (P12); and the agency's log (P90)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from forum import audit
from forum.accounts.models import Person
from forum.agencies.models import RoleGrant
from forum.agencies.people.actions import lift_suspensions
from forum.agencies.queries import desks
from forum.audit import AuditEntry
from forum.db import commit, now
from forum.testing import Client, Signer, create_agency, create_person, viewer_of
from tests.core.accounts.steps import again, all_of, forget, link_in, mails, notice_kinds, one_of, plain, work

REASON = "Twelve years of work, and kind words."


def vic() -> Person:
    """Somebody who asks to join."""
    return create_person(
        "vic", agency=None, state="applicant", application="I photograph shows.\n<b>bold</b>"
    )


# --- applications --------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["moderator", "operator"])
def test_the_alliance_lets_somebody_in(signed_in: Signer, role: str) -> None:
    person, staff = vic(), create_person("staff", role)
    desk, own = signed_in(staff), signed_in(person)
    assert "Vic" in desk.get("/applications").text
    page = desk.get("/applications/vic").text
    assert "I photograph shows." in page
    assert "&lt;b&gt;" in page
    assert person.email not in page
    assert desk.send("/applications/vic/approve", "/applications", reason=REASON).status_code == 303
    assert (again(person).state, again(person).application) == ("active", "")
    grant = one_of(select(RoleGrant).where(RoleGrant.person_id == person.id))
    assert (grant.role, grant.agency_id) == ("model", None)
    assert viewer_of(again(person)).is_member
    assert own.get("/account").status_code == 303  # a change of state ends sign-ins
    assert notice_kinds(person) == ["agencies.approved"]
    assert desk.send("/applications/vic/approve", "/applications", reason=REASON).status_code == 404
    entry = one_of(select(AuditEntry).where(AuditEntry.action == "agencies.approve"))
    assert (entry.actor_id, entry.reason) == (staff.id, REASON)


def test_the_alliance_declines_with_a_reason(signed_in: Signer) -> None:
    person, desk = vic(), signed_in(create_person("maud", "moderator"))
    assert desk.send("/applications/vic/decline", "/applications", reason="").status_code == 422
    assert (
        desk.send("/applications/vic/decline", "/applications", reason="No models’ work.").status_code == 303
    )
    assert again(person).state == "declined"
    mail = mails(person.email)[-1]
    assert "No models’ work." in mail.body
    assert "Maud" not in mail.body
    assert "answer this mail" in mail.body
    browser = desk.application.test_client()
    assert browser.sign_in(person).status_code == 422
    assert "Vic" not in desk.get("/applications").text


@pytest.mark.parametrize(
    "role", ["advocate", "agency_manager", "booker", "coordinator", "model", "guardian", "mentor"]
)
def test_nobody_else_decides(signed_in: Signer, role: str) -> None:
    person, browser = vic(), signed_in(create_person("somebody", role))
    for url in ("/applications", "/applications/vic", "/applications/nobody-there"):
        assert browser.get(url).status_code == 404
    for what in ("approve", "decline"):
        assert browser.send(f"/applications/vic/{what}", "/account", reason=REASON).status_code == 404
    assert again(person).state == "applicant"


def test_only_applicants_can_be_decided(signed_in: Signer) -> None:
    ines, desk = create_person("ines", "model"), signed_in(create_person("maud", "moderator"))
    assert desk.get("/applications/ines").status_code == 404
    assert desk.send("/applications/ines/decline", "/applications", reason=REASON).status_code == 404
    assert again(ines).state == "active"


# --- suspensions -----------------------------------------------------------------------------------


def suspend(browser: Client, handle: str, days: str = "3", reason: str = "Rude, three times.") -> Any:
    """Send the form."""
    return browser.send(f"/people/{handle}/suspend", "/account", days=days, reason=reason)


@pytest.mark.parametrize("role", ["moderator", "operator"])
def test_a_member_can_be_suspended_and_comes_back(signed_in: Signer, client: Client, role: str) -> None:
    ines, staff = create_person("ines", "model"), create_person("staff", role)
    client.send("/reset", "/reset", email=ines.email)
    work()
    link = link_in(mails(ines.email)[-1])
    own, desk = signed_in(ines), signed_in(staff)
    assert suspend(desk, "ines").status_code == 303
    assert again(ines).state == "suspended"
    assert own.get("/account").status_code == 303
    assert own.sign_in(ines).status_code == 422
    assert client.get(link).status_code == 410
    mail = mails(ines.email)[-1]
    assert "Rude, three times." in mail.body
    assert "answer this mail" in mail.body
    assert "Staff" not in mail.body
    assert mail.subject == "Your account"
    assert suspend(desk, "ines").status_code == 422  # twice
    for hours, state in ((71, "suspended"), (73, "active")):
        with time_machine.travel(now() + dt.timedelta(hours=hours)):
            lift_suspensions(now())
            commit()
        assert again(ines).state == state
    assert notice_kinds(ines) == ["agencies.suspension_over"]


def test_a_suspension_can_end_early(signed_in: Signer) -> None:
    ines, desk = create_person("ines", "model"), signed_in(create_person("maud", "moderator"))
    assert desk.send("/people/ines/suspend/lift", "/account").status_code == 404
    suspend(desk, "ines")
    assert "Suspended now" in desk.get("/people/ines/suspend").text
    assert desk.send("/people/ines/suspend/lift", "/account").status_code == 303
    assert again(ines).state == "active"


def test_a_child_without_consent_does_not_come_back_by_it(signed_in: Signer) -> None:
    dasha = create_person("dasha", "new_face", age_band="13-15", state="waiting")
    desk = signed_in(create_person("maud", "moderator"))
    suspend(desk, "dasha")
    desk.send("/people/dasha/suspend/lift", "/account")
    assert again(dasha).state == "waiting"


@pytest.mark.parametrize("days", ["0", "8", "-1", "x", "", "999999999999"])
def test_seven_days_are_the_most(signed_in: Signer, days: str) -> None:
    ines, desk = create_person("ines", "model"), signed_in(create_person("maud", "moderator"))
    assert suspend(desk, "ines", days).status_code == 422
    assert again(ines).state == "active"


@pytest.mark.parametrize(
    "role", ["agency_manager", "booker", "coordinator", "moderator", "advocate", "operator"]
)
def test_a_moderator_does_not_suspend_staff_an_operator_may(signed_in: Signer, role: str) -> None:
    person = create_person("somebody", role)
    assert suspend(signed_in(create_person("maud", "moderator")), "somebody").status_code == 422
    assert again(person).state == "active"
    assert suspend(signed_in(create_person("omar", "operator")), "somebody").status_code == 303
    assert again(person).state == "suspended"


def test_nobody_suspends_herself(signed_in: Signer) -> None:
    for role in ("moderator", "operator"):
        person = create_person(role, role)
        assert suspend(signed_in(person), role).status_code == 422
        assert again(person).state == "active"


@pytest.mark.parametrize("role", ["model", "coordinator", "agency_manager", "advocate", "guardian"])
def test_nobody_else_suspends(signed_in: Signer, role: str) -> None:
    ines, browser = create_person("ines", "model"), signed_in(create_person("somebody", role))
    assert browser.get("/people/ines/suspend").status_code == 404
    assert suspend(browser, "ines").status_code == 404
    assert browser.send("/people/ines/suspend/lift", "/account").status_code == 404
    assert again(ines).state == "active"


def test_an_applicant_cannot_be_made_a_member_by_a_suspension(signed_in: Signer) -> None:
    person, desk = vic(), signed_in(create_person("maud", "moderator"))
    assert suspend(desk, "vic").status_code == 422
    assert again(person).state == "applicant"


# --- the log ---------------------------------------------------------------------------------------


def fill(count: int) -> int:
    """Acts of many kinds at Northlight; returns the agency's id."""
    place = create_agency("northlight").id
    for n in range(count):
        audit.record("agencies.invite", "invite", n, actor_id=1, agency_id=place, role="model", by="agency")
    audit.record(
        "agencies.grant_role", "person", 1, actor_id=1, agency_id=place, role="mentor", by="coordinator"
    )
    for secret in ("moderation.hide_post", "cases.open", "agencies.confirm_member", "agencies.suspend"):
        audit.record(secret, "person", 1, actor_id=1, agency_id=place, reason="Zebra")
    audit.record(
        "agencies.invite",
        "invite",
        1,
        actor_id=1,
        agency_id=create_agency("corso").id,
        role="booker",
        by="agency",
    )
    commit()
    return place


@pytest.mark.parametrize(
    "role", ["model", "new_face", "mentor", "agency_manager", "booker", "coordinator", "operator"]
)
def test_everybody_who_belongs_reads_the_log(signed_in: Signer, role: str) -> None:
    fill(2)
    text = signed_in(create_person("somebody", role)).get("/a/northlight/log").text
    assert "Invited somebody as: Model." in text
    assert "Gave a role: Mentor." in text
    assert "The coordinator" in text
    for secret in ("Zebra", "Booker.", "hide_post", "onfirm_"):
        assert secret not in text


@pytest.mark.parametrize("role", ["moderator", "advocate", "guardian"])
def test_who_does_not_belong_reads_none(signed_in: Signer, role: str) -> None:
    fill(1)
    browser = signed_in(create_person("somebody", role))
    assert plain(browser.get("/a/northlight/log")) == plain(browser.get("/a/no-such-place/log"))
    assert browser.get("/a/northlight/log").status_code == 404


def test_the_log_is_paged_by_key(signed_in: Signer) -> None:
    fill(60)
    browser = signed_in(create_person("ines", "model"))
    first = browser.get("/a/northlight/log").text
    assert first.count("Invited somebody") == 49
    older = first.split('rel="next"')[0].rpartition('href="')[2].split('"')[0]
    if not older.startswith("/a/"):
        older = first.split('rel="next"')[1].split('href="')[1].split('"')[0]
    assert browser.get(older).text.count("Invited somebody") == 11
    for wrong in ("0", "-5", "x", "99999999999"):
        assert browser.get(f"/a/northlight/log?before={wrong}").status_code == 404


# --- desks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "urls"),
    [
        ("moderator", ["/applications"]), ("operator", ["/applications", "/agencies"]), ("guardian", ["/guardian"]),
        ("coordinator", ["/a/northlight/members", "/a/northlight/invites"]),
        ("booker", ["/a/northlight/members", "/a/northlight/invites"]), ("model", []), ("advocate", []),
    ],
)  # fmt: skip
def test_everybody_finds_her_desks(app: Any, signed_in: Signer, role: str, urls: list[str]) -> None:
    person = create_person("somebody", role)
    with app.test_request_context():
        assert [d.url for d in desks(viewer_of(person))] == urls
    forget()
    browser = signed_in(person)
    for url in urls:
        assert url in browser.get("/").text
        assert browser.get(url).status_code == 200


def test_mails_to_an_address_that_has_changed_are_dropped(signed_in: Signer) -> None:
    from forum.agencies.news import is_still_hers

    person = vic()
    signed_in(create_person("maud", "moderator")).send(
        "/applications/vic/approve", "/applications", reason=REASON
    )
    mail = mails(person.email)[-1]
    assert is_still_hers(mail)
    mail.to_address = "old@example.org"
    assert not is_still_hers(mail)
    forget()
    assert all_of(select(AuditEntry))
