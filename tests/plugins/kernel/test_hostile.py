"""A plugin that does everything wrong: every core page is whole without its part, the log names it, its answer is no."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from forum import db, plugins
from forum.declare import (
    Card,
    HealthCheck,
    HelpLink,
    NavItem,
    Permission,
    PluginInfo,
    Scope,
    SearchHit,
    SearchProvider,
)
from forum.faults import PAUSE, Faults
from forum.hookspecs import hookimpl
from forum.jobs import Job
from forum.permissions import may
from forum.plugins import loaded
from forum.testing import Client, create_person, make_app, viewer_of
from forum.viewer import NOBODY
from tests.access import ROWS
from tests.personas import Site, Visitor, forget, visitor

SHOWN = ("nav_items", "dashboard_cards", "page_slot", "help_links")
PAGES = [row for row in ROWS if row.method == "GET" and not row.endpoint.startswith(("resources", "static"))]
Fault = Callable[[str], Any]


def hostile(fault: Fault, name: str = "hostile") -> ModuleType:
    """A plugin whose every shown hook, verdict, search and check does `fault(hook)`."""
    found = ModuleType(name)
    found.plugin_info = hookimpl(
        lambda: PluginInfo(name, name, name, Scope.BOTH, True), specname="plugin_info"
    )  # type: ignore[attr-defined]
    for hook in (*SHOWN, "permission_verdict", "plugin_switched"):
        setattr(found, hook, hookimpl(lambda hook=hook: fault(hook), specname=hook))
    found.permissions = hookimpl(  # type: ignore[attr-defined]
        lambda: [Permission(f"{name}.see", "See", {"model", "anyone"})], specname="permissions"
    )
    found.search_providers = hookimpl(  # type: ignore[attr-defined]
        lambda: [SearchProvider(f"{name}.all", lambda q, viewer, limit: fault("search"))],
        specname="search_providers",
    )
    found.health_checks = hookimpl(  # type: ignore[attr-defined]
        lambda: [HealthCheck(f"{name}.well", lambda: fault("check"))], specname="health_checks"
    )
    return found


def raises(hook: str) -> Any:
    raise RuntimeError(f"zqfaultqz in {hook}")


def wrong_type(hook: str) -> Any:
    return {"page_slot": [NavItem("x", "home.show_home")], "nav_items": ["x"], "help_links": 7}.get(
        hook, [object()]
    )


def too_large(hook: str) -> Any:
    big = "x" * 10_000_000
    items = {"nav_items": NavItem(big, "home.show_home"), "help_links": HelpLink(big, "/x")}
    return [items.get(hook, Card(big, "hostile/none.html"))]


def no_template(hook: str) -> Any:
    items = {"nav_items": NavItem("x", "no.such_endpoint"), "help_links": HelpLink("Zqhelpqz", "/x")}
    return [items.get(hook, Card("x", "base.html"))] if hook in SHOWN else wrong_type(hook)


def broken_sql(hook: str) -> Any:
    db.db.session.execute(text("SELECT zqcolumnqz FROM no_such_table WHERE x = :x"), {"x": "zqvalue" + "qz"})


def exits(hook: str) -> Any:
    raise AssertionError  # an empty fault, of a kind nobody expects


@pytest.fixture(
    params=[raises, wrong_type, too_large, no_template, broken_sql, exits], ids=lambda fault: fault.__name__
)
def beset(request: pytest.FixtureRequest, seeded: Site, tmp_path: Path) -> Iterator[Flask]:
    """The seeded site with a plugin that has this fault."""
    shutil.copytree(seeded.folder, tmp_path / "data")
    app = make_app(tmp_path / "data", with_plugins=[hostile(request.param)])
    app.test_client_class = Visitor
    yield app
    forget(app)


def test_every_core_page_is_whole_and_the_log_names_the_plugin(
    beset: Flask, seeded: Site, standing_app: Flask, caplog: Any
) -> None:
    for name in ("ana", "nobody"):
        here = visitor(beset, seeded, name)
        for row in PAGES:
            if row.expected(name) == "page":
                answer = here.get(row.address(seeded))
                assert answer.status_code == 200, f"{name} {row.url}"
                assert "</html>" in answer.text or row.endpoint not in ("home.show_home", "boards.show_topic")
                assert len(answer.data) < 100_000, row.url
                for secret in ("zqfaultqz", "zqcolumnqz", "zqvalueqz", "Traceback"):
                    assert secret not in answer.text
    assert "plugin hostile failed in nav_items" in caplog.text
    assert "zqvalueqz" not in caplog.text
    assert visitor(beset, seeded, "nobody").get("/readyz").status_code == 200


def test_a_permission_asked_of_it_is_no(beset: Flask) -> None:
    with beset.app_context():
        ana = viewer_of(create_person("zoe", "model"))
        assert not may(ana, "hostile.see", ana.membership("northlight"))
        assert not may(NOBODY, "hostile.see")


def test_its_switch_stays_as_it_was(seeded: Site, tmp_path: Path) -> None:
    shutil.copytree(seeded.folder, tmp_path / "data")
    app = make_app(tmp_path / "data", with_plugins=[hostile(raises)])
    app.test_client_class = Visitor
    ruth = visitor(app, seeded, "ruth")

    answer = ruth.press("/a/northlight/plugins/hostile/switch", on="no")

    assert answer.status_code == 409
    assert "could not be switched" in answer.text
    assert '<span class="st good">On</span>' in ruth.get("/a/northlight/plugins").text
    forget(app)


@pytest.mark.postgres
@pytest.mark.parametrize("fault", [raises, broken_sql], ids=lambda fault: fault.__name__)
def test_on_postgresql_a_failed_statement_fails_nobody_elses(
    postgres_url: str, tmp_path: Path, fault: Fault
) -> None:
    from forum import migrating
    from forum.testing import new_database

    app = make_app(
        tmp_path, with_plugins=[hostile(fault)], database_url=new_database(postgres_url, "hostile")
    )
    with app.app_context():
        migrating.upgrade_all()
        ines = create_person("ines", "model")
        browser = app.test_client()
        assert isinstance(browser, Client)
        assert browser.sign_in(ines).status_code == 303
        for url in ("/", "/boards", "/a/northlight", "/account", "/search?q=words", "/people/ines"):
            assert browser.get(url).status_code == 200, url
        db.db.session.remove()
        db.db.engine.dispose()


# --- slow --------------------------------------------------------------------------------------------


def test_three_slow_calls_pause_it_and_operators_hear_of_it(
    seeded: Site, tmp_path: Path, caplog: Any
) -> None:
    """600 ms a call, on a clock of our own: counted, logged, paused for ten minutes, told once, and back."""
    clock = [1000.0]

    def slow(hook: str) -> Any:
        clock[0] += 0.6 if hook == "nav_items" else 0
        return [NavItem("Zqslowqz", "home.show_home")] if hook == "nav_items" else []

    shutil.copytree(seeded.folder, tmp_path / "data")
    app = make_app(tmp_path / "data", with_plugins=[hostile(slow)])
    app.test_client_class = Visitor
    loaded(app).faults = Faults(clock=lambda: clock[0], stopwatch=lambda: clock[0])
    nobody = visitor(app, seeded, "nobody")

    assert [("Zqslowqz" in nobody.get("/boards").text) for _ in range(5)] == [True, True, False, False, False]
    assert "plugin hostile took 600 ms in nav_items" in caplog.text
    with app.app_context():
        queued = db.db.session.scalars(select(Job).where(Job.name == "plugins.paused")).all()
        assert [job.payload for job in queued] == [{"plugin": "hostile"}]
        db.db.session.remove()
    clock[0] += PAUSE + 1
    assert "Zqslowqz" in nobody.get("/boards").text
    forget(app)


def test_slow_calls_far_apart_do_not_pause_it(app: Flask) -> None:
    faults = Faults(clock=lambda: clock[0])
    clock = [0.0]
    (plugin,) = plugins.Plugins([hostile(raises)])
    for _ in range(5):
        faults.note_time(plugin.name, "nav_items", 0.6)
        clock[0] += 400
    assert not faults.is_paused(plugin.name)
    faults.note_time(plugin.name, "nav_items", 0.4)
    assert not faults.unreported


def test_a_sleeping_hook_is_really_timed(seeded: Site, tmp_path: Path, caplog: Any) -> None:
    def sleeps(hook: str) -> Any:
        time.sleep(0.55 if hook == "nav_items" else 0)
        return []

    shutil.copytree(seeded.folder, tmp_path / "data")
    app = make_app(tmp_path / "data", with_plugins=[hostile(sleeps)])
    app.test_client_class = Visitor
    assert visitor(app, seeded, "nobody").get("/boards").status_code == 200
    assert re.search(r"plugin hostile took 5\d\d ms in nav_items|plugin hostile took \d{3,} ms", caplog.text)
    forget(app)


def test_one_broken_plugin_leaves_the_others_their_parts(seeded: Site, tmp_path: Path) -> None:
    good = ModuleType("good")
    good.plugin_info = hookimpl(
        lambda: PluginInfo("good", "Good", "Good", Scope.BOTH), specname="plugin_info"
    )  # type: ignore[attr-defined]
    good.nav_items = hookimpl(lambda: [NavItem("Zqgoodqz", "home.show_home")], specname="nav_items")  # type: ignore[attr-defined]
    hit = SearchHit(0, "Zqhitqz", "/")
    good.search_providers = hookimpl(  # type: ignore[attr-defined]
        lambda: [SearchProvider("good.all", lambda q, viewer, limit: [hit])], specname="search_providers"
    )
    shutil.copytree(seeded.folder, tmp_path / "data")
    app = make_app(tmp_path / "data", with_plugins=[hostile(raises), good])
    app.test_client_class = Visitor
    nobody = visitor(app, seeded, "nobody")
    assert "Zqgoodqz" in nobody.get("/boards").text
    assert "Zqhitqz" in nobody.get("/search?q=anything").text
    forget(app)
