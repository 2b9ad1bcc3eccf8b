"""docs/plugins.md explains every hook and every name of the sdk; tests/house/test_hooks.py holds the rest of the contract."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

from forum import hookspecs, sdk

DOCS = (Path(__file__).parents[3] / "docs" / "plugins.md").read_text("utf-8")
HOOKS = [name for name, spec in vars(hookspecs).items() if hasattr(spec, "callboard_spec")]


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_implemented_by_the_tiny_plugin_of_agencies_and_in_the_docs(
    tiny: list[ModuleType], name: str
) -> None:
    assert hasattr(getattr(tiny[0], name, None), "callboard_impl")
    assert f"`{name}`" in DOCS


def test_every_name_of_the_sdk_is_explained() -> None:
    explained = set(re.findall(r"`(\w+)`", DOCS.partition("## The sdk, name by name")[2]))

    assert explained == set(sdk.__all__)
