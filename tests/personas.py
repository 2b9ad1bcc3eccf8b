"""A small site with every persona on it, made once for a test process and copied for each test.

Every restricted thing carries a mark, a word that occurs nowhere else; who may meet which mark is
said in tests/test_leaks.py. The expectations of the house-wide tests are about these people.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import select

from forum import audit, db, sealing
from forum.accounts.actions import open_sign_in
from forum.accounts.models import MailLink, Person, SignIn
from forum.accounts.queries import token_hash
from forum.agencies.joining.queries import about_invite
from forum.agencies.models import Agency, Guardianship, Invite, Membership, PendingJoin, RoleGrant
from forum.boards import actions, rules
from forum.boards.models import Board, Post, Topic
from forum.db import now
from forum.notifications.models import Notice
from forum.testing import Client, create_person, make_app, viewer_of

LONG_AGO = dt.timedelta(days=40)

# handle: roles, agency, age band. The names of roles.md, and a few whom only tests know.
PEOPLE: dict[str, tuple[tuple[str, ...], str | None, str]] = {
    "ana": (("new_face",), "northlight", "16-17"),
    "dasha": (("new_face",), "northlight", "13-15"),
    "olena": (("guardian",), None, "adult"),
    "mbali": (("mentor", "model"), "northlight", "adult"),
    "ines": (("model",), "northlight", "adult"),
    "ruth": (("agency_manager",), "northlight", "adult"),
    "clea": (("coordinator",), "northlight", "adult"),
    "tomas": (("model",), "corso", "adult"),
    "joan": (("advocate",), None, "adult"),
    "femi": (("advocate",), None, "adult"),
    "maud": (("moderator",), None, "adult"),
    "omar": (("operator",), None, "adult"),
    "vic": ((), None, "adult"),  # his application is pending
    "bea": (("booker",), "northlight", "adult"),
    "una": (("model",), "northlight", "adult"),  # nobody has confirmed her yet
    "sol": (("model",), "northlight", "adult"),  # suspended
    "eve": (("model",), "northlight", "adult"),  # left Northlight, stays with the Alliance
    "lea": (("model",), "northlight", "adult"),  # has closed her account this week
    "rosa": (("agency_manager",), "corso", "adult"),
    "carl": (("coordinator",), "corso", "adult"),
}
NAMES = {"ines": "Inès", "tomas": "Tomás"}
BORN = {
    "ana": "2009-03-17",
    "dasha": "2011-08-23",
    "mbali": "1994-06-29",
    "ines": "1999-12-27",
    "tomas": "1997-10-19",
}
PERSONAS = (*PEOPLE, "nobody")
STRANGERS = frozenset({"sol", "lea", "nobody"})  # whose cookie, if any, opens nothing
SIGNED_IN = tuple(name for name in PEOPLE if name not in STRANGERS)

# slug: audience, agency, who writes its first topic and who answers
BOARDS: dict[str, tuple[str, str | None, str, str]] = {
    "welcome": ("public", None, "maud", "ana"),
    "news": ("everyone", None, "omar", "maud"),
    "lobby": ("everyone", None, "ines", "tomas"),
    "castings": ("members", None, "ines", "ana"),
    "northlight-peer": ("peer", "northlight", "ana", "ines"),
    "northlight-charter": ("peer", "northlight", "ines", "clea"),
    "northlight-house": ("agency", "northlight", "ruth", "ana"),
    "corso-peer": ("peer", "corso", "tomas", "tomas"),
    "corso-house": ("agency", "corso", "rosa", "tomas"),
}


def mark(what: str) -> str:
    """A word that stands for `what` and for nothing else: letters only, so that a slug keeps it."""
    spelled = what.translate(str.maketrans("0123456789", "abcdefghij"))
    return "zq" + "".join(c for c in spelled.lower() if c.isalpha()) + "qz"


@dataclass
class Site:
    """What the seed made: ids and tokens by name."""

    folder: Path
    people: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    sign_ins: dict[str, int] = field(default_factory=dict)
    agencies: dict[str, int] = field(default_factory=dict)
    boards: dict[str, int] = field(default_factory=dict)
    topics: dict[str, int] = field(default_factory=dict)  # by board; also locked, gone
    slugs: dict[str, str] = field(default_factory=dict)  # of topics
    posts: dict[str, int] = field(default_factory=dict)  # "<board> 1", "<board> 2"; also edited, taken down
    memberships: dict[str, int] = field(default_factory=dict)
    invites: dict[str, int] = field(default_factory=dict)
    guardianships: dict[str, int] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)  # tokens of mailed links and codes of invites

    def topic_url(self, name: str) -> str:
        """The address of a topic."""
        return f"/topics/{self.topics[name]}-{self.slugs[name]}"


class Visitor(Client):
    """A browser that holds a valid CSRF token from the start, so that forms need no page first."""

    def press(self, url: str, **fields: Any) -> Any:
        """POST a form with a valid token."""
        headers = fields.pop("headers", None)
        return self.post(url, data={"csrf_token": csrf_token(self.application), **fields}, headers=headers)

    def enter(self, token: str | None) -> Visitor:
        """Hold the cookie of this sign-in (None: of nobody's) and of a CSRF token."""
        with self.session_transaction() as session:
            session["csrf_token"] = "c" * 40
            if token:
                session["_user_id"] = token
        return self


def csrf_token(app: Flask) -> str:
    """The token that every Visitor's session answers to."""
    return str(URLSafeTimedSerializer(str(app.secret_key), salt="wtf-csrf-token").dumps("c" * 40))


def visitor(app: Flask, site: Site, name: str) -> Visitor:
    """The browser of this persona, signed in (nobody: signed out)."""
    browser = app.test_client()
    assert isinstance(browser, Visitor)
    return browser.enter(site.tokens.get(name))


# --- the seed ----------------------------------------------------------------------------------


def seed(site: Site) -> None:
    """Write the site into the application in hand."""
    _add_people(site)
    _add_boards(site)
    _add_talk(site)
    _add_rest(site)
    _end_some(site)
    _sign_in(site)
    db.commit()


def _person(site: Site, name: str) -> Person:
    return db.db.session.get_one(Person, site.people[name])


def _add_people(site: Site) -> None:
    for handle, (roles, agency, band) in PEOPLE.items():
        person = create_person(
            handle, *roles, agency=agency, age_band=band, display_name=NAMES.get(handle, handle.title()),
            email=f"{mark('mailbox ' + handle)}@example.org", confirmed=handle != "una",
            created_at=now() - LONG_AGO, about=f"About {mark('about ' + handle)}",
        )  # fmt: skip
        site.people[handle] = person.id
        person.legal_name = sealing.seal(f"Legal {mark('legal ' + handle)}", f"legal_name:{person.id}")
        if handle in BORN:
            person.born = sealing.seal(BORN[handle], f"born:{person.id}")
    vic = _person(site, "vic")
    vic.state, vic.application = "applicant", f"Please let me in {mark('application')}"
    for agency in db.db.session.scalars(select(Agency)):
        site.agencies[agency.slug] = agency.id
    for membership in db.db.session.scalars(select(Membership)):
        name = next(n for n, id in site.people.items() if id == membership.person_id)
        site.memberships[name] = membership.id
        membership.invited_as = "agency" if name in ("una", "sol") else ""
        sealed = sealing.seal(f"Legal {mark('legal ' + name)}", f"legal_name:{membership.person_id}")
        membership.legal_name = sealed
    consent = Guardianship(
        child_id=site.people["dasha"], guardian_id=site.people["olena"], verified_by=site.people["clea"],
        consented_at=now() - LONG_AGO, terms_version="1",
    )  # fmt: skip
    db.db.session.add(consent)
    db.commit()
    site.guardianships["olena"] = consent.id


def _add_boards(site: Site) -> None:
    for slug, (audience, agency, _first, _second) in BOARDS.items():
        agency_id = site.agencies[agency] if agency else None
        board = Board(
            slug=slug, title=f"Board {mark('board ' + slug)}", about=f"About {mark('board about ' + slug)}",
            audience=audience, agency_id=agency_id, read_only=slug == "news",
            scope=rules.scope_of(audience, agency_id, slug == "northlight-charter"),
        )  # fmt: skip
        db.db.session.add(board)
        db.db.session.flush()
        site.boards[slug] = board.id
    db.commit()


def _topic(site: Site, name: str, board: str, author: str) -> None:
    topic = actions.open_topic(
        viewer_of(_person(site, author)),
        board,
        f"Topic {mark('topic ' + name)}",
        f"First words {mark('post ' + name)}",
    )
    site.topics[name], site.slugs[name] = topic.id, topic.slug
    site.posts[f"{name} 1"] = db.db.session.scalars(select(Post.id).where(Post.topic_id == topic.id)).one()


def _add_talk(site: Site) -> None:
    for slug, (_audience, _agency, first, second) in BOARDS.items():
        _topic(site, slug, slug, first)
        post = actions.reply(
            viewer_of(_person(site, second)), site.topics[slug], f"An answer {mark('answer ' + slug)}"
        )
        site.posts[f"{slug} 2"] = post.id
    una = viewer_of(_person(site, "una"))
    actions.reply(una, site.topics["northlight-house"], f"Words {mark('words of una')}")
    ines = viewer_of(_person(site, "ines"))
    for name, words in (("edited", "first version"), ("down", "taken down"), ("spare", "spare")):
        post = actions.reply(ines, site.topics["castings"], f"Words {mark(words)}")
        site.posts[name] = post.id
    db.db.session.flush()
    actions.edit_post(ines, site.posts["edited"], 1, f"Better words {mark('second version')}")
    actions.delete_post(ines, site.posts["down"])
    _topic(site, "locked", "castings", "ines")
    db.db.session.get_one(Topic, site.topics["locked"]).locked_at = now()
    db.commit()
    _topic(site, "gone", "lobby", "ines")  # the newest topic of its board is taken away
    db.db.session.flush()
    actions.reply(viewer_of(_person(site, "tomas")), site.topics["gone"], f"An answer {mark('answer gone')}")
    site.posts["gone 2"] = db.db.session.scalars(select(Post.id).order_by(Post.id.desc()).limit(1)).one()
    db.db.session.get_one(Topic, site.topics["gone"]).deleted_at = now()
    db.commit()


def _add_rest(site: Site) -> None:
    """An invite, somebody on her way in, mailed links, a notice, a reason in the audit log."""
    session, at = db.db.session, now()
    for slug, by in (("northlight", "ruth"), ("corso", "rosa")):
        code = site.links[f"invite {slug}"] = mark("code " + slug)
        invite = Invite(
            code_hash=token_hash(code), agency_id=site.agencies[slug], role="model", invited_as="agency",
            created_by=site.people[by], expires_at=at + dt.timedelta(days=7),
        )  # fmt: skip
        invite.legal_name = sealing.seal(f"Legal {mark('invited ' + slug)}", about_invite(invite))
        session.add(invite)
        session.flush()
        site.invites[slug] = invite.id
    site.links["finish"] = mark("finish")
    session.add(
        PendingJoin(
            token_hash=token_hash(site.links["finish"]), browser_hash=token_hash("another browser"),
            email=f"{mark('mailbox pending')}@example.org", display_name="Pia", password_hash="",
            born=sealing.seal("2001-02-03", f"born:join:{mark('mailbox pending')}@example.org"), age_band="adult",
            timezone="Europe/Rome", application=f"I would like {mark('pending application')}",
        )
    )  # fmt: skip
    for kind in ("reset", "address", "keep"):
        site.links[kind] = mark(f"link {kind}")
        whose = "lea" if kind == "keep" else "ines"
        address = f"{mark('mailbox new' if kind == 'address' else f'mailbox {whose}')}@example.org"
        session.add(
            MailLink(
                person_id=site.people[whose], kind=kind, token_hash=token_hash(site.links[kind]), address=address,
                expires_at=at + dt.timedelta(hours=20),
            )
        )  # fmt: skip
    session.add(
        Notice(
            person_id=site.people["ana"], kind="agencies.confirmed",
            facts={"place": f"A place {mark('notice of ana')}", "slug": "northlight"},
        )
    )  # fmt: skip
    _person(site, "ana").notices_unread += 1
    audit.record(
        "agencies.remove_member", "membership", site.memberships["eve"], actor_id=site.people["ruth"],
        agency_id=site.agencies["northlight"], reason=f"Because {mark('audit reason')}", by="agency",
    )  # fmt: skip


def _end_some(site: Site) -> None:
    """Sol is suspended, Lea leaves; Eve's membership has ended, with a reason that no page shows."""
    _person(site, "lea").state = "left"
    sol, eve = _person(site, "sol"), _person(site, "eve")
    sol.state, sol.suspended_until = "suspended", now() + dt.timedelta(days=3)
    left = db.db.session.get_one(Membership, site.memberships["eve"])
    left.ended_at, left.ended_by, left.end_reason = now(), site.people["ruth"], f"Because {mark('reason')}"
    for grant in db.db.session.scalars(select(RoleGrant).where(RoleGrant.person_id == eve.id)):
        grant.ended_at = now()
    db.db.session.add(RoleGrant(person_id=eve.id, role="model", agency_id=None))


def _sign_in(site: Site) -> None:
    for name, person_id in site.people.items():
        site.tokens[name] = open_sign_in(person_id, f"Browser {mark('device ' + name)}")
    db.db.session.flush()
    for row in db.db.session.scalars(select(SignIn)):
        name = next(n for n, id in site.people.items() if id == row.person_id)
        site.sign_ins[name] = row.id


# --- fixtures ----------------------------------------------------------------------------------


def open_site(folder: Path, **changes: Any) -> Flask:
    """An application on a data folder, whose browsers are Visitors."""
    app = make_app(folder, **changes)
    app.test_client_class = Visitor
    return app


def forget(app: Flask) -> None:
    """Close the application's connections, so that its database file can be replaced or copied."""
    with app.app_context():
        db.db.session.remove()
        db.db.engine.dispose()


@pytest.fixture(scope="session")
def seeded(migrated_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site, to be copied and not used itself."""
    folder = tmp_path_factory.mktemp("seeded") / "data"
    shutil.copytree(migrated_folder, folder)
    app = open_site(folder)
    site = Site(folder)
    with app.app_context():
        seed(site)
    forget(app)
    return site


@pytest.fixture(scope="session")
def standing_app(seeded: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One application for the whole test process: its templates are compiled once."""
    folder = tmp_path_factory.mktemp("standing") / "site"
    shutil.copytree(seeded.folder, folder)
    app = open_site(folder)
    yield app
    forget(app)


@pytest.fixture
def site_app(standing_app: Flask, seeded: Site) -> Flask:
    """The seeded site as it was in the beginning, outside of any application context."""
    restore(standing_app, seeded)
    return standing_app


def restore(app: Flask, site: Site) -> None:
    """Put the database back to what the seed made."""
    forget(app)
    folder = app.config["CALLBOARD"].data
    for leftover in ("callboard.db-wal", "callboard.db-shm"):
        (folder / leftover).unlink(missing_ok=True)
    shutil.copyfile(site.folder / "callboard.db", folder / "callboard.db")
