"""Opening topics, replying, editing, taking down and putting back: as people do it, by forms."""

from __future__ import annotations

import datetime as dt
import re
import secrets

import pytest
from flask import Flask
from sqlalchemy import func, select

from forum import db
from forum.accounts.models import Person
from forum.boards import actions
from forum.boards.models import Board, Post, PostVersion, Topic
from forum.config import Settings
from forum.db import now
from forum.permissions import Missing, Refused
from forum.testing import create_board, create_person, viewer_of
from tests.personas import Site, mark, visitor


def count(app: Flask, table: type) -> int:
    with app.app_context():
        return db.db.session.scalar(select(func.count()).select_from(table)) or 0


def text_of(app: Flask, post_id: int) -> str:
    with app.app_context():
        return db.db.session.get_one(Post, post_id).body


def make_newcomer(app: Flask, site: Site, name: str, hours: float = 1) -> None:
    with app.app_context():
        db.db.session.get_one(Person, site.people[name]).created_at = now() - dt.timedelta(hours=hours)
        db.commit()


def set_lock(app: Flask, site: Site, at: dt.datetime | None) -> None:
    with app.app_context():
        db.db.session.get_one(Topic, site.topics["castings"]).locked_at = at
        db.commit()


# --- topics and replies --------------------------------------------------------------------------


def test_a_member_opens_a_topic_and_everybody_on_the_board_finds_it(site_app: Flask, seeded: Site) -> None:
    ana, tomas = visitor(site_app, seeded, "ana"), visitor(site_app, seeded, "tomas")
    answer = ana.press(
        "/boards/castings/new", title="  A first   casting  ", body="How long\ndo they **take**?"
    )

    page = tomas.get(answer.location)
    assert page.status_code == 200
    assert "<h1>A first casting</h1>" in page.text
    assert "How long<br>\ndo they <strong>take</strong>?" in page.text.replace("<br />", "<br>")
    assert "A first casting" in tomas.get("/boards/castings").text
    assert "A first casting" in tomas.get("/boards").text  # the newest of its board


def test_a_reply_goes_to_the_end_and_the_answer_leads_to_it(site_app: Flask, seeded: Site) -> None:
    ana, ines = visitor(site_app, seeded, "ana"), visitor(site_app, seeded, "ines")
    topic = seeded.topics["northlight-peer"]
    answer = ines.press(f"/topics/{topic}/reply", body="I know *that* flat.")

    assert re.fullmatch(rf"/topics/{topic}-{seeded.slugs['northlight-peer']}#p3", answer.location)
    page = ana.get(answer.location.partition("#")[0]).text
    assert page.index('id="p1"') < page.index('id="p2"') < page.index('id="p3"')
    assert "I know <em>that</em> flat." in page


def test_a_reply_on_a_later_page_leads_there(site_app: Flask, seeded: Site) -> None:
    with site_app.app_context():
        topic = db.db.session.get_one(Topic, seeded.topics["castings"])
        topic.post_count = 40
        db.commit()
    answer = visitor(site_app, seeded, "ana").press(
        f"/topics/{seeded.topics['castings']}/reply", body="Forty-first"
    )

    assert answer.location.endswith("?page=3#p41")


def test_counters_and_newest_topic_follow_a_post(site_app: Flask, seeded: Site) -> None:
    ana = visitor(site_app, seeded, "ana")
    with site_app.app_context():
        before = db.db.session.get_one(Board, seeded.boards["castings"]).topic_count
    url = ana.press("/boards/castings/new", title="Counting", body="one").location
    ana.press(url.partition("-")[0] + "/reply", body="two")

    with site_app.app_context():
        board = db.db.session.get_one(Board, seeded.boards["castings"])
        topic = db.db.session.get_one(Topic, int(re.findall(r"\d+", url)[0]))
        assert (board.topic_count, board.last_topic_id) == (before + 1, topic.id)
        assert (topic.post_count, topic.last_author_id) == (2, seeded.people["ana"])
        assert board.last_post_at == topic.last_post_at


@pytest.mark.parametrize("body", ["", "   ", "\n\t\n", "\u202e\u2066", "\0"])
def test_an_empty_reply_is_given_back_with_a_sentence(site_app: Flask, seeded: Site, body: str) -> None:
    before = count(site_app, Post)
    answer = visitor(site_app, seeded, "ana").press(f"/topics/{seeded.topics['castings']}/reply", body=body)

    assert answer.status_code == 422
    assert "Write something first." in answer.text
    assert count(site_app, Post) == before


UNSEEN = [
    "\u200b" * 4,
    "\u00ad\u2060\u200d" * 3,
    "\U000e0041\U000e0042\U000e0043",
    "\u2800" * 5,
    "\u3164 \u115f \u034f",
]


@pytest.mark.parametrize("blank", UNSEEN)
def test_what_nobody_can_see_is_nothing(site_app: Flask, seeded: Site, blank: str) -> None:
    """A title without a letter would be a link that nobody can see or press."""
    ana, before = visitor(site_app, seeded, "ana"), count(site_app, Post)

    assert ana.press("/boards/castings/new", title=blank, body="Words").status_code == 422
    assert ana.press("/boards/castings/new", title="A title", body=blank).status_code == 422
    assert ana.press(f"/topics/{seeded.topics['castings']}/reply", body=blank).status_code == 422
    assert count(site_app, Post) == before


@pytest.mark.parametrize(
    "blank", ["---", "[](https://a.example)", "&nbsp;&#8203;", "> \n>\n> &shy;", "```\n\n```"]
)
def test_marks_around_nothing_are_no_post(site_app: Flask, seeded: Site, blank: str) -> None:
    answer = visitor(site_app, seeded, "ana").press(f"/topics/{seeded.topics['castings']}/reply", body=blank)

    assert answer.status_code == 422


@pytest.mark.parametrize("title", ["दिल", "愛の歌", "Ой!", "👩‍👩‍👧 👍 ❤️"])
def test_short_titles_of_any_script_are_titles(site_app: Flask, seeded: Site, title: str) -> None:
    ana = visitor(site_app, seeded, "ana")

    assert ana.press("/boards/castings/new", title=title, body="❤️").status_code == 303


def test_a_text_that_is_too_long_comes_back_whole(site_app: Flask, seeded: Site) -> None:
    words = "seven letters " * 1500
    answer = visitor(site_app, seeded, "ana").press(f"/topics/{seeded.topics['castings']}/reply", body=words)

    assert answer.status_code == 422
    assert words.strip() in answer.text


@pytest.mark.parametrize(
    ("title", "kept"), [("ab", ""), (" a ", ""), ("x" * 141, "x" * 141), ("\u202e\u202d!", "")]
)
def test_a_title_has_bounds_and_the_body_is_kept(
    site_app: Flask, seeded: Site, title: str, kept: str
) -> None:
    answer = visitor(site_app, seeded, "ana").press(
        "/boards/castings/new", title=title, body="A body to be kept"
    )

    assert answer.status_code == 422
    assert "A body to be kept" in answer.text
    assert kept in answer.text


def test_html_of_members_stays_text(site_app: Flask, seeded: Site) -> None:
    ana = visitor(site_app, seeded, "ana")
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)> [x](javascript:alert(1))"
    page = ana.get(ana.press("/boards/castings/new", title="<b>Bold</b> & co", body=evil).location).text

    assert "<h1>&lt;b&gt;Bold&lt;/b&gt; &amp; co</h1>" in page
    assert "<script>alert" not in page
    assert "<img" not in page
    assert 'href="javascript' not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize("title", ["東京のキャスティング", "!!!", "Été à Milan", "- -"])
def test_any_script_makes_a_topic_whose_address_works(site_app: Flask, seeded: Site, title: str) -> None:
    ana = visitor(site_app, seeded, "ana")
    answer = ana.press("/boards/castings/new", title=title, body="words")

    assert answer.status_code == 303
    assert answer.location.isascii()
    assert ana.get(answer.location).status_code == 200


def test_a_wrong_slug_leads_to_the_right_address(site_app: Flask, seeded: Site) -> None:
    ana, topic = visitor(site_app, seeded, "ana"), seeded.topics["castings"]
    answer = ana.get(f"/topics/{topic}-something-else?page=1")

    assert (answer.status_code, answer.location) == (301, f"/topics/{topic}-{seeded.slugs['castings']}")


def test_a_closed_topic_can_be_read_not_answered(site_app: Flask, seeded: Site) -> None:
    ines, topic = visitor(site_app, seeded, "ines"), seeded.topics["locked"]
    page = ines.get(f"/topics/{topic}-{seeded.slugs['locked']}").text
    answer = ines.press(f"/topics/{topic}/reply", body="One more word, and it is kept")

    assert "This topic is closed" in page
    assert f"/topics/{topic}/reply" not in page
    assert answer.status_code == 422
    assert "This topic is closed. Your words were not posted." in answer.text
    assert "One more word, and it is kept" in answer.text
    assert ines.get(f"/posts/{seeded.posts['locked 1']}/edit").status_code == 404


LONG = "Words that took an evening to write. " * 3


@pytest.mark.parametrize(("who", "topic", "status"), [
    ("ana", "gone", 404), ("ana", "corso-peer", 404), ("una", "castings", 404), ("nobody", "castings", 401),
    ("sol", "castings", 401), ("nobody", "corso-peer", 401),
])  # fmt: skip
def test_words_come_back_when_they_cannot_be_posted(
    site_app: Flask, seeded: Site, who: str, topic: str, status: int
) -> None:
    """Signed out in another tab, the topic taken away, the right gone: nobody loses an evening's words."""
    before = count(site_app, Post)
    answer = visitor(site_app, seeded, who).press(f"/topics/{seeded.topics[topic]}/reply", body=LONG)
    nowhere = visitor(site_app, seeded, who).press("/topics/999999/reply", body=LONG)

    assert (answer.status_code, nowhere.status_code) == (status, status)
    assert f'readonly aria-describedby="kept-hint">{LONG}</textarea>' in answer.text
    assert ('href="/sign-in"' in answer.text) == (status == 401)
    assert len(answer.text) == len(nowhere.text)
    assert count(site_app, Post) == before


def test_an_edit_of_a_post_in_a_topic_just_closed_gives_the_words_back(site_app: Flask, seeded: Site) -> None:
    set_lock(site_app, seeded, now())
    url = f"/posts/{seeded.posts['castings 2']}/edit"
    answer = visitor(site_app, seeded, "ana").press(url, version="1", body=LONG)

    assert answer.status_code == 404
    assert LONG in answer.text


def test_a_body_too_large_for_nowhere_is_missing_or_refused(site_app: Flask, seeded: Site) -> None:
    answer = visitor(site_app, seeded, "nobody").post("/no/such/page", data={"body": "x" * 10**6})

    assert answer.status_code in (404, 413)


def test_a_deleted_topic_is_gone_everywhere(site_app: Flask, seeded: Site) -> None:
    """H24: its address, its posts, its list, its board's teaser, search and the first page."""
    ines = visitor(site_app, seeded, "ines")
    topic, slug = seeded.topics["gone"], seeded.slugs["gone"]
    for url in (f"/topics/{topic}", f"/topics/{topic}-{slug}", f"/topics/{topic}/unread"):
        assert ines.get(url).status_code == 404
    for post in ("gone 1", "gone 2"):
        assert ines.get(f"/posts/{seeded.posts[post]}").status_code == 404
    assert ines.get(f"/posts/{seeded.posts['gone 1']}/edit").status_code == 404
    assert ines.press(f"/topics/{topic}/reply", body="still here?").status_code == 404
    for url in (
        "/boards",
        "/boards/lobby",
        f"/search?q={mark('topic gone')}",
        f"/search?q={mark('answer gone')}",
        "/",
    ):
        text = ines.get(url).text.replace(f"q={mark('topic gone')}", "")
        assert f"Topic {mark('topic gone')}" not in text, url
        assert f"An answer {mark('answer gone')}" not in text, url


# --- the first day -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words", ["see https://example.org/x", "www.example.org", "[here](http://example.org)", "mailto:a@b.cc"]
)
def test_a_newcomer_posts_no_links(site_app: Flask, seeded: Site, words: str) -> None:
    make_newcomer(site_app, seeded, "ana")
    ana = visitor(site_app, seeded, "ana")
    refused = ana.press(f"/topics/{seeded.topics['castings']}/reply", body=words)
    in_topic = ana.press("/boards/castings/new", title="A title", body=words)

    for answer in (refused, in_topic):
        assert answer.status_code == 422
        assert "cannot have links" in answer.text
    make_newcomer(site_app, seeded, "ana", hours=24.1)
    assert ana.press(f"/topics/{seeded.topics['castings']}/reply", body=words).status_code == 303


def test_a_newcomer_does_not_edit_a_link_in(site_app: Flask, seeded: Site) -> None:
    make_newcomer(site_app, seeded, "ana")
    post = seeded.posts["castings 2"]  # Ana's
    answer = visitor(site_app, seeded, "ana").press(
        f"/posts/{post}/edit", version="1", body="https://example.org/"
    )

    assert answer.status_code == 422
    assert text_of(site_app, post) != "https://example.org/"


def test_a_newcomer_opens_three_topics_and_writes_ten_replies(site_app: Flask, seeded: Site) -> None:
    make_newcomer(site_app, seeded, "una")
    una = visitor(site_app, seeded, "una")
    topic = seeded.topics["northlight-house"]
    topics = [
        una.press("/boards/northlight-house/new", title=f"Title {n}", body="x").status_code for n in range(4)
    ]
    replies = [una.press(f"/topics/{topic}/reply", body=f"reply {n}").status_code for n in range(10)]

    assert topics == [303, 303, 303, 422]
    assert replies == [303] * 9 + [422]  # her tenth: one was written before, today
    refused = una.press(f"/topics/{topic}/reply", body="the eleventh")
    assert "From tomorrow on there is no such limit" in refused.text
    assert "the eleventh" in refused.text
    make_newcomer(site_app, seeded, "una", hours=25)
    assert una.press(f"/topics/{topic}/reply", body="the next day").status_code == 303


def test_forty_posts_in_ten_minutes_are_enough_for_anybody(site_app: Flask, seeded: Site) -> None:
    tomas, topic = visitor(site_app, seeded, "tomas"), seeded.topics["corso-house"]
    answers = [tomas.press(f"/topics/{topic}/reply", body=f"reply {n}").status_code for n in range(45)]

    posted = answers.count(303)
    assert 30 <= posted <= 40
    assert answers == [303] * posted + [422] * (45 - posted)
    assert "Wait a few minutes" in tomas.press(f"/topics/{topic}/reply", body="more").text


# --- twice ---------------------------------------------------------------------------------------


def test_the_same_form_twice_makes_one_post_and_the_same_answer(site_app: Flask, seeded: Site) -> None:
    ana, key = visitor(site_app, seeded, "ana"), secrets.token_urlsafe(16)
    before = count(site_app, Post)
    answers = [
        ana.press(f"/topics/{seeded.topics['castings']}/reply", body="Once", once=key) for _ in range(3)
    ]

    assert {(a.status_code, a.location) for a in answers} == {(303, answers[0].location)}
    assert count(site_app, Post) == before + 1
    key = secrets.token_urlsafe(16)
    topics = [
        ana.press("/boards/castings/new", title="Once", body="Once", once=key).location for _ in range(2)
    ]
    assert topics[0] == topics[1]


def test_other_words_on_a_page_that_was_sent_are_another_post(site_app: Flask, seeded: Site) -> None:
    """Back, write something else, send: the page has its old key still, and the words must not vanish."""
    ana, key, before = visitor(site_app, seeded, "ana"), secrets.token_urlsafe(16), count(site_app, Post)
    castings, lobby = (f"/topics/{seeded.topics[t]}/reply" for t in ("castings", "lobby"))
    sent = [
        (castings, "First words"),
        (castings, "Second words"),
        (lobby, "First words"),
        (castings, "First words"),
    ]
    places = [ana.press(url, body=body, once=key).location for url, body in sent]

    assert count(site_app, Post) == before + 3
    assert len({*places[:3]}) == 3
    assert places[3] == places[0]


def test_a_refused_form_can_be_sent_again_with_its_key(site_app: Flask, seeded: Site) -> None:
    ana, key = visitor(site_app, seeded, "ana"), secrets.token_urlsafe(16)
    url = f"/topics/{seeded.topics['castings']}/reply"

    assert ana.press(url, body=" ", once=key).status_code == 422
    assert ana.press(url, body="Now with words", once=key).status_code == 303
    key = secrets.token_urlsafe(16)
    set_lock(site_app, seeded, now())
    assert ana.press(url, body="The same words", once=key).status_code == 422
    set_lock(site_app, seeded, None)
    answer = ana.press(url, body="The same words", once=key)
    assert "The same words" in ana.get(answer.location.partition("#")[0]).text


def test_the_key_of_another_person_tells_nothing(site_app: Flask, seeded: Site) -> None:
    key = secrets.token_urlsafe(16)
    visitor(site_app, seeded, "tomas").press(
        f"/topics/{seeded.topics['corso-peer']}/reply", body="mine", once=key
    )
    answer = visitor(site_app, seeded, "ana").press(
        f"/topics/{seeded.topics['castings']}/reply", body="x", once=key
    )

    assert str(seeded.topics["corso-peer"]) not in answer.location
    assert seeded.slugs["corso-peer"] not in answer.location


# --- changing ------------------------------------------------------------------------------------


def test_an_edit_keeps_what_was_there_for_the_author_alone(site_app: Flask, seeded: Site) -> None:
    ana, ines = visitor(site_app, seeded, "ana"), visitor(site_app, seeded, "ines")
    post = seeded.posts["castings 2"]
    answer = ana.press(f"/posts/{post}/edit", version="1", body="Better words")
    history = ana.get(f"/posts/{post}/history")

    assert answer.status_code == 303
    assert answer.location.endswith("#p2")
    page = ines.get(answer.location.partition("#")[0]).text
    assert "not what it said before" in ana.get(f"/posts/{post}/edit").text  # and it is true:
    assert ines.get(f"/posts/{post}/history").status_code == 404
    assert "Better words" in page
    assert mark("answer castings") not in page
    assert "edited" in page
    assert mark("answer castings") in history.text
    assert ines.get(f"/posts/{post}/history").status_code == 404
    with site_app.app_context():
        versions = db.db.session.scalars(select(PostVersion).where(PostVersion.post_id == post)).all()
        assert [v.version for v in versions] == [1]


def test_what_an_edit_took_out_cannot_be_searched(site_app: Flask, seeded: Site) -> None:
    ines = visitor(site_app, seeded, "ines")

    assert "/posts/" not in ines.get(f"/search?q={mark('first version')}").text
    assert f"/posts/{seeded.posts['edited']}" in ines.get(f"/search?q={mark('second version')}").text


def test_an_edit_from_an_old_page_is_refused_and_the_words_are_kept(site_app: Flask, seeded: Site) -> None:
    ana, post = visitor(site_app, seeded, "ana"), seeded.posts["castings 2"]
    ana.press(f"/posts/{post}/edit", version="1", body="From one page")
    answer = ana.press(f"/posts/{post}/edit", version="1", body="From another page")

    assert answer.status_code == 422
    assert "You changed this post on another page" in answer.text
    assert "From another page" in answer.text
    assert re.search(r"<textarea[^>]*readonly>\s*From one page</textarea>", answer.text), (
        "nothing to compare with"
    )
    assert 'name="version" value="2"' in answer.text or 'value="2"' in answer.text
    assert text_of(site_app, post) == "From one page"
    assert ana.press(f"/posts/{post}/edit", version="2", body="From another page").status_code == 303


@pytest.mark.parametrize("version", ["", "x", "-1", "1.0", "９", "9" * 5000, "0", "99999999999999999999"])
def test_a_version_that_cannot_be_is_a_stale_one(site_app: Flask, seeded: Site, version: str) -> None:
    post = seeded.posts["castings 2"]
    answer = visitor(site_app, seeded, "ana").press(
        f"/posts/{post}/edit", version=version, body="My own words"
    )

    assert answer.status_code == 422
    assert "My own words" in answer.text
    assert text_of(site_app, post) != "My own words"


@pytest.mark.parametrize("other", ["ana", "mbali", "maud", "omar", "ruth", "tomas", "nobody"])
def test_nobody_else_edits_takes_down_or_puts_back(site_app: Flask, seeded: Site, other: str) -> None:
    """P33: hide or ask, never rewrite; no role does."""
    browser, post, down = visitor(site_app, seeded, other), seeded.posts["spare"], seeded.posts["down"]
    answers = [
        browser.get(f"/posts/{post}/edit"), browser.press(f"/posts/{post}/edit", version="1", body="Rewritten"),
        browser.press(f"/posts/{post}/delete"), browser.press(f"/posts/{down}/restore"),
        browser.get(f"/posts/{seeded.posts['edited']}/history"),
    ]  # fmt: skip

    assert {a.status_code for a in answers} == ({303} if other == "nobody" else {404})
    assert all("/sign-in" in a.location for a in answers if a.status_code == 303)
    with site_app.app_context():
        assert db.db.session.get_one(Post, post).deleted_at is None
        assert db.db.session.get_one(Post, post).version == 1
        assert db.db.session.get_one(Post, down).deleted_at is not None


def test_a_post_is_taken_down_and_put_back(site_app: Flask, seeded: Site) -> None:
    ines, ana, post = (
        visitor(site_app, seeded, "ines"),
        visitor(site_app, seeded, "ana"),
        seeded.posts["spare"],
    )
    page = f"/topics/{seeded.topics['castings']}-{seeded.slugs['castings']}"

    assert mark("spare") in ana.get(page).text
    assert ines.press(f"/posts/{post}/delete").status_code == 303
    for browser in (ana, ines):
        assert mark("spare") not in browser.get(page).text
        assert f"/posts/{post}" not in browser.get(f"/search?q={mark('spare')}").text
    assert "This post was taken down." in ana.get(page).text
    assert ines.press(f"/posts/{post}/delete").status_code in (404, 409)  # it is down already
    assert ines.get(f"/posts/{post}/edit").status_code == 404
    assert ines.press(f"/posts/{post}/restore").status_code == 303
    assert mark("spare") in ana.get(page).text
    assert f"/posts/{post}" in ana.get(f"/search?q={mark('spare')}").text
    assert ines.press(f"/posts/{post}/restore").status_code in (404, 409)


def test_a_button_pressed_twice_is_pressed_once(site_app: Flask, seeded: Site) -> None:
    """Every button on a post carries a key, so the second tap of a double tap leads where the first did."""
    ines, url = visitor(site_app, seeded, "ines"), seeded.topic_url("castings")
    for act in ("restore", "delete"):
        form = re.search(
            rf'<form method="post" action="(/posts/{seeded.posts["down"]}/{act})">(.*?)</form>',
            ines.get(url).text,
        )
        assert form is not None
        key = re.search(r'name="once" value="([^"]+)"', form[2])
        assert key is not None, act
        answers = [ines.press(form[1], once=key[1]) for _ in range(2)]
        assert {(a.status_code, a.location) for a in answers} == {(303, f"/posts/{seeded.posts['down']}")}


def test_the_author_finds_the_button_that_puts_her_post_back(site_app: Flask, seeded: Site) -> None:
    """The sentence after taking a post down promises it."""
    ines = visitor(site_app, seeded, "ines")
    page = ines.get(f"/topics/{seeded.topics['castings']}-{seeded.slugs['castings']}").text

    assert f'action="/posts/{seeded.posts["down"]}/restore"' in page
    others = visitor(site_app, seeded, "ana").get(
        f"/topics/{seeded.topics['castings']}-{seeded.slugs['castings']}"
    )
    assert "/restore" not in others.text


def test_a_post_hidden_by_somebody_else_is_not_put_back_by_its_author(app: Flask) -> None:
    ines, maud = create_person("ines", "model"), create_person("maud", "moderator")
    create_board("castings")
    topic = actions.open_topic(viewer_of(ines), "castings", "A title", "words")
    post = db.db.session.scalars(select(Post).where(Post.topic_id == topic.id)).one()
    post.deleted_at, post.deleted_by = now(), maud.id
    db.commit()

    with pytest.raises(Missing):
        actions.restore_post(viewer_of(ines), post.id)


def test_taking_down_needs_no_right_to_write_but_editing_does(site_app: Flask, seeded: Site) -> None:
    """Her own words are hers to take away while she can read the board (P32)."""
    with site_app.app_context():
        board = db.db.session.get_one(Board, seeded.boards["castings"])
        board.read_only = True
        db.commit()
    ines, post = visitor(site_app, seeded, "ines"), seeded.posts["spare"]

    assert ines.press(f"/posts/{post}/edit", version="1", body="x").status_code == 404
    assert ines.press(f"/posts/{post}/delete").status_code == 303


def test_the_role_beside_a_name_is_the_one_of_the_time_of_writing(app: Flask) -> None:
    create_board("house", "agency", "northlight")
    ruth, clea, mbali, ines = (
        create_person("ruth", "agency_manager"), create_person("clea", "coordinator"),
        create_person("mbali", "mentor", "model"), create_person("ines", "model"),
    )  # fmt: skip
    topic = actions.open_topic(viewer_of(ruth), "house", "A title", "words")
    roles = [actions.reply(viewer_of(p), topic.id, "words").author_role for p in (ruth, clea, mbali, ines)]

    assert roles == ["agency", "coordinator", "mentor", ""]


def test_settings_bound_a_newcomer(app: Flask) -> None:
    settings: Settings = app.config["CALLBOARD"]

    assert (settings.newcomer_topics, settings.newcomer_replies) == (3, 10)


def test_an_action_refuses_without_any_route(app: Flask) -> None:
    """The check is in the action, so that jobs, commands and plugins meet it too."""
    create_board("house", "agency", "northlight")
    create_board("peers", "peer", "northlight")
    ruth, tomas = create_person("ruth", "agency_manager"), create_person("tomas", "model", agency="corso")
    topic = actions.open_topic(viewer_of(ruth), "house", "A title", "words")

    for person, board in ((ruth, "peers"), (tomas, "peers"), (tomas, "house")):
        with pytest.raises(Missing):
            actions.open_topic(viewer_of(person), board, "A title", "words")
    with pytest.raises(Missing):
        actions.reply(viewer_of(tomas), topic.id, "words")
    with pytest.raises(Refused):
        actions.reply(viewer_of(ruth), topic.id, " \0 ")
