"""The first page: what this is for a stranger, today for a member, and nothing of what she may not see."""

from __future__ import annotations

import datetime as dt

import pytest
from flask import Flask
from sqlalchemy import update

from forum import db
from forum.accounts.models import Person
from forum.boards.models import ReadMark, Topic
from forum.db import now
from tests.access import READERS
from tests.personas import BOARDS, SIGNED_IN, Site, mark, visitor


def everything_new(app: Flask, site: Site) -> None:
    """Everybody has opened every topic once and there is something new in each."""
    with app.app_context():
        for name in SIGNED_IN:
            for topic in {*site.topics.values()}:
                row = ReadMark(person_id=site.people[name], topic_id=topic, number=0)
                db.db.session.merge(row)
        db.db.session.execute(update(ReadMark).values(at=now(), number=0))
        db.commit()


@pytest.mark.parametrize("name", SIGNED_IN)
def test_what_is_new_is_from_boards_one_reads(site_app: Flask, seeded: Site, name: str) -> None:
    everything_new(site_app, seeded)
    html = visitor(site_app, seeded, name).get("/").text

    shown = {slug for slug in BOARDS if mark(f"topic {slug}") in html}
    readable = {slug for slug in BOARDS if name in READERS[slug]}
    assert shown <= readable
    assert shown == readable or len(shown) >= 8  # at most ten topics
    assert mark("topic gone") not in html


def test_a_stranger_is_told_what_this_is_and_where_help_is(site_app: Flask, seeded: Site) -> None:
    html = visitor(site_app, seeded, "nobody").get("/").text

    assert 'href="tel:911"' in html
    assert 'href="/sign-in"' in html
    assert 'href="/join"' in html
    assert mark("board welcome") in html
    for slug in set(BOARDS) - {"welcome"}:
        assert mark(f"board {slug}") not in html


def test_an_applicant_is_told_that_he_waits(site_app: Flask, seeded: Site) -> None:
    html = visitor(site_app, seeded, "vic").get("/").text

    assert "Your account is not open yet" in html
    assert "northlight" not in html.casefold()


def test_who_is_not_confirmed_is_told_what_opens_the_boards(site_app: Flask, seeded: Site) -> None:
    sentence = "must say that they know you"

    assert sentence in visitor(site_app, seeded, "una").get("/").text
    assert sentence not in visitor(site_app, seeded, "ines").get("/").text


def test_first_steps_stand_there_for_two_weeks(site_app: Flask, seeded: Site) -> None:
    def has_steps(days: int) -> bool:
        with site_app.app_context():
            db.db.session.get_one(Person, seeded.people["ana"]).created_at = now() - dt.timedelta(days=days)
            db.commit()
        return "Your first steps" in visitor(site_app, seeded, "ana").get("/").text

    assert has_steps(1)
    assert has_steps(13)
    assert not has_steps(15)


def test_topics_not_opened_for_two_months_are_let_go(site_app: Flask, seeded: Site) -> None:
    everything_new(site_app, seeded)
    with site_app.app_context():
        db.db.session.execute(update(ReadMark).values(at=now() - dt.timedelta(days=61)))
        db.commit()

    assert mark("topic castings") not in visitor(site_app, seeded, "ana").get("/").text


def test_at_most_ten_topics_newest_first(site_app: Flask, seeded: Site) -> None:
    with site_app.app_context():
        for n in range(15):
            at = now() - dt.timedelta(minutes=n)
            topic = Topic(
                board_id=seeded.boards["castings"],
                title=f"Many {n}.",
                slug="x",
                post_count=2,
                last_post_at=at,
            )
            db.db.session.add(topic)
            db.db.session.flush()
            db.db.session.add(ReadMark(person_id=seeded.people["mbali"], topic_id=topic.id, number=1))
        db.commit()
    html = visitor(site_app, seeded, "mbali").get("/").text
    shown = [n for n in range(15) if f"Many {n}." in html]

    assert len(shown) <= 10
    assert shown == list(range(len(shown)))
    places = [html.index(f"Many {n}.") for n in shown]
    assert places == sorted(places)


DESKS = {
    "ruth": {"/a/northlight/members", "/a/northlight/invites"},
    "bea": {"/a/northlight/members", "/a/northlight/invites"},
    "clea": {"/a/northlight/members", "/a/northlight/invites"},
    "maud": {"/applications"},
    "omar": {"/applications", "/agencies"},
    "olena": {"/guardian"},
}


@pytest.mark.parametrize("name", SIGNED_IN)
def test_desks_are_where_ones_roles_have_work(site_app: Flask, seeded: Site, name: str) -> None:
    html = visitor(site_app, seeded, name).get("/").text
    known = {url for urls in DESKS.values() for url in urls}

    assert {url for url in known if f'href="{url}"' in html} == DESKS.get(name, set())


@pytest.mark.parametrize("name", [*SIGNED_IN, "nobody"])
def test_every_link_of_the_first_page_opens(site_app: Flask, seeded: Site, name: str) -> None:
    import re

    everything_new(site_app, seeded)
    browser = visitor(site_app, seeded, name)
    links = set(re.findall(r'href="(/[^"#]*)"', browser.get("/").text)) - {"/leave"}
    broken = {url: browser.get(url.replace("&amp;", "&")).status_code for url in links}

    assert {url: status for url, status in broken.items() if status not in (200, 303)} == {}
