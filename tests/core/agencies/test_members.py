"""Members of an agency: who is shown whom by which name, and what removing does (P05, P06, P11, P14)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from forum import db, sealing
from forum.accounts.models import Person
from forum.agencies.models import Membership, RoleGrant
from forum.audit import AuditEntry
from forum.db import commit
from forum.testing import PASSWORD, Client, Signer, create_agency, create_board, create_person, viewer_of
from tests.core.accounts.steps import again, all_of, link_in, mails, notice_kinds, one_of, plain, work

URL = "/a/northlight/members"
REASON = "Her contract has ended."


def membership_of(person: Person) -> Membership:
    """Her only membership."""
    found = one_of(select(Membership).where(Membership.person_id == person.id))
    assert isinstance(found, Membership)
    return found


def with_legal_name(person: Person, name: str) -> Person:
    """Put a legal name on record, as an invite does."""
    row = db.db.session.scalars(select(Membership).where(Membership.person_id == person.id)).one()
    row.legal_name = sealing.seal(name, f"legal_name:{person.id}")
    commit()
    return person


def remove(browser: Client, person: Person, reason: str = REASON) -> Any:
    """Send the form that ends her membership of Northlight."""
    return browser.send(f"{URL}/{membership_of(person).id}/remove", "/account", reason=reason)


@pytest.fixture
def cast(app: Flask) -> dict[str, Person]:
    """A few people at Northlight and one elsewhere."""
    people = {
        "ines": with_legal_name(create_person("ines", "model", display_name="Inès"), "Maria Carbonnel"),
        "ana": with_legal_name(create_person("ana", "new_face", age_band="16-17"), "Joana Ribeiro"),
        "una": with_legal_name(create_person("una", "model", confirmed=False), "Petra Falk"),
        "mbali": create_person("mbali", "mentor", "model"),
        "ruth": create_person("ruth", "agency_manager"),
        "bea": create_person("bea", "booker"),
        "clea": create_person("clea", "coordinator"),
        "omar": create_person("omar", "operator"),
        "tomas": create_person("tomas", "model", agency="corso"),
    }
    return people


# --- lists -------------------------------------------------------------------------------------


def shown(browser: Client) -> str:
    """The list without the bar, which names the reader."""
    text = browser.get(URL).text
    return text[text.index("<main"):text.index("<footer")]  # fmt: skip


@pytest.mark.parametrize("who", ["ruth", "bea"])
def test_the_agency_sees_legal_names_and_no_display_name(
    cast: dict[str, Person], signed_in: Signer, who: str
) -> None:
    text = shown(signed_in(cast[who]))
    for name in ("Maria Carbonnel", "Joana Ribeiro", "Petra Falk", "Ruth", "Bea", "Clea"):
        assert name in text
    for secret in ("Inès", "ines", ">Ana<", "/people/", "Una", "Mbali"):
        assert secret not in text


def test_peers_see_confirmed_adult_peers_and_no_legal_name(
    cast: dict[str, Person], signed_in: Signer
) -> None:
    text = shown(signed_in(cast["mbali"]))
    assert "Inès" in text
    assert "Mbali" in text
    for secret in ("Ana", "Una", "Carbonnel", "Ribeiro", "Tomas", "Under 18", "remove", "Ruth"):
        assert secret not in text


def test_a_coordinator_sees_everybody_and_who_is_young(cast: dict[str, Person], signed_in: Signer) -> None:
    text = shown(signed_in(cast["clea"]))
    for name in ("Inès", "Ana", "Una", "Mbali", "Ruth", "Bea", "Under 18"):
        assert name in text
    assert "Carbonnel" not in text
    assert "Tomas" not in text


def test_an_operator_sees_staff_only(cast: dict[str, Person], signed_in: Signer) -> None:
    text = shown(signed_in(cast["omar"]))
    for name in ("Ruth", "Bea", "Clea"):
        assert name in text
    for secret in ("Inès", "Ana", "Una", "Mbali", "Carbonnel"):
        assert secret not in text


@pytest.mark.parametrize("page", ["", "/members", "/invites", "/log", "/members/ines/roles"])
def test_another_agency_and_none_look_the_same(cast: dict[str, Person], signed_in: Signer, page: str) -> None:
    rosa = create_person("rosa", "agency_manager", agency="corso")
    for person in (cast["tomas"], rosa):
        browser = signed_in(person)
        there, nowhere = browser.get(f"/a/northlight{page}"), browser.get(f"/a/no-such-place{page}")
        assert plain(there)[:2] == plain(nowhere)[:2] == (404, "")
        assert plain(there)[2] == plain(nowhere)[2]


def test_an_unconfirmed_member_sees_the_home_and_no_list(cast: dict[str, Person], signed_in: Signer) -> None:
    browser = signed_in(cast["una"])
    home = browser.get("/a/northlight")
    assert "not confirmed yet" in home.text
    assert browser.get(URL).status_code == 404


@pytest.mark.parametrize("who", ["mbali", "omar"])
def test_a_page_of_the_list_begins_behind_nobody_hidden(
    cast: dict[str, Person], signed_in: Signer, who: str
) -> None:
    """Where a list goes on tells how a name is spelled: minors, newcomers and others not listed are no place."""
    browser = signed_in(cast[who])
    hidden = ("ana", "una", "ruth") if who == "mbali" else ("ana", "una", "ines")
    nobody = browser.get(f"{URL}?after=999999")
    for name in hidden:
        answer = browser.get(f"{URL}?after={membership_of(cast[name]).id}")
        assert (answer.status_code, plain(answer)) == (404, plain(nobody)), name
    listed = "ines" if who == "mbali" else "bea"
    assert browser.get(f"{URL}?after={membership_of(cast[listed]).id}").status_code == 200


def test_lists_are_paged_by_key(signed_in: Signer) -> None:
    clea = create_person("clea", "coordinator")
    place = create_agency("northlight").id
    for n in range(60):
        db.db.session.add(Person(handle=f"p{n}", display_name=f"Name {n:02}", email=f"p{n}@example.org"))
    db.db.session.flush()
    for person in db.db.session.scalars(select(Person).where(Person.handle.like("p%"))).all():
        db.db.session.add(Membership(person_id=person.id, agency_id=place))
        db.db.session.add(RoleGrant(person_id=person.id, agency_id=place, role="model"))
    commit()
    for reader in (clea, create_person("ruth", "agency_manager")):
        browser, url, found = signed_in(reader), URL, []
        while url:
            text = browser.get(url).text
            found += re.findall(r'<p class="t">', text)
            step = re.search(r'rel="next" href="([^"]+)"|href="([^"]+)" rel="next"', text)
            url = (step.group(1) or step.group(2)) if step else ""
        assert len(found) == 62
    for wrong in ("0", "-1", "x", "99999999999", "1.5"):
        assert signed_in(clea).get(f"{URL}?after={wrong}").status_code == 404


# --- removing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["ruth", "bea", "clea", "omar"])
def test_agency_coordinator_and_operator_can_remove_a_member(
    cast: dict[str, Person], signed_in: Signer, who: str
) -> None:
    board = create_board("northlight-room", "peer", "northlight")
    alliance = create_board("members-room", "members")
    ines = cast["ines"]
    own = signed_in(ines)
    assert own.get(f"/boards/{board.slug}").status_code == 200
    assert remove(signed_in(cast[who]), ines).status_code == 303

    assert own.get("/account").status_code == 303  # her sign-ins ended in the same second
    own.sign_in(ines)
    assert own.get("/account").status_code == 200  # her account did not
    assert own.get("/a/northlight").status_code == 404
    assert own.get(f"/boards/{board.slug}").status_code == 404
    assert own.get(f"/boards/{alliance.slug}").status_code == 200  # the Alliance's boards stay
    grants = all_of(select(RoleGrant).where(RoleGrant.person_id == ines.id, RoleGrant.ended_at.is_(None)))
    assert [(g.role, g.agency_id) for g in grants] == [("model", None)]
    assert notice_kinds(ines) == ["agencies.removed"]
    told = own.get("/notifications").text
    assert "appeal" in told
    assert {"ruth": "office", "bea": "office", "clea": "coordinator", "omar": "Alliance"}[who] in told


def test_the_mail_about_it_says_nothing_by_itself(cast: dict[str, Person], signed_in: Signer) -> None:
    remove(signed_in(cast["ruth"]), cast["ines"])
    mail = mails(cast["ines"].email)[-1]
    for word in ("Northlight", "member", "ended", "agency", "Ruth"):
        assert word not in mail.subject + mail.body


def test_everything_that_was_sent_before_is_dead(
    cast: dict[str, Person], signed_in: Signer, client: Client
) -> None:
    ines = cast["ines"]
    client.send("/reset", "/reset", email=ines.email)
    work()
    link = link_in(mails(ines.email)[-1])
    own = signed_in(ines)
    with own.session_transaction() as session:
        cookie = session["_user_id"]
    remove(signed_in(cast["ruth"]), ines)
    replay = own.application.test_client()
    with replay.session_transaction() as session:
        session["_user_id"] = cookie
    assert replay.get("/account").status_code == 303
    assert client.get(link).status_code == 410
    own.sign_in(ines)
    for url in ("/a/northlight", URL, "/a/northlight/log", "/people/mbali"):
        assert own.get(url).status_code == (
            200 if url == "/people/mbali" else 404
        )  # her name, from the Alliance's boards


def test_a_removed_newcomer_gets_nothing_with_the_alliance(
    cast: dict[str, Person], signed_in: Signer
) -> None:
    remove(signed_in(cast["ruth"]), cast["una"])
    grants = all_of(
        select(RoleGrant).where(RoleGrant.person_id == cast["una"].id, RoleGrant.ended_at.is_(None))
    )
    assert grants == []
    assert viewer_of(again(cast["una"])).scopes == ("public",)


def test_removing_is_written_down_with_its_reason(cast: dict[str, Person], signed_in: Signer) -> None:
    remove(signed_in(cast["ruth"]), cast["ines"])
    entry = one_of(select(AuditEntry).where(AuditEntry.action == "agencies.remove_member"))
    assert (entry.actor_id, entry.reason, entry.facts["by"]) == (cast["ruth"].id, REASON, "agency")
    log = signed_in(cast["mbali"]).get("/a/northlight/log").text
    assert "Ended somebody’s membership" in log
    assert "The agency" in log
    for secret in ("Inès", "Carbonnel", REASON):
        assert secret not in log


def test_removing_twice_and_without_a_reason_is_refused(cast: dict[str, Person], signed_in: Signer) -> None:
    browser = signed_in(cast["ruth"])
    for reason in ("", "  ", "no", "\u200b" * 9, "ab\u00ad\u2060\u2800", "x" * 301):
        assert remove(browser, cast["ines"], reason).status_code == 422
    assert membership_of(cast["ines"]).ended_at is None
    assert remove(browser, cast["ines"]).status_code == 303
    assert remove(browser, cast["ines"]).status_code == 404


@pytest.mark.parametrize(
    ("who", "whom"),
    [
        ("ruth", "clea"), ("bea", "clea"), ("bea", "ruth"), ("ruth", "ruth"), ("bea", "bea"), ("clea", "ruth"),
        ("clea", "bea"), ("clea", "clea"), ("ines", "mbali"), ("mbali", "ines"), ("tomas", "ines"), ("ana", "ana"),
    ],
)  # fmt: skip
def test_nobody_can_remove_who_is_not_hers_to_remove(
    cast: dict[str, Person], signed_in: Signer, who: str, whom: str
) -> None:
    browser = signed_in(cast[who])
    number = membership_of(cast[whom]).id
    missing = browser.get(f"{URL}/999999/remove")
    assert plain(browser.get(f"{URL}/{number}/remove")) == plain(missing)
    assert remove(browser, cast[whom]).status_code == 404
    assert membership_of(cast[whom]).ended_at is None


def test_who_has_closed_her_account_is_in_no_list(cast: dict[str, Person], signed_in: Signer) -> None:
    own = signed_in(cast["ines"])
    own.send("/account/delete", "/account/delete", keep_words="y", sure="y")
    for who in ("ruth", "clea", "mbali"):
        text = shown(signed_in(cast[who]))
        assert "Carbonnel" not in text
        assert "Inès" not in text
    for who in ("ruth", "clea", "omar"):
        assert remove(signed_in(cast[who]), cast["ines"]).status_code == 404


def test_a_manager_cannot_reach_into_another_agency(cast: dict[str, Person], signed_in: Signer) -> None:
    ruth, number = signed_in(cast["ruth"]), membership_of(cast["tomas"]).id
    assert ruth.send(f"{URL}/{number}/remove", "/account", reason=REASON).status_code == 404
    assert ruth.send(f"/a/corso/members/{number}/remove", "/account", reason=REASON).status_code == 404
    assert membership_of(cast["tomas"]).ended_at is None


def test_removal_right_after_a_report_changes_nothing_for_the_report(
    cast: dict[str, Person], signed_in: Signer
) -> None:
    """H5, the part that agencies have: the account lives, and the agency is told nothing."""
    remove(signed_in(cast["ruth"]), cast["ines"])
    ines = again(cast["ines"])
    assert ines.state == "active"
    assert notice_kinds(cast["ruth"]) == notice_kinds(cast["bea"]) == []
    own = signed_in(ines)
    assert own.sign_in(ines, PASSWORD).status_code == 303


def test_other_memberships_stay(cast: dict[str, Person], signed_in: Signer) -> None:
    ines, corso = cast["ines"], create_agency("corso")
    db.db.session.add(Membership(person_id=ines.id, agency_id=corso.id))
    db.db.session.add(RoleGrant(person_id=ines.id, agency_id=corso.id, role="model"))
    commit()
    number = all_of(select(Membership).where(Membership.person_id == ines.id).order_by(Membership.id))[0].id
    signed_in(cast["ruth"]).send(f"{URL}/{number}/remove", "/account", reason=REASON)
    own = signed_in(ines)
    assert own.get("/a/corso").status_code == 200
    assert own.get("/a/northlight").status_code == 404
