"""Reading: what is new, where one goes on, pages of a topic, and that reading leaves little behind."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from flask import Flask
from sqlalchemy import func, insert, select

from forum import db
from forum.boards.models import BoardMark, Post, ReadMark, Topic
from forum.db import now
from tests.personas import Site, mark, visitor


def fill(app: Flask, site: Site, topic_id: int, posts: int) -> None:
    """Give a topic this many posts, at once."""
    with app.app_context():
        topic = db.db.session.get_one(Topic, topic_id)
        first, at = topic.post_count + 1, now()
        rows = [
            {"topic_id": topic_id, "number": n, "author_id": site.people["ines"], "body": f"text {n}",
             "html": f"<p>text {n}.</p>", "created_at": at, "version": 1, "author_role": ""}
            for n in range(first, posts + 1)
        ]  # fmt: skip
        db.db.session.execute(insert(Post), rows)
        topic.post_count = posts
        db.commit()


def read_so_far(app: Flask, site: Site, name: str, topic_id: int) -> int | None:
    with app.app_context():
        return db.db.session.scalar(
            select(ReadMark.number).where(
                ReadMark.person_id == site.people[name], ReadMark.topic_id == topic_id
            )
        )


def numbers(html: str) -> list[int]:
    return [int(n) for n in re.findall(r'<article class="post[^"]*" id="p(\d+)"', html)]


def test_pages_hold_twenty_posts_and_every_post_is_on_one(site_app: Flask, seeded: Site) -> None:
    topic, slug = seeded.topics["castings"], seeded.slugs["castings"]
    fill(site_app, seeded, topic, 45)
    ana = visitor(site_app, seeded, "ana")
    pages = [numbers(ana.get(f"/topics/{topic}-{slug}?page={n}").text) for n in (1, 2, 3)]

    assert pages == [list(range(1, 21)), list(range(21, 41)), list(range(41, 46))]
    assert ana.get(f"/topics/{topic}-{slug}?page=4").status_code == 404
    assert numbers(ana.get(f"/topics/{topic}-{slug}").text) == pages[0]


@pytest.mark.parametrize("page", ["0", "-1", "x", "", "1e3", "２", "99999999999", "2147483648", " 1", "1.0"])
def test_a_page_that_cannot_be_is_missing(site_app: Flask, seeded: Site, page: str) -> None:
    topic, slug = seeded.topics["castings"], seeded.slugs["castings"]

    assert visitor(site_app, seeded, "ana").get(f"/topics/{topic}-{slug}?page={page}").status_code == 404


def test_the_pager_leads_to_the_neighbours_and_the_ends(site_app: Flask, seeded: Site) -> None:
    topic, slug = seeded.topics["castings"], seeded.slugs["castings"]
    fill(site_app, seeded, topic, 200)
    ana = visitor(site_app, seeded, "ana")
    html = ana.get(f"/topics/{topic}-{slug}?page=5").text
    links = sorted({int(n) for n in re.findall(rf'href="/topics/{topic}-{slug}\?page=(\d+)"', html)})

    assert links == [4, 6, 10]
    assert f'href="/topics/{topic}-{slug}"' in html  # the first
    assert re.search(r'aria-current="page">(?:<span class="hide">Page </span>)?5<', html)


def test_a_posts_lasting_address_leads_to_its_page(site_app: Flask, seeded: Site) -> None:
    topic, slug = seeded.topics["castings"], seeded.slugs["castings"]
    fill(site_app, seeded, topic, 45)
    with site_app.app_context():
        found = (
            select(Post.id).where(Post.topic_id == topic, Post.number.in_((20, 21, 45))).order_by(Post.number)
        )
        ids = db.db.session.scalars(found).all()
    ana = visitor(site_app, seeded, "ana")

    assert [ana.get(f"/posts/{i}").location for i in ids] == [
        f"/topics/{topic}-{slug}#p20",
        f"/topics/{topic}-{slug}?page=2#p21",
        f"/topics/{topic}-{slug}?page=3#p45",
    ]


def test_unread_begins_where_one_stopped(site_app: Flask, seeded: Site) -> None:
    topic, slug = seeded.topics["castings"], seeded.slugs["castings"]
    fill(site_app, seeded, topic, 45)
    mbali = visitor(site_app, seeded, "mbali")  # has read nothing yet

    assert mbali.get(f"/topics/{topic}/unread").location == f"/topics/{topic}-{slug}#p1"
    mbali.get(f"/topics/{topic}-{slug}")
    assert read_so_far(site_app, seeded, "mbali", topic) == 20
    assert mbali.get(f"/topics/{topic}/unread").location == f"/topics/{topic}-{slug}?page=2#p21"
    second = mbali.get(f"/topics/{topic}-{slug}?page=2").text
    assert second.index('id="new"') < second.index('id="p21"')
    mbali.get(f"/topics/{topic}-{slug}")  # going back takes nothing away
    assert read_so_far(site_app, seeded, "mbali", topic) == 40
    mbali.get(f"/topics/{topic}-{slug}?page=3")
    assert mbali.get(f"/topics/{topic}/unread").location == f"/topics/{topic}-{slug}?page=3#p45"
    assert 'id="new"' not in mbali.get(f"/topics/{topic}-{slug}?page=3").text


def test_the_board_and_the_first_page_say_what_is_new(site_app: Flask, seeded: Site) -> None:
    topic, slug = seeded.topics["northlight-peer"], seeded.slugs["northlight-peer"]
    mbali, ines = visitor(site_app, seeded, "mbali"), visitor(site_app, seeded, "ines")
    mbali.get(f"/topics/{topic}-{slug}")
    assert mark("topic northlight-peer") not in mbali.get("/").text
    for n in range(3):
        ines.press(f"/topics/{topic}/reply", body=f"news {n}")

    board = mbali.get("/boards/northlight-peer").text
    assert re.search(rf'href="/topics/{topic}/unread"><b>3</b>', board)
    home = mbali.get("/").text
    assert f'href="/topics/{topic}/unread"' in home
    assert "<b>3</b> new" in home


def test_a_board_is_new_until_its_list_was_seen(site_app: Flask, seeded: Site) -> None:
    mbali = visitor(site_app, seeded, "mbali")

    def is_new() -> bool:
        line = next(
            part for part in mbali.get("/boards").text.split("<li>") if 'href="/boards/castings"' in part
        )
        return '<div class="k">New</div>' in line

    assert is_new()
    mbali.get("/boards/castings")
    assert not is_new()
    visitor(site_app, seeded, "ana").press(f"/topics/{seeded.topics['castings']}/reply", body="and on")
    assert is_new()


def marks(app: Flask) -> tuple[int, int]:
    with app.app_context():
        return (
            db.db.session.scalar(select(func.count()).select_from(ReadMark)) or 0,
            db.db.session.scalar(select(func.count()).select_from(BoardMark)) or 0,
        )


@pytest.mark.parametrize("header", ["Sec-Purpose", "Purpose"])
def test_a_guess_of_the_browser_marks_nothing_read(site_app: Flask, seeded: Site, header: str) -> None:
    mbali, before = visitor(site_app, seeded, "mbali"), marks(site_app)
    topic = f"/topics/{seeded.topics['castings']}-{seeded.slugs['castings']}"
    for url in (topic, "/boards/castings"):
        assert mbali.get(url, headers={header: "prefetch;prerender"}).status_code == 200

    assert marks(site_app) == before
    mbali.get(topic)
    mbali.get("/boards/castings")
    assert marks(site_app) == (before[0] + 1, before[1] + 1)


def test_heads_and_strangers_mark_nothing(site_app: Flask, seeded: Site) -> None:
    before = marks(site_app)
    nobody = visitor(site_app, seeded, "nobody")
    nobody.get(f"/topics/{seeded.topics['welcome']}-{seeded.slugs['welcome']}")
    nobody.get("/boards/welcome")
    ana = visitor(site_app, seeded, "ana")
    for slug in ("castings", "lobby"):
        assert ana.head(seeded.topic_url(slug)).status_code == 200
        assert ana.head(f"/boards/{slug}").status_code == 200

    assert marks(site_app) == before


def test_times_stand_in_the_readers_zone(site_app: Flask, seeded: Site) -> None:
    from forum.accounts.models import Person

    with site_app.app_context():
        post = db.db.session.get_one(Post, seeded.posts["castings 1"])
        post.created_at = dt.datetime(2024, 1, 31, 23, 30, tzinfo=dt.UTC)
        db.db.session.get_one(Person, seeded.people["ana"]).timezone = "Asia/Tokyo"
        db.commit()
    topic = f"/topics/{seeded.topics['castings']}-{seeded.slugs['castings']}"

    assert "1 Feb 2024" in visitor(site_app, seeded, "ana").get(topic).text
    assert "31 Jan 2024" in visitor(site_app, seeded, "ines").get(topic).text


def test_a_post_of_somebody_who_left_stays_without_a_name(site_app: Flask, seeded: Site) -> None:
    with site_app.app_context():
        db.db.session.get_one(Post, seeded.posts["spare"]).author_id = None
        db.commit()
    page = visitor(site_app, seeded, "ana").get(
        f"/topics/{seeded.topics['castings']}-{seeded.slugs['castings']}"
    )

    assert page.status_code == 200
    assert "Somebody who left" in page.text
    assert mark("spare") in page.text


def test_names_lead_to_profiles_in_ones_own_agency_only(site_app: Flask, seeded: Site) -> None:
    """P05: on boards across agencies there are display names and no more."""
    ana = visitor(site_app, seeded, "ana")
    across = ana.get(f"/topics/{seeded.topics['castings']}-{seeded.slugs['castings']}").text
    own = ana.get(f"/topics/{seeded.topics['northlight-peer']}-{seeded.slugs['northlight-peer']}").text
    ruth = visitor(site_app, seeded, "ruth")
    house = ruth.get(f"/topics/{seeded.topics['northlight-house']}-{seeded.slugs['northlight-house']}").text

    assert "/people/ines" not in across
    assert "/people/ines" in own
    assert "/people/ana" not in house  # the agency sees roster rows, not profiles
