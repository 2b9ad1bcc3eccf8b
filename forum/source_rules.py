"""What a plugin's own files say about it: imports, commits, texts without gettext, hooks without a sentence.

Read from the syntax trees and the templates; nothing is run. Each rule yields sentences, none when it is kept.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

from forum.admission import Plugin

SURFACE = {"forum.sdk"}  # what a plugin may import of the core; its tests: forum.testing, forum.conformance
CORE_ONLY = {"commit", "rollback", "engine", "create_engine", "sessionmaker"}
SPOKEN = {"NavItem": (0,), "Card": (0,), "HelpLink": (0,), "Refused": (0,), "say": (0,), "Permission": (1,),
          "NotificationKind": (1,), "Role": (1,), "PluginInfo": (1, 2), "Words": (0,)}  # fmt: skip
SKIPPED = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<!--.*?-->|<[^>]*>|&\w+;", re.DOTALL)
ATTRIBUTE = re.compile(r'\b(alt|title|aria-label|placeholder)="([^"{]*[A-Za-z]{2}[^"{]*)"')
WORD = re.compile(r"[^\W\d_]{2,}")


def modules(plugin: Plugin) -> Iterator[tuple[str, ast.Module]]:
    """The plugin's modules but its migrations: (file name, tree)."""
    for file in sorted((plugin.folder or Path()).rglob("*.py")) if plugin.folder else ():
        if "migrations" not in file.parts and "tests" not in file.relative_to(plugin.folder or Path()).parts:
            yield file.name, ast.parse(file.read_text("utf-8"))


def imports_the_sdk_only(plugin: Plugin) -> Iterator[str]:
    """Nothing of the core but forum.sdk, and nothing of another plugin."""
    for file, tree in modules(plugin):
        for node in ast.walk(tree):
            for name in _imported(node):
                first = name.partition(".")[0]
                if first == "forum" and name not in SURFACE:
                    yield f"{file}:{node.lineno} imports {name}; plugins import forum.sdk alone."  # type: ignore[attr-defined]
                if first.startswith("forum_") and first != plugin.package:
                    yield f"{file}:{node.lineno} imports another plugin, {first}."  # type: ignore[attr-defined]


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level and node.module:
        return [f"forum.{alias.name}" for alias in node.names] if node.module == "forum" else [node.module]
    return []


def leaves_commits_to_the_core(plugin: Plugin) -> Iterator[str]:
    """No commit, no rollback, no engine of its own."""
    for file, tree in modules(plugin):
        for node in ast.walk(tree):
            used = (
                node.attr
                if isinstance(node, ast.Attribute)
                else node.id
                if isinstance(node, ast.Name)
                else ""
            )
            if used in CORE_ONLY:
                yield f"{file}:{node.lineno} uses {used}; the core commits, once, when all went well."  # type: ignore[attr-defined]


def says_what_each_hook_does(plugin: Plugin) -> Iterator[str]:
    """Every hook has a docstring: what this plugin does with it."""
    for file, tree in modules(plugin):
        for node in ast.walk(tree):
            if _is_hook(node) and not ast.get_docstring(node):
                yield f"{file}:{node.lineno} {node.name}() has no docstring saying what the plugin does there."


def _is_hook(node: ast.AST) -> TypeGuard[ast.FunctionDef]:
    marks = node.decorator_list if isinstance(node, ast.FunctionDef) else ()
    return any("hookimpl" in ast.unparse(mark) for mark in marks)


def keeps_templates_under_its_name(plugin: Plugin) -> Iterator[str]:
    """templates/<name>/… and nothing beside it: another name would be somebody else's page."""
    folder = plugin.own("templates")
    for file in sorted(folder.rglob("*")) if folder else ():
        path = file.relative_to(folder or Path()).as_posix()
        if file.is_file() and not path.startswith(f"{plugin.name}/"):
            yield f"templates/{path} is not under templates/{plugin.name}/, so it is never found."


def speaks_through_gettext(plugin: Plugin) -> Iterator[str]:
    """Every text that people read can be translated."""
    folder = plugin.own("templates")
    for file in sorted(folder.rglob("*.html")) if folder else ():
        text = file.read_text("utf-8")
        bare = [line.strip() for line in SKIPPED.sub("\n", text).splitlines() if WORD.search(line)]
        for words in [*bare, *(match[2] for match in ATTRIBUTE.finditer(text))]:
            yield f"{file.name}: {words[:60]!r} is not in _()."
    for name, tree in modules(plugin):
        yield from _bare_texts(name, tree)


def _bare_texts(file: str, tree: ast.Module) -> Iterator[str]:
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = getattr(call.func, "id", getattr(call.func, "attr", ""))
        for given in (call.args[n] for n in SPOKEN.get(name, ()) if n < len(call.args)):
            text = given.value if isinstance(given, ast.Constant) else ""
            if isinstance(given, ast.JoinedStr) or WORD.search(str(text)):
                yield f"{file}:{given.lineno} {ast.unparse(given)[:60]} is not in gettext."


RULES = (
    imports_the_sdk_only, leaves_commits_to_the_core, says_what_each_hook_does, keeps_templates_under_its_name,
    speaks_through_gettext,
)  # fmt: skip
