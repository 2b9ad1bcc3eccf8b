"""A plugin that only raises: its switch stays as it was, and another plugin keeps its parts.

What pages look like beside every kind of fault is in test_wrong_in_every_way.py.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from forum.declare import (
    HealthCheck,
    NavItem,
    Permission,
    PluginInfo,
    Scope,
    SearchHit,
    SearchProvider,
)
from forum.hookspecs import hookimpl
from forum.testing import make_app
from tests.personas import Site, Visitor, forget, visitor

SHOWN = ("nav_items", "dashboard_cards", "page_slot", "help_links")
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
