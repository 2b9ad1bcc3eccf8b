"""Every restricted thing carries a mark; nobody may meet a mark she has no right to, on any way out of the site.

Ways out: every page and form of every route with every id, redirects, headers and cookies, search, the feed,
the export of one's own data, and every mail. Who has a right to which mark is said here by hand and asks no
rule of forum/. And: what is forbidden answers to the byte like what is missing.
"""

from __future__ import annotations

import base64
import io
import itertools
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from flask import Flask
from sqlalchemy import select, update

from forum import db, jobs, outbox
from forum.accounts.models import Person
from forum.db import now
from forum.outbox import OutboxMail
from forum.viewer import Viewer
from tests.access import MEMBERS, NORTHLIGHT_PEERS, READERS, ROWS
from tests.personas import BOARDS, BORN, NAMES, PEOPLE, PERSONAS, Site, Visitor, mark, restore, visitor

NONE: frozenset[str] = frozenset()
ROSTER = ("ana", "dasha", "mbali", "ines", "una", "sol")  # whom Northlight's office knows by legal name


# --- who has a right to what -----------------------------------------------------------------------


def rights(site: Site) -> dict[str, frozenset[str]]:
    """Mark → the personas who may meet it."""
    found: dict[str, frozenset[str]] = {}
    for slug in BOARDS:
        for what in ("board", "board about", "topic", "post", "answer"):
            found[mark(f"{what} {slug}")] = READERS[slug]
    found[mark("words of una")] = READERS["northlight-house"]
    found |= {mark("topic locked"): MEMBERS, mark("post locked"): MEMBERS, mark("spare"): MEMBERS}
    found |= {
        mark("second version"): MEMBERS,
        mark("first version"): only("ines"),
        mark("taken down"): only("ines"),
    }
    # A deleted topic: its authors keep their own words in their export, and meet them nowhere else.
    found |= {
        mark("topic gone"): only("ines"),
        mark("post gone"): only("ines"),
        mark("answer gone"): only("tomas"),
    }
    for name in PEOPLE:
        found[mark(f"mailbox {name}")] = only(name)  # P07
        found[mark(f"device {name}")] = only(name)  # P03
        found[mark(f"legal {name}")] = legal_readers(name)  # P06
        found[mark(f"about {name}")] = about_readers(name)  # P05
        found[site.tokens[name]] = NONE
    for name, day in BORN.items():  # P08
        for spelling in birthdays(day):
            found[spelling] = only(name, "olena") if name == "dasha" else only(name)
    found |= {
        mark("mailbox new"): only("ines"),
        mark("mailbox pending"): NONE,
        mark("pending application"): NONE,
    }
    found |= {mark("application"): only("vic", "maud", "omar"), mark("notice of ana"): only("ana")}
    found |= {mark("invited northlight"): only("ruth", "clea"), mark("invited corso"): only("rosa", "carl")}
    found |= {mark("reason"): only("eve"), mark("audit reason"): NONE}
    found |= dict.fromkeys(site.links.values(), NONE)
    return found


def only(*names: str) -> frozenset[str]:
    return frozenset(names)


def legal_readers(name: str) -> frozenset[str]:
    """Her own; the office and the coordinator of her agency, while she belongs to it."""
    if name in ROSTER:
        return only(name, "ruth", "bea", "clea")
    return only("tomas", "rosa", "carl") if name == "tomas" else only(name)


def about_readers(name: str) -> frozenset[str]:
    """Her own, the moderator, and in her own agency as P05 says; the agency's side of nobody."""
    readers = only(name, "maud")
    if name in NORTHLIGHT_PEERS:
        return readers | NORTHLIGHT_PEERS | {"clea"}
    if name in ("ruth", "bea", "clea"):
        return readers | NORTHLIGHT_PEERS | {"una", "clea"}
    if name in ("una", "sol"):
        return readers | NORTHLIGHT_PEERS | {"clea"}
    if name in ("tomas", "rosa", "carl"):
        return readers | {"tomas", "carl"}
    return NONE if name == "lea" else readers


def birthdays(day: str) -> Iterator[str]:
    """The ways in which a page could spell a date."""
    import datetime as dt

    date = dt.date.fromisoformat(day)
    yield from (day, f"{date:%d/%m/%Y}", f"{date:%m/%d/%Y}", f"{date:%d.%m.%Y}")
    yield from (
        f"{date.day} {date:%B} {date.year}",
        f"{date:%B} {date.day}, {date.year}",
        f"{date.day} {date:%b} {date.year}",
    )


def test_the_table_of_rights_knows_every_mark(seeded: Site) -> None:
    """Nothing that the seed marks is forgotten here."""
    import tests.personas as personas

    source = Path(personas.__file__).read_text("utf-8")
    used = set(re.findall(r"""mark\(f?["']([^"']+)["']\)""", source))
    known = rights(seeded)
    names = {
        "handle": PEOPLE,
        "name": PEOPLE,
        "slug": BOARDS,
        "whose": ("ines", "lea"),
        "kind": ("reset", "address", "keep"),
    }
    for what in used:
        field = re.search(r"\{(\w+)\}", what)
        fillings = names[field[1]] if field else ("",)
        for filling in fillings:
            assert mark(re.sub(r"\{\w+\}", filling, what)) in known or what.startswith(("code", "invited")), (
                what
            )


# --- the detector ----------------------------------------------------------------------------------


class Detector:
    """Looks for marks in everything that an answer says, and remembers what was found and how much was looked at."""

    def __init__(self, app: Flask, site: Site) -> None:
        self.app, self.rights = app, rights(site)
        self.marks = {m.casefold(): m for m in self.rights}
        ordered = sorted(self.marks, key=len, reverse=True)
        self.pattern = re.compile("|".join(map(re.escape, ordered)))
        self.hits: list[str] = []
        self.looked = 0

    def marks_in(self, text: str) -> set[str]:
        """The marks in a text, also where it is escaped or percent-encoded."""
        folded = text.casefold()
        found = set(self.pattern.findall(folded))
        if "%" in folded:
            found |= set(self.pattern.findall(unquote(folded)))
        return {self.marks[m] for m in found}

    def check(self, name: str, channel: str, text: str, known: Iterable[str] = ()) -> None:
        """`known`: what the asker said herself, which may come back to her."""
        for word in known:
            for spelling in {word, quote(word), quote(word, safe=""), word.replace("&", "&amp;")}:
                text = text.replace(spelling, "")
        self.looked += len(self.rights)
        for found in self.marks_in(text):
            if name not in self.rights[found]:
                self.hits.append(f"{name} met {found} by {channel}")

    def check_answer(self, name: str, channel: str, answer: Any, known: Iterable[str] = ()) -> None:
        """Body, headers, and what the cookies hold."""
        self.check(name, channel, readable(answer), known)
        self.check(name, f"{channel} (headers)", "\n".join(f"{k}: {v}" for k, v in answer.headers), known)
        for cookie in answer.headers.getlist("Set-Cookie"):
            self.check(
                name, f"{channel} (cookie)", opened(cookie), [*known, *self.app.own_tokens.get(name, ())]
            )  # type: ignore[attr-defined]


def readable(answer: Any) -> str:
    """The body as text; of an archive, everything in it."""
    if answer.mimetype != "application/zip":
        return str(answer.get_data(as_text=True))
    with zipfile.ZipFile(io.BytesIO(answer.data)) as folder:
        return "\n".join(f"{n}\n{folder.read(n).decode()}" for n in folder.namelist())


def opened(cookie: str) -> str:
    """A cookie and, of a signed one, the words inside: everybody can read them."""
    value = cookie.partition("=")[2].partition(";")[0]
    parts = [cookie]
    payload = value.lstrip(".").partition(".")[0]
    try:
        data = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        parts.append((zlib.decompress(data) if value.startswith(".") else data).decode("utf-8", "replace"))
    except (ValueError, zlib.error):
        pass
    return "\n".join(parts)


@pytest.fixture
def detector(site_app: Flask, seeded: Site) -> Detector:
    site_app.own_tokens = {name: [token] for name, token in seeded.tokens.items()}  # type: ignore[attr-defined]
    return Detector(site_app, seeded)


# --- every route with every id -----------------------------------------------------------------------


def values_of(site: Site, name: str) -> dict[str, list[Any]]:
    """What can stand in an address. The secret of a mailed link is its owner's; others have wrong ones."""
    wrong = "A" * 32
    secrets = {"ines": [site.links["reset"], site.links["address"]], "lea": [site.links["keep"]]}
    return {
        "topic_id": [str(i) for i in site.topics.values()],
        "post_id": [str(i) for i in site.posts.values()],
        "slug": [*BOARDS, "x"],
        "agency": [*site.agencies],
        "handle": [*PEOPLE],
        "sign_in_id": [str(i) for i in site.sign_ins.values()],
        "membership_id": [str(i) for i in site.memberships.values()],
        "invite_id": [str(i) for i in site.invites.values()],
        "guardianship_id": [str(i) for i in site.guardianships.values()],
        "role": ["model", "mentor", "booker", "moderator"],
        "token": [*secrets.get(name, []), wrong],
        "code": [wrong],
        "filename": ["callboard.css", "../../callboard.db"],
        "plugin": ["resources", "nothing"],
        "service_id": ["7caf2fa7-d39f-5d02-a752-6c0607aaa3fb", "00000000-0000-0000-0000-000000000005"],
        "position": ["0", "9"],
        "listing_id": ["1"],
    }


QUERIES = {
    "boards.show_board": ["", "?after=MC4xNzYzODIwMDAwMDAwMDAwLjE"],
    "boards.show_topic": ["", "?page=1"],
    "search.show_search": ["", "?q=words", "?q=words&before=20"],
    "notifications.show_notifications": ["", "?before=5"],
    "agencies.show_members": ["", "?after=3"],
    "joining.show_applications": ["", "?after=1"],
    "accounts.sign_in": ["", "?next=/boards/northlight-peer"],
}


def addresses(app: Flask, site: Site, name: str, method: str) -> Iterator[tuple[str, str]]:
    """(endpoint, address) of every route for this method, with every value."""
    values = values_of(site, name)
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if method not in (rule.methods or ()) or rule.endpoint in ("leave.show_leave", "leave.leave"):
            continue
        unknown = rule.arguments - set(values)
        assert not unknown, f"say in values_of() what can stand in {rule.rule}"
        lists = [[(a, v) for v in _converted(rule, values[a], a)] for a in sorted(rule.arguments)]
        every: Iterable[Any] = itertools.product(*lists)
        if rule.arguments == {"topic_id", "slug"}:  # a topic has one slug
            every = [(("topic_id", i), ("slug", site.slugs[t])) for t, i in site.topics.items()]
        for chosen in every:
            url = adapter.build(rule.endpoint, dict(chosen), method=method)
            for query in QUERIES.get(rule.endpoint, [""]):
                yield rule.endpoint, url + query


def _converted(rule: Any, values: list[Any], name: str) -> list[Any]:
    numbers = name == "position" or (name.endswith("_id") and name != "service_id")
    return [int(v) for v in values] if numbers else values


# One of each kind: who else there is differs in name only.
LOOKERS = (
    "ana",
    "olena",
    "ruth",
    "bea",
    "clea",
    "tomas",
    "maud",
    "omar",
    "vic",
    "una",
    "eve",
    "rosa",
    "nobody",
)
OFFICES = ("ruth", "bea", "rosa")


def assert_one_name(html: str, where: str) -> None:
    """P06: the agency knows legal names of those it invited, but not which display name each chose."""
    shown = re.sub(r'(?s)<a class="me".*?</a>', "", html)
    for member in (*ROSTER, "tomas"):
        if mark(f"legal {member}") in html:
            names = f"{member}|{NAMES.get(member, member)}"
            assert not re.search(rf"(?i)\b({names})\b", shown), f"{where}: both names of {member}"


@pytest.mark.parametrize("name", LOOKERS)
def test_no_page_shows_what_is_not_hers(site_app: Flask, seeded: Site, detector: Detector, name: str) -> None:
    browser, pages = visitor(site_app, seeded, name), 0
    for endpoint, url in addresses(site_app, seeded, name, "GET"):
        answer = browser.get(url)
        assert answer.status_code < 500, url
        detector.check_answer(name, f"GET {url}", answer, [url.partition("?")[0]])
        if name in OFFICES and answer.mimetype == "text/html":
            assert_one_name(answer.text, f"{endpoint} {url}")
        pages += 1
    print(f"\n{name}: {pages} pages, {detector.looked} looks for a mark")

    assert pages > 300
    assert not detector.hits, "\n".join(detector.hits)


SENDERS = ("ana", "una", "ruth", "bea", "clea", "tomas", "maud", "olena", "vic")
SENT_ABOUT = {"ana", "ines", "una", "ruth", "tomas", "sol", "vic"}


@pytest.mark.parametrize("name", SENDERS)
def test_no_form_answers_with_what_is_not_hers(
    site_app: Flask, seeded: Site, detector: Detector, name: str
) -> None:
    """Every form is sent empty: a button does its act, any other form comes back; what follows is looked at too."""
    browser, sent = visitor(site_app, seeded, name), 0
    for _endpoint, url in addresses(site_app, seeded, name, "POST"):
        handle = re.search(r"/(?:members|people|guardian|applications)/([a-z]+)", url)
        if handle and handle[1] not in SENT_ABOUT:
            continue
        answer = browser.press(url)
        sent += 1
        assert answer.status_code < 500, url
        detector.check_answer(name, f"POST {url}", answer, [url])
        if answer.status_code == 303 and not answer.location.startswith("/sign-in?next"):
            after = browser.get(answer.location)
            detector.check_answer(name, f"after POST {url}", after)
            restore(site_app, seeded)
            browser = visitor(site_app, seeded, name)
    print(f"\n{name}: {sent} forms, {detector.looked} looks for a mark")

    assert sent > 100
    assert not detector.hits, "\n".join(detector.hits)


@pytest.mark.parametrize("name", ["ana", "una", "ruth", "tomas", "omar", "vic"])
def test_search_for_a_mark_tells_nothing(
    site_app: Flask, seeded: Site, detector: Detector, name: str
) -> None:
    """With the mark itself as the question: it may come back as the question, and as nothing else."""
    browser = visitor(site_app, seeded, name)
    echoes = browser.get("/search?q=xxyyxxyyxx").text.count("xxyyxxyyxx")
    for found, readers in detector.rights.items():
        if name in readers or not found.isalnum():
            continue
        answer = browser.get(f"/search?q={found}")
        detector.looked += 1
        assert answer.text.casefold().count(found.casefold()) == echoes, found
        assert "<mark>" not in answer.text
        for other in detector.marks_in(answer.text) - {found}:
            if name not in detector.rights[other]:
                detector.hits.append(f"{name} met {other} by searching for {found}")

    assert not detector.hits, "\n".join(detector.hits)


# --- mails -----------------------------------------------------------------------------------------


def mailed(app: Flask, site: Site) -> Iterator[tuple[str, str, str]]:
    """(recipient, what caused it, the whole mail) of every mail that any form of the access table causes."""
    by_address = {f"{mark('mailbox ' + n)}@example.org": n for n in PEOPLE}
    for row in ROWS:
        name = next((n for n in PERSONAS if row.method == "POST" and row.expected(n) == "done"), None)
        if name is None or (row.endpoint.startswith("boards.") and "castings" not in row.url):
            continue
        restore(app, site)
        with app.app_context():
            db.db.session.execute(update(Person).values(mail_notices=True))
            db.commit()
        browser = visitor(app, site, name)
        assert browser.press(row.address(site), **row.fields).status_code == 303
        with app.app_context():
            for _ in range(5):
                jobs.run_due(now())
            settings = app.config["CALLBOARD"]
            for mail in db.db.session.scalars(select(OutboxMail)):
                whole = outbox.message(mail, settings).as_string()
                yield by_address.get(mail.to_address, mail.to_address), f"{row.method} {row.url}", whole


def test_no_mail_says_what_is_not_its_readers(site_app: Flask, seeded: Site, detector: Detector) -> None:
    """A mail says next to nothing at all: no board, topic or words, whoever may read them (H24, A28)."""
    talk = {
        m
        for m in detector.rights
        if any(m == mark(f"{w} {s}") for s in BOARDS for w in ("board", "topic", "post", "answer"))
    }
    kinds, count = set(), 0
    for to, cause, whole in mailed(site_app, seeded):
        count += 1
        subject = re.search(r"^Subject: (.*?)\r?$", whole, re.MULTILINE)
        kinds.add(subject[1] if subject else "")
        address = re.search(r"^To: (.*?)\r?$", whole, re.MULTILINE)
        detector.check(to, f"the mail after {cause}", whole, [address[1]] if address else [])
        assert not detector.marks_in(whole) & talk, cause
    print(f"\n{count} mails, {detector.looked} looks for a mark")

    assert count >= 15
    assert not detector.hits, "\n".join(detector.hits)
    assert kinds <= {"Something new", "Your account", "Your sign-in", "What you asked for"}


# --- forbidden is missing ----------------------------------------------------------------------------

NONCE = re.compile(r'name="(csrf_token|once)" value="[^"]*"')


def twin(value: Any) -> Any:
    """A value of the same shape that is nobody's; no page repeats an id, so its digits do not matter."""
    if isinstance(value, int):
        return value + 5000
    return value[:-1] + ("q" if value[-1] != "q" else "w")


def bare(answer: Any, url: str) -> tuple[Any, ...]:
    """An answer without its address and what is new in each."""
    headers = sorted((k, v) for k, v in answer.headers if k not in ("Set-Cookie", "Content-Length"))
    text = NONCE.sub("", answer.text)
    for spelling in (url, quote(url), quote(url, safe="")):
        text = text.replace(spelling, "")
    return answer.status_code, len(text), text, str(headers).replace(url, "")


GUESSES = [
    *((n, "GET") for n in ("ana", "una", "ruth", "clea", "tomas", "omar", "nobody")),
    *((n, "POST") for n in ("ruth", "clea", "tomas")),
]


@pytest.mark.parametrize(("name", "method"), GUESSES)
def test_what_is_forbidden_looks_like_what_is_missing(
    site_app: Flask, seeded: Site, name: str, method: str
) -> None:
    """Rule 4: status, length, bytes and headers, for each part of an address that could be guessed."""
    browser, values, pairs = visitor(site_app, seeded, name), values_of(seeded, name), 0
    adapter = site_app.url_map.bind("localhost")
    subjects = {
        "handle": ["ines", "una", "tomas", "vic"],
        "post_id": values["post_id"][:6] + values["post_id"][-4:],
    }
    for rule in site_app.url_map.iter_rules():
        if method not in (rule.methods or ()) or not rule.arguments or rule.endpoint == "static":
            continue
        if rule.endpoint.startswith("resources."):  # quiet and open to everybody: nothing there is forbidden
            continue
        lists = [
            [(a, v) for v in _converted(rule, subjects.get(a, values[a])[:6], a)]
            for a in sorted(rule.arguments)
        ]
        for chosen in itertools.product(*lists):
            there = adapter.build(rule.endpoint, dict(chosen), method=method)
            answer = browser.get(there) if method == "GET" else browser.press(there)
            if answer.status_code != 404:
                if answer.status_code == 303 and method == "POST":
                    restore(site_app, seeded)
                    browser = visitor(site_app, seeded, name)
                continue
            for argument, value in chosen:
                nowhere = adapter.build(rule.endpoint, {**dict(chosen), argument: twin(value)}, method=method)
                other = browser.get(nowhere) if method == "GET" else browser.press(nowhere)
                assert bare(other, nowhere) == bare(answer, there), f"{there} and {nowhere}"
                pairs += 1
    print(f"\n{name}: {pairs} pairs by {method}")

    assert pairs > 20


# --- the detector detects ------------------------------------------------------------------------------


def test_a_planted_mark_is_found_in_each_channel(site_app: Flask, seeded: Site, detector: Detector) -> None:
    from flask import Response

    planted = mark("post northlight-peer")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as folder:
        folder.writestr("a.json", planted)
    cookie = base64.urlsafe_b64encode(f'{{"x": "{planted}"}}'.encode()).decode().rstrip("=")
    packed = base64.urlsafe_b64encode(zlib.compress(f'{{"x": "{planted}"}}'.encode())).decode().rstrip("=")
    answers = [
        Response(f"<p>{planted.upper()}</p>"), Response("", headers={"Location": f"/topics/1-{planted}"}),
        Response("", headers={"Location": f"/?next=%2Ftopics%2F{quote(planted)}"}),
        Response(archive.getvalue(), mimetype="application/zip"),
        Response("", headers={"Set-Cookie": f"callboard={cookie}.a.b; Path=/"}),
        Response("", headers={"Set-Cookie": f"callboard=.{packed}.a.b; Path=/"}),
        Response("<p>2009-03-17</p>"), Response("born 17 March 2009"), Response(seeded.tokens["ana"]),
    ]  # fmt: skip
    for n, answer in enumerate(answers, 1):
        detector.check_answer("ruth", "plant", answer)
        assert len(detector.hits) >= n, n
    hits = len(detector.hits)
    detector.check_answer("ana", "plant", answers[0])
    assert len(detector.hits) == hits


def test_a_hole_in_the_one_filter_is_found(
    site_app: Flask, seeded: Site, detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = [
        "public",
        "everyone",
        "members",
        *(f"{a}:{i}" for a in ("peer", "agency", "chartered") for i in (1, 2)),
    ]
    monkeypatch.setattr(Viewer, "scopes", property(lambda viewer: tuple(everything)))
    browser: Visitor = visitor(site_app, seeded, "ruth")
    for url in ("/boards", seeded.topic_url("northlight-peer"), f"/posts/{seeded.posts['corso-peer 1']}"):
        before = len(detector.hits)
        detector.check_answer("ruth", url, browser.get(url))
        assert len(detector.hits) > before, url
