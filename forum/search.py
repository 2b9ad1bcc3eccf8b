"""Full-text search behind one port: FTS5 on SQLite, tsvector on PostgreSQL; and its providers.

`search_text` holds title and words by post id and knows no rights: whoever reads it joins it with
the rows that do, in the same statement (`match_clause` shows how). Results come newest first, never
by rank, and nothing here counts hits: both would tell of rows that the viewer may not see.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass

from flask import current_app
from markupsafe import Markup, escape
from sqlalchemy import DDL, ColumnElement, TableClause, column, event, func, literal_column, table, text
from sqlalchemy.orm import Session

from forum.db import db, sqlite
from forum.markup import clean_text
from forum.viewer import Viewer

MOST_WORDS = 8
MOST_CHARACTERS = 100
SNIPPET_WORDS = 24
START, STOP = "\x02", "\x03"  # around hits in a snippet; `index` lets neither into a text

CREATE_SQLITE = [
    "CREATE VIRTUAL TABLE IF NOT EXISTS search_text USING fts5"
    "(title, body, tokenize = 'porter unicode61 remove_diacritics 2')",
]
if sqlite.sqlite_version_info >= (3, 42):  # removed words leave the index at once, not at the next merge
    CREATE_SQLITE.append("INSERT INTO search_text(search_text, rank) VALUES('secure-delete', 1)")
DROP_SQLITE = ["DROP TABLE IF EXISTS search_text"]
CREATE_POSTGRESQL = [
    "CREATE TABLE IF NOT EXISTS search_text (id bigint PRIMARY KEY, title text NOT NULL, body text NOT NULL,"
    " words tsvector GENERATED ALWAYS AS (to_tsvector('english', title || ' ' || body)) STORED)",
    "CREATE INDEX IF NOT EXISTS ix_search_text_words ON search_text USING gin (words)",
]
DROP_POSTGRESQL = ["DROP TABLE IF EXISTS search_text"]
CREATE = {"sqlite": CREATE_SQLITE, "postgresql": CREATE_POSTGRESQL}
DROP = {"sqlite": DROP_SQLITE, "postgresql": DROP_POSTGRESQL}


def _attach(moment: str, dialect: str, statements: list[str]) -> None:
    for statement in statements:
        event.listen(db.metadata, moment, DDL(statement).execute_if(dialect=dialect))


_attach("after_create", "sqlite", CREATE_SQLITE)
_attach("after_create", "postgresql", CREATE_POSTGRESQL)
_attach("before_drop", "sqlite", DROP_SQLITE)
_attach("before_drop", "postgresql", DROP_POSTGRESQL)


# --- the index -----------------------------------------------------------------------------------


def index(session: Session, id: int, title: str, body: str) -> None:
    """Make the row of this post say this and only this, in the present transaction. Plain text, not HTML."""
    if _dialect(session) == "sqlite":
        statement = "INSERT OR REPLACE INTO search_text(rowid, title, body) VALUES (:id, :title, :body)"
    else:
        statement = (
            "INSERT INTO search_text(id, title, body) VALUES (:id, :title, :body)"
            " ON CONFLICT (id) DO UPDATE SET title = excluded.title, body = excluded.body"
        )
    session.execute(text(statement), {"id": id, "title": clean_text(title), "body": clean_text(body)})


def remove(session: Session, id: int) -> None:
    """Forget the row of this post, in the present transaction."""
    name = "rowid" if _dialect(session) == "sqlite" else "id"
    session.execute(text(f"DELETE FROM search_text WHERE {name} = :id"), {"id": id})


def phrase(q: str, dialect: str) -> str | None:
    """What a person typed as a query for this database; None when nothing in it can be searched.

    At most `MOST_WORDS` words of at most `MOST_CHARACTERS` in all; every one must occur. Nothing is
    an operator.
    """
    words = clean_text(q)[:MOST_CHARACTERS].split()
    words = [word for word in words if any(c.isalnum() for c in word)][:MOST_WORDS]
    if not words:
        return None
    if dialect == "sqlite":
        return " ".join('"' + word.replace('"', '""') + '"' for word in words)
    return " ".join(words)


@dataclass(frozen=True)
class Match:
    """The parts of a select that searches: FROM `table`, joined on `id`, WHERE `matches`."""

    table: TableClause
    id: ColumnElement[int]
    matches: ColumnElement[bool]
    snippet: ColumnElement[str]


def match_clause(dialect: str, words: str) -> Match:
    """The parts for one select; `words` is what `phrase` gave.

        found = search.match_clause(dialect, words)
        select(Post, Topic, Board, found.snippet).select_from(found.table)
            .join(Post, Post.id == found.id).join(Topic …).join(Board …)
            .where(found.matches, Board.scope.in_(viewer.scopes), Post.deleted_at.is_(None))
            .order_by(found.id.desc()).limit(20)

    Ordered by `found.id`, the index is read backwards and only as far as the limit asks.
    """
    return _match_sqlite(words) if dialect == "sqlite" else _match_postgresql(words)


def _match_sqlite(words: str) -> Match:
    name: ColumnElement[str] = literal_column("search_text")
    return Match(
        table=table("search_text", column("rowid")),
        id=literal_column("search_text.rowid"),
        matches=name.op("MATCH")(words),
        snippet=func.snippet(name, -1, START, STOP, "…", SNIPPET_WORDS),
    )


def _match_postgresql(words: str) -> Match:
    query = func.plainto_tsquery(literal_column("'english'::regconfig"), words)
    options = f'StartSel="{START}", StopSel="{STOP}", MaxWords={SNIPPET_WORDS}, MinWords=12'
    whole: ColumnElement[str] = literal_column("search_text.title || ' ' || search_text.body")
    return Match(
        table=table("search_text", column("id")),
        id=literal_column("search_text.id"),
        matches=literal_column("search_text.words").op("@@")(query),
        snippet=func.ts_headline(literal_column("'english'::regconfig"), whole, query, options),
    )


def highlight(snippet: str) -> Markup:
    """The snippet as safe HTML, hits in `<mark>`."""
    marked = re.sub(f"{START}([^{START}{STOP}]*){STOP}", r"<mark>\1</mark>", str(escape(snippet)))
    return Markup(re.sub(f"[{START}{STOP}]", "", marked))


def _dialect(session: Session) -> str:
    return session.get_bind().dialect.name


# --- the providers -------------------------------------------------------------------------------


@dataclass(frozen=True)
class SearchHit:
    """One thing found, as far as this viewer may see it. `id` is where the next page goes on."""

    id: int
    title: str
    url: str
    board_title: str = ""
    snippet: Markup = Markup("")
    at: dt.datetime = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    author: str = ""


Find = Callable[[str, Viewer, int, int | None], list[SearchHit]]


@dataclass(frozen=True)
class SearchProvider:
    """Finds things of one kind: find(what was typed, viewer, at most, ids below) → newest first."""

    name: str
    find: Find


_providers: dict[str, SearchProvider] = {}


def register(provider: SearchProvider) -> None:
    """Make a provider known. Errors: ValueError when one name has two."""
    if _providers.setdefault(provider.name, provider) != provider:
        raise ValueError(f"search provider {provider.name} is defined twice")


def find(q: str, viewer: Viewer, limit: int = 20, before: int | None = None) -> list[SearchHit]:
    """What every provider finds for this viewer, merged, newest first.

    `before`, the id of the last hit shown, gets the next page. It means one provider's ids: a second
    provider answers on the first page only.
    """
    hits = [hit for provider in _providers.values() for hit in provider.find(q, viewer, limit, before)]
    of_plugins = current_app.extensions.get("search")
    if before is None and of_plugins is not None:
        hits += of_plugins(q, viewer, limit)
    return sorted(hits, key=lambda hit: hit.at, reverse=True)[:limit]
