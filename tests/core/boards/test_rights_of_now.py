"""Rights are those of this moment, not of when a page, link or notice was made (rule 5; H7, H11, H12, H24)."""

from __future__ import annotations

import datetime as dt

import pytest
from flask import Flask
from sqlalchemy import select, update

from forum import db, outbox
from forum.accounts.models import Person, SignIn
from forum.agencies.models import Membership, RoleGrant
from forum.boards.models import Board, Post
from forum.db import now
from forum.notifications.models import Notice
from forum.outbox import OutboxMail
from tests.personas import Site, Visitor, mark, visitor

NOTICE = "New answer in"


def addresses(site: Site, board: str) -> list[str]:
    """Every way to a board: itself, its topic, posts, and what leads there."""
    return [
        f"/boards/{board}", f"/boards/{board}/new", site.topic_url(board), f"/topics/{site.topics[board]}",
        f"/topics/{site.topics[board]}/unread", f"/posts/{site.posts[f'{board} 1']}",
        f"/posts/{site.posts[f'{board} 2']}", f"/posts/{site.posts[f'{board} 1']}/edit",
        f"/posts/{site.posts[f'{board} 1']}/history",
    ]  # fmt: skip


def end_membership(app: Flask, site: Site, name: str) -> None:
    """As removing does it, but the sign-in lives on: an open tab."""
    with app.app_context():
        for table in (Membership, RoleGrant):
            living = update(table).where(table.person_id == site.people[name], table.ended_at.is_(None))
            db.db.session.execute(living.values(ended_at=now()))
        db.db.session.add(RoleGrant(person_id=site.people[name], role="model", agency_id=None))
        db.commit()


def answer_to_ana(app: Flask, site: Site, body: str = "An answer for Ana") -> None:
    ines = visitor(app, site, "ines")
    assert ines.press(f"/topics/{site.topics['northlight-peer']}/reply", body=body).status_code == 303


def badge(browser: Visitor) -> int:
    """The number beside "Notices" in the navigation."""
    html = browser.get("/leave/about").text
    after = html.partition('href="/notifications"')[2][:120]
    return int(after.partition('class="n">')[2].partition("<")[0] or 0)


def test_after_leaving_every_address_is_missing_at_the_next_request(site_app: Flask, seeded: Site) -> None:
    ana = visitor(site_app, seeded, "ana")
    for url in addresses(seeded, "northlight-peer"):
        assert ana.get(url).status_code in (200, 301, 303), url
    end_membership(site_app, seeded, "ana")

    for url in addresses(seeded, "northlight-peer"):
        assert ana.get(url).status_code == 404, url
    own = seeded.posts["northlight-peer 1"]
    for url, fields in (
        (f"/topics/{seeded.topics['northlight-peer']}/reply", {"body": "still here"}),
        ("/boards/northlight-peer/new", {"title": "still here", "body": "still here"}),
        (f"/posts/{own}/edit", {"body": "still here", "version": "1"}), (f"/posts/{own}/delete", {}),
    ):  # fmt: skip
        assert ana.press(url, **fields).status_code == 404, url
    for url in ("/boards", "/", "/notifications", f"/search?q={mark('answer northlight-peer')}"):
        html = ana.get(url).text
        assert f"An answer {mark('answer northlight-peer')}" not in html
        assert mark("topic northlight-peer") not in html
    assert ana.get("/boards/castings").status_code == 200  # the Alliance's boards stay hers (P14)


def test_a_notice_vanishes_with_the_right_and_comes_back_with_it(site_app: Flask, seeded: Site) -> None:
    ana = visitor(site_app, seeded, "ana")
    answer_to_ana(site_app, seeded)
    assert NOTICE in ana.get("/notifications").text
    assert badge(ana) == 2 + 1  # one of the seed, one for its answer, one for this one
    end_membership(site_app, seeded, "ana")

    html = ana.get("/notifications").text
    assert NOTICE not in html
    assert mark("topic northlight-peer") not in html
    assert seeded.topic_url("northlight-peer") not in html


def test_the_count_of_notices_is_of_those_she_may_read(site_app: Flask, seeded: Site) -> None:
    """A counter that counts hidden boards is a leak (forum.md, section 2)."""
    ana = visitor(site_app, seeded, "ana")
    end_membership(site_app, seeded, "ana")
    before = badge(ana)
    answer_to_ana(site_app, seeded)

    assert badge(ana) == before


def test_nobody_is_mailed_about_what_she_may_not_read(site_app: Flask, seeded: Site) -> None:
    """H12: she asked for mails while she was a member; her old topic is answered after she left."""
    with site_app.app_context():
        db.db.session.get_one(Person, seeded.people["ana"]).mail_notices = True
        db.commit()
    end_membership(site_app, seeded, "ana")
    answer_to_ana(site_app, seeded)

    with site_app.app_context():
        outbox.deliver_due(site_app.config["CALLBOARD"], now())
        sent = db.db.session.scalars(
            select(OutboxMail.kind).where(OutboxMail.person_id == seeded.people["ana"])
        )
        assert list(sent) == []


def test_a_queued_mail_is_dropped_when_the_right_goes_before_it(site_app: Flask, seeded: Site) -> None:
    """H11, H12: queued while she could read, delivered after she left."""
    with site_app.app_context():
        db.db.session.get_one(Person, seeded.people["ana"]).mail_notices = True
        db.db.session.execute(update(Notice).values(read_at=now()))
        db.commit()
    answer_to_ana(site_app, seeded)
    end_membership(site_app, seeded, "ana")

    with site_app.app_context():
        assert outbox.deliver_due(site_app.config["CALLBOARD"], now()) == 0


def test_a_mail_about_an_answer_goes_out_while_she_may_read_it(site_app: Flask, seeded: Site) -> None:
    with site_app.app_context():
        db.db.session.get_one(Person, seeded.people["ana"]).mail_notices = True
        db.commit()
    answer_to_ana(site_app, seeded)

    with site_app.app_context():
        assert outbox.deliver_due(site_app.config["CALLBOARD"], now()) == 1
        mail = next((site_app.config["CALLBOARD"].data / "mail").glob("*.eml")).read_text("utf-8")
    assert "Something new" in mail
    for telling in ("northlight", "topic", "ines", "board", "answer"):  # a mail never says what about
        assert telling not in mail.casefold().replace("callboard", ""), telling


@pytest.mark.parametrize("state", ["suspended", "left", "declined", "unverified"])
def test_a_state_that_ends_rights_ends_them_now(site_app: Flask, seeded: Site, state: str) -> None:
    ana = visitor(site_app, seeded, "ana")
    assert ana.get("/boards/castings").status_code == 200
    with site_app.app_context():
        db.db.session.get_one(Person, seeded.people["ana"]).state = state
        db.commit()

    assert ana.get("/boards/castings").status_code == 404
    assert ana.get("/account").status_code == 303


@pytest.mark.parametrize("state", ["waiting", "applicant"])
def test_who_waits_keeps_her_sign_in_and_reads_what_visitors_read(
    site_app: Flask, seeded: Site, state: str
) -> None:
    ana = visitor(site_app, seeded, "ana")
    with site_app.app_context():
        db.db.session.get_one(Person, seeded.people["ana"]).state = state
        db.commit()

    assert ana.get("/account").status_code == 200
    assert [ana.get(f"/boards/{b}").status_code for b in ("welcome", "lobby", "castings", "northlight-peer")] == [
        200, 404, 404, 404,
    ]  # fmt: skip


def test_an_expired_role_is_none(site_app: Flask, seeded: Site) -> None:
    maud = visitor(site_app, seeded, "maud")
    assert maud.get("/boards/castings").status_code == 200
    with site_app.app_context():
        moderator = update(RoleGrant).where(RoleGrant.person_id == seeded.people["maud"])
        db.db.session.execute(moderator.values(expires_at=now() - dt.timedelta(seconds=1)))
        db.commit()

    assert maud.get("/boards/castings").status_code == 404
    assert maud.get("/boards/news").status_code == 404
    assert maud.get("/applications").status_code == 404


def test_a_role_on_the_agencys_side_closes_the_boards_at_the_next_request(
    site_app: Flask, seeded: Site
) -> None:
    """H7, also where the sign-in was not ended."""
    ines = visitor(site_app, seeded, "ines")
    assert ines.get("/boards/northlight-peer").status_code == 200
    with site_app.app_context():
        grant = RoleGrant(
            person_id=seeded.people["ines"], role="booker", agency_id=seeded.agencies["northlight"]
        )
        db.db.session.add(grant)
        db.commit()

    assert [ines.get(f"/boards/{b}").status_code for b in ("northlight-peer", "castings", "northlight-house")] == [
        404, 404, 200,
    ]  # fmt: skip


def test_confirmation_opens_and_closes_peer_boards_at_once(site_app: Flask, seeded: Site) -> None:
    una = visitor(site_app, seeded, "una")
    for confirmed, status in ((None, 404), (now(), 200), (None, 404)):
        with site_app.app_context():
            db.db.session.get_one(Membership, seeded.memberships["una"]).confirmed_at = confirmed
            db.commit()
        assert una.get("/boards/northlight-peer").status_code == status


def test_an_ended_sign_in_is_over_in_every_tab(site_app: Flask, seeded: Site) -> None:
    ana, other_tab = visitor(site_app, seeded, "ana"), visitor(site_app, seeded, "ana")
    assert other_tab.get("/account").status_code == 200
    assert ana.press("/sign-out").status_code == 303

    assert other_tab.get("/account").status_code == 303
    assert other_tab.get("/boards/castings").status_code == 404
    answer = other_tab.press(f"/topics/{seeded.topics['castings']}/reply", body="from an old tab")
    assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/sign-in")


def test_an_unused_sign_in_ends_after_its_days(site_app: Flask, seeded: Site) -> None:
    ana = visitor(site_app, seeded, "ana")
    with site_app.app_context():
        idle = now() - dt.timedelta(days=site_app.config["CALLBOARD"].sign_in_days, seconds=1)
        db.db.session.execute(update(SignIn).values(touched_at=idle))
        db.commit()

    assert ana.get("/account").status_code == 303


def test_search_follows_the_rights_of_now(site_app: Flask, seeded: Site) -> None:
    ana, q = visitor(site_app, seeded, "ana"), f"/search?q={mark('answer northlight-peer')}"
    post = f"/posts/{seeded.posts['northlight-peer 2']}"
    assert post in ana.get(q).text
    end_membership(site_app, seeded, "ana")

    assert post not in ana.get(q).text


def test_old_posts_stay_with_their_readers(site_app: Flask, seeded: Site) -> None:
    """P44: no form changes a board's readers; where the same name is made anew it is another board."""
    omar = visitor(site_app, seeded, "omar")
    answer = omar.press("/boards/new", title="castings", about="", audience="public")

    assert answer.status_code == 303
    with site_app.app_context():
        boards = db.db.session.scalars(
            select(Board).where(Board.slug.like("castings%")).order_by(Board.id)
        ).all()
        assert [b.scope for b in boards] == ["members", "public"]
        posts = db.db.session.scalars(select(Post.id).where(Post.topic_id == seeded.topics["castings"])).all()
    nobody = visitor(site_app, seeded, "nobody")
    assert nobody.get(answer.location).status_code == 200
    assert {nobody.get(f"/posts/{i}").status_code for i in posts} == {404}
