"""Thousands of requests that no page would send: never a 500, and the site stays whole. The seed is printed."""

from __future__ import annotations

import os
import random
import string
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import func, select

from forum import audit, db
from forum.boards.models import Post, Topic
from tests.access import ROWS
from tests.personas import PERSONAS, Site, csrf_token, restore, visitor

pytestmark = pytest.mark.soak
REQUESTS = int(os.environ.get("CALLBOARD_SOAK_REQUESTS", "6000"))
WORDS = ["", " ", "a", "ana", "ines", "northlight", "corso", "castings", "model", "mentor", "booker", "operator", "peer", "agency", "public", "en",
         "0", "1", "-1", "7", "99999999999", "2147483648", "\0", "\ud800", "\u202e", "é", "字", "🙂", "'", '"', "<b>", "%00", "../", "//x", "null", "{{7}}",
         "a" * 300, "a" * 30_000, "2000-01-01", "9999-99-99", "0001-01-01", "ana@example.org", "a@b", "@", "y", "on", "\r\n", "[", "]", "*", "OR 1=1"]  # fmt: skip
NAMES = ["body", "title", "about", "audience", "role", "reason", "days", "email", "password", "display_name", "born", "locale", "timezone", "version",
         "once", "csrf_token", "legal_name", "child", "proved", "sure", "keep_words", "keep", "q", "page", "after", "before", "next", "lang", "x", "name",
         "slug", "application", "current_password", "new_password", "mail_notices"]  # fmt: skip


def word(chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.7:
        return chance.choice(WORDS)
    if kind < 0.9:
        return "".join(chance.choice(string.printable) for _ in range(chance.randrange(1, 60)))
    return "".join(chr(chance.randrange(1, 0x10FFFF)) for _ in range(chance.randrange(1, 20)))


def request(chance: random.Random, app: Flask, site: Site) -> tuple[str, str]:
    """A method and a route, with good and odd parts and a query now and then."""
    routes = [r for r in app.url_map.iter_rules() if r.endpoint not in ("static", "leave.show_leave")]
    route = chance.choice(routes)
    taken = sorted(route.methods or ())
    method = (
        chance.choice(taken) if chance.random() < 0.95 else chance.choice(["PUT", "DELETE", "POST", "TRACE"])
    )
    parts = []
    for part in route.rule.split("/"):
        if "<" in part:
            ids = [str(i) for i in range(1, 40)]
            good = (
                ids if "id:" in part else [*site.people, *site.agencies, *site.boards, *site.links.values()]
            )
            part = (
                chance.choice(good)
                if chance.random() < 0.75
                else quote(word(chance)[:2000].encode("utf-8", "replace"), safe="")
            )
        parts.append(part)
    query = ""
    if chance.random() < 0.4:
        pairs = [(chance.choice(NAMES), word(chance)) for _ in range(chance.randrange(1, 4))]
        query = "?" + "&".join(
            f"{quote(n)}={quote(v[:3000].encode('utf-8', 'replace'), safe='')}" for n, v in pairs
        )
    return method, "/".join(parts) + query


def form(chance: random.Random, app: Flask) -> dict[str, Any]:
    """Fields of some real form, some of them odd, some missing, some too many."""
    row = chance.choice([r for r in ROWS if r.method == "POST"])
    fields: dict[str, Any] = {
        n: v if chance.random() < 0.5 else word(chance)
        for n, v in row.fields.items()
        if chance.random() < 0.9
    }
    if chance.random() < 0.3:
        fields[chance.choice(NAMES)] = word(chance)
    if chance.random() < 0.9:
        fields["csrf_token"] = csrf_token(app)
    return {n: str(v).encode("utf-8", "replace").decode() for n, v in fields.items()}


def test_random_requests_break_nothing(site_app: Flask, seeded: Site) -> None:
    seed = int(os.environ.get("CALLBOARD_SOAK_SEED", random.SystemRandom().randrange(10**9)))
    print(f"\nCALLBOARD_SOAK_SEED={seed}")
    chance, broken, statuses = random.Random(seed), [], {}
    for number in range(REQUESTS):
        if number % 300 == 0:
            check_whole(site_app)
            restore(site_app, seeded)
        browser = visitor(site_app, seeded, chance.choice(PERSONAS))
        method, url = request(chance, site_app, seeded)
        headers = {
            "Accept-Language": chance.choice(["en", "uk", "xx;q=9", ""]),
            "User-Agent": word(chance).encode("ascii", "ignore").decode(),
        }
        headers = {n: v.replace("\r", "").replace("\n", "") for n, v in headers.items()}
        data = form(chance, site_app) if method == "POST" else None
        answer = browser.open(url, method=method, data=data, headers=headers)
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        if answer.status_code >= 500:
            broken.append(f"{method} {url[:200]} {str(data)[:300]}")
        if method != "HEAD" and answer.status_code >= 400:
            assert answer.text, url
    check_whole(site_app)
    print(statuses)

    assert not broken, "\n".join(broken)


def check_whole(app: Flask) -> None:
    """Numbers are dense, counters right, the audit chain whole."""
    with app.app_context():
        counted = db.db.session.execute(
            select(Topic.id, Topic.post_count, func.count(Post.id), func.max(Post.number))
            .outerjoin(Post, Post.topic_id == Topic.id)
            .group_by(Topic.id)
        )
        for topic_id, said, there, last in counted:
            assert said == there == (last or 0), topic_id
        assert audit.verify() == []
