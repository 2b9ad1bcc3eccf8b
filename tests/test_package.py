"""The wheel: built without a network, installed into an empty environment, migrated, opened."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CARRIED = (
    "forum/_templates/base.html",
    "forum/_migrations/env.py",
    "forum/_migrations/script.py.mako",
    "forum/static/callboard.css",
    "forum/static/callboard.js",
    "forum/demo_data/people.json",
    "forum/accounts/common_passwords.txt",
    "forum/translations/es/LC_MESSAGES/messages.mo",
    "forum/translations/uk/LC_MESSAGES/messages.mo",
    "forum/hotlines.json",
    "forum_resources/translations/uk/LC_MESSAGES/messages.mo",
)
OPENED = """
import json
from forum import db, migrating
from forum.app import create_app
app = create_app()
with app.app_context():
    migrating.upgrade_all()
    at_head = migrating.at_head()
client = app.test_client()
here = "http://127.0.0.1:5000"
pages = {url: client.get(url, base_url=here).status_code for url in ("/", "/boards", "/sign-in", "/join", "/resources")}
spanish = "Entrar" in client.get("/sign-in?lang=es", base_url=here).text
import forum
print(json.dumps({"pages": pages, "at_head": at_head, "spanish": spanish, "from": forum.__file__}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this checkout, built with what is installed and nothing fetched."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PIP_NO_INDEX": "1"})
    return next(out.glob("callboard-*.whl"))


def test_the_wheel_carries_what_a_site_needs_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())

    assert [name for name in CARRIED if name not in names] == []
    assert any(name.startswith("forum/_migrations/versions/0001") for name in names)
    assert any(name.endswith("/LICENSE") for name in names)
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {
        "forum",
        "forum_resources",
        "callboard",
    }
    assert not [name for name in names if name.endswith((".pyc", ".db"))]


def test_an_installed_wheel_migrates_and_opens(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "env"
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = home / "lib" / version / "site-packages"
    zipfile.ZipFile(wheel).extractall(site)
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if "callboard" not in entry.name.lower():  # everything but this checkout's editable install
            (libraries / entry.name).symlink_to(entry)
    (site / "libraries.pth").write_text(str(libraries))
    environ = {"PATH": os.environ["PATH"], "CALLBOARD_DATA": str(tmp_path / "data")}

    done = subprocess.run(
        [python, "-c", OPENED], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["from"].startswith(str(site))
    assert told["pages"] == {"/": 200, "/boards": 200, "/sign-in": 200, "/join": 200, "/resources": 200}
    assert told["at_head"]
    assert told["spanish"]
    version_told = subprocess.run(
        [python, "-m", "forum", "--version"],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "0.1.0" in version_told.stdout


def test_the_wheel_carries_everything_of_these_folders(wheel: Path) -> None:
    """A page, picture or migration that is forgotten is missing only where it is installed."""
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, place in {
        "templates": "forum/_templates", "migrations": "forum/_migrations", "forum/static": "forum/static",
        "forum/demo_data": "forum/demo_data",
        "forum/scaffold": "forum/scaffold",
        "plugins/forum_resources": "forum_resources",
    }.items():  # fmt: skip
        files = [f for f in (ROOT / folder).rglob("*") if f.is_file() and "__pycache__" not in f.parts]
        there = {f"{place}/{f.relative_to(ROOT / folder).as_posix()}" for f in files}
        assert there, folder
        assert there - names == set(), folder
