"""Search finds what one reads, and tells nothing of the rest (P41, H23, A31)."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from forum import db, search
from forum.boards import actions
from forum.boards.models import Post, Topic
from forum.db import now
from forum.testing import create_board, create_person, viewer_of
from tests.access import READERS
from tests.personas import BOARDS, PERSONAS, Site, mark, visitor


def found(html: str) -> list[int]:
    return [int(n) for n in re.findall(r'class="t"><a href="/posts/(\d+)"', html)]


@pytest.mark.parametrize("name", PERSONAS)
def test_everybody_finds_exactly_what_she_reads(site_app: Flask, seeded: Site, name: str) -> None:
    browser = visitor(site_app, seeded, name)
    for slug in BOARDS:
        answer = browser.get(f"/search?q={mark(f'answer {slug}')}")
        expected = [seeded.posts[f"{slug} 2"]] if name in READERS[slug] else []
        assert (answer.status_code, found(answer.text)) == (200, expected), slug
        title = browser.get(f"/search?q={mark(f'topic {slug}')}")
        assert found(title.text) == ([seeded.posts[f"{slug} 1"]] if name in READERS[slug] else []), slug


@pytest.mark.parametrize("name", ["nobody", "vic", "ruth", "tomas", "omar", "eve"])
def test_a_word_of_a_closed_board_looks_like_a_word_nobody_wrote(
    site_app: Flask, seeded: Site, name: str
) -> None:
    """A31: same status and same length, so guessing words is no use."""
    browser = visitor(site_app, seeded, name)
    there = mark("answer northlight-peer")
    nowhere = there[:-3] + "qqz"
    assert len(there) == len(nowhere)
    answers = [browser.get(f"/search?q={word}") for word in (there, nowhere)]

    assert answers[0].status_code == answers[1].status_code == 200
    told = [re.sub(r'name="csrf_token" value="[^"]*"', "", answer.text) for answer in answers]
    assert told[0].replace(there, nowhere) == told[1]


def test_more_results_go_on_where_the_first_ended(site_app: Flask, seeded: Site) -> None:
    with site_app.app_context():
        tomas, ines = (db.db.session.get_one(_person(), seeded.people[n]) for n in ("tomas", "ines"))
        for n in range(30):  # hidden ones lie between
            actions.reply(viewer_of(ines), seeded.topics["castings"], f"a needle in the hay {n}")
            actions.reply(viewer_of(tomas), seeded.topics["corso-peer"], f"a needle in the hay {n}")
        db.commit()
    ana = visitor(site_app, seeded, "ana")
    first = ana.get("/search?q=needle")
    more = re.search(r'href="([^"]+)" rel="next"', first.text)
    assert more
    second = ana.get(more.group(1).replace("&amp;", "&"))

    assert (len(found(first.text)), len(found(second.text))) == (20, 10)
    both = found(first.text) + found(second.text)
    assert both == sorted(set(both), reverse=True)
    assert 'rel="next"' not in second.text


def _person() -> type:
    from forum.accounts.models import Person

    return Person


ODD = [
    "AND", "a OR b", '"', "NEAR(a b)", "title:x", "*", "a*", "(", ")", "^a", "-a", "{a b}", "a:b", "\\", "'; --", "%",
    "_", "\x02", "\0", "\u202e", "ªº", "١٢٣", "€", "a" * 5000, "ß", "İ", "🙂", "x y " * 500, "&|!", "<->", "a & b", "a:*",
    "!a",
]  # fmt: skip


def test_whatever_is_typed_is_words(any_app: Flask) -> None:
    create_board()
    viewer = viewer_of(create_person("ines", "model"))
    actions.open_topic(viewer, "castings", "A title", "some a b words")
    db.commit()

    for q in ODD:
        assert isinstance(search.find(q, viewer), list), q
    assert len(search.find("a b", viewer)) == 1


def test_search_marks_words_and_escapes_the_rest(site_app: Flask, seeded: Site) -> None:
    ana = visitor(site_app, seeded, "ana")
    ana.press(
        f"/topics/{seeded.topics['castings']}/reply", body="before <b>needle</b> & <script>x</script> after"
    )
    html = ana.get("/search?q=needle").text

    assert "<mark>needle</mark>" in html
    assert "&lt;b&gt;" in html
    assert "<script>x" not in html


def test_words_are_found_without_accents_and_in_other_forms(any_app: Flask) -> None:
    create_board()
    viewer = viewer_of(create_person("ines", "model"))
    actions.open_topic(viewer, "castings", "Waiting rooms", "They were measuring us at the castings")
    db.commit()

    for q in ("casting", "measured", "MEASURING", "rooms waiting"):
        assert len(search.find(q, viewer)) == 1, q
    assert search.find("measuring tape", viewer) == []


def test_what_is_hidden_leaves_search_at_once(any_app: Flask) -> None:
    """H24: also when it was hidden by somebody other than its author, without an action of boards."""
    create_board()
    viewer = viewer_of(create_person("ines", "model"))
    topic = actions.open_topic(viewer, "castings", "A title", "needle")
    db.commit()
    post = db.db.session.query(Post).one()
    post.deleted_at = now()
    db.commit()
    assert search.find("needle", viewer) == []
    post.deleted_at = None
    db.db.session.get_one(Topic, topic.id).deleted_at = now()
    db.commit()
    assert search.find("needle", viewer) == []


@pytest.mark.parametrize("before", ["0", "-1", "x", "99999999999", "", "1.5"])
def test_a_place_to_go_on_that_cannot_be_is_missing(site_app: Flask, seeded: Site, before: str) -> None:
    assert visitor(site_app, seeded, "ana").get(f"/search?q=a&before={before}").status_code == 404


def test_an_empty_search_says_what_it_looks_through(site_app: Flask, seeded: Site) -> None:
    for url in ("/search", "/search?q=", "/search?q=%20%20"):
        answer = visitor(site_app, seeded, "nobody").get(url)
        assert answer.status_code == 200
        assert "the boards you can open, and only those" in answer.text
