"""Whatever is sent, nothing breaks: a 4xx with a sentence, never a 500, and what was typed is still in the page."""

from __future__ import annotations

import datetime as dt
import html
import io
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select, update

from forum import db
from forum.accounts.models import SignIn
from forum.boards.models import Post
from forum.testing import PASSWORD
from tests.access import MINE, ROWS, Row
from tests.personas import PERSONAS, Site, Visitor, csrf_token, mark, restore, visitor

WRONG_IDS = ["0", "-1", "2147483648", "9223372036854775808", "1" * 400, "x", "1.0", "%31%30%30%30%30%30%30%30%30%30%30",
             "%EF%BC%91", "%00", "%ED%A0%80", "..", "1%0d%0aX: y", "1e3", "%F0%9F%99%82"]  # fmt: skip
WRONG_WORDS = ["%00", "%ED%A0%80", "%F0%9F%99%82", "x" * 6000, "..", "a%0d%0aX:%20y", "'%22%3E%3Cb%3E",
               "%E2%80%AE", "é".encode().decode("latin-1")]  # fmt: skip
WRONG_QUERIES = ["page=0", "page=-1", "page=x", "page=99999999999999999999", "page=%00", "page=1&page=x", "after=%00", "after=" + "A" * 9000,
                 "after=%ED%A0%80", "before=-1", "before=9223372036854775808", "q=%00", "q=%ED%A0%80", "q=" + "%22" * 3000, "q[]=1", "lang=xx",
                 "lang=%00", "lang=../../etc", "next=//evil.example", "next=%00", "=&&=;;", "%00=1", "%ED%A0%80=1", "a=" + "b" * 20_000]  # fmt: skip


def allowed(row: Row) -> str | None:
    """Somebody for whom this form is carried out; a stranger where strangers are meant."""
    order = ("nobody", *PERSONAS) if row.endpoint.startswith("joining.") else PERSONAS
    return next((n for n in order if row.expected(n) == "done"), None)


def forms() -> Iterator[tuple[Row, str]]:
    """One row for each form that somebody may send, and who that is."""
    seen = set()
    for row in ROWS:
        name = allowed(row)
        if row.method == "POST" and name and row.endpoint not in seen:
            seen.add(row.endpoint)
            yield row, name


FORMS = list(forms())


def assert_sentence(answer: Any, what: str, *, least: int = 400, most: int = 499) -> None:
    """A fault of the sender, said in a sentence on a page (a redirect needs none)."""
    assert answer.status_code < 500, f"{what}: {answer.status_code}"
    if answer.status_code in (301, 302, 303, 308):
        return
    assert least <= answer.status_code <= most, f"{what}: {answer.status_code}"
    if answer.mimetype == "text/html" and answer.request.method not in ("HEAD", "OPTIONS"):
        assert "<h1>" in answer.text, what
        assert "Traceback" not in answer.text, what


# --- addresses -------------------------------------------------------------------------------------

FILLINGS = {
    "topic_id": "1", "post_id": "1", "slug": "castings", "agency": "northlight", "handle": "ines", "sign_in_id": "1",
    "membership_id": "1", "invite_id": "1", "guardianship_id": "1", "role": "mentor", "token": "t", "code": "c", "filename": "icon.svg",
    "plugin": "resources", "service_id": "7caf2fa7-d39f-5d02-a752-6c0607aaa3fb", "position": "0", "listing_id": "1",
}  # fmt: skip


def spelled(rule: str, argument: str, value: str) -> str:
    """The address of a rule with this value for one argument and good ones for the others."""

    def fill(found: re.Match[str]) -> str:
        name = found[1].rpartition(":")[2]
        return value if name == argument else FILLINGS[name]

    return re.sub(r"<([^>]+)>", fill, rule)


@pytest.mark.parametrize("name", ["clea", "omar"])
def test_wrong_parts_of_an_address_are_missing(site_app: Flask, seeded: Site, name: str) -> None:
    browser = visitor(site_app, seeded, name)
    for rule in site_app.url_map.iter_rules():
        for argument in rule.arguments:
            wrong = WRONG_IDS if argument.endswith("_id") else WRONG_WORDS
            for value in wrong:
                url = spelled(rule.rule, argument, value)
                for method in (rule.methods or set()) & {"GET", "POST"}:
                    answer = browser.get(url) if method == "GET" else browser.press(url)
                    where = f"{method} {url[:120]}"
                    assert_sentence(answer, where)
                    if argument.endswith("_id"):
                        assert answer.status_code in (400, 404, 405), f"{where}: {answer.status_code}"


@pytest.mark.parametrize("name", ["ana", "nobody"])
def test_wrong_queries_are_survived(site_app: Flask, seeded: Site, name: str) -> None:
    browser = visitor(site_app, seeded, name)
    rows = {
        row.endpoint: row
        for row in ROWS
        if row.method == "GET" and row.expected(name) in ("page", "done", "gone")
    }
    for row in rows.values():
        for query in WRONG_QUERIES:
            url = row.address(seeded).partition("?")[0]
            answer = browser.get(f"{url}?{query}")
            assert_sentence(answer, f"{url}?{query[:60]}", least=200)
            if "=%00" in query and row.endpoint != "static":
                assert answer.status_code == 400, f"{url}?{query}"


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil", "/%2e%2e/%2e%2e/etc/passwd", "/static/../app.py", "/static/%2e%2e/app.py",
                                  "/topics/1/x.css", "/account/x.css", "/boards.css", "/boards/", "/BOARDS", "/a/northlight/", "/;x", "/%ff",
                                  "/" + "a" * 9000, "/a/northlight/members/", "/.git/config", "/topics/"])  # fmt: skip
def test_paths_nobody_made_are_missing(site_app: Flask, seeded: Site, path: str) -> None:
    """No path suffix opens a page under another name, so no cache keeps one (A26)."""
    for name in ("ana", "nobody"):
        answer = visitor(site_app, seeded, name).get(path)
        assert answer.status_code in (400, 404), path
        assert_sentence(answer, path)


# --- forms -----------------------------------------------------------------------------------------


def send_raw(
    browser: Visitor, url: str, body: bytes, kind: str = "application/x-www-form-urlencoded", **more: Any
) -> Any:
    return browser.post(url, data=body, content_type=kind, **more)


def encoded(app: Flask, fields: dict[str, str] | list[tuple[str, str]]) -> bytes:
    pairs = list(fields.items()) if isinstance(fields, dict) else fields
    return urlencode([("csrf_token", csrf_token(app)), *pairs]).encode()


ODD_VALUES: dict[str, bytes] = {
    "NUL inside": b"some%00words", "lone surrogate": b"%ED%A0%80", "not UTF-8": b"%FF%FE%FD", "long": b"x" * 150_000, "empty": b"",
    "line breaks": b"a%0D%0ABcc:%20x@example.org", "bidi": b"%E2%80%AE%E2%81%A6", "quotes": b"%27%22%3C%3E%26",
    "number": b"99999999999999999999999",
}  # fmt: skip


@pytest.mark.parametrize(("row", "name"), FORMS, ids=lambda v: v.endpoint if isinstance(v, Row) else v)
def test_odd_values_in_every_field_are_survived(site_app: Flask, seeded: Site, row: Row, name: str) -> None:
    for field in {*row.fields, "once"}:
        for what, value in ODD_VALUES.items():
            others = {k: v for k, v in row.fields.items() if k != field}
            body = encoded(site_app, others) + b"&" + field.encode() + b"=" + value
            answer = send_raw(visitor(site_app, seeded, name), row.address(seeded), body)
            assert_sentence(answer, f"{row.endpoint} {field} {what}", least=200)
            if "\0" in answer.text:
                pytest.fail(f"{row.endpoint} {field}: a NUL in the page")
            if answer.status_code == 303:
                restore(site_app, seeded)


@pytest.mark.parametrize(("row", "name"), FORMS, ids=lambda v: v.endpoint if isinstance(v, Row) else v)
def test_malformed_forms_are_refused_with_what_was_typed(
    site_app: Flask, seeded: Site, row: Row, name: str
) -> None:
    url = row.address(seeded)
    browser = visitor(site_app, seeded, name)
    unknown = browser.press(url, **row.fields, is_admin="1", words="These are words that nobody should lose")
    if row.endpoint != "leave.leave":  # it takes no form: whoever leaves is let go
        assert_sentence(unknown, "an unknown field")
        assert unknown.status_code == 400, unknown.status_code
        assert "These are words that nobody should lose" in html.unescape(unknown.text)
        assert MINE not in row.fields.values() or "words that nobody" in unknown.text

    for field in row.fields:
        rest = {k: v for k, v in row.fields.items() if k != field}
        answer = browser.press(url, **rest)
        assert_sentence(answer, f"without {field}", least=200)
        twice = [*row.fields.items(), (field, "another"), (field, "a third")]
        answer = send_raw(browser, url, encoded(site_app, twice))
        assert_sentence(answer, f"{field} three times", least=200)
        restore(site_app, seeded)
        browser = visitor(site_app, seeded, name)


CONTENT_TYPES: dict[str, tuple[str, bytes]] = {
    "JSON": ("application/json", b'{"body": "x", "title": "x"}'),
    "broken JSON": ("application/json", b'{"body": '),
    "text": ("text/plain", b"body=x&title=x"),
    "XML": ("application/xml", b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>"),
    "multipart without a boundary": ("multipart/form-data", b"--x\r\n\r\n"),
    "broken multipart": ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="body"\r\n\r\nhalf'),
    "multipart of nothing": ("multipart/form-data; boundary=x", b""),
    "odd multipart": ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: \xff\r\n\r\n\xff\r\n--x--\r\n"),
    "many parts": ("multipart/form-data; boundary=x", b"".join(b'--x\r\nContent-Disposition: form-data; name="p%d"\r\n\r\n\r\n' % n for n in range(200)) + b"--x--\r\n"),
    "no type": ("", b"body=x"),
    "odd charset": ("application/x-www-form-urlencoded; charset=utf-7", b"body=+AGE-"),
    "odd type": ("a/b; c=\x7f", b"\x00\x01"),
}  # fmt: skip


@pytest.mark.parametrize("kind", CONTENT_TYPES)
def test_other_content_types_change_nothing(site_app: Flask, seeded: Site, kind: str) -> None:
    content_type, body = CONTENT_TYPES[kind]
    for row, name in FORMS:
        restore(site_app, seeded)
        with_token = {"X-CSRFToken": csrf_token(site_app)}
        for headers in ({}, with_token):
            answer = send_raw(
                visitor(site_app, seeded, name), row.address(seeded), body, content_type, headers=headers
            )
            assert_sentence(answer, f"{row.endpoint} as {kind}", least=200)
            if not headers:
                assert answer.status_code in (400, 413), f"{row.endpoint} as {kind}: {answer.status_code}"
    with site_app.app_context():
        assert db.db.session.scalar(select(func.count()).where(Post.body == "x")) == 0


def test_a_form_with_files_is_a_form(site_app: Flask, seeded: Site) -> None:
    ana = visitor(site_app, seeded, "ana")
    sent = {
        "csrf_token": csrf_token(site_app),
        "body": "With a file",
        "file": (io.BytesIO(b"x" * 1000), "../../x.svg"),
    }
    answer = ana.post(
        f"/topics/{seeded.topics['castings']}/reply", data=sent, content_type="multipart/form-data"
    )

    assert answer.status_code in (303, 400, 422)


@pytest.mark.parametrize("kind", ["urlencoded", "multipart", "json", "no length"])
def test_ten_megabytes_are_too_much(site_app: Flask, seeded: Site, kind: str) -> None:
    size = 10 * 2**20
    types = {
        "urlencoded": "application/x-www-form-urlencoded",
        "multipart": "multipart/form-data; boundary=x",
        "json": "application/json",
    }
    start = {
        "urlencoded": b"body=",
        "multipart": b'--x\r\nContent-Disposition: form-data; name="body"\r\n\r\n',
        "json": b'"',
    }
    for url, name in (
        (f"/topics/{seeded.topics['castings']}/reply", "ana"),
        ("/sign-in", "nobody"),
        ("/leave", "ana"),
        ("/join", "nobody"),
    ):
        browser = visitor(site_app, seeded, name)
        if kind == "no length":
            body = io.BytesIO(b"body=" + b"x" * size)
            environ = {
                "wsgi.input_terminated": True,
                "HTTP_TRANSFER_ENCODING": "chunked",
                "CONTENT_LENGTH": "",
            }
            answer = browser.post(
                url, input_stream=body, content_type=types["urlencoded"], environ_overrides=environ
            )
        else:
            answer = send_raw(browser, url, start[kind] + b"x" * size, types[kind])
        assert answer.status_code in (400, 413), f"{url}: {answer.status_code}"
        assert_sentence(answer, url)
    with site_app.app_context():
        assert (db.db.session.scalar(select(func.max(func.length(Post.body)))) or 0) < 100_000


@pytest.mark.parametrize("field", [b"a=b&", b"=&", b"words=x&"])
def test_a_form_of_countless_fields_gets_a_short_answer(site_app: Flask, seeded: Site, field: bytes) -> None:
    """R41: without a limit a stranger's 256 kB came back as 5 MB of page, after seconds of work."""
    body = field * (250_000 // len(field))
    for url in ("/sign-in", "/join", f"/topics/{seeded.topics['castings']}/reply"):
        answer = send_raw(visitor(site_app, seeded, "ana"), url, body, "application/x-www-form-urlencoded")
        assert answer.status_code == 400, url
        assert len(answer.data) < 20_000, url


# --- tokens ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("row", "name"), FORMS, ids=lambda v: v.endpoint if isinstance(v, Row) else v)
def test_an_old_page_gives_the_words_back_to_be_sent_again(
    site_app: Flask, seeded: Site, row: Row, name: str
) -> None:
    """The token lives 24 hours; after 25 the form comes back with a new one, and works."""
    browser, url = visitor(site_app, seeded, name), row.address(seeded)
    old = csrf_token(site_app)
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=25)
    with site_app.app_context():  # the password was given a minute ago, where that is asked
        db.db.session.execute(update(SignIn).values(confirmed_at=later - dt.timedelta(minutes=1)))
        db.commit()
    with time_machine.travel(later, tick=True):
        answer = browser.post(url, data={"csrf_token": old, **row.fields})
        assert answer.status_code == 400, answer.status_code
        assert_sentence(answer, url)
        for field, value in row.fields.items():
            if "password" not in field:
                assert html.escape(value) in answer.text or value == "", field
            else:
                assert value not in answer.text, field
        if (
            name != "nobody"
            and row.endpoint not in LINKS_OF_A_DAY
            and not any("password" in f for f in row.fields)
        ):
            again = dict(
                re.findall(
                    r'name="([^"]+)" value="([^"]*)"',
                    answer.text.partition("<main")[2].partition("</main>")[0],
                )
            )
            again |= {
                n: html.unescape(v).strip("\n")
                for n, v in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>([^<]*)<', answer.text)
            }
            sent = browser.post(url, data={n: html.unescape(v) for n, v in again.items()})
            assert sent.status_code in (200, 303), f"sent again: {sent.status_code}"


LINKS_OF_A_DAY = {"accounts.use_reset", "accounts.use_address", "accounts.keep_own"}  # these are over by then


CHANCE = re.compile(r"-[0-9a-f]{8}$|\d+")  # of an address: what no two answers share
MENDED = [
    (wrong, right, name)
    for wrong in ROWS
    for right in ROWS
    if wrong.method == right.method == "POST" and wrong.url == right.url and wrong.endpoint == right.endpoint
    for name in [
        next((n for n in PERSONAS if (wrong.expected(n), right.expected(n)) == ("again", "done")), None)
    ]
    if name
]


def test_a_refused_form_can_be_mended_and_sent_with_its_key(site_app: Flask, seeded: Site) -> None:
    """Back, mend, send again: the key of a form that was refused is not used up."""
    for wrong, right, name in MENDED:
        restore(site_app, seeded)
        url, key = right.address(seeded), {"once": "k" * 22}
        assert visitor(site_app, seeded, name).press(url, **wrong.fields, **key).status_code == 422, url
        mended = visitor(site_app, seeded, name).press(url, **right.fields, **key)
        restore(site_app, seeded)
        at_once = visitor(site_app, seeded, name).press(url, **right.fields)
        assert (mended.status_code, CHANCE.sub("", mended.location)) == (
            303,
            CHANCE.sub("", at_once.location),
        ), url
    assert len(MENDED) > 8


def test_a_mistyped_password_can_be_mended_by_going_back(site_app: Flask, seeded: Site) -> None:
    """The same form with the same key: the second time the password is right, and she is in."""
    fields = {"email": f"{mark('mailbox ana')}@example.org", "once": "k" * 22}
    browser = visitor(site_app, seeded, "nobody")
    assert browser.press("/sign-in", password="not the right one", **fields).status_code == 422
    assert browser.press("/sign-in", password=PASSWORD, **fields).status_code == 303

    assert browser.get("/account").status_code == 200


SENSITIVE = {"people.suspend": "reason", "accounts.change_address": "email"}


@pytest.mark.parametrize(
    ("row", "name"), [f for f in FORMS if f[0].endpoint in SENSITIVE], ids=lambda v: getattr(v, "endpoint", v)
)
def test_words_are_kept_when_the_password_is_asked_again(
    site_app: Flask, seeded: Site, row: Row, name: str
) -> None:
    """A sensitive form was open for longer than a quarter of an hour; what was typed in it is not lost."""
    with site_app.app_context():
        db.db.session.execute(update(SignIn).values(confirmed_at=db.now() - dt.timedelta(minutes=16)))
        db.commit()
    answer = visitor(site_app, seeded, name).press(row.address(seeded), **row.fields)
    if answer.status_code == 303:
        answer = visitor(site_app, seeded, name).get(answer.location)

    assert html.escape(row.fields[SENSITIVE[row.endpoint]]) in answer.text


def test_words_of_any_kind_come_back_from_an_old_page(site_app: Flask, seeded: Site) -> None:
    words = 'First line\nsecond <b>line</b> & "more"\n\n  indented\n' + "and on " * 500
    answer = visitor(site_app, seeded, "ana").post(
        f"/topics/{seeded.topics['castings']}/reply", data={"body": words}
    )

    assert answer.status_code == 400
    assert html.escape(words.strip()) in answer.text or words.strip() in html.unescape(answer.text)
    assert "<b>line</b>" not in answer.text


@pytest.mark.parametrize(
    "token", ["", "x", "é", "\u202e", "a.b.c", "." * 1000, "IjEi.Zm9v.bar", "x" * 50_000]
)
def test_tokens_that_cannot_be_are_refused(site_app: Flask, seeded: Site, token: str) -> None:
    ana = visitor(site_app, seeded, "ana")
    answer = ana.post(
        f"/topics/{seeded.topics['castings']}/reply", data={"csrf_token": token, "body": "My own words"}
    )

    assert answer.status_code == 400
    assert "My own words" in answer.text


def test_the_token_of_another_session_is_refused(site_app: Flask, seeded: Site) -> None:
    ana = site_app.test_client()
    with ana.session_transaction() as session:
        session["csrf_token"], session["_user_id"] = "d" * 40, seeded.tokens["ana"]
    answer = ana.post(
        f"/topics/{seeded.topics['castings']}/reply",
        data={"csrf_token": csrf_token(site_app), "body": "Words"},
    )

    assert answer.status_code == 400


# --- headers and cookies -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "localhost@evil.example", "evil.example:80", "", "localhost:x", "[::1]", "127.0.0.1.nip.io",
     "LOCALHOST.", "local host", "a" * 300, "localhost,evil.example", "evil.example#localhost"],
)  # fmt: skip
@pytest.mark.parametrize(
    "url", ["/", "/boards", "/sign-in", "/none-such", "/reset", "/healthz", "/static/callboard.css"]
)
def test_a_host_that_is_not_ours_is_refused(site_app: Flask, seeded: Site, host: str, url: str) -> None:
    """A09: no page, link or redirect is ever made for another host."""
    answer = visitor(site_app, seeded, "ana").get(url, headers={"Host": host})

    assert answer.status_code in (400, 404) or host == "LOCALHOST."
    assert_sentence(answer, host, least=200)
    assert "evil.example" not in answer.text + str(answer.headers)


def test_a_mailed_link_leads_to_our_address_whatever_the_headers_say(site_app: Flask, seeded: Site) -> None:
    from forum import jobs
    from forum.db import now
    from forum.outbox import OutboxMail
    from tests.personas import mark

    forged = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-Host": "evil.example", "X-Forwarded-Server": "evil.example",
              "Forwarded": "host=evil.example", "X-Original-URL": "/evil", "X-Forwarded-Port": "666"}  # fmt: skip
    visitor(site_app, seeded, "nobody").press(
        "/reset", email=f"{mark('mailbox ines')}@example.org", headers=forged
    )
    with site_app.app_context():
        for _ in range(3):
            jobs.run_due(now())
        bodies = db.db.session.scalars(select(OutboxMail.body)).all()

    assert len(bodies) == 1
    assert "http://localhost/reset/" in bodies[0]
    assert "evil" not in bodies[0]


HOSTILE = {
    "Accept-Language": ["xx", "*", "en;q=x", ",,,", "a" * 9000, "en-\xff", "uk;q=1.5,es;q=-1", "é"],
    "User-Agent": ["", "x" * 9000, "\xff\xfe", "<script>alert(1)</script>"],
    "Referer": ["http://evil.example/", "x" * 9000, "\xff"],
    "X-Forwarded-For": ["1.2.3.4", "x", "', drop", "::1, " * 500],
    "Sec-Purpose": ["\xff", "x" * 5000],
    "If-None-Match": ["*", "\xff", '"' * 500],
    "If-Modified-Since": ["x", "Thu, 99 Foo 9999 99:99:99 GMT"],
    "Range": ["bytes=0-1,2-3,4-5", "bytes=99999999999999999999-", "x"],
    "Accept": ["\xff", "application/json", "x" * 5000],
    "Content-Length": ["-1", "x", "99999999999999999999"],
    "Authorization": ["Basic x", "Basic " + "A" * 5000, "\xff"],
    "Cookie": [
        "callboard=x", "callboard=" + "A" * 4000, "callboard=.eJw.x.y", "callboard=\xff\xfe", "lang=\xff", "lang=en; lang=xx", "device=x; callboard=",
        "=;=;;", "callboard=" + quote("\0"), "a" * 9000, "callboard=e30.aaaa.bbbb; callboard=e30.cccc.dddd", 'callboard="\\000"',
    ],
}  # fmt: skip


@pytest.mark.parametrize("header", HOSTILE)
def test_hostile_headers_are_survived(site_app: Flask, seeded: Site, header: str) -> None:
    for value in HOSTILE[header]:
        for url in (
            "/",
            "/boards",
            "/sign-in",
            seeded.topic_url("welcome"),
            "/none-such",
            "/static/callboard.css",
        ):
            browser = site_app.test_client(use_cookies=header != "Cookie")
            answer = browser.get(url, headers={header: value})
            assert_sentence(answer, f"{header}: {value[:50]!r} {url}", least=200)
            assert answer.status_code in (200, 206, 304, 400, 404, 416), (
                f"{header}: {value[:50]!r} {url} {answer.status_code}"
            )
        answer = site_app.test_client(use_cookies=header != "Cookie").post(
            "/sign-in", data={"email": "a@b.cc"}, headers={header: value}
        )
        assert_sentence(answer, f"{header}: {value[:50]!r}")


@pytest.mark.parametrize(
    "mark_of_device", ["x", "WzEsImEiXQ.aaaa", "\xff", "[1]", "é", "." * 3000, "WyJ4Il0.x"]
)
def test_a_garbled_device_mark_is_none(site_app: Flask, seeded: Site, mark_of_device: str) -> None:
    browser = visitor(site_app, seeded, "nobody")
    browser.set_cookie("device", mark_of_device, path="/sign-in")
    answer = browser.press("/sign-in", email="nobody@example.org", password="wrong and wrong")

    assert answer.status_code == 422


@pytest.mark.parametrize(
    "method", ["PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "POST", "OPTIONS", "LINK", "get"]
)
def test_other_methods_are_refused_or_answered(site_app: Flask, seeded: Site, method: str) -> None:
    for name in ("ana", "nobody"):
        for url in (
            "/",
            "/boards",
            "/boards/castings",
            f"/topics/{seeded.topics['castings']}/reply",
            "/account",
            "/static/callboard.css",
        ):
            answer = visitor(site_app, seeded, name).open(url, method=method)
            assert_sentence(answer, f"{method} {url}", least=200)


def test_a_redirect_stays_on_the_site(site_app: Flask, seeded: Site) -> None:
    """A12, on every form and page that takes `next`."""
    targets = ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "/%09/evil.example", "javascript:alert(1)",
               "/\x0d\x0aLocation: //evil.example", "http:evil.example", "/@evil.example/..//evil.example", "///evil.example", "data:text/html,x",
               "%2f%2fevil.example", ".evil.example", "?//evil.example", "//evil.example@localhost"]  # fmt: skip
    for target in targets:
        answer = visitor(site_app, seeded, "ana").get(f"/sign-in?next={quote(target, safe='')}")
        assert answer.status_code in (303, 400), target
        location = answer.location or "/"
        assert location.startswith("/"), target
        assert not location.startswith(("//", "/\\")), target
        page = visitor(site_app, seeded, "nobody").get(f"/sign-in?next={quote(target, safe='')}")
        for link in re.findall(r'(?:href|action)="([^"]*)"', page.text):
            assert link.startswith(("/", "#", "tel:")) or link == "", link
            assert not link.startswith("//")
