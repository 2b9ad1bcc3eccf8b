"""Quiet pages know nobody and note nothing; taps come from this site only; reading writes nothing."""

from __future__ import annotations

import datetime as dt
import logging

import pytest
from flask import Flask
from sqlalchemy import select, text, update

from forum import db
from forum.accounts.models import SignIn
from forum.db import WRITES, now
from tests.personas import Site
from tests.plugins.conftest import Look
from tests.test_statements import logged

LONG_AGO = dt.timedelta(days=2)
QUIET = ("/tiny", "/tiny/night/let-me-in", "/tiny/no-such-page", "/tiny/tap/7", "/tiny/fails/abracadabra")


@pytest.mark.parametrize("url", QUIET)
def test_a_quiet_page_asks_for_nobody_and_leaves_nothing(
    tiny_app: Flask, tiny_site: Site, look: Look, url: str
) -> None:
    """Nor does an address under it that is no page, or a fault: no statement, no cookie, no last-seen."""
    with tiny_app.app_context():
        db.db.session.execute(update(SignIn).values(touched_at=now() - LONG_AGO))
        db.commit()
    ana = look("ana")
    with logged(tiny_app) as log:
        answer = ana.get(url)
    with tiny_app.app_context():
        touched = db.db.session.scalar(
            select(SignIn.touched_at).where(SignIn.person_id == tiny_site.people["ana"])
        )

    assert log.statements == []
    assert "Set-Cookie" not in answer.headers
    assert touched
    assert now() - touched > LONG_AGO - dt.timedelta(hours=1)
    assert "Sign out" not in answer.text


def test_the_same_address_outside_touches_and_asks(tiny_app: Flask, look: Look) -> None:
    """The detector detects."""
    with tiny_app.app_context():
        db.db.session.execute(update(SignIn).values(touched_at=now() - LONG_AGO))
        db.commit()
    with logged(tiny_app) as log:
        look("ana").get("/t/7")

    assert any("UPDATE sign_in" in statement for statement in log.texts)


def test_everybody_reads_a_quiet_page_as_nobody(look: Look) -> None:
    pages = {look(name).get("/tiny").text for name in ("nobody", "ana", "ruth", "omar")}

    assert len(pages) == 1
    assert "reader:." in pages.pop()


def test_a_sentence_that_waits_is_kept_for_the_next_page_that_knows_her(look: Look) -> None:
    ana = look("ana")
    with ana.session_transaction() as session:
        session["_flashes"] = [("message", "Saved for you.")]
    quiet = ana.get("/tiny")

    assert "Saved for you." not in quiet.text
    assert "Set-Cookie" not in quiet.headers
    assert "Saved for you." in ana.get("/account").text


def test_a_quiet_page_speaks_the_language_of_the_cookie(look: Look) -> None:
    ana = look("ana")
    ana.set_cookie("lang", "es")

    assert '<html lang="es">' in ana.get("/tiny").text


@pytest.mark.parametrize("url", ["/tiny/fails/abracadabra", "/tiny/sql/abracadabra"])
def test_a_fault_on_a_quiet_page_is_logged_without_address_or_words(
    look: Look, caplog: pytest.LogCaptureFixture, url: str
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = look("ana").get(url)

    assert answer.status_code in (500, 503)
    assert "Something broke" in answer.text or "busy" in answer.text
    assert "Set-Cookie" not in answer.headers
    assert caplog.records
    for record in caplog.records:
        whole = f"{record.getMessage()} {record.exc_text or ''} {record.exc_info or ''}"
        assert "abracadabra" not in whole
        assert "/tiny" not in whole


def test_a_fault_elsewhere_is_logged_in_full(look: Look, caplog: pytest.LogCaptureFixture) -> None:
    """The detector detects."""
    assert look("ana").get("/a/northlight/tiny-notes/fails").status_code == 500

    assert any("/tiny-notes/fails" in record.getMessage() for record in caplog.records)


# --- taps -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({"Origin": "http://localhost"}, 303),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({}, 403),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Referer": "http://localhost/tiny"}, 403),
    ],
)
def test_a_tap_comes_from_this_site_only(
    tiny_app: Flask, look: Look, headers: dict[str, str], wanted: int
) -> None:
    answer = look("nobody").post("/tiny/tap/7", headers=headers)
    with tiny_app.app_context():
        taps = db.db.session.execute(text("SELECT count(*) FROM tiny_site_tap")).scalar()

    assert answer.status_code == wanted
    assert taps == (1 if wanted == 303 else 0)
    assert "Set-Cookie" not in answer.headers


def test_a_tap_needs_no_token_and_carries_no_name(tiny_app: Flask, look: Look) -> None:
    assert "csrf_token" not in look("ana").get("/tiny").text
    with logged(tiny_app) as log:
        assert look("ana").post("/tiny/tap/7", headers={"Origin": "http://localhost"}).status_code == 303

    assert not [statement for statement in log.texts if "sign_in" in statement]


def test_other_forms_of_plugins_need_their_token(look: Look) -> None:
    assert look("ana").post("/a/northlight/tiny-notes", data={"body": "x"}).status_code == 400


# --- reading writes nothing ------------------------------------------------------------------------------


def test_a_page_that_writes_is_refused(tiny_app: Flask, look: Look, caplog: pytest.LogCaptureFixture) -> None:
    assert look("ana").get("/a/northlight/tiny-notes/writes").status_code == 500
    assert "wanted to write" in caplog.text
    with tiny_app.app_context():
        assert db.db.session.execute(text("SELECT count(*) FROM tiny_agency_note")).scalar() == 0


@pytest.mark.parametrize(
    "statement",
    ["INSERT INTO a VALUES (1)", " \n update a SET b = 1", "DELETE FROM a", "REPLACE INTO a VALUES (1)",
     "-- a look\nDELETE FROM a", "/* only\n a look */ DROP TABLE a", "ALTER TABLE a ADD b int", "TRUNCATE a",
     "WITH gone AS (DELETE FROM a RETURNING id) SELECT * FROM gone", "MERGE INTO a USING b ON true", "create table a (b int)"],
)  # fmt: skip
def test_every_way_to_write_is_seen(statement: str) -> None:
    assert WRITES.match(statement)


@pytest.mark.parametrize(
    "statement",
    ["SELECT 1", "SELECT * FROM a WHERE b = 'delete from'", "WITH a AS (SELECT 1) SELECT updated_at FROM a",
     "-- insert\nSELECT 1", "PRAGMA quick_check", "EXPLAIN SELECT 1"],
)  # fmt: skip
def test_reading_is_not_taken_for_writing(statement: str) -> None:
    assert not WRITES.match(statement)
