"""Who makes which board, and that its readers are fixed (P42 to P44)."""

from __future__ import annotations

import inspect
import re

import pytest
from flask import Flask
from sqlalchemy import select

from forum import audit, db
from forum.boards import actions, rules
from forum.boards.models import Board
from forum.permissions import Missing, Refused
from forum.testing import Signer, create_agency, create_board, create_person, viewer_of
from tests.personas import PERSONAS, STRANGERS, Site, visitor

# Of Northlight's boards, by hand: P42 peer boards by coordinator and operator; P43 the others by the agency too.
MAKERS = {
    "peer": {"clea", "omar"},
    "agency": {"clea", "omar", "ruth"},
}


@pytest.mark.parametrize("name", PERSONAS)
@pytest.mark.parametrize("audience", ["peer", "agency"])
def test_an_agencys_boards_are_made_by_those_who_may(
    site_app: Flask, seeded: Site, name: str, audience: str
) -> None:
    browser = visitor(site_app, seeded, name)
    answer = browser.press("/a/northlight/boards", title=f"Made by {name}", about="x", audience=audience)

    with site_app.app_context():
        made = db.db.session.scalar(select(Board).where(Board.title == f"Made by {name}"))
        assert (made is not None) == (name in MAKERS[audience])
        if made is not None:
            northlight = seeded.agencies["northlight"]
            assert (made.scope, made.agency_id) == (f"{audience}:{northlight}", northlight)
    if name in MAKERS["agency"]:
        page = browser.get("/a/northlight/boards").text
        offered = {a for a in ("peer", "agency", "members", "public", "everyone") if f'value="{a}"' in page}
        assert offered == {a for a in MAKERS if name in MAKERS[a]}
        assert answer.status_code == (303 if name in MAKERS[audience] else 422)
    else:
        assert answer.status_code == (303 if name in STRANGERS else 404)


@pytest.mark.parametrize("name", PERSONAS)
@pytest.mark.parametrize("audience", ["public", "everyone", "members"])
def test_boards_of_the_alliance_are_made_by_operators(
    site_app: Flask, seeded: Site, name: str, audience: str
) -> None:
    visitor(site_app, seeded, name).press("/boards/new", title=f"Made by {name}", about="", audience=audience)

    with site_app.app_context():
        made = db.db.session.scalar(select(Board.scope).where(Board.title == f"Made by {name}"))
    assert made == (audience if name == "omar" else None)


@pytest.mark.parametrize("name", ["ruth", "clea", "omar"])
@pytest.mark.parametrize("audience", ["public", "everyone", "members", "", "peer:1", "site"])
def test_an_agency_makes_no_board_of_the_alliance(
    site_app: Flask, seeded: Site, name: str, audience: str
) -> None:
    answer = visitor(site_app, seeded, name).press(
        "/a/northlight/boards", title="A board", about="", audience=audience
    )

    assert answer.status_code == 422


@pytest.mark.parametrize("name", ["ruth", "clea"])
def test_nobody_makes_boards_at_another_agency(site_app: Flask, seeded: Site, name: str) -> None:
    for audience in ("peer", "agency"):
        answer = visitor(site_app, seeded, name).press(
            "/a/corso/boards", title="A board", about="", audience=audience
        )
        assert answer.status_code == 404


def test_actions_ask_as_well(app: Flask) -> None:
    northlight, corso = create_agency("northlight"), create_agency("corso")
    ruth, clea = (
        viewer_of(create_person("ruth", "agency_manager")),
        viewer_of(create_person("clea", "coordinator")),
    )
    ines = viewer_of(create_person("ines", "model"))

    for viewer, audience, agency in (
        (ruth, "peer", northlight.id), (ruth, "agency", corso.id), (ruth, "members", None), (clea, "public", None),
        (clea, "peer", corso.id), (ines, "agency", northlight.id), (ruth, "public", northlight.id),
    ):  # fmt: skip
        with pytest.raises(Missing):
            actions.create_board(viewer, "A title", "", audience, agency)


@pytest.mark.parametrize(
    ("audience", "agency_id"),
    [
        ("peer", None),
        ("agency", None),
        ("members", 1),
        ("public", 1),
        ("everyone", 1),
        ("secret", None),
        ("", None),
    ],
)
def test_a_board_that_cannot_be_has_no_scope(audience: str, agency_id: int | None) -> None:
    with pytest.raises(ValueError):
        rules.scope_of(audience, agency_id)


def test_scopes_are_spelled_out() -> None:
    assert [rules.scope_of(a, None) for a in ("public", "everyone", "members")] == [
        "public",
        "everyone",
        "members",
    ]
    assert (rules.scope_of("peer", 7), rules.scope_of("agency", 7)) == ("peer:7", "agency:7")
    assert rules.scope_of("peer", 7, chartered=True) == "chartered:7"
    assert rules.scope_of("agency", 7, chartered=True) == "agency:7"


@pytest.mark.parametrize("audience", ["agency", "peer"])
def test_a_taken_name_tells_of_no_hidden_board(site_app: Flask, seeded: Site, audience: str) -> None:
    """P27: the address of a new board must not say whether another agency's has the name: both look alike."""
    maker = visitor(site_app, seeded, "ruth" if audience == "agency" else "clea")
    for title in ("corso peer", "corso none"):
        made = maker.press("/a/northlight/boards", title=title, about="", audience=audience)
        assert made.status_code == 303
        with site_app.app_context():
            slug = db.db.session.scalars(select(Board.slug).order_by(Board.id.desc()).limit(1)).one()
        assert re.fullmatch(f"{title.replace(' ', '-')}-[0-9a-f]{{8}}", slug)
        assert maker.get(f"/boards/{slug}").status_code == (200 if audience == "agency" else 404)


@pytest.mark.parametrize("title", ["new", "feed", "search", "---", "東京", "New!"])
def test_a_boards_address_never_hides_a_page(site_app: Flask, seeded: Site, title: str) -> None:
    omar = visitor(site_app, seeded, "omar")
    answer = omar.press(
        "/boards/new", title=f"{title}" if len(title) > 2 else f"{title} x", about="", audience="public"
    )

    assert answer.status_code == 303
    assert answer.location.removeprefix("/boards/") not in ("new", "feed", "search", "", "-")
    assert omar.get(answer.location).status_code == 200


@pytest.mark.parametrize("title", ["", "  ", "ab", "x" * 81, "\u202e\u202e\u202e"])
def test_a_board_needs_a_title(site_app: Flask, seeded: Site, title: str) -> None:
    answer = visitor(site_app, seeded, "omar").press(
        "/boards/new", title=title, about="words", audience="public"
    )

    assert answer.status_code == 422


def test_making_a_board_is_on_record_and_a_peer_board_not_in_the_agencys(any_app: Flask) -> None:
    northlight = create_agency()
    clea = viewer_of(create_person("clea", "coordinator"))
    peer = actions.create_board(clea, "For peers", "", "peer", northlight.id)
    house = actions.create_board(clea, "For all", "", "agency", northlight.id)
    db.commit()

    entries = {e.subject_id: e for e in db.db.session.scalars(select(audit.AuditEntry))}
    assert entries[peer.id].agency_id is None
    assert entries[house.id].agency_id == northlight.id
    assert {e.actor_id for e in entries.values()} == {clea.person_id}
    assert audit.verify() == []


def test_the_agencys_log_can_be_read_after_a_board_was_made(site_app: Flask, seeded: Site) -> None:
    ruth, ana = visitor(site_app, seeded, "ruth"), visitor(site_app, seeded, "ana")
    clea = visitor(site_app, seeded, "clea")
    ruth.press("/a/northlight/boards", title="Open house", about="", audience="agency")
    clea.press("/a/northlight/boards", title="Secret corner", about="", audience="peer")

    for browser in (ruth, ana):
        log = browser.get("/a/northlight/log")
        assert log.status_code == 200
        assert "Open house" in log.text
        assert "Secret corner" not in log.text


def test_nothing_changes_the_readers_of_a_board() -> None:
    """P44: `scope`, `audience` and `agency_id` are set where a board is made, and nowhere else."""
    import forum.boards.actions
    import forum.boards.routes

    for module in (forum.boards.actions, forum.boards.routes):
        source = inspect.getsource(module)
        for name in (".scope = ", ".audience = ", ".agency_id = ", "setattr(", "update(Board).values(scope"):
            assert name not in source


@pytest.mark.parametrize("audience", ["public", "everyone", "members"])
def test_the_sentence_beside_a_composer_is_true(app: Flask, audience: str) -> None:
    sentence = rules.who_can_read(create_board("b", audience), "")

    assert ("without signing in" in sentence) == (audience == "public")
    assert ("Nobody who works at an agency" in sentence) == (audience == "members")


def test_the_sentence_names_the_agency_and_whether_it_reads(app: Flask) -> None:
    peer, house = create_board("p", "peer", "northlight"), create_board("h", "agency", "northlight")
    charter = create_board("c", "peer", "northlight", chartered=True)

    assert "your agency can read this" in rules.who_can_read(house, "Northlight")
    for board in (peer, charter):
        assert "Nobody who works at the agency" in rules.who_can_read(board, "Northlight")
        assert "Northlight" in rules.who_can_read(board, "Northlight")
    assert "coordinator" in rules.who_can_read(charter, "Northlight")
    assert "coordinator" not in rules.who_can_read(peer, "Northlight")
    with pytest.raises(Refused):
        actions.create_board(viewer_of(create_person("omar", "operator")), "x", "", "public", None)


def test_an_operator_makes_a_board_for_reading_and_members_write_nothing_there(
    app: Flask, signed_in: Signer
) -> None:
    omar, ines = (
        signed_in(create_person("omar", "operator", agency=None)),
        signed_in(create_person("ines", "model")),
    )
    fields = {"title": "From the Alliance", "about": "", "audience": "everyone", "read_only": "y"}
    assert omar.send("/boards/new", "/boards/new", **fields).status_code == 303
    board = db.db.session.scalars(select(Board).where(Board.title == "From the Alliance")).one()

    assert board.read_only
    assert "for reading only" in ines.get(f"/boards/{board.slug}").text
    assert ines.get(f"/boards/{board.slug}/new").status_code == 404
    assert ines.send(f"/boards/{board.slug}/new", title="Mine", body="Words").status_code == 404
    assert omar.send(f"/boards/{board.slug}/new", title="News", body="Words").status_code == 303


def test_an_agencys_board_is_never_for_reading_only(app: Flask, signed_in: Signer) -> None:
    ruth = signed_in(create_person("ruth", "agency_manager"))
    fields = {"title": "House", "about": "", "audience": "agency", "read_only": "y"}
    assert ruth.send("/a/northlight/boards", "/a/northlight/boards", **fields).status_code == 400
