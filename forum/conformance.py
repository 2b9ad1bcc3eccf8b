"""What every plugin must keep, to be run on yours: derive a test class, say how to store one of each thing.

    class TestNotes(Conformance):
        hooks = forum_notes.plugin

        def make_one(self, person_id, agency, words):
            db.session.add(Note(author_id=person_id, agency_id=agency.id, body=words))

Each rule is a test of its own and answers in sentences. The site it runs on has two agencies: `north`
has the plugin on, `south` has it off. conftest.py needs pytest_plugins = ["forum.testing"].
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import LargeBinary, Table, delete, event, inspect, select

from forum import db, migrating, people_data, source_rules
from forum.admission import Plugin
from forum.db import now
from forum.declare import AgencyRef, Scope
from forum.faults import Faults
from forum.plugins import loaded
from forum.switches import AgencyPlugin
from forum.testing import Client, create_agency, create_person, make_app
from forum.viewer import ROLES

WORDS = "zqconformanceqz"  # what make_one writes wherever it writes words
CORE_PAGES = (
    "/",
    "/boards",
    "/notifications",
    "/account",
    "/search?q=word",
    "/a/{agency}",
    "/people/{agency}-person",
)
MakeOne = Callable[[int, AgencyRef, str], None]


@dataclass
class Subject:
    """A plugin on its site, which is in hand: what a check looks at."""

    app: Flask
    plugin: Plugin
    make_one: MakeOne
    about_nobody: Collection[str] = ()
    agencies: dict[str, AgencyRef] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)

    def browser(self, agency: str) -> Client:
        """Somebody at this agency with every role that the plugin's permissions name."""
        found = self.app.test_client()
        assert isinstance(found, Client)
        found.sign_in(f"{agency}-person@example.org")
        return found

    def switch(self, agency: str, on: bool) -> None:
        """As an agency does."""
        where = {"agency_id": self.agencies[agency].id, "plugin": self.plugin.name}
        db.db.session.execute(delete(AgencyPlugin).filter_by(**where))
        db.db.session.add(AgencyPlugin(**where, enabled=on, settings={}, changed_at=now()))
        db.commit()
        loaded().forget_switches(self.agencies[agency].id)

    def addresses(self, at: str) -> list[str]:
        """The plugin's pages that need nothing but the agency: '/a/{agency}/…' or '/…'."""
        names = {
            mount.blueprint.name
            for p, mount in loaded().mounts
            if p.name == self.plugin.name and mount.at == at
        }
        rules = [
            r
            for r in self.app.url_map.iter_rules()
            if r.endpoint.partition(".")[0] in names and "." in r.endpoint
        ]
        plain = [r for r in rules if "GET" in (r.methods or ()) and set(r.arguments) <= {"agency"}]
        return [r.rule.replace("<agency>", "{agency}") for r in plain]

    def tables(self) -> list[Table]:
        """The tables of its models."""
        return [t for t in db.db.metadata.sorted_tables if t.name.startswith(f"{self.plugin.name}_")]


@contextmanager
def asked(app: Flask) -> Iterator[list[str]]:
    """Every statement that the application sends meanwhile."""
    found: list[str] = []
    engine = db.db.engine

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA", "SAVEPOINT", "RELEASE")):
            found.append(" ".join(statement.split()))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


class Listening(Faults):
    """Faults that are remembered, for the sentence of a check."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def note_fault(self, plugin: str, what: str, fault: Exception, quiet: bool = False) -> None:
        """Remember it."""
        self.heard.append(f"it failed in {what}: {type(fault).__name__}: {fault}")


# --- the checks ----------------------------------------------------------------------------------------


def is_gone_where_it_is_off(subject: Subject) -> Iterator[str]:
    """Off at south, then off at north and on at south, in one process: nothing of it at the agency that is off."""
    if subject.plugin.info.scope is Scope.SITE:
        return
    for on, off in (("north", "south"), ("south", "north")):
        subject.switch(on, True)
        subject.switch(off, False)
        there, here = subject.browser(off), subject.browser(on)
        address = f"/a/{off}/{subject.plugin.info.address}"
        for page in CORE_PAGES:
            if address in there.get(page.format(agency=off)).text:
                yield f"{page.format(agency=off)} leads to {address}, which {off} has off."
        pages = subject.addresses("agency")
        for page in pages:
            if (status := there.get(page.format(agency=off)).status_code) != 404:
                yield f"{page.format(agency=off)} answers {status} although {off} has it off."
        if pages and all(here.get(page.format(agency=on)).status_code == 404 for page in pages):
            yield f"none of its pages opens at {on}, which has it on."


def writes_nothing_while_reading(subject: Subject) -> Iterator[str]:
    """No page of it and no part on the core's pages writes or fails."""
    heard = loaded().faults = Listening()
    north, nobody = subject.browser("north"), subject.app.test_client()
    for page in [*subject.addresses("agency"), *subject.addresses("site"), *CORE_PAGES]:
        url = page.format(agency="north")
        for browser in (north, nobody):
            with asked(subject.app) as statements:
                status = browser.get(url).status_code
            if status >= 500:
                yield f"{url} answers {status}: it fails, or it writes while reading."
            for statement in statements:
                if db.WRITES.match(statement) and f"{subject.plugin.name}_" in statement:
                    yield f"{url} writes while reading: {statement[:80]}"
    yield from (f"on the core's pages {what}." for what in dict.fromkeys(heard.heard))


def costs_the_core_nothing(subject: Subject) -> Iterator[str]:
    """The core's pages ask the database what they ask without it; what is the same for everybody is `kept`."""
    counted: dict[bool, dict[str, list[str]]] = {True: {}, False: {}}
    everything = subject.app.extensions["plugins"]
    for with_it in (True, False):
        browser = subject.browser("north")
        if not with_it:
            subject.app.extensions["plugins"] = type(everything)([])
        for page in (p.format(agency="north") for p in CORE_PAGES if not p.startswith("/search")):
            browser.get(page)
            with asked(subject.app) as statements:
                browser.get(page)
            counted[with_it][page] = statements
    subject.app.extensions["plugins"] = everything
    for page, statements in counted[True].items():
        more = [s for s in statements if s not in counted[False][page]]
        if len(statements) > len(counted[False][page]):
            yield f"{page} asks the database {len(more)} times more: {'; '.join(more)[:200]}"


def exports_and_erases_everything(subject: Subject) -> Iterator[str]:
    """What `make_one` stores is in the person's export, and gone after her erasure but for legal reasons."""
    person, agency = subject.people["north"], subject.agencies["north"]
    subject.make_one(person, agency, WORDS)
    db.commit()
    stored = {table.name: _rows(table) for table in subject.tables()}
    empty = [name for name, rows in stored.items() if not rows and name not in subject.about_nobody]
    yield from (f"make_one stores nothing in {name}; name it in about_nobody if it is." for name in empty)
    files = list(people_data.files(person))
    if any(WORDS in row for rows in stored.values() for row in rows) and not any(
        WORDS in str(f.rows) for f in files
    ):
        yield "what make_one stored is not in the person's export."
    for file in files:
        if not people_data.FILE_NAME.fullmatch(
            file.name if isinstance(file.rows, bytes) else f"{file.name}.json"
        ):
            yield f"the export has a file with the odd name {file.name!r}."
    kept = people_data.erase(person, keep_words=False)
    db.commit()
    yield from _left(subject, person) if not kept else ()


def _left(subject: Subject, person: int) -> Iterator[str]:
    for table in subject.tables():
        if any(WORDS in row for row in _rows(table)):
            yield f"after erasure {table.name} still has the person's words, and no legal reason is given."
        pointing = [key.parent for key in table.foreign_keys if key.target_fullname == "person.id"]
        for column in pointing:
            if db.db.session.execute(select(column).where(column == person)).first():
                yield f"after erasure {table.name}.{column.name} still names the person."


def _rows(table: Table) -> list[str]:
    columns = [c for c in table.columns if not isinstance(c.type, LargeBinary)]
    return [str(tuple(row)) for row in db.db.session.execute(select(*columns))]


def migrates_to_its_models(subject: Subject) -> Iterator[str]:
    """Its newest migration makes what its models say, can be undone, and be done again."""
    if not subject.plugin.own("migrations"):
        yield from (f"{table.name} has no migration." for table in subject.tables())
        return
    component = migrating.component(subject.plugin.name)
    yield from (f"models and migrations differ: {change}." for change in migrating.differences(component))
    db.db.session.remove()
    migrating.downgrade(component, "base")
    left = [t for t in inspect(db.db.engine).get_table_names() if component.owns(t)]
    yield from (f"undoing its migrations leaves {table}." for table in left)
    if not left:
        migrating.upgrade(component)


CHECKS: tuple[Callable[[Subject], Iterator[str]], ...] = (
    is_gone_where_it_is_off, writes_nothing_while_reading, costs_the_core_nothing, exports_and_erases_everything,
    migrates_to_its_models,
)  # fmt: skip


# --- for authors -----------------------------------------------------------------------------------------


class Conformance:
    """Derive a class whose name begins with Test; set `hooks`, and write `make_one` if the plugin stores anything."""

    hooks: ModuleType
    others: Sequence[ModuleType] = ()  # plugins that it requires
    about_nobody: Collection[str] = ()  # tables that have nothing to do with a person

    def make_one(self, person_id: int, agency: AgencyRef, words: str) -> None:
        """Store one of each thing that the plugin keeps about this person, `words` wherever it has words."""

    @pytest.fixture
    def subject(self, migrated_folder: Path, tmp_path: Path) -> Iterator[Subject]:
        """The plugin on a site of its own."""
        shutil.copytree(migrated_folder, tmp_path / "site")
        with on_a_site(tmp_path / "site", self.hooks, self.make_one, self.others) as found:
            found.about_nobody = self.about_nobody
            yield found

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_it(self, check: Callable[[Subject], Iterator[str]], subject: Subject) -> None:
        """What is seen when the plugin runs."""
        wrong = list(check(subject))
        assert not wrong, "\n".join(wrong)

    @pytest.mark.parametrize("rule", source_rules.RULES, ids=lambda rule: rule.__name__)
    def test_its_files(self, rule: Callable[[Plugin], Iterator[str]], subject: Subject) -> None:
        """What is seen in its files."""
        wrong = list(rule(subject.plugin))
        assert not wrong, "\n".join(wrong)


@contextmanager
def on_a_site(folder: Path, hooks: Any, make_one: MakeOne, others: Sequence[Any] = ()) -> Iterator[Subject]:
    """The plugin, on at north and off at south, on a migrated data folder. Errors: plugins.Broken."""
    app = make_app(folder, [hooks, *others])
    with app.app_context():
        migrating.upgrade_all()
        plugin = next(p for p in loaded() if p.hooks is hooks)
        subject = Subject(app, plugin, make_one)
        for slug in ("north", "south"):
            _settle(subject, slug)
        for other in loaded():
            if other is not plugin:
                _switch_company(subject, other.name)
        subject.switch("north", True)
        subject.switch("south", False)
        yield subject
        db.db.session.remove()
        db.db.engine.dispose()


def _settle(subject: Subject, slug: str) -> None:
    """An agency, and somebody there with every role that the plugin's permissions name; site roles stay out."""
    agency = create_agency(slug)
    subject.agencies[slug] = AgencyRef(agency.id, agency.slug, agency.name)
    site = {"moderator", "advocate", "operator", "guardian"}
    roles = {role for p, item in _permissions(subject) for role in item.default_roles if role in ROLES - site}
    person = create_person(f"{slug}-person", *sorted(roles or {"model"}), agency=slug)
    subject.people[slug] = person.id


def _permissions(subject: Subject) -> list[tuple[Plugin, Any]]:
    answers = loaded().one(subject.plugin, "permissions")
    return [(subject.plugin, item) for answer in answers for item in answer]


def _switch_company(subject: Subject, name: str) -> None:
    for agency in subject.agencies.values():
        db.db.session.add(
            AgencyPlugin(agency_id=agency.id, plugin=name, enabled=True, settings={}, changed_at=now())
        )
    db.commit()
