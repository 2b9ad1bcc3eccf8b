"""Confirming new members (H6): a coordinator alone, two peers together, the agency never."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from forum import db
from forum.accounts.models import Person
from forum.agencies.models import Confirmation, Membership, RoleGrant
from forum.audit import AuditEntry
from forum.db import commit, now
from forum.testing import Client, Signer, create_board, create_person, viewer_of
from tests.core.accounts.steps import all_of, notice_kinds, one_of

URL = "/a/northlight/members/noor/confirm"
HOME = "/a/northlight"


def newcomer(inviter: Person | None = None, **values: Any) -> Person:
    """Somebody who waits to be confirmed."""
    noor = create_person("noor", "model", confirmed=False, **values)
    membership = db.db.session.scalars(select(Membership).where(Membership.person_id == noor.id)).one()
    membership.invited_by, membership.invited_as = inviter.id if inviter else None, "agency"
    commit()
    return noor


def vouch(browser: Client) -> int:
    """Press the button."""
    return int(browser.send(URL, "/account").status_code)


def is_confirmed() -> bool:
    """Whether the newcomer is confirmed."""
    membership = one_of(
        select(Membership).join(Person, Person.id == Membership.person_id).where(Person.handle == "noor")
    )
    return membership.confirmed_at is not None


def test_a_coordinator_confirms_alone(signed_in: Signer) -> None:
    noor, clea = newcomer(), create_person("clea", "coordinator")
    browser = signed_in(clea)
    assert "Invited by the agency" in browser.get(HOME).text
    assert vouch(browser) == 303
    assert is_confirmed()
    assert notice_kinds(noor) == ["agencies.confirmed"]
    assert vouch(browser) == 404  # nothing left to confirm


def test_peers_need_to_be_two(signed_in: Signer) -> None:
    noor = newcomer()
    board = create_board("shared-room", "peer", "northlight")
    first, second = (
        signed_in(create_person("ines", "model")),
        signed_in(create_person("mbali", "mentor", "model")),
    )
    own = signed_in(noor)
    assert vouch(first) == 303
    assert vouch(first) == 303  # the same person twice is one person
    assert len(all_of(select(Confirmation))) == 1
    assert not is_confirmed()
    assert own.get(f"/boards/{board.slug}").status_code == 404
    assert "You said yes" in first.get(HOME).text
    assert vouch(second) == 303
    assert is_confirmed()
    assert own.get(f"/boards/{board.slug}").status_code == 200  # at the next request


@pytest.mark.parametrize(
    ("roles", "values"),
    [
        (("agency_manager",), {}), (("booker",), {}), (("model", "booker"), {}),
        (("coordinator", "agency_manager"), {}),
        (("model",), {"confirmed": False}), (("model",), {"age_band": "16-17"}), (("model",), {"agency": "corso"}),
        (("coordinator",), {"agency": "corso"}), (("operator",), {}), (("moderator",), {}), (("advocate",), {}),
        (("guardian",), {}), ((), {}), (("model",), {"state": "waiting"}),
    ],
)  # fmt: skip
def test_nobody_else_can_confirm(signed_in: Signer, roles: tuple[str, ...], values: dict[str, Any]) -> None:
    newcomer()
    browser = signed_in(create_person("somebody", *roles, **values))
    assert vouch(browser) == 404
    assert all_of(select(Confirmation)) == []


def test_a_booker_elsewhere_does_not_count_as_a_peer(signed_in: Signer) -> None:
    newcomer()
    two_hats = create_person("tess", "model")
    corso = create_person("rosa", "agency_manager", agency="corso")
    place = db.db.session.scalars(select(Membership.agency_id).where(Membership.person_id == corso.id)).one()
    db.db.session.add(RoleGrant(person_id=two_hats.id, agency_id=place, role="booker"))
    commit()
    assert vouch(signed_in(two_hats)) == 404


def test_who_invited_her_cannot_confirm_her(signed_in: Signer) -> None:
    clea = create_person("clea", "coordinator")
    newcomer(clea)
    browser = signed_in(clea)
    assert vouch(browser) == 404
    assert "Somebody new" not in browser.get(HOME).text


def test_nobody_confirms_herself(signed_in: Signer) -> None:
    noor = newcomer()
    assert vouch(signed_in(noor)) == 404
    peer = create_person("ines", "model")
    assert signed_in(peer).send("/a/northlight/members/ines/confirm", "/account").status_code == 404


def test_a_word_counts_only_while_its_giver_is_a_peer(signed_in: Signer) -> None:
    newcomer()
    first, second = create_person("ines", "model"), create_person("mbali", "model")
    vouch(signed_in(first))
    for grant in all_of(select(RoleGrant).where(RoleGrant.person_id == first.id)):
        db.db.session.get(RoleGrant, grant.id).ended_at = now()
    commit()
    vouch(signed_in(second))
    assert not is_confirmed()
    vouch(signed_in(create_person("una", "model")))
    assert is_confirmed()


def test_minors_are_shown_to_and_confirmed_by_the_coordinator_only(signed_in: Signer) -> None:
    newcomer(age_band="16-17")
    peer, clea = signed_in(create_person("ines", "model")), signed_in(create_person("clea", "coordinator"))
    assert "Noor" not in peer.get(HOME).text
    assert vouch(peer) == 404
    assert "Noor" in clea.get(HOME).text
    assert vouch(clea) == 303


def test_the_agency_sees_nobody_who_waits_by_her_display_name(signed_in: Signer) -> None:
    newcomer()
    for role in ("agency_manager", "booker"):
        text = signed_in(create_person(role, role)).get(HOME).text
        assert "Noor" not in text
        assert "/members/noor" not in text


def test_who_confirmed_whom_is_in_no_agency_log(signed_in: Signer) -> None:
    newcomer()
    vouch(signed_in(create_person("clea", "coordinator")))
    entry = one_of(select(AuditEntry).where(AuditEntry.action == "agencies.confirm_member"))
    assert entry.agency_id is None
    assert (
        "onfirm"
        not in signed_in(create_person("ruth", "agency_manager"))
        .get("/a/northlight/log")
        .text.split("<aside")[0]
    )


def test_a_fake_model_of_the_agency_reads_no_peer_board(signed_in: Signer) -> None:
    board = create_board("shared-room", "peer", "northlight")
    members = create_board("members-room", "members")
    fake = signed_in(newcomer(create_person("ruth", "agency_manager")))
    for slug in (board.slug, members.slug):
        assert fake.get(f"/boards/{slug}").status_code == 404
    assert fake.get("/a/northlight/members").status_code == 404
    assert fake.get("/people/ruth").status_code == 200  # who works there is no secret
    create_person("ines", "model")
    assert fake.get("/people/ines").status_code == 404
    assert viewer_of(create_person("zoe", "model", confirmed=False)).scopes == (
        "public",
        "everyone",
        "agency:1",
    )


def test_four_peers_who_press_at_once_confirm_her_once(any_app: Flask) -> None:
    peers = [create_person(f"peer{n}", "model") for n in range(4)]
    noor = newcomer()
    browsers = [any_app.test_client() for _ in peers]
    sent = []
    for browser, peer in zip(browsers, peers, strict=True):
        browser.sign_in(peer)
        sent.append({"csrf_token": browser.token("/account")})
    barrier = Barrier(4)

    def press(n: int) -> int:
        barrier.wait(timeout=30)
        return int(browsers[n].post(URL, data=sent[n]).status_code)

    db.db.session.rollback()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(press, range(4)))

    assert sorted(answers) == [303, 303, 404, 404]  # to the later ones she is confirmed already
    assert is_confirmed()
    assert notice_kinds(noor).count("agencies.confirmed") == 1
