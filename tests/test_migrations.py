"""Migrations: the newest tables are the models', on both databases, up and down with data in them."""

import pytest
from flask import Flask
from sqlalchemy import inspect, select, text

from forum import audit, db, demo, migrating, once, outbox, search
from forum.accounts.models import Person
from forum.boards.models import Post
from forum.db import now

LEFT_BEHIND = {"alembic_version"}


def test_the_newest_tables_are_the_models(any_app: Flask) -> None:
    assert migrating.current() == migrating.head()
    assert migrating.at_head()
    assert migrating.differences() == []


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

    migrating.downgrade(migrating.CORE, "base")
    assert set(inspect(db.db.engine).get_table_names()) <= LEFT_BEHIND

    migrating.upgrade()
    assert migrating.differences() == []
    demo.seed(now())
    assert len(db.db.session.scalars(select(Person.id)).all()) == people
    assert audit.verify() == []


def test_upgrading_twice_changes_nothing(any_app: Flask) -> None:
    migrating.upgrade()
    migrating.upgrade()

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
