"""What is found by folder, without a hook: static files, templates, translations, migrations; and the commands."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import inspect, text

from forum import cli, db, demo, health, migrating, people_data
from forum.accounts import own_data
from forum.boards import actions as boards
from forum.db import now
from forum.notices import notify
from forum.plugins import Plugins, loaded
from forum.testing import create_agency, create_board, create_person, make_app, new_database, viewer_of
from tests.access import CORE_ROWS
from tests.personas import Site, forget, visitor
from tests.plugins.conftest import TINY, Look, flip, open_tiny
from tests.test_statements import logged

URL = "/a/northlight/tiny-notes"


# --- static, templates, translations ---------------------------------------------------------------------


def test_static_files_are_served_by_component_whatever_is_on(
    tiny_app: Flask, tiny_site: Site, look: Look
) -> None:
    with tiny_app.app_context():
        flip(tiny_site, "northlight", "tiny_agency", False)
    with logged(tiny_app) as log:
        answer = look("ana").get("/static/tiny_agency/notes.css")

    assert (answer.status_code, answer.content_type.partition(";")[0]) == (200, "text/css")
    assert "tiny-mark" in answer.text
    assert log.statements == []  # nobody is looked up for a file
    assert "max-age" in answer.headers["Cache-Control"]
    assert answer.headers.get("Vary") == look("ana").get("/static/callboard.css").headers.get("Vary")
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", ["../plugin.py", "%2e%2e/plugin.py", "..%2fplugin.py", "no-such.css", ""])
def test_nothing_but_the_static_folder_is_served(look: Look, path: str) -> None:
    assert look("ana").get(f"/static/tiny_agency/{path}").status_code == 404


def test_a_page_names_its_own_sheet_with_a_version(look: Look) -> None:
    assert "/static/tiny_agency/notes.css?v=" in look("ana").get(URL).text


def test_the_core_s_templates_and_the_site_s_own_come_first(
    tiny: list[ModuleType], tiny_site: Site, tmp_path: Path
) -> None:
    own = tmp_path / "own" / "tiny_agency"
    own.mkdir(parents=True)
    (own / "card.html").write_text("the site's own card")
    app = open_tiny(tiny_site.folder, tmp_path / "site", tiny, templates=str(tmp_path / "own"))
    page = visitor(app, tiny_site, "ana").get("/").text
    forget(app)

    assert "the site's own card" in page.replace("&#39;", "'")
    assert "tiny-mark" not in page
    assert "tiny-site-mark" in page


def test_a_plugin_has_only_templates_under_its_own_name(tiny_app: Flask) -> None:
    names = set(tiny_app.jinja_env.list_templates())
    brought = {name for name in names if name.startswith(("tiny_agency/", "tiny_site/"))}

    assert "tiny_agency/card.html" in brought
    assert not [name for name in names - brought if "tiny" in name]


def test_translations_are_merged_and_the_core_has_the_last_word(look: Look) -> None:
    page = look("ana").get(f"{URL}?lang=es").text

    assert "Notas pequeñas" in page
    assert "Una palabra del núcleo" not in page
    assert "Foros" in page or "Tablones" in page or "Tableros" in page


# --- migrations --------------------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def migrated(request: pytest.FixtureRequest, tiny: list[ModuleType], tmp_path: Path) -> Iterator[Flask]:
    """A migrated database with the tables of both, empty, in an application context."""
    url = ""
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"), f"tiny{abs(hash(str(tmp_path))):x}")
    app = make_app(tmp_path, tiny, database_url=url)
    with app.app_context():
        migrating.upgrade_all()
        yield app
        db.db.session.remove()
        db.db.engine.dispose()


def tables() -> set[str]:
    return set(inspect(db.db.engine).get_table_names())


def test_each_component_has_its_versions_and_its_tables(migrated: Flask) -> None:
    assert [c.name for c in migrating.components()] == ["", "tiny_agency", "tiny_site"]
    for component in migrating.components():
        assert migrating.current(component) == migrating.head(component) is not None
        assert migrating.differences(component) == []
    assert {"alembic_version", "alembic_version_tiny_agency", "alembic_version_tiny_site"} <= tables()


def test_a_difference_is_seen_in_its_own_component_only(migrated: Flask) -> None:
    with db.db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE tiny_agency_note ADD COLUMN colour VARCHAR(10)"))
    counts = {c.name: len(migrating.differences(c)) for c in migrating.components()}

    assert counts == {"": 0, "tiny_agency": 1, "tiny_site": 0}


def test_one_goes_down_and_up_and_the_others_stay(migrated: Flask) -> None:
    before = tables()
    agency = migrating.component("tiny_agency")
    migrating.downgrade(agency, "base")
    assert before - tables() == {"tiny_agency_note"}
    assert not migrating.at_head()
    migrating.upgrade(agency)

    assert tables() == before
    assert migrating.at_head()


def test_a_package_that_goes_leaves_its_data_and_the_core_upgradable(
    migrated: Flask, tiny: list[ModuleType]
) -> None:
    create_person("ana", "model")
    statement = "INSERT INTO tiny_agency_note (agency_id, author_id, body, at) VALUES (1, 1, 'kept', '2026-01-01 00:00:00')"
    db.db.session.execute(text(statement))
    db.commit()
    settings = migrated.config["CALLBOARD"]
    without = make_app(settings.data, [tiny[1]], database_url=settings.database_url)
    with without.app_context():
        migrating.upgrade_all()
        assert migrating.at_head()
        assert migrating.differences() == []
        assert "tiny_agency_note" in tables()
        assert db.db.session.execute(text("SELECT body FROM tiny_agency_note")).scalar() == "kept"
        assert without.test_client().get("/").status_code == 200
        assert without.test_client().get("/a/northlight/tiny-notes").status_code == 404
        db.db.session.remove()
        db.db.engine.dispose()
    again = make_app(settings.data, tiny, database_url=settings.database_url)
    with again.app_context():
        migrating.upgrade_all()
        assert migrating.at_head()
        assert db.db.session.execute(text("SELECT body FROM tiny_agency_note")).scalar() == "kept"
        db.db.session.remove()
        db.db.engine.dispose()


def test_reference_data_comes_after_every_upgrade_and_the_demo_adds_its_own(
    migrated: Flask, tiny: list[ModuleType]
) -> None:
    tiny[0].calls.clear()
    migrating.upgrade_all()
    on_sqlite = db.db.engine.dialect.name == "sqlite"
    if on_sqlite:
        demo.seed(now())

    assert (tiny[0].calls["seed"], tiny[0].calls["seed demo"]) == (1, int(on_sqlite))


def test_a_switch_of_a_plugin_that_is_gone_hurts_nobody(tiny_site: Site, tmp_path: Path) -> None:
    """Its row, its notices and its settings stay in the database; the pages go on (R26)."""
    app = open_tiny(tiny_site.folder, tmp_path / "site", [])
    with app.app_context():
        db.db.session.execute(
            text(
                "INSERT INTO notice (person_id, kind, agency_id, facts, created_at) VALUES (1, 'tiny_agency.noted', 1, '{}', '2026-01-01')"
            )
        )
        db.commit()
    ana = visitor(app, tiny_site, "ana")
    answers = [
        ana.get(url).status_code
        for url in ("/", "/a/northlight", "/a/northlight/plugins", "/a/northlight/log", "/notifications")
    ]
    forget(app)

    assert answers == [200] * 5


# --- what a page costs ---------------------------------------------------------------------------------------


def test_pages_of_the_core_ask_no_more_than_without(
    tiny_app: Flask, tiny_site: Site, seeded: Site, tmp_path: Path, look: Look
) -> None:
    plain, more = open_tiny(seeded.folder, tmp_path / "plain", []), []
    for row in {r.url: r for r in CORE_ROWS if r.method == "GET"}.values():
        for name in ("ana", "omar", "nobody"):
            if row.expected(name) == "page" and row.endpoint not in (
                "search.show_search",
                "health.show_ready",
            ):
                counted = []
                for app in (tiny_app, plain):
                    browser = visitor(app, tiny_site, name)
                    browser.get(row.address(tiny_site))
                    with logged(app) as log:
                        browser.get(row.address(tiny_site))
                    counted.append(len(log.statements))
                more += [f"{row.url} for {name}: {counted}"] if counted[0] > counted[1] else []
    forget(plain)

    assert not more, "\n".join(more)


def test_every_hook_is_called_once_for_a_page(tiny: list[ModuleType], tiny_site: Site, look: Look) -> None:
    """Never once for a row: a list with ten posts costs what one post costs."""
    look("ana").get(tiny_site.topic_url("castings"))

    calls = tiny[0].calls
    assert {name: n for name, n in calls.items() if not name.startswith("verdict")} == {
        "nav_items": 1, "page_slot post_footer": 1, "page_slot composer": 1, "page_slot site_footer": 1,
        "help_links strip": 1,
    }  # fmt: skip


# --- commands -----------------------------------------------------------------------------------------------


@pytest.fixture
def command(
    tiny: list[ModuleType], tiny_site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """A function: run `callboard …` on a copy of the tiny site."""
    app = open_tiny(tiny_site.folder, tmp_path / "site", tiny)
    monkeypatch.setattr(cli, "_app", lambda: app)
    monkeypatch.setattr(cli, "load", lambda blocked: Plugins(tiny))
    cli._plugin_groups.cache_clear()
    yield lambda *words: CliRunner().invoke(cli.main, list(words))
    cli._plugin_groups.cache_clear()
    forget(app)


def notes(app: Any) -> list[str]:
    return list(db.db.session.execute(text("SELECT body FROM tiny_agency_note")).scalars())


def test_a_plugin_s_commands_stand_under_its_slug_and_are_committed(command: Any) -> None:
    assert "tiny-notes" in command("--help").output
    assert command("tiny-notes", "keep", "by hand").exit_code == 0
    with cli._app().app_context():
        assert notes(cli._app()) == ["by hand"]


def test_a_refused_command_says_why_and_keeps_nothing(command: Any) -> None:
    answer = command("tiny-notes", "keep", "no")

    assert answer.exit_code == 1
    assert "Error: Nothing is kept." in answer.output
    with cli._app().app_context():
        assert notes(cli._app()) == []


def test_the_list_of_plugins(command: Any) -> None:
    output = command("plugins", "list").output

    assert "tiny_agency (agency" in output
    assert "on in: northlight" in output
    assert "person_erase" in output
    assert "tiny_site (both" in output


def test_upgrade_names_each_component(command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLBOARD_DATA", str(tmp_path / "site"))
    output = command("db", "upgrade").output

    assert "tiny_agency: at tiny_agency_0001." in output
    assert "core: at" in output


def test_the_doctor_reads_what_plugins_found(tiny_app: Flask) -> None:
    assert "tiny_agency: One note is odd." in [f.sentence for f in health.doctor(tiny_app)]


# --- one of everything ----------------------------------------------------------------------------------------

MARK = "XQ-MARKER-4421"


def everything() -> str:
    """All text in all tables there are, but the audit log, which holds ids and reasons."""
    found = []
    for name in sorted(tables() - {"audit_entry"}):
        if not name.startswith("search_text_"):
            found += [
                f"{name} {tuple(row)}" for row in db.db.session.execute(text(f'SELECT * FROM "{name}"'))
            ]
    return "\n".join(found)


def test_one_of_everything_is_exported_and_then_erased(migrated: Flask) -> None:
    person, other = create_person("ana", "model", display_name=f"Ana {MARK}"), create_person("ines", "model")
    agency = create_agency("northlight")
    create_board("castings")
    topic = boards.open_topic(viewer_of(person), "castings", f"Title {MARK}", f"Words {MARK}")
    db.commit()
    boards.reply(viewer_of(other), topic.id, "An answer that stays")
    db.db.session.execute(
        text(
            "INSERT INTO tiny_agency_note (agency_id, author_id, body, at) VALUES (:a, :p, :b, '2026-01-01 00:00:00')"
        ),
        {"a": agency.id, "p": person.id, "b": f"Tiny {MARK}"},
    )
    notify(person.id, "tiny_agency.noted", agency_id=agency.id, word=f"Fact {MARK}")
    db.commit()

    folder = zipfile.ZipFile(io.BytesIO(people_data.archive(person.id)))
    texts = {name: folder.read(name).decode() for name in folder.namelist()}
    assert json.loads(texts["tiny_agency-notes.json"])[0]["body"] == f"Tiny {MARK}"
    for file in ("account.json", "posts.json", "notices.json", "tiny_agency-notes.json"):
        assert MARK in texts[file], file
    assert "tiny_agency-notes.json: notes you kept" in texts["read-me.txt"]

    own_data.ask_deletion(viewer_of(person), keep_words=False)
    db.commit()
    own_data.erase_person({"person_id": str(person.id), "keep_words": ""})
    db.commit()
    left = everything()
    assert "ana@example.org" not in left
    assert [
        line for line in left.splitlines() if MARK in line and not line.startswith(("topic ", "search_text"))
    ] == []
    assert "An answer that stays" in left
    assert loaded().get("tiny_agency")


def test_the_tiny_catalogues_are_there() -> None:
    assert list(TINY.rglob("*.po"))
