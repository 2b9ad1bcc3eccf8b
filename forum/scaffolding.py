"""`callboard plugins new`: a small plugin that works and is tested, to be changed into yours.

The texts are in forum/scaffold/, one file for each file; @name@, @slug@ and @Title@ are filled in.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from forum.admission import NAME, core_words
from forum.paths import PACKAGE
from forum.permissions import Refused
from forum.plugins import loaded

SCAFFOLD = PACKAGE / "scaffold"


def write(name: str, into: Path) -> list[Path]:
    """Write the plugin below this folder; the files made. Errors: Refused; then nothing is written."""
    if not NAME.fullmatch(name) or name in core_words() or loaded().get(name):
        raise Refused(f"{name} cannot be a plugin's name: small letters, digits and _, and nobody's yet.")
    wanted = {into / target: text for target, text in _filled(name, into)}
    there = [path for path in wanted if path.exists()]
    if there:
        raise Refused(f"{there[0]} is there already; nothing was written.")
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return list(wanted)


def _filled(name: str, into: Path) -> Iterator[tuple[Path, str]]:
    words = {"@name@": name, "@slug@": name.replace("_", "-"), "@Title@": name.replace("_", " ").capitalize()}
    places = {"package": Path("plugins", f"forum_{name}"), "tests": Path("tests", "plugins", name)}
    for source in sorted(SCAFFOLD.rglob("*.txt")):
        inside = source.relative_to(SCAFFOLD)
        path = Path(_fill(inside.with_suffix("").as_posix(), words))
        target = places[inside.parts[0]] / path.relative_to(inside.parts[0])
        if source.name == "conftest.py.txt":
            target = Path("tests", "conftest.py")
        if _is_wanted(source.name, into):
            yield target, _fill(source.read_text("utf-8"), words)


def _is_wanted(name: str, into: Path) -> bool:
    """A row of the access table only beside that table; a conftest only where there is none."""
    if name == "access.py.txt":
        return (into / "tests" / "rows.py").exists()
    return name != "conftest.py.txt" or not (into / "tests" / "conftest.py").exists()


def _fill(text: str, words: dict[str, str]) -> str:
    for mark, word in words.items():
        text = text.replace(mark, word)
    return text


def next_steps(name: str) -> str:
    """What is left to do by hand."""
    return f"""
Add to pyproject.toml:
  [project.entry-points."forum.plugins"]
  {name} = "forum_{name}.plugin"
and "plugins/forum_{name}" to packages of [tool.hatch.build.targets.wheel], and forum_{name} to
root_packages of [tool.importlinter] and to the mypy override of the plugins.

Then:
  pip install --no-deps --no-build-isolation -e .
  callboard db upgrade
  pytest tests/plugins/{name}
"""
