"""Search finds what was indexed, by every word, newest first, and only where the reader's filter lets it."""

from __future__ import annotations

import datetime as dt

import pytest
from flask import Flask
from markupsafe import Markup
from sqlalchemy import Select, column, literal_column, select, table, text

from forum import db, search
from forum.viewer import NOBODY, Viewer

TEXTS = {
    1: ("Castings in Milan", "Bring flat shoes and water. The waiting took four hours."),
    2: ("", "I waited for an agency in München; ask for the contract first."),
    3: ("", "Contracts: never sign on the day. Ask for a copy & read <b>everything</b>."),
    4: ("Visas", "Das Visum für Tokio dauert drei Wochen. Я чекала довше. 東京 is far."),
}


@pytest.fixture
def indexed(small: Flask) -> Flask:
    for number, (title, body) in TEXTS.items():
        search.index(db.db.session(), number, title, body)
    db.commit()
    return small


def _dialect() -> str:
    return db.db.engine.dialect.name


def _statement(q: str) -> Select[int, str]:
    words = search.phrase(q, _dialect())
    assert words is not None
    found = search.match_clause(_dialect(), words)
    return (
        select(found.id, found.snippet)
        .select_from(found.table)
        .where(found.matches)
        .order_by(found.id.desc())
    )


def _ids(q: str) -> list[int]:
    return [row[0] for row in db.db.session.execute(_statement(q))]


@pytest.mark.parametrize(
    ("q", "ids"),
    [
        ("contract", [3, 2]),
        ("CONTRACTS", [3, 2]),
        ("waiting", [2, 1]),
        ("ask contract", [3, 2]),
        ("ask shoes", []),
        ("milan", [1]),
        ("Wochen", [4]),
        ("чекала", [4]),
        ("nothing", []),
        ("for-ask", []),
    ],
)
def test_what_is_found(indexed: Flask, q: str, ids: list[int]) -> None:
    assert _ids(q) == ids


def test_on_sqlite_accents_do_not_matter(indexed: Flask) -> None:
    if _dialect() != "sqlite":
        pytest.skip("PostgreSQL's unaccent is an extension that not every server has")
    assert _ids("munchen") == [2]


@pytest.mark.parametrize(
    "q",
    [
        '"',
        '""',
        "'",
        "a OR b",
        "NOT",
        "NEAR(a b)",
        "title:milan",
        "a*",
        "^a",
        "(((",
        "a AND",
        "-a",
        "a:*",
        "\\",
        "a & b",
        "!a",
        "|",
        "<->",
        "%",
        "_x_",
        "a\0b",
        "\ud800a",
        "\x02a\x03",
        "'; DROP TABLE post; --",
        "{title} : a",
        "a + b",
        "🙂 a",
        "ｆｕｌｌ",
    ],
)
def test_nothing_that_people_type_is_an_operator_or_a_fault(indexed: Flask, q: str) -> None:
    words = search.phrase(q, _dialect())
    if words is not None:
        db.db.session.execute(_statement(q)).all()


@pytest.mark.parametrize("q", ["", "   ", "\0", '"', "- -", "!!!", "🙂", "\u202e"])
@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_nothing_to_search_for(q: str, dialect: str) -> None:
    assert search.phrase(q, dialect) is None


def test_a_query_has_at_most_eight_words_and_a_hundred_characters() -> None:
    assert search.phrase("a " * 50, "sqlite") == " ".join(['"a"'] * 8)
    assert len(search.phrase("x" * 5000, "postgresql") or "") == 100


def test_changed_text_is_found_by_its_new_words_only(indexed: Flask) -> None:
    search.index(db.db.session(), 2, "New", "something else")
    db.commit()

    assert _ids("contract") == [3]
    assert _ids("something new") == [2]


def test_removed_text_is_gone(indexed: Flask) -> None:
    search.remove(db.db.session(), 3)
    db.commit()

    assert _ids("contract") == [2]


def test_removed_words_leave_the_files(indexed: Flask) -> None:
    if _dialect() != "sqlite":
        pytest.skip("PostgreSQL keeps dead rows until it vacuums")
    search.index(db.db.session(), 9, "", "unmistakablexyz words")
    db.commit()
    search.remove(db.db.session(), 9)
    db.commit()
    db.db.session.remove()
    with db.db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    assert b"unmistakablexyz" not in (indexed.config["CALLBOARD"].data / "callboard.db").read_bytes()


def test_a_rolled_back_text_is_not_found(indexed: Flask) -> None:
    search.index(db.db.session(), 9, "", "unfinished")
    db.rollback()

    assert _ids("unfinished") == []


# --- snippets --------------------------------------------------------------------------------------


def test_hits_are_marked_and_everything_else_is_escaped(indexed: Flask) -> None:
    snippet = search.highlight(db.db.session.execute(_statement("everything")).one()[1])

    assert "<mark>everything</mark>" in snippet
    assert "<b>" not in snippet
    assert isinstance(snippet, Markup)


@pytest.mark.parametrize(
    ("snippet", "html"),
    [
        ("a \x02b\x03 c", "a <mark>b</mark> c"),
        ("\x02<i>\x03", "<mark>&lt;i&gt;</mark>"),
        ("\x02a \x02b\x03 c", "a <mark>b</mark> c"),
        ("a\x03 b\x02", "a b"),
        ("", ""),
    ],
)
def test_marks_are_always_closed(snippet: str, html: str) -> None:
    assert search.highlight(snippet) == html


def test_a_text_cannot_bring_its_own_marks(indexed: Flask) -> None:
    search.index(db.db.session(), 9, "", "\x02forged\x03 words of mine")

    assert search.highlight(db.db.session.execute(_statement("mine")).one()[1]).count("<mark>") == 1


# --- in one statement with the right to read ---------------------------------------------------------


def test_the_filter_is_part_of_the_statement(indexed: Flask) -> None:
    db.db.session.execute(text("CREATE TABLE thing (id INTEGER PRIMARY KEY, scope TEXT)"))
    db.db.session.execute(
        text("INSERT INTO thing VALUES (1, 'members'), (2, 'public'), (3, 'members'), (4, 'public')")
    )
    thing = table("thing", column("id"), column("scope"))
    found = search.match_clause(_dialect(), search.phrase("ask", _dialect()) or "")
    statement = (
        select(found.id)
        .select_from(found.table)
        .join(thing, thing.c.id == found.id)
        .where(found.matches, thing.c.scope.in_(["public"]))
        .order_by(found.id.desc())
        .limit(1)
    )

    assert db.db.session.scalars(statement).all() == [2]


def test_on_sqlite_the_index_is_read_backwards_only_as_far_as_needed(indexed: Flask) -> None:
    if _dialect() != "sqlite":
        pytest.skip("about FTS5")
    compiled = _statement("ask").limit(5).compile(db.db.engine, compile_kwargs={"literal_binds": True})
    plan = db.db.session.execute(text(f"EXPLAIN QUERY PLAN {compiled}".replace(":", "\\:"))).all()

    assert "TEMP B-TREE" not in str(plan)


# --- providers ---------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _own_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_providers", {})


def _hits(*days: int) -> list[search.SearchHit]:
    return [
        search.SearchHit(day, f"hit {day}", "/", at=dt.datetime(2026, 5, day, tzinfo=dt.UTC)) for day in days
    ]


def test_what_providers_find_is_merged_newest_first_and_cut(small: Flask) -> None:
    search.register(search.SearchProvider("a", lambda q, viewer, limit, before: _hits(9, 5, 1)))
    search.register(search.SearchProvider("b", lambda q, viewer, limit, before: _hits(7, 5)))

    assert [hit.id for hit in search.find("x", NOBODY, limit=4)] == [9, 7, 5, 5]


def test_providers_get_what_was_asked(small: Flask) -> None:
    asked: list[tuple[str, Viewer, int, int | None]] = []
    search.register(search.SearchProvider("a", lambda *given: asked.append(given) or []))  # type: ignore[func-returns-value]
    search.find("x", NOBODY, 20, 77)

    assert asked == [("x", NOBODY, 20, 77)]


def test_one_name_has_one_provider() -> None:
    provider = search.SearchProvider("a", lambda q, viewer, limit, before: [])
    search.register(provider)
    search.register(provider)

    with pytest.raises(ValueError):
        search.register(search.SearchProvider("a", lambda q, viewer, limit, before: _hits(1)))


def test_the_table_can_be_dropped_and_made_again(small: Flask) -> None:
    for statement in [*search.DROP[_dialect()], *search.CREATE[_dialect()], *search.CREATE[_dialect()]]:
        db.db.session.execute(text(statement))

    assert db.db.session.scalar(select(literal_column("count(*)")).select_from(text("search_text"))) == 0
