"""The house rules that neither ruff nor import-linter can see, read from the sources' syntax trees.

Every rule is a function from a module to its offences; the tests run them all over forum/ (the
one on file names over the plugins and the tests too) and name file and line.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

FORBIDDEN_FILES = {f"{name}.py" for name in ("utils", "helpers", "common", "base", "services")}

# Who is asking is known at the edge only; everything deeper is handed a Viewer.
REQUEST_NAMES = {"flask": {"request", "session", "g"}, "flask_login": {"current_user"}}
REQUEST_FILES = {
    *("routes.py", "joining.py", "leaving.py"),  # views
    *(
        "app.py",
        "home.py",
        "pages.py",
        "errors.py",
        "headers.py",
        "layout.py",
        "viewer.py",
        "plugins.py",
        "mounting.py",
        "slots.py",
    ),
}

# One caller each, so that the library can be replaced by changing one file.
SINGLE_DOORS = {
    "bleach": {"forum/markup.py"},
    "markdown_it": {"forum/markup.py"},
    "nh3": {"forum/markup.py"},
    "nacl": {"forum/sealing.py"},
    "PIL": {"forum/files.py"},
    "pluggy": {"forum/admission.py", "forum/hookspecs.py"},
}

# The only places that may contain somebody else's fault, whatever it is.
BROAD_EXCEPT_FILES = {"forum/plugins.py", "forum/jobs.py"}

# The one commit of a request: forum.db.commit(), called at the edge, by commands and by jobs.
COMMIT_FILES = {"forum/db.py", "forum/migrating.py"}
NEVER_COMMITTING_FILES = {"actions.py", "queries.py", "rules.py", "forms.py", "models.py"}

# The effects a read may have, through forum.db.record(): a read mark, an access-audit row, a
# sign-in touch, news of a faulty plugin. Whoever adds another kind changes the house, not only this list.
WRITERS_WHILE_READING = {
    "forum/db.py:rollback",  # a limiter's count outlives the refusal
    "forum/jobs.py:enqueue_apart",  # operators are told of a plugin that pauses
    "forum/accounts/actions.py:touch_sign_in",
    "forum/boards/actions.py:mark_topic_read_later",
    "forum/boards/actions.py:mark_board_seen_later",
}


@dataclass(frozen=True)
class Module:
    path: str  # from the root, with slashes
    tree: ast.Module

    def __str__(self) -> str:
        return self.path


Offences = Iterator[tuple[int, str]]
Rule = Callable[[Module], Offences]


@cache
def core_modules() -> list[Module]:
    files = sorted((ROOT / "forum").rglob("*.py"))
    return [Module(file.relative_to(ROOT).as_posix(), ast.parse(file.read_text("utf-8"))) for file in files]


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every absolute module name that is imported, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module


def names_of_the_database_module(tree: ast.Module) -> set[str]:
    """What `from forum import db` is called in this module."""
    imported = [
        node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "forum"
    ]
    return {alias.asname or alias.name for node in imported for alias in node.names if alias.name == "db"}


def commits_in_one_place(module: Module) -> Offences:
    if module.path in COMMIT_FILES:
        return
    doors = names_of_the_database_module(module.tree)
    inner = Path(module.path).name in NEVER_COMMITTING_FILES
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Attribute(attr="commit", value=ast.Name(id=name)) if name in doors:
                wrong = inner
            case ast.Attribute(attr="commit"):
                wrong = True
            case ast.Name(id="commit"):
                wrong = inner
            case _:
                wrong = False
        if wrong:
            yield node.lineno, "commits; leave that to the request, which calls forum.db.commit()"


def records_only_the_named_effects(module: Module) -> Offences:
    calls = {"record"} if module.path == "forum/db.py" else set()
    calls |= {f"{name}.record" for name in names_of_the_database_module(module.tree)}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and node.module == "forum.db":
            calls |= {alias.asname or alias.name for alias in node.names if alias.name == "record"}
    for function in ast.walk(module.tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        made = {ast.unparse(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)}
        if made & calls and f"{module.path}:{function.name}" not in WRITERS_WHILE_READING:
            yield function.lineno, f"{function.name}() writes while reading and is not on the list"


def excepts_narrowly(module: Module) -> Offences:
    if module.path in BROAD_EXCEPT_FILES:
        return
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        names = {part.id for part in ast.walk(node.type) if isinstance(part, ast.Name)} if node.type else {""}
        if names & {"", "Exception", "BaseException"}:
            yield node.lineno, "catches everything; name the error that is expected"


def opens_with_a_docstring(module: Module) -> Offences:
    if not ast.get_docstring(module.tree):
        yield 1, "has no docstring saying what belongs here and what does not"


def annotates_every_signature(module: Module) -> Offences:
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.returns is None and node.name != "__init__":
            yield node.lineno, f"{node.name}() does not say what it returns"
        given = [
            *node.args.posonlyargs,
            *node.args.args,
            *node.args.kwonlyargs,
            node.args.vararg,
            node.args.kwarg,
        ]
        for argument in filter(None, given):
            if argument.annotation is None and argument.arg not in ("self", "cls"):
                yield node.lineno, f"{node.name}() does not say what {argument.arg} is"


def knows_the_request_at_the_edge_only(module: Module) -> Offences:
    if Path(module.path).name in REQUEST_FILES:
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and node.module in REQUEST_NAMES:
            used = {alias.name for alias in node.names} & REQUEST_NAMES[node.module]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            used = {node.attr} & REQUEST_NAMES.get(node.value.id, set())
        else:
            continue
        if used:
            yield node.lineno, f"uses {', '.join(sorted(used))}; take what is needed as an argument"


def goes_through_single_doors(module: Module) -> Offences:
    for line, name in imports(module.tree):
        library = name.partition(".")[0]
        if module.path not in SINGLE_DOORS.get(library, {module.path}):
            yield line, f"imports {library}; only {', '.join(sorted(SINGLE_DOORS[library]))} may"


def knows_no_plugin(module: Module) -> Offences:
    for line, name in imports(module.tree):
        if name.startswith("forum_"):
            yield line, f"imports the plugin {name}; plugins are found by their entry points"


def has_no_view_inside_a_function(module: Module) -> Offences:
    for outer in ast.walk(module.tree):
        if not isinstance(outer, ast.FunctionDef):
            continue
        for node in ast.walk(outer):
            if node is outer or not isinstance(node, ast.FunctionDef):
                continue
            if any(".route(" in ast.unparse(decorator) for decorator in node.decorator_list):
                yield node.lineno, f"{node.name}() is a view inside a function"


RULES: list[Rule] = [
    commits_in_one_place,
    records_only_the_named_effects,
    excepts_narrowly,
    opens_with_a_docstring,
    annotates_every_signature,
    knows_the_request_at_the_edge_only,
    goes_through_single_doors,
    knows_no_plugin,
    has_no_view_inside_a_function,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_core_keeps(rule: Rule) -> None:
    offences = [f"{module}:{line} {what}" for module in core_modules() for line, what in rule(module)]

    assert not offences, "\n" + "\n".join(offences)


def test_every_file_has_a_name_that_says_something() -> None:
    folders = [ROOT / name for name in ("forum", "plugins", "tests", "bench")]
    vague = [file for folder in folders for file in folder.rglob("*.py") if file.name in FORBIDDEN_FILES]

    assert not vague, "a file for everything: " + ", ".join(str(file.relative_to(ROOT)) for file in vague)


BROKEN = {
    commits_in_one_place: '"""x"""\ndb.session.commit()',
    records_only_the_named_effects: '"""x"""\nfrom forum.db import record\ndef f() -> None: record(g)',
    excepts_narrowly: '"""x"""\ntry: pass\nexcept (KeyError, Exception): pass',
    opens_with_a_docstring: "import os",
    annotates_every_signature: '"""x"""\ndef f(a, *, b: int) -> None: ...',
    knows_the_request_at_the_edge_only: '"""x"""\nfrom flask import abort, g',
    goes_through_single_doors: '"""x"""\nfrom nacl.secret import Aead',
    knows_no_plugin: '"""x"""\nimport forum_grievances.models',
    has_no_view_inside_a_function: '"""x"""\ndef f() -> None:\n    @bp.route("/")\n    def g() -> None: ...',
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_breach_is_seen(rule: Rule) -> None:
    broken = Module("forum/boards/queries.py", ast.parse(BROKEN[rule]))

    assert list(rule(broken))


def test_a_bare_except_and_an_attribute_are_seen_too() -> None:
    tree = ast.parse('"""x"""\nimport flask\ntry: flask.session.clear()\nexcept: pass')
    module = Module("forum/boards/queries.py", tree)

    assert [line for line, _ in excepts_narrowly(module)] == [4]
    assert [line for line, _ in knows_the_request_at_the_edge_only(module)] == [3]


def test_the_one_commit_is_for_the_edge() -> None:
    called = '"""x"""\nfrom forum import db\ndb.commit()'
    session = '"""x"""\nfrom forum.db import db\ndb.session.commit()'

    assert not list(commits_in_one_place(Module("forum/pages.py", ast.parse(called))))
    assert list(commits_in_one_place(Module("forum/boards/actions.py", ast.parse(called))))
    assert list(commits_in_one_place(Module("forum/pages.py", ast.parse(session))))


def test_the_locks_pin_every_package_and_name_no_address() -> None:
    for name in ("requirements.lock", "requirements-test.lock", "requirements-uv.lock"):
        text = (ROOT / name).read_text("utf-8")
        pins = [line for line in text.splitlines() if "==" in line.partition(";")[0]]

        assert "://" not in text, f"{name} names an address"
        assert pins, f"{name} is empty"
        assert all(line.endswith("\\") for line in pins), f"{name} has a pin without a hash"
