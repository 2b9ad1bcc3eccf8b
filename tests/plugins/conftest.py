"""The two tiny plugins of the kernel's tests, and the seeded site with both of them on it.

tiny_agency is of scope AGENCY and on at Northlight only; tiny_site is BOTH, on by default, off at Corso.
Their tables are among the models only while a module that asks for them is run.
"""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask
from sqlalchemy import delete

from forum import db, migrating
from forum.db import now
from forum.faults import Faults
from forum.plugins import loaded
from forum.switches import AgencyPlugin
from forum.testing import make_app
from tests.personas import Site, Visitor, forget, restore, visitor

TINY = Path(__file__).parent / "tiny"
NAMES = ("forum_tiny_agency", "forum_tiny_site")
Look = Callable[[str], Visitor]
tables: list[Any] = []


@pytest.fixture(scope="module")
def tiny() -> Iterator[list[ModuleType]]:
    """Both plugins, imported as packages of their own."""
    compile_catalogues(TINY)
    sys.path.insert(0, str(TINY))
    try:
        modules = [importlib.import_module(f"{name}.plugin") for name in NAMES]
    finally:
        sys.path.remove(str(TINY))
    metadata = db.db.metadata
    tables.extend(
        t
        for name, t in metadata.tables.items()
        if name.startswith(("tiny_agency_", "tiny_site_")) and t not in tables
    )
    for table in tables:
        metadata._add_table(table.name, table.schema, table)
    modules[0].calls.clear()
    yield modules
    for table in tables:
        metadata.remove(table)


def compile_catalogues(folder: Path) -> None:
    """What `make` does for the shipped ones."""
    for source in folder.rglob("*.po"):
        with source.open("rb") as po, source.with_suffix(".mo").open("wb") as mo:
            write_mo(mo, read_po(po))


@pytest.fixture(scope="module")
def tiny_site(tiny: list[ModuleType], seeded: Site, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The seeded site with the tables of both, tiny_agency on at Northlight, tiny_site off at Corso; to be copied."""
    folder = tmp_path_factory.mktemp("tiny-seeded") / "site"
    app = open_tiny(seeded.folder, folder, tiny)
    with app.app_context():
        migrating.upgrade_all()
        flip(seeded, "northlight", "tiny_agency", True)
        flip(seeded, "corso", "tiny_site", False)
    forget(app)
    return replace(seeded, folder=folder)


@pytest.fixture(scope="module")
def tiny_standing(
    tiny: list[ModuleType], tiny_site: Site, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    """One application for the module."""
    app = open_tiny(tiny_site.folder, tmp_path_factory.mktemp("tiny") / "site", tiny)
    yield app
    forget(app)


@pytest.fixture
def tiny_app(tiny: list[ModuleType], tiny_standing: Flask, tiny_site: Site) -> Flask:
    """The site as it was in the beginning, outside of any application context."""
    restore(tiny_standing, tiny_site)
    loaded(tiny_standing).faults = Faults()
    tiny[0].calls.clear()
    tiny[0].seen.clear()
    return tiny_standing


def open_tiny(source: Path, folder: Path, plugins: list[Any], **changes: Any) -> Flask:
    """An application with these plugins on a copy of a site."""
    shutil.copytree(source, folder)
    app = make_app(folder, plugins, **changes)
    app.test_client_class = Visitor
    return app


def flip(site: Site, agency: str, plugin: str, on: bool, **settings: Any) -> None:
    """Switch a plugin, in the application in hand."""
    where = {"agency_id": site.agencies[agency], "plugin": plugin}
    db.db.session.execute(delete(AgencyPlugin).filter_by(**where))
    row = AgencyPlugin(**where, enabled=on, settings=settings, changed_at=now())
    db.db.session.add(row)
    db.commit()
    loaded().forget_switches(site.agencies[agency])


@pytest.fixture
def look(tiny_app: Flask, tiny_site: Site) -> Look:
    """A function: the browser of a persona."""
    return lambda name: visitor(tiny_app, tiny_site, name)
