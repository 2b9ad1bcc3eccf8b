"""The contract: every hook is documented, tested, and used by a shipped plugin or waited for by one; so is every name of the sdk."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

from forum import hookspecs, hooktable, sdk
from forum.plugins import load

ROOT = Path(__file__).parents[3]
HOOKS = {hook.name: hook for hook in hooktable.hooks()}
# Hooks that no shipped plugin uses yet, and the one that it is there for.
WAITING = {
    "agency_settings_form": "pledges: the heading and the default policy of an agency",
    "notification_kinds": "grievances: a case has an answer; pledges: one ends soon",
    "commands": "grievances: the advocates' roster; resources: import of a file",
    "permission_verdict": "grievances: only who is assigned reads a case",
    "match_objections": "grievances: a case between two people keeps them apart",
    "plugin_switched": "pledges: an agency's first policy text",
}


def test_every_hook_says_when_how_and_what_with_an_example() -> None:
    assert len(HOOKS) == 19
    for name, hook in HOOKS.items():
        assert hook.verb in ("everyone", "show", "ask", "one")
        assert re.search(r"\n\n(return |actions\.)", inspect.getdoc(getattr(hookspecs, name)) or ""), (
            f"{name} has no example"
        )


def test_the_table_in_the_readme_is_the_hooks() -> None:
    """Stale? `callboard plugins hooks --markdown` prints the table anew."""
    readme = (ROOT / "README.md").read_text("utf-8")
    table = readme.partition("plugins hooks --markdown -->\n")[2].partition("\n<!-- end of the table -->")[0]

    assert table == hooktable.markdown()


def test_every_hook_is_used_by_a_shipped_plugin_or_waited_for() -> None:
    plugins = load()
    used = {hook for plugin in plugins for hook in plugins.hooks_of(plugin)}

    assert used | set(WAITING) == set(HOOKS), "a hook nobody uses"
    assert not used & set(WAITING), "it waits no longer: take it off the list"


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_implemented_by_a_plugin_of_the_tests(tiny: list[ModuleType], name: str) -> None:
    """The tests of the kernel ask each of them."""
    assert any(hasattr(getattr(module, name, None), "callboard_impl") for module in tiny)


def test_every_name_of_the_sdk_is_explained_and_there() -> None:
    text = (ROOT / "docs" / "plugins.md").read_text("utf-8").partition("## The sdk, name by name")[2]
    explained = set(re.findall(r"`(\w+)`", text))

    assert explained == set(sdk.__all__)
    assert all(hasattr(sdk, name) for name in sdk.__all__)


def test_the_docs_name_every_hook() -> None:
    text = (ROOT / "docs" / "plugins.md").read_text("utf-8")

    assert [name for name in HOOKS if f"`{name}`" not in text] == []


def test_a_hook_that_says_nothing_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    @hookspecs.hookspec
    def silent() -> None:
        """Says nothing of when."""

    monkeypatch.setattr(hookspecs, "silent", silent, raising=False)
    with pytest.raises(ValueError, match="silent"):
        list(hooktable.hooks())
