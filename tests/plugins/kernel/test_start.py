"""What a site refuses to start with, each with a sentence that names the plugin."""

from __future__ import annotations

import datetime as dt
import logging
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import Blueprint
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table

from forum import admission, plugins
from forum.admission import Broken
from forum.declare import (
    ANYONE,
    Card,
    HealthCheck,
    Job,
    Mount,
    NotificationKind,
    Permission,
    PluginInfo,
    Role,
    Scope,
    SearchProvider,
)
from forum.hookspecs import hookimpl
from forum.permissions import needs
from forum.plugins import Plugins
from forum.testing import make_app

READ = Permission("odd.read", "Read", {"model"})
OPEN = Permission("odd.open", "Open", {ANYONE})


def odd(info: Any = None, **hooks: Any) -> ModuleType:
    """A plugin called odd, with these hooks answering these values."""
    found = ModuleType("forum_odd.plugin")
    info = info or PluginInfo("odd", "Odd", "An odd plugin", Scope.BOTH)
    for name, answer in {"plugin_info": info, **hooks}.items():
        setattr(found, name, hookimpl(lambda answer=answer: answer, specname=name))
    return found


def renamed(found: ModuleType) -> ModuleType:
    """The same in another module."""
    found.__name__ = "forum_second.plugin"
    return found


def raising(name: str) -> ModuleType:
    """A plugin whose hook fails at start."""
    found = odd()

    def fail() -> None:
        raise ZeroDivisionError("a fault at start")

    setattr(found, name, hookimpl(fail, specname=name))
    return found


def blueprint(name: str = "odd", view: Any = None, rule: str = "/page", by: str = "odd.read") -> Blueprint:
    """A blueprint with one page."""
    found = Blueprint(name, __name__)
    found.add_url_rule(rule, "show_page", view or needs(by)(lambda **given: "a page"))
    return found


def mounted(mount: Mount, **info: Any) -> ModuleType:
    return odd(
        PluginInfo("odd", "Odd", "Odd", **{"scope": Scope.BOTH, **info}),
        blueprints=[mount],
        permissions=[READ, OPEN],
    )


def refusal(tmp_path: Path, *given: Any) -> str:
    """The sentence with which the site does not start."""
    with pytest.raises(Broken) as told:
        make_app(tmp_path, given)
    return str(told.value)


# --- who it is -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "info",
    ["odd", {"name": "odd"}, PluginInfo("Odd", "O", "O"), PluginInfo("o", "O", "O"), PluginInfo("1odd", "O", "O"),
     PluginInfo("odd", "O", "O", slug="a_b"), PluginInfo("odd-one", "O", "O"), PluginInfo("odd", "O", "O", slug="../x"),
     PluginInfo(5, "O", "O"), PluginInfo("odd", "O", "O", default_on="yes")],
)  # fmt: skip
def test_wrong_info(tmp_path: Path, info: Any) -> None:
    assert "forum_odd.plugin" in refusal(tmp_path, odd(info))


def test_no_info_at_all(tmp_path: Path) -> None:
    assert "forum_odd: plugin_info() must answer one PluginInfo" in refusal(tmp_path, ModuleType("forum_odd"))


@pytest.mark.parametrize("hook", ["plugin_info", "permissions", "blueprints", "jobs", "agency_settings_form"])
def test_a_hook_that_fails_at_start(tmp_path: Path, hook: str) -> None:
    sentence = refusal(tmp_path, raising(hook))

    assert "odd" in sentence
    assert f"{hook}() failed (ZeroDivisionError: a fault at start)" in sentence


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (PluginInfo("odd", "O", "O"), PluginInfo("odd", "O", "O", slug="another")),
        (PluginInfo("odd", "O", "O", slug="same"), PluginInfo("even", "E", "E", slug="same")),
        (
            PluginInfo("odd", "O", "O"),
            PluginInfo("odd_one", "O", "O", slug="odd-one"),
        ),  # whose is odd_one_thing?
    ],
)
def test_two_that_could_be_taken_for_each_other(tmp_path: Path, one: Any, other: Any) -> None:
    sentence = refusal(tmp_path, odd(one), renamed(odd(other)))

    assert "odd" in sentence
    assert "twice" not in sentence


def test_the_same_twice(tmp_path: Path) -> None:
    one = odd()
    assert "twice" in refusal(tmp_path, one, one)


@pytest.mark.parametrize("name", ["boards", "accounts", "agencies"])
def test_a_name_of_the_core_s(tmp_path: Path, name: str) -> None:
    assert f"{name}: this name belongs to the core" in refusal(
        tmp_path, odd(PluginInfo(name, "B", "B", slug="mine"))
    )


# --- its hooks -------------------------------------------------------------------------------------------


def test_a_misspelled_hook(tmp_path: Path) -> None:
    found = odd()
    found.nav_itmes = hookimpl(lambda: [], specname="nav_itmes")  # type: ignore[attr-defined]
    sentence = refusal(tmp_path, found)

    assert "nav_itmes" in sentence
    assert "misspelled" in sentence


def test_a_misspelled_argument(tmp_path: Path) -> None:
    found = odd()
    found.nav_items = hookimpl(lambda veiwer: [], specname="nav_items")  # type: ignore[attr-defined]

    assert "veiwer" in refusal(tmp_path, found)


def test_a_hook_without_its_mark(tmp_path: Path) -> None:
    found = odd()
    exec("def nav_items(viewer, agency):\n    return []", found.__dict__)

    assert "nav_items() has no @hookimpl" in refusal(tmp_path, found)


# --- what it declares --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hook", "answer", "words"),
    [
        ("permissions", [Permission("read", "R", {"model"})], "begin with 'odd.'"),
        ("permissions", [Permission("even.read", "R", {"model"})], "begin with 'odd.'"),
        ("permissions", [READ, READ], "names are one each"),
        ("permissions", [Permission("odd.read", "R", {"modle"})], "modle"),
        ("permissions", [Permission("odd.read", "R", "model")], "one text"),
        ("permissions", [Card("a", "b")], "a list of Permission"),
        ("permissions", READ, "not a list"),
        ("jobs", [Job("tidy", dt.timedelta(days=1), print)], "begin with 'odd.'"),
        ("jobs", [Job("odd.tidy", 60, print)], "a time between runs"),  # type: ignore[arg-type]
        ("jobs", [Job("odd.tidy", dt.timedelta(), print)], "a time between runs"),
        ("notification_kinds", [NotificationKind("told", "T", print)], "begin with 'odd.'"),  # type: ignore[arg-type]
        ("search_providers", [SearchProvider("finder", print)], "begin with 'odd.'"),  # type: ignore[arg-type]
        ("health_checks", [HealthCheck("check", str)], "begin with 'odd.'"),
        ("agency_settings_form", dict, "made from forum.sdk.Form"),
        ("blueprints", [Blueprint("odd", "odd")], "a list of Mount"),
    ],
)  # fmt: skip
def test_a_wrong_declaration(tmp_path: Path, hook: str, answer: Any, words: str) -> None:
    sentence = refusal(tmp_path, odd(**{hook: answer}))

    assert words in sentence
    assert sentence.startswith("odd: ")


def test_a_role_that_the_plugin_brings_can_be_named(tmp_path: Path) -> None:
    info = PluginInfo("odd", "O", "O", roles=(Role("odd_keeper", "Keeper"),))

    make_app(tmp_path, [odd(info, permissions=[Permission("odd.read", "R", {"odd_keeper"})])])


# --- its addresses -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mount", "words"),
    [
        (Mount(blueprint("strange")), "must be called odd"),
        (Mount(blueprint(), at="site", path="/boards"), "belongs to the core"),
        (Mount(blueprint(), at="site", path="/moderation"), "belongs to the core"),
        (Mount(blueprint(), at="site", path="/api"), "belongs to the core"),
        (Mount(blueprint(), at="site", path="/a/northlight/odd"), "belongs to the core"),
        (Mount(blueprint(), at="site", path="/static/odd"), "belongs to the core"),
        (Mount(blueprint(), path="/members"), "belongs to the core"),
        (Mount(blueprint(), at="site", path="odd"), "must begin with /"),
        (Mount(blueprint(), at="site", path="/odd/"), "must begin with /"),
        (Mount(blueprint(), at="site", path="/"), "must begin with /"),
        (Mount(blueprint(), at="site", path="//odd"), "must begin with /"),
        (Mount(blueprint(), at="site", path="/<everything>"), "must begin with /"),
        (Mount(blueprint(), at="site", path="/odd<x>"), "must begin with /"),
        (Mount(blueprint(), at="everywhere"), "at 'agency' or at 'site'"),
        (Mount(blueprint(by="odd.no_such")), "is no permission"),
        (Mount(blueprint(view=lambda **given: "open to all")), "is no permission"),
        (Mount(blueprint(), at="site", quiet=True), "is quiet, so nobody could be let in"),
    ],
)
def test_an_address_that_it_cannot_have(tmp_path: Path, mount: Mount, words: str) -> None:
    sentence = refusal(tmp_path, mounted(mount))

    assert words in sentence
    assert sentence.startswith("odd: ")


def test_quiet_pages_for_anyone_and_by_a_policy_start(tmp_path: Path) -> None:
    by_pass = needs("odd.read", by=lambda **given: True)(lambda **given: "by a pass")
    make_app(tmp_path, [mounted(Mount(blueprint(by="odd.open"), at="site", quiet=True))])
    make_app(tmp_path, [mounted(Mount(blueprint(view=by_pass), at="site", quiet=True))])


@pytest.mark.parametrize(("scope", "at"), [(Scope.AGENCY, "site"), (Scope.SITE, "agency")])
def test_pages_where_it_has_no_part(tmp_path: Path, scope: Scope, at: str) -> None:
    assert "has no pages at" in refusal(tmp_path, mounted(Mount(blueprint(), at=at), scope=scope))


def test_two_plugins_at_one_address(tmp_path: Path) -> None:
    even = odd(PluginInfo("even", "E", "E", Scope.SITE), permissions=[Permission("even.read", "R", {"model"})],
               blueprints=[Mount(blueprint("even", by="even.read"), at="site", path="/odd")])  # fmt: skip

    assert "the address /odd belongs to even" in refusal(
        tmp_path, renamed(even), mounted(Mount(blueprint(), at="site"))
    )


def test_many_share_the_api_by_its_second_part(tmp_path: Path) -> None:
    app = make_app(tmp_path, [mounted(Mount(blueprint(by="odd.open"), at="site", path="/api/odd"))])

    assert app.test_client().get("/api/odd/page").text == "a page"


def reaching(how: str) -> Blueprint:
    """A blueprint that acts on pages that are not its own."""
    found = blueprint()
    match how:
        case "before":
            found.before_app_request(lambda: None)
        case "after":
            found.after_app_request(lambda answer: answer)
        case "context":
            found.app_context_processor(dict)
        case "errors":
            found.app_errorhandler(418)(lambda error: "no tea")
        case "elsewhere":
            found.record(
                lambda state: state.app.add_url_rule("/admin", "odd.admin", needs("odd.open")(lambda: "x"))
            )
        case "nameless":
            found.record(lambda state: state.app.add_url_rule("/odd/x", "x", needs("odd.open")(lambda: "x")))
    return found


@pytest.mark.parametrize(
    ("how", "words"),
    [("before", "acts on every page"), ("after", "acts on every page"), ("context", "acts on every page"),
     ("errors", "acts on every page"), ("elsewhere", "is not under"), ("nameless", "is not under")],
)  # fmt: skip
def test_a_blueprint_that_reaches_every_page(tmp_path: Path, how: str, words: str) -> None:
    assert words in refusal(tmp_path, mounted(Mount(reaching(how), at="site")))


# --- its tables --------------------------------------------------------------------------------------------


class _Mapper:
    """As much of a mapper as the check looks at."""

    def __init__(self, module: str, table: Table) -> None:
        self.class_ = type("Row", (), {"__module__": module})
        self.local_table = table


def table(name: str, ondelete: str | None = "CASCADE") -> Table:
    key = ForeignKey("person.id", ondelete=ondelete)
    return Table(name, MetaData(), Column("id", Integer, primary_key=True), Column("person_id", Integer, key))


@pytest.mark.parametrize(
    ("module", "made", "words"),
    [
        ("forum_odd.models", table("thing"), "thing does not fit"),
        ("forum_odd.models", table("oddthing"), "oddthing does not fit"),
        ("forum_odd.models", table("odd_thing", ondelete=None), "need ondelete"),
        ("forum.boards.models", table("odd_thing"), "odd_thing does not fit"),
    ],
)
def test_a_table_that_is_not_its_own(
    monkeypatch: pytest.MonkeyPatch, module: str, made: Table, words: str
) -> None:
    monkeypatch.setattr(admission.Base.registry, "_managers", {})
    monkeypatch.setattr(type(admission.Base.registry), "mappers", frozenset({_Mapper(module, made)}))

    with pytest.raises(Broken, match=words):
        Plugins([odd()])


def test_a_table_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    good = {_Mapper("forum_odd.models", table("odd_thing")), _Mapper("forum_other.models", table("whatever"))}
    monkeypatch.setattr(type(admission.Base.registry), "mappers", frozenset(good))

    assert [plugin.name for plugin in Plugins([odd()])] == ["odd"]


# --- finding it ----------------------------------------------------------------------------------------------


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Two packages with entry points: a good one, and one that cannot be imported."""
    for name, text in {"forum_good": GOOD, "forum_bad": "import no_such_module_anywhere"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
        (tmp_path / name / "plugin.py").write_text(text)
    points = [metadata.EntryPoint(n, f"forum_{n}.plugin", plugins.GROUP) for n in ("good", "bad")]
    monkeypatch.setattr(plugins.metadata, "entry_points", lambda group: points)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith(("forum_good", "forum_bad"))]:
        del sys.modules[name]


GOOD = """
from forum.sdk import PluginInfo, hookimpl


@hookimpl
def plugin_info() -> PluginInfo:
    return PluginInfo("good", "Good", "Good")
"""


def test_one_that_cannot_be_imported_is_named_with_the_way_out(installed: Path) -> None:
    with pytest.raises(Broken, match=r"The plugin bad cannot be imported .*CALLBOARD_BLOCKED_PLUGINS=bad"):
        plugins.load()


def test_a_blocked_one_is_not_even_imported(installed: Path) -> None:
    found = plugins.load(["bad"])

    assert [plugin.name for plugin in found] == ["good"]
    assert not [name for name in sys.modules if name.startswith("forum_bad")]


def test_nothing_installed_is_a_site_too(tmp_path: Path) -> None:
    app = make_app(tmp_path, [])

    assert app.test_client().get("/healthz").status_code == 200


def test_every_call_can_be_traced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = make_app(tmp_path, [odd(nav_items=[])], trace_hooks=True)
    caplog.clear()
    with caplog.at_level(logging.WARNING), app.test_request_context("/"):
        from forum import slots

        slots.nav_links()

    assert [record for record in caplog.records if "nav_items" in record.getMessage()]
