"""Every hook is explained, tried and used; the table in README.md says what hookspecs.py says."""

from __future__ import annotations

import importlib
import inspect
import re
from importlib import metadata
from pathlib import Path

import pytest

import forum_tiny.plugin as tiny
from forum import declare, hook_table, hookspecs, sdk
from forum.plugins import GROUP

ROOT = Path(__file__).parents[2]
HOOKS = {n: f for n, f in vars(hookspecs).items() if hasattr(f, "callboard_spec")}
VERBS = ("everyone", "show", "ask", "one")
# Hooks that no shipped plugin uses yet, and the part of Callboard that they are for.
WAITING = {
    "agency_settings_form": "pledges: which shows an agency follows",
    "notification_kinds": "grievances: a new answer; pledges: a pledge ends",
    "commands": "resources: callboard resources import",
    "permission_verdict": "grievances: an advocate reads the cases she is assigned",
    "match_objections": "grievances: never pair somebody with whom she has a case about",
    "plugin_switched": "pledges: what is due when an agency switches off",
}


def used() -> set[str]:
    modules = [importlib.import_module(point.value) for point in metadata.entry_points(group=GROUP)]
    return {
        name for module in modules for name, value in vars(module).items() if hasattr(value, "callboard_impl")
    }


def test_the_table_in_the_readme_is_the_newest() -> None:
    assert hook_table.table() in (ROOT / "README.md").read_text("utf-8")
    assert hook_table.table().count("\n") == len(HOOKS) + 1


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_explained_with_its_verb_and_an_example(name: str) -> None:
    text = inspect.getdoc(HOOKS[name]) or ""
    assert text.partition(",")[0] in VERBS
    assert ": " in text.partition("\n")[0]
    assert len(text.split("\n\n")) > 1
    signature = inspect.signature(HOOKS[name])
    assert all(p.annotation is not inspect.Parameter.empty for p in signature.parameters.values())


def test_every_hook_is_tried_by_the_tests_own_plugin() -> None:
    assert len(HOOKS) >= 18
    assert set(HOOKS) == {n for n, v in vars(tiny).items() if hasattr(v, "callboard_impl")}


def test_every_hook_is_used_by_a_shipped_plugin_or_waits_for_a_named_one() -> None:
    assert set(HOOKS) - used() == set(WAITING)


def test_the_sdk_offers_every_declaration_and_explains_itself() -> None:
    assert set(declare.__all__) <= set(sdk.__all__)
    assert all(hasattr(sdk, name) for name in sdk.__all__)
    text = (ROOT / "docs" / "plugins.md").read_text("utf-8")
    for name in (
        "carry_out",
        "kept",
        "notify",
        "tapped",
        "agency_settings",
        "job_handler",
        "enqueue",
        "outbox.mail",
    ):
        assert name in text


def test_plugins_lean_on_the_sdk_alone() -> None:
    """What a plugin's source imports of the core, and that it never commits or reaches for the engine."""
    for path in (ROOT / "plugins").rglob("*.py"):
        text = path.read_text("utf-8")
        if "migrations" not in path.parts:
            assert set(re.findall(r"^\s*(?:from|import) (forum(?:\.\w+)*)\b", text, flags=re.M)) <= {
                "forum.sdk"
            }, path
        assert not re.search(r"\.commit\(|\.rollback\(|\.engine\b|current_user", text), path
