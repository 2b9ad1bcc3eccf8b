"""A form sent twice is carried out once, also by two processes at the same moment."""

from __future__ import annotations

import datetime as dt

import pytest
from flask import Flask
from sqlalchemy import func, select

from forum import db, once
from tests.core.infrastructure.contender import Contender, race


def test_the_second_gets_the_first_ones_answer(small: Flask) -> None:
    assert once.claim("key", 7) is None
    once.remember("key", "/topics/1-hello")
    db.commit()

    assert once.claim("key", 7) == "/topics/1-hello"
    assert once.claim("other", 7) is None


def test_an_answer_that_was_never_given_is_empty(small: Flask) -> None:
    once.claim("key", None)
    db.commit()

    assert once.claim("key", None) == ""


def test_somebody_else_learns_nothing_from_a_key(small: Flask) -> None:
    once.claim("key", 7)
    once.remember("key", "/topics/1-hello")
    db.commit()

    assert once.claim("key", 8) == ""
    assert once.claim("key", None) == ""


def test_a_refused_form_can_be_sent_again(small: Flask) -> None:
    assert once.claim("key", 7) is None
    db.rollback()

    assert once.claim("key", 7) is None


def test_a_form_without_a_key_is_always_carried_out(small: Flask) -> None:
    assert once.claim("", 7) is None
    assert once.claim("", 7) is None


@pytest.mark.parametrize(
    "answer", ["https://evil.example", "//evil.example", "/\\evil.example", "", "x", "/" + "a" * 500]
)
def test_only_addresses_of_this_site_are_remembered(small_sqlite: Flask, answer: str) -> None:
    once.claim("key", 7)

    with pytest.raises(ValueError):
        once.remember("key", answer)


@pytest.mark.parametrize("key", ["x" * 10_000, "é\ud800", "'; DROP TABLE form_once; --"])
def test_any_text_is_a_key(small: Flask, key: str) -> None:
    assert once.claim(key, 7) is None
    assert once.claim(key, 7) == ""


def test_keys_are_forgotten_after_a_week(small: Flask) -> None:
    once.claim("key", 7)
    once.purge(db.now() + dt.timedelta(days=6))
    assert once.claim("key", 7) == ""

    once.purge(db.now() + dt.timedelta(days=8))
    assert once.claim("key", 7) is None


def test_of_processes_that_claim_at_once_exactly_one_wins(small: Flask, contenders: list[Contender]) -> None:
    answers = race(contenders, small, "claim", "the same form")

    assert sorted(answers) == ["first", "second /topics/1", "second /topics/1", "second /topics/1"]
    assert db.db.session.scalar(select(func.count()).select_from(once.FormOnce)) == 1
