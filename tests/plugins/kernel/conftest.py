"""A site with the tiny plugin (and whatever else a test gives it), on SQLite or PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import Flask

import forum_tiny.plugin as tiny
from forum import db, migrating
from forum.testing import make_app, new_database

Open = Callable[..., Flask]


@pytest.fixture(autouse=True)
def _nothing_was_asked() -> None:
    tiny.asked.clear()


@pytest.fixture(scope="session")
def tiny_folder(migrated_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in which the tiny plugin has its tables; to be copied, not used."""
    folder = tmp_path_factory.mktemp("tiny") / "data"
    shutil.copytree(migrated_folder, folder)
    app = make_app(folder, with_plugins=[tiny])
    with app.app_context():
        migrating.upgrade_all()
        db.db.session.remove()
        db.db.engine.dispose()
    return folder


@pytest.fixture
def site(tiny_folder: Path, tmp_path: Path) -> Iterator[Flask]:
    """A site with the tiny plugin, inside an application context."""
    shutil.copytree(tiny_folder, tmp_path / "data")
    app = make_app(tmp_path / "data", with_plugins=[tiny])
    with app.app_context():
        yield app
        db.db.session.remove()
        db.db.engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def open_site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """A function: a fresh, migrated site with these plugins, in whose context the test goes on."""
    contexts: list[Any] = []

    def make(*plugins: ModuleType) -> Flask:
        url = ""
        if request.param == "postgresql":
            url = new_database(request.getfixturevalue("postgres_url"), f"k{abs(hash(str(tmp_path))):x}")
        app = make_app(tmp_path / "data", with_plugins=plugins, database_url=url)
        contexts.append(app.app_context())
        contexts[-1].push()
        migrating.upgrade_all()
        db.db.session.remove()
        return app

    yield make
    for context in contexts:
        db.db.session.remove()
        db.db.engine.dispose()
        context.pop()
