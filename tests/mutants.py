"""`python -m tests.mutants`: break one condition of the rules or of the sealing at a time; some test must notice.

Works on copies of the checkout, never on itself. Lists the survivors and exits 1 when there are any. With names
of files (`forum/viewer.py`) only those are broken; `--list` shows the mutants and runs nothing.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("forum", "templates", "migrations", "tests", "pyproject.toml")

BOARDS = "tests/core/boards"
# File → the tests that should notice, quickest first; each mutant is run until the first failure.
RELEVANT: dict[str, tuple[str, ...]] = {
    "forum/viewer.py": (
        f"{BOARDS}/test_who_reads_and_writes.py", f"{BOARDS}/test_rights_of_now.py", f"{BOARDS}/test_making_boards.py",
        f"{BOARDS}/test_writing.py", "tests/core/agencies", "tests/test_access_table.py",
    ),
    "forum/boards/rules.py": (
        f"{BOARDS}/test_who_reads_and_writes.py", f"{BOARDS}/test_making_boards.py", f"{BOARDS}/test_writing.py",
        f"{BOARDS}/test_reading.py", "tests/test_access_table.py",
    ),
    "forum/agencies/rules.py": ("tests/core/agencies", "tests/test_access_table.py", "tests/core/home"),
    "forum/permissions.py": ("tests/test_access_table.py", "tests/core/agencies", f"{BOARDS}/test_writing.py"),
    "forum/sealing.py": ("tests/core/infrastructure/test_sealing.py", "tests/core/infrastructure/test_health.py"),
}  # fmt: skip

# (file, what was done) of mutants that change nothing anybody could see, and why.
EQUAL: dict[tuple[str, str], str] = {}


@dataclass(frozen=True)
class Mutant:
    """One file with one condition broken."""

    path: str
    line: int
    what: str
    source: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


# --- making them -----------------------------------------------------------------------------------

OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
EDGE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
Change = Callable[[ast.AST], None]


def changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    """What can be broken at this node: (a few words, a function that breaks a copy of it)."""
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        yield f"negated: {ast.unparse(node.test)}", lambda n: setattr(n, "test", _not(n.test))  # type: ignore[attr-defined]
    if isinstance(node, ast.comprehension):
        for number, test in enumerate(node.ifs):
            yield f"removed the filter: {ast.unparse(test)}", lambda n, i=number: n.ifs.pop(i)  # type: ignore[misc]
    if isinstance(node, ast.BoolOp):
        for number, value in enumerate(node.values):
            yield f"removed from a condition: {ast.unparse(value)}", lambda n, i=number: n.values.pop(i)  # type: ignore[misc]
        other = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        yield f"and/or swapped: {ast.unparse(node)}", lambda n: setattr(n, "op", other)
    if isinstance(node, ast.Compare):
        yield f"turned round: {ast.unparse(node)}", lambda n: n.ops.__setitem__(0, OPPOSITE[type(n.ops[0])]())  # type: ignore[attr-defined]
        if type(node.ops[0]) in EDGE:
            yield f"edge moved: {ast.unparse(node)}", lambda n: n.ops.__setitem__(0, EDGE[type(n.ops[0])]())  # type: ignore[attr-defined]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield (
            f"not removed: {ast.unparse(node)}",
            lambda n: setattr(n, "op", ast.UAdd()) or setattr(n, "operand", _bool(n.operand)),
        )  # type: ignore[attr-defined,func-returns-value]
    if isinstance(node, ast.Set | ast.Tuple | ast.List):
        words = [
            n for n, e in enumerate(node.elts) if isinstance(e, ast.Constant) and isinstance(e.value, str)
        ]
        for number in words if len(node.elts) > 1 else []:
            word = ast.unparse(node.elts[number])
            yield f"{word} removed from {ast.unparse(node)[:60]}", lambda n, i=number: n.elts.pop(i)  # type: ignore[misc]
    if (
        isinstance(node, ast.Return)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, bool)
    ):
        yield (
            f"returned the opposite: {ast.unparse(node)}",
            lambda n: setattr(n, "value", ast.Constant(not n.value.value)),
        )  # type: ignore[attr-defined]


def _not(test: ast.expr) -> ast.expr:
    return ast.UnaryOp(op=ast.Not(), operand=test)


def _bool(value: ast.expr) -> ast.expr:
    return ast.Call(func=ast.Name("bool", ast.Load()), args=[value], keywords=[])


def mutants_of(path: str) -> Iterator[Mutant]:
    """Every mutant of a file; docstrings, annotations and type aliases are left alone."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    skipped = {id(n) for parent in ast.walk(tree) for n in _ignored(parent)}
    nodes = [n for n in ast.walk(tree) if id(n) not in skipped]
    for number, node in enumerate(ast.walk(tree)):
        if id(node) in skipped or node not in nodes:
            continue
        for index, (what, _change) in enumerate(changes(node)):
            broken = copy.deepcopy(tree)
            twin = list(ast.walk(broken))[number]
            list(changes(twin))[index][1](twin)
            source = ast.unparse(ast.fix_missing_locations(broken))
            line = getattr(node, "lineno", 0) or getattr(getattr(node, "target", None), "lineno", 0)
            yield Mutant(path, line, what, source)


def _ignored(parent: ast.AST) -> Iterator[ast.AST]:
    """Annotations, and what `Protocol` and `Callable[...]` hold."""
    for name in ("annotation", "returns"):
        part = getattr(parent, name, None)
        if isinstance(part, ast.AST):
            yield from ast.walk(part)
    if isinstance(parent, ast.Subscript):
        yield from ast.walk(parent.slice)


# --- running them ------------------------------------------------------------------------------------


def copied(folder: Path) -> Path:
    """A copy of what the tests need."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder


def is_noticed(folder: Path, mutant: Mutant) -> tuple[bool, str]:
    """Whether some test fails, and which was the first."""
    place = folder / mutant.path
    kept = place.read_text("utf-8")
    place.write_text(mutant.source, "utf-8")
    try:
        command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider", "-m",
                   "not postgres and not redis", *RELEVANT[mutant.path]]  # fmt: skip
        environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(folder)}
        try:
            done = subprocess.run(
                command, cwd=folder, env=environ, capture_output=True, text=True, timeout=600, check=False
            )
        except subprocess.TimeoutExpired:
            return True, "took for ever"
        first = next(
            (x for x in done.stdout.splitlines() if x.startswith(("FAILED", "ERROR"))), done.stdout[-200:]
        )
        return done.returncode != 0, first
    finally:
        place.write_text(kept, "utf-8")


def main() -> int:
    """Run what was asked for; 1 when something survived."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("files", nargs="*", default=[*RELEVANT])
    parser.add_argument("--list", action="store_true", help="only list the mutants")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", default="", help="only mutants whose description has these words")
    asked = parser.parse_args()
    mutants = [m for path in asked.files for m in mutants_of(path) if asked.only in str(m)]
    mutants = [m for m in mutants if (m.path, m.what) not in EQUAL]
    if asked.list:
        print(*mutants, sep="\n")
        return 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as place:
        folders: Queue[Path] = Queue()
        for number in range(asked.jobs):
            folders.put(copied(Path(place) / str(number)))
        if not all_is_well(folders, asked.files):
            return 1
        began, survivors = time.monotonic(), []

        def run(mutant: Mutant) -> tuple[Mutant, bool, str]:
            folder = folders.get()
            try:
                return mutant, *is_noticed(folder, mutant)
            finally:
                folders.put(folder)

        with ThreadPoolExecutor(asked.jobs) as pool:
            for number, (mutant, noticed, first) in enumerate(pool.map(run, mutants), 1):
                print(
                    f"{number}/{len(mutants)} {'noticed' if noticed else 'SURVIVED'} {mutant}  {first if noticed else ''}"
                )
                sys.stdout.flush()
                survivors += [] if noticed else [mutant]
    print(f"\n{len(mutants) - len(survivors)} of {len(mutants)} noticed in {time.monotonic() - began:.0f} s")
    for mutant in survivors:
        print(f"survived: {mutant}")
    return 1 if survivors else 0


def all_is_well(folders: Queue[Path], files: list[str]) -> bool:
    """The tests pass when nothing is broken; otherwise they would notice everything."""
    folder = folders.get()
    try:
        for path in files:
            whole = Mutant(path, 0, "nothing", (folder / path).read_text("utf-8"))
            failed, first = is_noticed(folder, whole)
            if failed:
                print(f"The tests of {path} fail already: {first}")
                return False
        return True
    finally:
        folders.put(folder)


if __name__ == "__main__":
    raise SystemExit(main())
