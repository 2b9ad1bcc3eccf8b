"""`callboard plugins new` writes a plugin that works, is tested, and is clean to every tool of the house."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from forum import cli, scaffolding

ROOT = Path(__file__).parents[3]


def new(*words: str) -> Result:
    return CliRunner().invoke(cli.main, ["plugins", "new", *words])


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CALLBOARD_DATA", str(tmp_path / "data"))
    return tmp_path / "project"


def run(*command: Any, cwd: Path) -> subprocess.CompletedProcess[str]:
    environ = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(["plugins", str(ROOT), str(ROOT / "plugins")]),
        "MYPYPATH": f"{ROOT}",
    }
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_a_new_plugin_passes_its_own_tests_and_the_house_s_tools(here: Path) -> None:
    told = new("set_diary", "--into", str(here))
    assert told.exit_code == 0, told.output
    assert 'set_diary = "forum_set_diary.plugin"' in told.output
    assert '"plugins/forum_set_diary"' in told.output
    python = [sys.executable, "-m"]
    settings = ["--config", ROOT / "pyproject.toml"]
    (here / "pytest.ini").write_text(
        "[pytest]\naddopts = --import-mode=importlib\nfilterwarnings = error\n    default::ResourceWarning\n    default::pytest.PytestUnraisableExceptionWarning\n    ignore:datetime.datetime.utc:DeprecationWarning\n"
    )

    tested = run(*python, "pytest", "-q", "-p", "no:cacheprovider", "tests", cwd=here)
    assert tested.returncode == 0, tested.stdout[-4000:]
    assert "passed" in tested.stdout
    linted = run(*python, "ruff", "check", *settings, "--no-cache", ".", cwd=here)
    assert linted.returncode == 0, linted.stdout
    formatted = run(*python, "ruff", "format", *settings, "--no-cache", "--check", "--diff", ".", cwd=here)
    assert formatted.returncode == 0, formatted.stdout
    typed = run(
        *python,
        "mypy",
        "--config-file",
        ROOT / "pyproject.toml",
        "--cache-dir",
        here / "mypy",
        "plugins/forum_set_diary",
        cwd=here,
    )
    assert typed.returncode == 0, typed.stdout
    templates = run(
        *python,
        "djlint",
        here / "plugins",
        "--lint",
        "--quiet",
        "--configuration",
        ROOT / "pyproject.toml",
        cwd=ROOT,
    )
    assert templates.returncode == 0, templates.stdout


def test_its_files_have_the_house_s_words(here: Path) -> None:
    new("set_diary", "--into", str(here))
    made = {path.relative_to(here).as_posix() for path in here.rglob("*") if path.is_file()}

    package = "plugins/forum_set_diary"
    assert {
        f"{package}/{word}.py"
        for word in ("plugin", "models", "rules", "queries", "actions", "forms", "routes")
    } <= made
    assert f"{package}/templates/set_diary/show_notes.html" in made
    assert f"{package}/translations/es/LC_MESSAGES/messages.po" in made
    assert f"{package}/migrations/versions/0001_notes.py" in made
    assert "tests/plugins/set_diary/test_set_diary.py" in made
    assert not [
        path
        for path in made
        if "@" in path
        or "@"
        in (here / path)
        .read_text("utf-8")
        .replace("@bp", "")
        .replace("@hookimpl", "")
        .replace("@needs", "")
        .replace("@dataclass", "")
        .replace("@pytest", "")
        .replace("@example", "")
    ]


def test_beside_the_access_table_it_brings_its_rows(here: Path) -> None:
    (here / "tests").mkdir(parents=True)
    for name in ("rows.py", "conftest.py"):
        (here / "tests" / name).write_text("")
    new("set_diary", "--into", str(here))

    assert (here / "tests" / "plugins" / "set_diary" / "access.py").exists()
    assert (here / "tests" / "conftest.py").read_text() == ""


@pytest.mark.parametrize("name", ["Set", "x", "set-diary", "1set", "boards", "resources", "../set", "a" * 31])
def test_a_name_that_cannot_be_is_refused_and_nothing_written(here: Path, name: str) -> None:
    told = new(name, "--into", str(here))

    assert told.exit_code == 1
    assert "cannot be a plugin's name" in told.output
    assert not here.exists()


def test_nothing_is_written_over(here: Path) -> None:
    new("set_diary", "--into", str(here))
    plugin = here / "plugins" / "forum_set_diary" / "plugin.py"
    plugin.write_text("mine")
    told = new("set_diary", "--into", str(here))

    assert told.exit_code == 1
    assert "is there already; nothing was written" in told.output
    assert plugin.read_text() == "mine"


def test_the_scaffold_is_whole() -> None:
    assert len(list(scaffolding.SCAFFOLD.rglob("*.txt"))) == 15
