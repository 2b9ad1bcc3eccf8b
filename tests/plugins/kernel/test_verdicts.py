"""Permissions of plugins: default roles and the plugin's own word, folded; a denial wins, a fault is one."""

from __future__ import annotations

import datetime as dt
from types import ModuleType
from typing import Any

import pytest
from flask import Flask, g
from sqlalchemy import update

from forum import db, permissions
from forum.accounts.models import Person, SignIn
from forum.agencies.rules import ROLE_NAMES
from forum.db import now
from forum.declare import ANYONE, SIGNED_IN, Permission, PluginInfo, Scope, Verdict
from forum.hookspecs import hookimpl
from forum.permissions import Missing, may, require
from forum.plugins import Plugins, loaded
from forum.testing import viewer_of
from forum.viewer import NOBODY, ROLES, Membership, Viewer
from tests.personas import Site
from tests.plugins.conftest import Look, flip

HERE = Membership(1, "a", "A", frozenset({"model"}), True, "+rules")
THERE = Membership(2, "b", "B", frozenset({"coordinator"}), True, "+rules")
ANA = Viewer(person_id=1, handle="ana", memberships=(HERE, THERE))


def said(*words: Any, roles: tuple[str, ...] = ("model",), scope: Scope = Scope.AGENCY) -> Plugins:
    """A plugin that says these words, one for each implementation, of its one permission."""
    found = ModuleType("rules")
    found.plugin_info = hookimpl(lambda: PluginInfo("rules", "R", "R", scope), specname="plugin_info")  # type: ignore[attr-defined]
    found.permissions = hookimpl(lambda: [Permission("rules.do", "Do", roles)], specname="permissions")  # type: ignore[attr-defined]
    for n, word in enumerate(words):
        setattr(found, f"word_{n}", hookimpl(lambda word=word: word, specname="permission_verdict"))
    return Plugins([found])


@pytest.fixture
def asked(app: Flask) -> Any:
    """A function: what these plugins answer to this viewer at this standing."""

    def ask(plugins: Plugins, viewer: Viewer = ANA, standing: Membership | None = HERE) -> bool:
        app.extensions["plugins"], before = plugins, app.extensions["plugins"]
        try:
            return may(viewer, "rules.do", standing)
        finally:
            app.extensions["plugins"] = before

    return ask


@pytest.mark.parametrize(
    ("words", "roles", "wanted"),
    [
        ((), ("model",), True),
        ((), ("mentor",), False),
        ((None,), ("model",), True),
        ((None,), ("mentor",), False),
        ((Verdict.ALLOW,), ("mentor",), True),
        ((Verdict.DENY,), ("model",), False),
        ((Verdict.ALLOW, Verdict.DENY), ("model",), False),
        ((Verdict.DENY, Verdict.ALLOW), ("mentor",), False),
        ((Verdict.ALLOW, None), ("mentor",), True),
        ((True,), ("model",), False),  # a wrong type is no answer
        (("allow",), ("model",), False),
    ],
)
def test_words_are_folded(asked: Any, words: tuple[Any, ...], roles: tuple[str, ...], wanted: bool) -> None:
    assert asked(said(*words, roles=roles)) is wanted


def test_a_role_counts_where_it_is_held(asked: Any) -> None:
    coordinators = said(roles=("coordinator",))

    assert not asked(coordinators, standing=HERE)
    assert asked(coordinators, standing=THERE)


def test_a_role_with_the_alliance_counts_everywhere(asked: Any) -> None:
    alliance = Membership(None, "", "", frozenset({"moderator"}), True)
    maud = Viewer(person_id=2, memberships=(alliance, HERE))

    assert asked(said(roles=("moderator",)), maud, HERE)
    assert asked(said(roles=("moderator",), scope=Scope.BOTH), maud, None)


def test_without_an_agency_a_role_counts_from_anywhere_but_only_for_what_has_a_site_part(asked: Any) -> None:
    assert asked(said(roles=("coordinator",), scope=Scope.SITE), standing=None)
    assert not asked(said(roles=("coordinator",), scope=Scope.AGENCY), standing=None)


def test_off_is_no_whatever_the_role(asked: Any) -> None:
    off = Membership(1, "a", "A", frozenset({"model"}), True, "-rules")

    assert not asked(said(), standing=off)
    assert not asked(said(Verdict.ALLOW), standing=off)


def test_words_for_everybody(asked: Any) -> None:
    nobody_special = Viewer(person_id=3)

    assert asked(said(roles=(ANYONE,), scope=Scope.SITE), NOBODY, None)
    assert not asked(said(roles=(SIGNED_IN,), scope=Scope.SITE), NOBODY, None)
    assert asked(said(roles=(SIGNED_IN,), scope=Scope.SITE), nobody_special, None)
    assert not asked(said(Verdict.ALLOW, scope=Scope.SITE), NOBODY, None)  # needs a person


# --- on the site ----------------------------------------------------------------------------------------


def person(site: Site, name: str) -> Viewer:
    return viewer_of(db.db.session.get_one(Person, site.people[name]))


def test_a_verdict_opens_and_shuts_pages(look: Look) -> None:
    answers = {
        n: look(n).get("/a/northlight/tiny-notes/managed").status_code for n in ("ana", "ines", "clea")
    }

    assert answers == {"ana": 404, "ines": 200, "clea": 200}  # ines by word, clea by role
    assert look("una").get("/a/northlight/tiny-notes").status_code == 404  # by word, whatever her role


def test_a_verdict_may_hang_on_what_it_is_about(tiny_app: Flask, tiny_site: Site) -> None:
    with tiny_app.test_request_context():
        ana = person(tiny_site, "ana")
        here = ana.membership("northlight")
        assert may(ana, "tiny_agency.read", here, "open")
        assert not may(ana, "tiny_agency.read", here, "shut")
        with pytest.raises(Missing):
            require(ana, "tiny_agency.read", here, "shut")


def test_an_operator_at_an_agency_is_there_with_no_role_from_elsewhere(
    tiny: list[ModuleType], tiny_app: Flask, tiny_site: Site, look: Look
) -> None:
    """She opens what operators may, the plugin is asked, and her role at another agency does not count here."""
    with tiny_app.app_context():
        from forum.agencies.models import Membership as Row
        from forum.agencies.models import RoleGrant

        omar, corso = tiny_site.people["omar"], tiny_site.agencies["corso"]
        db.db.session.add(Row(person_id=omar, agency_id=corso, confirmed_at=now()))
        db.db.session.add(RoleGrant(person_id=omar, agency_id=corso, role="coordinator"))
        db.commit()
        flip(tiny_site, "corso", "tiny_agency", True)

    assert look("omar").get("/a/northlight/tiny-notes").status_code == 200
    assert tiny[0].calls["verdict tiny_agency.read"] >= 1
    assert look("omar").get("/a/corso/tiny-notes/managed").status_code == 200
    assert look("omar").get("/a/northlight/tiny-notes/managed").status_code == 404


def test_on_an_agency_s_page_no_standing_means_none_there(tiny_app: Flask, tiny_site: Site) -> None:
    """Also for code of a plugin that hands on `viewer.membership(slug)` as it is."""
    with tiny_app.test_request_context():
        carl = person(tiny_site, "carl")  # coordinates at Corso
        g.agency_page = person(tiny_site, "ana").membership("northlight")
        assert not may(carl, "tiny_agency.manage", None)


def test_a_sensitive_page_asks_for_the_password(tiny_app: Flask, look: Look) -> None:
    assert look("ines").get("/a/northlight/tiny-notes/sensitive").status_code == 200
    with tiny_app.app_context():
        db.db.session.execute(update(SignIn).values(confirmed_at=now() - dt.timedelta(hours=1)))
        db.commit()
    answer = look("ines").get("/a/northlight/tiny-notes/sensitive")

    assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/confirm")


def test_needs_by_decides_in_the_permission_s_place(look: Look) -> None:
    for name in ("nobody", "ana", "omar"):
        assert look(name).get("/tiny/night/let-me-in").text == "the night room"
        assert look(name).get("/tiny/night/wrong").status_code == 404


def test_the_names_of_a_plugin_s_permissions_are_its_own(tiny_app: Flask) -> None:
    with tiny_app.app_context():
        names = set(loaded().permissions)
        assert all(name.partition(".")[0] in ("tiny_agency", "tiny_site") for name in names)
        assert set(permissions.known_to(tiny_app)) >= names
        assert not set(permissions._known) & names
        with pytest.raises(KeyError):
            permissions.permission("tiny_agency.no_such_thing")


def test_every_role_that_the_core_knows_can_be_named() -> None:
    assert set(ROLE_NAMES) == set(ROLES)
