"""The chain shows whatever was done to it afterwards."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from forum import audit, db
from forum.audit import AuditEntry
from tests.core.infrastructure.contender import Contender, race


@pytest.fixture
def chain(small: Flask) -> Flask:
    """Six entries."""
    for number in range(1, 7):
        audit.record(
            "boards.hide_post",
            "post",
            number,
            actor_id=3,
            agency_id=None,
            reason="Spam – «£»",
            count=number,
            ids=(1, 2),
        )
    db.commit()
    return small


def _unguarded(*statements: str) -> None:
    """What somebody does who owns the database: take the triggers away, then change things."""
    drop = audit.DROP_TRIGGERS_SQLITE if _is_sqlite() else audit.DROP_TRIGGERS_POSTGRESQL
    for statement in [*drop, *statements]:
        db.db.session.execute(text(statement))
    db.commit()


def _is_sqlite() -> bool:
    return db.db.engine.dialect.name == "sqlite"


def test_an_untouched_chain_is_whole(chain: Flask) -> None:
    assert audit.verify() == []
    assert audit.head()[0] == 6


def test_no_entries_are_whole_too(small: Flask) -> None:
    assert audit.verify() == []
    assert audit.head() == (0, audit.GENESIS)
    assert audit.verify(audit.head()) == []


def test_an_entry_says_who_what_why(chain: Flask) -> None:
    entry = db.db.session.get_one(AuditEntry, 2)

    assert (entry.actor_id, entry.action, entry.subject_kind, entry.subject_id) == (
        3,
        "boards.hide_post",
        "post",
        2,
    )
    assert (entry.reason, entry.facts) == ("Spam – «£»", {"count": 2, "ids": [1, 2]})
    assert abs((db.now() - entry.at).total_seconds()) < 60


def test_a_rolled_back_act_leaves_no_entry_and_no_gap(chain: Flask) -> None:
    audit.record("x.y", "thing", 1, actor_id=None)
    db.rollback()
    audit.record("x.z", "thing", 1, actor_id=None)
    db.commit()

    assert audit.verify() == []
    assert audit.head()[0] == 7


def test_an_entry_can_be_made_in_another_session(chain: Flask) -> None:
    db.record(lambda session: audit.record("x.read", "case", 1, actor_id=3, in_session=session))

    assert audit.head()[0] == 7
    assert audit.verify() == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET reason = 'nothing' WHERE id = 2",
        "DELETE FROM audit_entry WHERE id = 2",
        "DELETE FROM audit_entry",
        "INSERT INTO audit_entry SELECT * FROM audit_entry WHERE id = 2",
    ],
)
def test_the_table_refuses(chain: Flask, statement: str) -> None:
    with pytest.raises(DBAPIError):
        db.db.session.execute(text(statement))
    db.rollback()

    assert audit.verify() == []


def test_the_table_refuses_to_be_emptied(chain: Flask) -> None:
    if _is_sqlite():
        pytest.skip("SQLite has no TRUNCATE")
    with pytest.raises(DBAPIError, match="never changed or deleted"):
        db.db.session.execute(text("TRUNCATE audit_entry"))
    db.rollback()


@pytest.mark.parametrize(
    "change",
    [
        "reason = 'other'",
        "actor_id = 4",
        "actor_id = NULL",
        "subject_id = 99",
        "agency_id = 1",
        "action = 'boards.show_post'",
        "subject_kind = 'topic'",
        "at = '2020-01-01 00:00:00.000000'",
        'facts = \'{"count": 4, "ids": [1, 2]}\'',
    ],
)
def test_a_changed_entry_is_found(chain: Flask, change: str) -> None:
    _unguarded(f"UPDATE audit_entry SET {change} WHERE id = 3")

    assert audit.verify() == ["Entry 3 was changed."]


def test_removed_entries_are_found(chain: Flask) -> None:
    _unguarded("DELETE FROM audit_entry WHERE id IN (3, 4)")

    assert audit.verify() == ["Entries 3 to 4 are missing."]


def test_removed_first_entries_are_found(chain: Flask) -> None:
    _unguarded("DELETE FROM audit_entry WHERE id = 1")

    assert audit.verify() == ["Entries 1 to 1 are missing."]


def test_a_removed_entry_whose_gap_was_closed_is_found(chain: Flask) -> None:
    _unguarded("DELETE FROM audit_entry WHERE id = 6", "UPDATE audit_entry SET id = 6 WHERE id = 5")

    assert "Entry 6 was changed." in audit.verify()


def test_swapped_entries_are_found(chain: Flask) -> None:
    _unguarded(
        "UPDATE audit_entry SET id = 100 WHERE id = 2",
        "UPDATE audit_entry SET id = 2 WHERE id = 3",
        "UPDATE audit_entry SET id = 3 WHERE id = 100",
    )

    assert len(audit.verify()) >= 2


def test_a_changed_entry_with_a_new_hash_no_longer_fits_the_next(chain: Flask) -> None:
    row = db.db.session.execute(select(*AuditEntry.__table__.c).where(AuditEntry.id == 3)).one()
    forged = audit._hash({**row._asdict(), "actor_id": 9})
    _unguarded(f"UPDATE audit_entry SET actor_id = 9, hash = '{forged}' WHERE id = 3")

    assert audit.verify() == ["Entry 4 does not follow entry 3."]


def test_a_cut_tail_is_found_only_with_a_published_head(chain: Flask) -> None:
    published = audit.head()
    _unguarded("DELETE FROM audit_entry WHERE id > 4")

    assert audit.verify() == []
    assert audit.verify(published) == ["The published entry 6 is not in the chain any more."]


def test_a_published_head_stays_valid_when_the_chain_grows(chain: Flask) -> None:
    published = audit.head()
    audit.record("x.y", "thing", 1, actor_id=None)
    db.commit()

    assert audit.verify(published) == []


@pytest.mark.parametrize("fact", [object(), b"bytes", float("nan"), {1, 2}])
def test_facts_are_json(small_sqlite: Flask, fact: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        audit.record("x.y", "thing", 1, actor_id=1, fact=fact)


def test_processes_that_record_at_once_make_one_chain(small: Flask, contenders: list[Contender]) -> None:
    assert race(contenders, small, "record", "15") == ["done"] * 4

    assert audit.head()[0] == 60
    assert audit.verify() == []
