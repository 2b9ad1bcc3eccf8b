"""What every answer carries, and what no other site can make a browser do (A22 to A30)."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from forum import db, migrating, permissions
from forum.accounts.models import SignIn
from forum.boards import queries
from forum.boards.models import Post
from forum.testing import PASSWORD
from tests.access import ROWS, Row
from tests.personas import PERSONAS, Site, Visitor, forget, mark, open_site, restore, visitor

SHUT = {"switching.show_settings", "resources_local.remove_local"}  # to everybody, in the seeded site
TAPS = re.compile(r"/resources/[0-9a-f-]{36}/channels/\d+/report")  # guarded by where they come from
POSTS = list(
    {r.endpoint: r for r in reversed(ROWS) if r.method == "POST" and r.endpoint not in SHUT}.values()
)  # the first of each
PAGES = [row for row in {r.url: r for r in ROWS if r.method == "GET"}.values() if row.endpoint != "static"]


def somebody(row: Row, *answers: str) -> str:
    """A persona who gets one of these answers."""
    otherwise = "olena" if row.endpoint.startswith("guardians.") else "ana"
    return next((n for n in PERSONAS if row.expected(n) in answers), otherwise)


# --- requests from elsewhere -------------------------------------------------------------------------


@pytest.mark.parametrize("row", POSTS, ids=lambda row: row.endpoint)
def test_a_form_without_a_token_does_nothing(site_app: Flask, seeded: Site, row: Row) -> None:
    name = somebody(row, "done", "page", "again")
    before = fingerprint(site_app)
    answer = visitor(site_app, seeded, name).post(row.address(seeded), data=row.fields)

    assert answer.status_code == (
        403 if permissions.is_tapped(site_app.view_functions[row.endpoint]) else 400
    )
    assert "<h1>" in answer.text
    assert fingerprint(site_app) == before


def fingerprint(app: Flask) -> list[Any]:
    """How much there is of everything, and what of it has ended."""
    with app.app_context():
        tables = migrating.tables()
        counts = [
            db.db.session.scalar(select(func.count()).select_from(t))
            for t in tables
            if t.name != "limit_count"
        ]
        return [*counts, db.db.session.scalar(select(func.count()).where(SignIn.ended_at.is_not(None)))]


FROM_ELSEWHERE = [
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
]


@pytest.mark.parametrize("headers", FROM_ELSEWHERE, ids=lambda h: h["Sec-Fetch-Mode"])
def test_no_form_is_taken_from_another_site_even_with_a_token(
    site_app: Flask, seeded: Site, headers: dict[str, str]
) -> None:
    before = fingerprint(site_app)
    for row in POSTS:
        answer = visitor(site_app, seeded, somebody(row, "done", "again")).press(
            row.address(seeded), headers=headers, **row.fields
        )
        assert answer.status_code == 403, row.url
        assert "<h1>" in answer.text
    assert fingerprint(site_app) == before


def test_another_site_may_link_here_and_nothing_else(site_app: Flask, seeded: Site) -> None:
    """A30: no picture, frame, script or fetch of a page from elsewhere."""
    ana, url = visitor(site_app, seeded, "ana"), seeded.topic_url("castings")
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert ana.get(url, headers=link).status_code == 200
    for site in ("cross-site", "same-site", "garbage"):
        for mode, dest in (
            ("no-cors", "image"),
            ("cors", "empty"),
            ("navigate", "iframe"),
            ("navigate", "embed"),
            ("no-cors", "script"),
            ("", ""),
        ):
            answer = ana.get(
                url, headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}
            )
            assert answer.status_code == 403, (site, mode, dest)
            assert mark("post castings") not in answer.text


def test_own_pages_and_old_browsers_are_served(site_app: Flask, seeded: Site) -> None:
    ana, url = visitor(site_app, seeded, "ana"), seeded.topic_url("castings")
    for headers in (
        {},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"},
    ):
        assert ana.get(url, headers=headers).status_code == 200
        assert (
            ana.press(f"/topics/{seeded.topics['castings']}/reply", body="x", headers=headers).status_code
            == 303
        )


# --- headers -----------------------------------------------------------------------------------------

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
POLICY = {
    "default-src": {"'none'"}, "style-src": {"'self'"}, "script-src": {"'self'"}, "img-src": {"'self'"}, "form-action": {"'self'"},
    "base-uri": {"'none'"}, "frame-ancestors": {"'none'"},
}  # fmt: skip


def assert_headers(answer: Any, what: str, kept: bool = False) -> None:
    """Everything that must be there, and nothing that tells what runs here."""
    for name, value in ALWAYS.items():
        assert answer.headers.getlist(name) == [value], f"{what}: {name}"
    policy = {
        d.split()[0]: set(d.split()[1:])
        for d in answer.headers["Content-Security-Policy"].split(";")
        if d.strip()
    }
    assert POLICY.items() <= policy.items(), what
    assert not {"'unsafe-inline'", "'unsafe-eval'", "*", "data:", "http:", "https:"} & set().union(
        *policy.values()
    ), what
    assert "camera=()" in answer.headers["Permissions-Policy"], what
    assert not {"Server", "X-Powered-By", "Access-Control-Allow-Origin"} & {*answer.headers.keys()}, what
    if not kept:
        assert answer.headers["Cache-Control"] == "no-store", what
        assert "Cookie" in answer.headers.get("Vary", ""), what


@pytest.mark.parametrize("name", ["ana", "omar", "nobody"])
def test_every_page_carries_every_header(site_app: Flask, seeded: Site, name: str) -> None:
    browser = visitor(site_app, seeded, name)
    for row in PAGES:
        if row.endpoint != "leave.show_leave":
            assert_headers(browser.get(row.address(seeded)), f"GET {row.url}")


@pytest.mark.parametrize("row", POSTS, ids=lambda row: row.endpoint)
def test_every_form_answers_with_every_header(site_app: Flask, seeded: Site, row: Row) -> None:
    answer = visitor(site_app, seeded, somebody(row, "done", "again")).press(
        row.address(seeded), **row.fields
    )

    assert_headers(answer, row.url)


def test_faults_carry_every_header(site_app: Flask, seeded: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    ana = visitor(site_app, seeded, "ana")
    assert_headers(ana.get("/none-such"), "404")
    assert_headers(ana.get("/", headers={"Host": "evil.example"}), "400 host")
    assert_headers(ana.get("/boards?q=%00"), "400")
    assert_headers(ana.post("/sign-in", data={}), "400 token")
    assert_headers(ana.get("/", headers=FROM_ELSEWHERE[1]), "403")
    assert_headers(ana.delete("/boards"), "405")
    assert_headers(
        ana.post("/sign-in", data=b"x" * 300_000, content_type="application/x-www-form-urlencoded"), "413"
    )
    assert_headers(ana.get("/topics/1-x"), "301")
    assert_headers(visitor(site_app, seeded, "nobody").get("/account"), "303")
    assert_headers(ana.get("/healthz"), "health")
    assert_headers(ana.options("/boards"), "options")
    assert_headers(ana.head("/boards"), "head")

    monkeypatch.setattr(queries, "visible_boards", lambda viewer: 1 / 0)
    broken = ana.get("/boards")
    assert broken.status_code == 500
    assert_headers(broken, "500")

    def locked(viewer: Any) -> None:
        raise OperationalError("SELECT 1", {}, Exception("database is locked"))

    monkeypatch.setattr(queries, "visible_boards", locked)
    busy = ana.get("/boards")
    assert busy.status_code == 503
    assert_headers(busy, "503")
    for answer in (broken, busy):
        assert "<h1>" in answer.text
        assert 'href="/leave"' in answer.text
        assert "tel:911" in answer.text
        for word in ("Traceback", "sqlalchemy", "ZeroDivision", "SELECT", "locked"):
            assert word not in answer.text


def test_a_fault_of_ours_gives_the_words_back(
    site_app: Flask, seeded: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    from forum.boards import actions

    monkeypatch.setattr(actions, "reply", lambda *args: 1 / 0)
    url = f"/topics/{seeded.topics['castings']}/reply"
    answer = visitor(site_app, seeded, "ana").press(url, body="What I <b>wrote</b>", once="k" * 20)

    assert answer.status_code == 500
    assert "What I &lt;b&gt;wrote&lt;/b&gt;" in answer.text
    monkeypatch.undo()
    again = visitor(site_app, seeded, "ana").press(url, body="What I <b>wrote</b>", once="k" * 20)
    assert (again.status_code, "#p" in again.location) == (303, True)  # the key was not used up


def test_files_of_the_site_may_be_kept_and_pages_not(site_app: Flask, seeded: Site) -> None:
    page = visitor(site_app, seeded, "nobody").get("/").text
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(files) >= 3
    for file in files:
        kept = visitor(site_app, seeded, "nobody").get(f"{file}&lang=es")
        assert (kept.status_code, kept.headers.get("Set-Cookie")) == (200, None)
    for url in files:
        answer = visitor(site_app, seeded, "ana").get(url)
        assert_headers(answer, url, kept=True)
        assert "max-age=31536000" in answer.headers["Cache-Control"]
        assert "Set-Cookie" not in answer.headers
        assert "?v=" in url
    missing = visitor(site_app, seeded, "ana").get("/static/none-such.css")
    assert missing.status_code == 404
    assert "no-store" in missing.headers["Cache-Control"]


# --- cookies -----------------------------------------------------------------------------------------


@pytest.fixture
def secure_app(seeded: Site, tmp_path: Path) -> Iterator[Flask]:
    """The site as people reach it by https."""
    shutil.copytree(seeded.folder, tmp_path / "https")
    app = open_site(tmp_path / "https", base_url="https://callboard.example")
    with app.app_context():
        from forum.accounts.models import Person
        from forum.accounts.passwords import hash_password

        db.db.session.get_one(Person, seeded.people["ana"]).password_hash = hash_password(PASSWORD)
        db.commit()
    yield app
    forget(app)


def parsed(cookie: str) -> tuple[str, str, dict[str, str]]:
    """(name, value, attributes) of a Set-Cookie header."""
    first, *rest = cookie.split("; ")
    name, _, value = first.partition("=")
    return name, value, {a.partition("=")[0].lower(): a.partition("=")[2] for a in rest}


def signing_in(app: Flask, base_url: str) -> list[Any]:
    """The answers of the sign-in page and of signing in."""
    browser: Any = app.test_client()
    page = browser.get("/sign-in?lang=en", base_url=base_url)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token
    fields = {
        "csrf_token": token[1],
        "email": f"{mark('mailbox ana')}@example.org",
        "password": PASSWORD,
        "keep": "y",
    }
    answer = browser.post("/sign-in", data=fields, base_url=base_url)
    assert answer.status_code == 303, answer.text
    return [page, answer]


def test_cookies_over_https_are_bound_to_the_host(secure_app: Flask) -> None:
    cookies = [
        parsed(c)
        for a in signing_in(secure_app, "https://callboard.example")
        for c in a.headers.getlist("Set-Cookie")
    ]

    assert {name for name, _value, _more in cookies} == {"__Host-callboard", "lang", "device"}
    for name, _value, more in cookies:
        assert {"secure", "httponly"} <= more.keys(), name
        assert more["samesite"] == "Lax", name
        assert "domain" not in more, name
        if name.startswith("__Host-"):
            assert more["path"] == "/"


def test_cookies_on_this_machine_are_plain(site_app: Flask, seeded: Site) -> None:
    cookies = [
        parsed(c) for a in signing_in(site_app, "http://localhost") for c in a.headers.getlist("Set-Cookie")
    ]

    assert {name for name, _value, _more in cookies} == {"callboard", "lang", "device"}
    for name, _value, more in cookies:
        assert "secure" not in more, name
        assert "httponly" in more, name
        assert more["samesite"] == "Lax"


def test_https_pages_tell_the_browser_to_stay_there(secure_app: Flask, seeded: Site) -> None:
    for url in ("/", "/none-such", "/static/callboard.css"):
        answer = secure_app.test_client().get(url, base_url="https://callboard.example")
        assert int(re.findall(r"max-age=(\d+)", answer.headers["Strict-Transport-Security"])[0]) >= 31_536_000
        assert "upgrade-insecure-requests" in answer.headers["Content-Security-Policy"]


def test_a_new_sign_in_is_a_new_session(site_app: Flask, seeded: Site) -> None:
    """A23: what was in the cookie before does not live on."""
    browser: Any = site_app.test_client()
    with browser.session_transaction() as session:
        session["planted"] = "by somebody else"
        session["_user_id"] = "planted token"
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/sign-in").text)
    assert token
    fields = {"csrf_token": token[1], "email": f"{mark('mailbox ana')}@example.org", "password": PASSWORD}
    assert browser.post("/sign-in", data=fields).status_code == 303
    with browser.session_transaction() as session:
        assert "planted" not in session
        assert session["_user_id"] != "planted token"
        assert len(session["_user_id"]) >= 40


def test_pages_without_a_form_set_no_cookie_for_strangers(site_app: Flask, seeded: Site) -> None:
    for row in PAGES:
        if row.expected("nobody") in ("page", "missing", "gone") and row.endpoint != "leave.show_leave":
            answer = site_app.test_client().get(row.address(seeded))
            posts = 'name="csrf_token"' in answer.text
            assert bool(answer.headers.getlist("Set-Cookie")) == bool(posts), row.url


def test_leaving_takes_every_cookie_along(site_app: Flask, seeded: Site) -> None:
    for answer in (
        visitor(site_app, seeded, "ana").get("/leave"),
        visitor(site_app, seeded, "ana").press("/leave"),
    ):
        gone = {n: (v, more) for n, v, more in map(parsed, answer.headers.getlist("Set-Cookie"))}
        assert {"lang", "device", "callboard"} <= set(gone)
        for name, (_value, more) in gone.items():
            assert more.get("max-age") == "0" or "1970" in more.get("expires", ""), name
        assert '"cookies"' in answer.headers["Clear-Site-Data"]
        assert answer.location == "https://www.wikipedia.org/"


def test_after_a_get_of_leave_the_cookie_no_longer_signs_in(site_app: Flask, seeded: Site) -> None:
    ana = visitor(site_app, seeded, "ana")
    ana.get("/leave")
    assert ana.get("/account").status_code == 303
    old = visitor(site_app, seeded, "ana")  # without script the sign-in itself lives on: what the page says
    assert old.get("/account").status_code == 200
    old.press("/leave")
    assert visitor(site_app, seeded, "ana").get("/account").status_code == 303


# --- pages -------------------------------------------------------------------------------------------


class Reader(HTMLParser):
    """Notes whatever a strict policy would not run or load."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.ids: list[str] = []
        self.token_forms = 0
        self._form: dict[str, str | None] | None = None
        self._has_token = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        for name, value in attrs:
            if name == "style" or name.startswith("on"):
                self.faults.append(f"<{tag} {name}>")
            if (
                name in ("href", "src", "action", "formaction", "poster", "data")
                and value
                and not self._own(value)
                and not (tag == "a" and {"noreferrer", "noopener"} <= set((values.get("rel") or "").split()))
            ):
                self.faults.append(f"<{tag} {name}={value}>")
        if (
            tag == "style"
            or (tag == "script" and not values.get("src"))
            or tag in ("iframe", "object", "embed", "base")
        ):
            self.faults.append(f"<{tag}>")
        if tag == "meta" and values.get("http-equiv"):
            self.faults.append("<meta http-equiv>")
        if values.get("id"):
            self.ids.append(values["id"] or "")
        if tag == "form":
            self._form, self._has_token = values, False
        if tag == "input" and values.get("name") == "csrf_token":
            self._has_token = True

    def handle_endtag(self, tag: str) -> None:
        if tag == "form" and self._form is not None:
            posts = (self._form.get("method") or "get").lower() == "post"
            if posts and not self._has_token and not TAPS.fullmatch(self._form.get("action") or ""):
                self.faults.append(f"a form to {self._form.get('action')} without a token")
            if (self._form.get("method") or "get").lower() == "get" and self._has_token:
                self.faults.append(f"a token in the address of {self._form.get('action')}")
            self._form = None

    @staticmethod
    def _own(url: str) -> bool:
        return url.startswith(("/", "#", "?", "tel:", "sms:", "mailto:")) and not url.startswith("//")


@pytest.mark.parametrize("name", ["ana", "ines", "ruth", "clea", "omar", "olena", "maud", "nobody"])
def test_no_page_has_inline_style_or_script_or_anything_from_elsewhere(
    site_app: Flask, seeded: Site, name: str
) -> None:
    browser = visitor(site_app, seeded, name)
    for row in PAGES:
        if row.expected(name) in ("page", "missing", "gone"):
            check_page(browser, row.address(seeded))
    for row in POSTS:
        if row.expected(name) == "again":
            answer = browser.press(row.address(seeded), **row.fields)
            if answer.mimetype == "text/html":
                check_html(answer.text, row.url)


def check_page(browser: Visitor, url: str) -> None:
    answer = browser.get(url)
    if answer.mimetype == "text/html":
        check_html(answer.text, url)


def check_html(text: str, url: str) -> None:
    reader = Reader()
    reader.feed(text)
    assert reader.faults == [], url
    doubled = {i for i in reader.ids if reader.ids.count(i) > 1}
    assert not doubled, f"{url}: two elements are called {doubled}"
    assert text.count("<h1") == 1, url
    assert re.search(r'<html lang="(en|es|uk)"', text), url
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in text, url


def test_the_reader_sees_what_it_should() -> None:
    bad = '<p style="x"><a href="//evil">x</a><script>x</script><img src="http://x"><b onclick="x"><form method="post"></form><style></style>'
    reader = Reader()
    reader.feed(bad)

    assert len(reader.faults) == 7


def test_member_links_go_out_without_a_trace(site_app: Flask, seeded: Site) -> None:
    """A27: words of members may lead elsewhere, and say nothing of where they stood."""
    ana = visitor(site_app, seeded, "ana")
    ana.press(
        f"/topics/{seeded.topics['castings']}/reply",
        body="See https://example.org/page and ![p](https://example.org/p.png)",
    )
    html = ana.get(seeded.topic_url("castings")).text
    links = re.findall(r'<a [^>]*href="https://example\.org[^>]*>', html)

    assert len(links) == 2
    for link in links:
        assert {"noopener", "noreferrer", "nofollow"} <= set(re.findall(r'rel="([^"]*)"', link)[0].split())
        assert "target" not in link
    assert "<img" not in html


def test_the_page_of_a_refused_form_says_error_first(site_app: Flask, seeded: Site) -> None:
    """Interface, rule 11: summary with focus, links to the fields, the same words beside them."""
    seen = 0
    for row in POSTS + [r for r in ROWS if r.method == "POST"]:
        name = next((n for n in PERSONAS if row.expected(n) == "again"), None)
        if name is None:
            continue
        restore(site_app, seeded)
        answer = visitor(site_app, seeded, name).press(row.address(seeded), **row.fields)
        assert answer.status_code == 422, row.url
        assert re.search(r"<title>Error: ", answer.text), row.url
        summary = re.search(
            r'(?s)<div class="errors" tabindex="-1" autofocus role="alert".*?</div>', answer.text
        )
        assert summary, row.url
        ids = set(re.findall(r'id="([^"]+)"', answer.text))
        for target in re.findall(r'href="#([^"]+)"', summary[0]):
            assert target in ids, f"{row.url}: the summary leads to #{target}"
        seen += 1
    assert seen > 10


def test_nothing_was_posted_by_all_this(site_app: Flask, seeded: Site) -> None:
    with site_app.app_context():
        assert db.db.session.scalar(select(func.count()).where(Post.body.like("%evil%"))) == 0
