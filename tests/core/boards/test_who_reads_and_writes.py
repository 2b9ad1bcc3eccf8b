"""Boards, topics and posts against the tests' own table of readers and writers (P23 to P28, H3, H6, H7)."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import func, select

from forum import db
from forum.boards.models import Post
from forum.testing import Signer, create_agency, create_board, create_person, viewer_of
from tests.access import READERS, WRITERS
from tests.personas import BOARDS, PERSONAS, Site, mark, restore, visitor


@pytest.mark.parametrize("name", PERSONAS)
def test_the_boards_page_lists_what_one_reads_and_nothing_else(
    site_app: Flask, seeded: Site, name: str
) -> None:
    page = visitor(site_app, seeded, name).get("/boards")

    listed = {slug for slug in BOARDS if mark(f"board {slug}") in page.text}
    assert listed == {slug for slug in BOARDS if name in READERS[slug]}


@pytest.mark.parametrize("name", PERSONAS)
def test_boards_topics_and_posts_open_to_their_readers_alone(
    site_app: Flask, seeded: Site, name: str
) -> None:
    browser = visitor(site_app, seeded, name)
    for slug in BOARDS:
        topic, post = seeded.topics[slug], seeded.posts[f"{slug} 2"]
        answers = [
            browser.get(url).status_code
            for url in (
                f"/boards/{slug}",
                f"/topics/{topic}-{seeded.slugs[slug]}",
                f"/posts/{post}",
                f"/topics/{topic}",
            )
        ]
        assert answers == ([200, 200, 303, 301] if name in READERS[slug] else [404] * 4), slug


@pytest.mark.parametrize("name", PERSONAS)
def test_replies_are_taken_from_writers_alone(site_app: Flask, seeded: Site, name: str) -> None:
    browser = visitor(site_app, seeded, name)
    for slug in BOARDS:
        answer = browser.press(f"/topics/{seeded.topics[slug]}/reply", body=f"Words of {name}")
        written = answer.status_code == 303 and answer.location.startswith("/topics/")
        assert written == (name in WRITERS[slug]), slug
        assert written or answer.status_code in (404, 303), slug

    with site_app.app_context():
        kept = db.db.session.scalar(select(func.count()).where(Post.body == f"Words of {name}"))
    assert kept == sum(name in WRITERS[slug] for slug in BOARDS)


@pytest.mark.parametrize("name", PERSONAS)
def test_topics_are_opened_by_writers_alone(site_app: Flask, seeded: Site, name: str) -> None:
    browser = visitor(site_app, seeded, name)
    for slug in BOARDS:
        page = browser.get(f"/boards/{slug}/new").status_code
        answer = browser.press(f"/boards/{slug}/new", title=f"Title of {name}", body="Words")
        opened = answer.status_code == 303 and answer.location.startswith("/topics/")
        assert (page == 200) == opened == (name in WRITERS[slug]), slug


def test_a_board_offers_writing_only_to_those_who_may(site_app: Flask, seeded: Site) -> None:
    for name in PERSONAS:
        browser = visitor(site_app, seeded, name)
        for slug in (s for s in BOARDS if name in READERS[s]):
            board = browser.get(f"/boards/{slug}").text
            topic = browser.get(f"/topics/{seeded.topics[slug]}-{seeded.slugs[slug]}").text
            offered = (f'href="/boards/{slug}/new"' in board, f"/topics/{seeded.topics[slug]}/reply" in topic)
            assert offered == (name in WRITERS[slug],) * 2, f"{name} on {slug}"


def test_somebody_unconfirmed_reads_with_the_agency_and_not_with_its_models(app: Flask) -> None:
    create_board("peers", "peer", "northlight")
    una = create_person("una", "model", confirmed=False)
    ines = create_person("ines", "model")

    assert viewer_of(una).scopes == ("public", "everyone", f"agency:{create_agency().id}")
    assert "members" in viewer_of(ines).scopes


@pytest.mark.parametrize("staff", ["agency_manager", "booker"])
def test_a_role_on_the_agencys_side_closes_peer_and_member_boards(app: Flask, staff: str) -> None:
    both = viewer_of(create_person("both", "model", staff))
    mentor = viewer_of(create_person("mentor", "mentor", "model", staff))

    northlight = create_agency().id
    assert both.scopes == mentor.scopes == ("public", "everyone", f"agency:{northlight}")


def test_a_role_at_another_agencys_side_closes_the_members_boards_everywhere(
    app: Flask, signed_in: Signer
) -> None:
    from forum.agencies.models import Membership, RoleGrant

    kit = create_person("kit", "model")
    corso = create_agency("corso")
    db.db.session.add(Membership(person_id=kit.id, agency_id=corso.id))
    db.db.session.add(RoleGrant(person_id=kit.id, role="booker", agency_id=corso.id))
    db.commit()
    create_board("castings", "members")
    create_board("corsos", "peer", "corso")
    create_board("northlights", "peer", "northlight")

    scopes = viewer_of(kit).scopes
    assert "members" not in scopes
    assert f"peer:{corso.id}" not in scopes
    assert f"agency:{corso.id}" in scopes
    browser = signed_in(kit)
    assert browser.get("/boards/castings").status_code == 404
    assert browser.get("/boards/corsos").status_code == 404
    assert browser.get("/boards/northlights").status_code == 200  # H7: the role is at the other agency


def test_a_model_of_two_agencies_reads_both_and_they_stay_apart(app: Flask) -> None:
    from forum.agencies.models import Membership, RoleGrant

    kit = create_person("kit", "model")
    corso = create_agency("corso")
    db.db.session.add(Membership(person_id=kit.id, agency_id=corso.id))  # nobody there has confirmed her
    db.db.session.add(RoleGrant(person_id=kit.id, role="model", agency_id=corso.id))
    db.commit()

    scopes = viewer_of(kit).scopes
    assert f"peer:{create_agency().id}" in scopes
    assert f"agency:{corso.id}" in scopes
    assert f"peer:{corso.id}" not in scopes


def test_two_accounts_at_once_are_two_people(site_app: Flask, seeded: Site) -> None:
    """Requests share nothing: the second browser is not taken for the first one's person."""
    ana, tomas = visitor(site_app, seeded, "ana"), visitor(site_app, seeded, "tomas")

    assert ana.get("/boards/northlight-peer").status_code == 200
    assert tomas.get("/boards/northlight-peer").status_code == 404
    assert ana.get("/boards/corso-peer").status_code == 404
    restore(site_app, seeded)
    assert tomas.get("/boards/corso-peer").status_code == 200
