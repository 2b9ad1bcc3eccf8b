"""Migrations: the newest tables are the models', on both databases, up and down with data in them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import inspect, select, text

from forum import audit, db, demo, migrating, once, outbox, search
from forum.accounts.models import Person
from forum.boards.models import Post
from forum.db import now
from forum.testing import make_app, new_database

LEFT_BEHIND = re.compile(r"alembic_version(_\w+)?")


def test_the_newest_tables_are_the_models(any_app: Flask) -> None:
    assert migrating.at_head()
    for component in migrating.components():
        assert migrating.current(component) == migrating.head(component)
        assert migrating.differences(component) == []


def test_a_difference_would_be_seen(any_app: Flask) -> None:
    with db.db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE person ADD COLUMN shoe_size INTEGER"))

    assert len(migrating.differences()) == 1


def test_down_and_up_again_with_data(any_app: Flask) -> None:
    demo.seed(now())
    outbox.mail("tests.mail", "ana@example.org", "A subject", "A body")
    once.claim("a key", None)
    db.commit()
    people = len(db.db.session.scalars(select(Person.id)).all())
    assert people > 50
    db.db.session.remove()

    migrating.downgrade_all()
    assert [t for t in inspect(db.db.engine).get_table_names() if not LEFT_BEHIND.fullmatch(t)] == []

    migrating.upgrade_all()
    assert [migrating.differences(c) for c in migrating.components()] == [[] for _ in migrating.components()]
    demo.seed(now())
    assert len(db.db.session.scalars(select(Person.id)).all()) == people
    assert audit.verify() == []


def test_upgrading_twice_changes_nothing(any_app: Flask) -> None:
    migrating.upgrade_all()
    migrating.upgrade_all()

    assert migrating.at_head()


def test_search_and_the_log_are_as_strict_after_migrating_as_in_the_models(any_app: Flask) -> None:
    demo.seed(now())
    post = db.db.session.scalars(select(Post).limit(1)).one()
    dialect = db.db.engine.dialect.name
    found = search.match_clause(dialect, search.phrase("casting", dialect) or "")
    assert db.db.session.execute(select(found.id).select_from(found.table).where(found.matches)).first()
    db.db.session.rollback()

    for statement in ("UPDATE audit_entry SET reason = 'x'", "DELETE FROM audit_entry"):
        with pytest.raises(Exception, match="never"), db.db.engine.begin() as connection:
            connection.execute(text(statement))
    assert post.id


# --- read back from the databases themselves ---------------------------------------------------------


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty_app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """An application whose database has no table yet."""
    url = ""
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"), f"m{abs(hash(str(tmp_path))):x}")
    app = make_app(tmp_path, database_url=url)
    with app.app_context():
        yield app
        db.db.session.remove()
        db.db.engine.dispose()


def test_the_models_make_the_same_tables_as_the_migrations(empty_app: Flask) -> None:
    """Columns, types, defaults, keys with what they cascade, indexes, and the audit log's triggers."""
    migrating.upgrade_all()
    migrated = shape()
    migrating.downgrade_all()
    db.db.metadata.create_all(db.db.engine, tables=migrating.tables())

    assert shape() == migrated
    assert len(migrated["triggers"]) >= 2


def shape() -> dict[str, Any]:
    """Everything the database says about its tables."""
    with db.db.engine.connect() as connection:
        look = inspect(connection)
        mine = [t for t in look.get_table_names() if not t.startswith(("alembic_version", "search_text"))]
        triggers = {
            "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name",
            "postgresql": "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY tgname",
        }[connection.dialect.name]
        return {
            "triggers": [(name, " ".join(sql.split())) for name, sql in connection.execute(text(triggers))],
            **{table: table_shape(look, table) for table in mine},
        }


def table_shape(look: Any, table: str) -> dict[str, Any]:
    return {
        "columns": {
            c["name"]: (str(c["type"]), c["nullable"], c["default"]) for c in look.get_columns(table)
        },
        "key": look.get_pk_constraint(table)["constrained_columns"],
        "foreign": sorted(
            (f["constrained_columns"], f["referred_table"], sorted(f["options"].items()))
            for f in look.get_foreign_keys(table)
        ),
        "indexes": sorted((i["name"], i["column_names"], bool(i["unique"])) for i in look.get_indexes(table)),
        "unique": sorted(u["column_names"] for u in look.get_unique_constraints(table)),
    }


def test_every_key_says_what_becomes_of_its_row(app: Flask) -> None:
    """Erasing a person or an agency never meets a row that nobody thought of."""
    look = inspect(db.db.engine)
    for table in look.get_table_names():
        for key in look.get_foreign_keys(table):
            assert key["options"].get("ondelete") in ("CASCADE", "SET NULL", "RESTRICT"), (table, key)


def test_a_site_whose_tables_are_behind_says_so(empty_app: Flask) -> None:
    client = empty_app.test_client()
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200
    migrating.upgrade_all()
    db.db.session.remove()

    assert client.get("/readyz").get_json()["schema"] == "ok"


def test_versions_form_one_line_and_can_be_undone() -> None:
    script = ScriptDirectory.from_config(migrating._config(migrating.CORE, None))

    assert len(script.get_heads()) == len(script.get_bases()) == 1
    for step in script.walk_revisions():
        assert step.doc
        assert re.fullmatch(r"\d{4}", step.revision)
        assert "pass" not in Path(step.path).read_text("utf-8").split()


def test_a_plugins_package_can_go_and_its_data_stays(any_app: Flask, migrated_folder: Path) -> None:
    """Without the plugin the core upgrades and sees no difference; with it again, everything is where it was."""
    kept = db.db.session.scalar(text("SELECT count(*) FROM resources_service"))
    db.db.session.remove()
    folder, url = any_app.config["CALLBOARD"].data, any_app.config["CALLBOARD"].database_url
    without = make_app(folder, with_plugins=[], database_url=url)
    with without.app_context():
        migrating.upgrade_all()
        assert migrating.at_head()
        assert [c.name for c in migrating.components()] == [""]
        assert migrating.differences() == []
        assert without.test_client().get("/resources").status_code == 404
        assert without.test_client().get("/").status_code == 200
        db.db.session.remove()
        db.db.engine.dispose()

    migrating.upgrade_all()
    assert db.db.session.scalar(text("SELECT count(*) FROM resources_service")) == kept == 7
