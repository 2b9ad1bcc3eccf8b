"""The data set of the benchmark: the same rows for Callboard and for the floor, made once and kept.

1,000 people, 10 boards (7 public, 3 for members), 2,000 topics, 60,000 posts of about 374 characters
with bold and a link; one topic of 10,000 posts, one of exactly 20. Ids go by time, as in a living
site, and everybody joined long ago. `ready_folder` keeps the result in var/bench until a table changes.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import Connection, Table, insert, text
from sqlalchemy.schema import CreateTable

from bench import floor
from forum import db, markup, migrating, paths, plugins, sealing, search, wiring
from forum.accounts.models import Person
from forum.agencies.models import Agency, Membership, RoleGrant
from forum.boards.models import Board, Post, ReadMark, Topic
from forum.boards.rules import scope_of
from forum.config import Settings

PEOPLE, BOARDS, PUBLIC_BOARDS, TOPICS, POSTS = 1000, 10, 7, 2000, 60_000
BIG, TWENTY = 1, 2  # ids of the topic of 10,000 posts and of the one of exactly 20
BIG_POSTS, TWENTY_POSTS = 10_000, 20
DAYS = 400
PASSWORD = "nine slow yellow boats"
FREQUENT, RARE = "casting", "zibeline"  # in every fifth post; in one of 1,500
LENGTH = 374
Rows = list[dict[str, Any]]

VOCABULARY = (
    "advice agent answer apron arrive autumn backstage balance basic before belt between black blazer "
    "body book booker brave bring button calm camera careful change city clear client closet coat collar "
    "colour comfort contract corner cotton cover daily day deep dinner direct dress early easy editor "
    "elbow evening every fabric fair family feel fitting flat flight floor form friend front garment "
    "gather gentle glove good hair hand happen hem honest hour house ice jacket journey keep kind knee "
    "knit label late lead learn leave lesson letter light linen listen little long look lunch machine "
    "makeup market measure mentor mirror model money month morning move music name needle never night "
    "notice number often open order paper part pattern pause person photo place plan pocket polite "
    "portfolio practice question quick quiet rain read ready rent rest right ring room rough runway "
    "sample season seat seven shape share shirt shoe short show silk simple sister sit skill skirt sleep "
    "sleeve slow small smile soft sound speak spring stand start station stay step still stitch story "
    "street strong studio style suit summer table tailor talk taxi team test thread ticket time tired "
    "today train travel trust turn under useful velvet view visit voice wait walk wall warm watch water "
    "wear week well white window winter wool work worry write year yellow young zip"
)
FIRST_NAMES = "Ada Bela Chi Dina Eva Farah Gia Hana Ines Jun Kaja Lena Mira Noor Olga Pia Rosa Sena Tess Uma"
LAST_NAMES = "Abel Brandt Costa Dahl Eze Fonseca Grau Hale Ito Jansen Kovac Lund Mbeki Nowak Okoye"
WORDS, FIRST, LAST = VOCABULARY.split(), FIRST_NAMES.split(), LAST_NAMES.split()


@dataclass
class Site:
    """All rows, as dicts whose keys are the floor's columns and a few more."""

    start: dt.datetime
    password_hash: str
    people: Rows = field(default_factory=list)
    boards: Rows = field(default_factory=list)
    topics: Rows = field(default_factory=list)
    posts: Rows = field(default_factory=list)
    marks: Rows = field(default_factory=list)


def make_site(at: dt.datetime) -> Site:
    """Everything, always the same but for the moment it is counted back from."""
    chance = random.Random(20_261_122)
    start = at - dt.timedelta(days=DAYS)
    site = Site(start, PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1).hash(PASSWORD))
    site.people = [make_person(n) for n in range(1, PEOPLE + 1)]
    site.boards = [make_board(n) for n in range(1, BOARDS + 1)]
    site.topics = [make_topic(n, chance) for n in range(1, TOPICS + 1)]
    site.posts = make_posts(site, chance)
    finish(site)
    site.marks = make_marks(site, chance)
    return site


def make_person(n: int) -> dict[str, Any]:
    """One of the people; the mail address is `person<n>@example.org`."""
    name = f"{FIRST[n % len(FIRST)]} {LAST[n % len(LAST)]} {n}"
    return {"id": n, "handle": f"person{n}", "name": name, "email": f"person{n}@example.org"}


def make_board(n: int) -> dict[str, Any]:
    """One of the boards; the first `PUBLIC_BOARDS` are open to everybody."""
    title = f"{WORDS[n * 7].title()} and {WORDS[n * 11]} {n}"
    about = f"What belongs here: {' '.join(WORDS[n * 13 : n * 13 + 9])}."
    return {"id": n, "slug": f"board-{n}", "title": title, "about": about, "public": n <= PUBLIC_BOARDS}


def make_topic(n: int, chance: random.Random) -> dict[str, Any]:
    """One of the topics, without its posts. The big one and the one of twenty are on public boards."""
    words = chance.sample(WORDS, 5)
    title = f"{' '.join(words).capitalize()}?"
    return {
        "id": n, "board_id": (n - 1) % BOARDS + 1, "title": title, "slug": "-".join(words),
        "author_id": chance.randint(1, PEOPLE), "post_count": posts_of(n),
    }  # fmt: skip


def posts_of(topic_id: int) -> int:
    """How many posts a topic has: what the two special ones leave is shared evenly."""
    if topic_id in (BIG, TWENTY):
        return BIG_POSTS if topic_id == BIG else TWENTY_POSTS
    share, over = divmod(POSTS - BIG_POSTS - TWENTY_POSTS, TOPICS - 2)
    return share + (topic_id - 2 <= over)


def make_posts(site: Site, chance: random.Random) -> Rows:
    """All posts in the order of time. A topic is talked about for some days, the big one for all."""
    moments: list[tuple[float, int]] = []
    for topic in site.topics:
        long = DAYS if topic["id"] == BIG else chance.uniform(1, 20)
        begin = chance.uniform(0, DAYS - long)
        moments += [(begin + chance.uniform(0, long), topic["id"]) for _ in range(topic["post_count"])]
    numbers = dict.fromkeys(range(1, TOPICS + 1), 0)
    posts, pattern = [], html_pattern()
    for n, (day, topic_id) in enumerate(sorted(moments), 1):
        numbers[topic_id] += 1
        number, author = numbers[topic_id], chance.randint(1, PEOPLE)
        if number == 1:
            author = site.topics[topic_id - 1]["author_id"]
        parts = make_words(n, chance)
        posts.append(
            {
                "id": n, "topic_id": topic_id, "number": number, "author_id": author,
                "body": BODY.format(*parts), "html": pattern.format(*parts),
                "created_at": site.start + dt.timedelta(days=day),
            }
        )  # fmt: skip
    return posts


BODY = "{} **{}** {} [{}](https://example.org/{}) {}."


def html_pattern() -> str:
    """What Callboard's own renderer makes of `BODY`, as a pattern: 60,000 renderings would take minutes."""
    marks = [f"qq{n}qq" for n in range(6)]
    pattern = markup.to_html(BODY.format(*marks))
    for mark in marks:
        assert pattern.count(mark) == 1, f"{mark} is not once in {pattern!r}"
        pattern = pattern.replace(mark, "{}")
    parts = make_words(5, random.Random(1))
    # The link's address comes before its words in HTML, after them in Markdown.
    pattern = pattern.replace("https://example.org/{}", "https://example.org/{4}")
    for n in (0, 1, 2, 3, 5):
        pattern = pattern.replace("{}", f"{{{n}}}", 1)
    assert pattern.format(*parts) == markup.to_html(BODY.format(*parts)), "not what markup makes"
    return pattern


def make_words(n: int, chance: random.Random) -> list[str]:
    """The words around the bold part and the link of post `n`."""
    bold, link = " ".join(chance.sample(WORDS, 2)), chance.choice(WORDS)
    first = [chance.choice(WORDS).capitalize(), *chance.choices(WORDS, k=12)]
    if n % 5 == 0:
        first[6] = FREQUENT
    if n % 1500 == 0:
        first[8] = RARE
    middle, last = " ".join(chance.choices(WORDS, k=12)), ""
    head = BODY.format(" ".join(first), bold, middle, link, n, "")
    while len(head) + len(last) < LENGTH - 3:
        last += f" {chance.choice(WORDS)}"
    return [" ".join(first), bold, middle, link, str(n), last.strip()]


def finish(site: Site) -> None:
    """What topics and boards say of their newest post."""
    for post in site.posts:
        topic = site.topics[post["topic_id"] - 1]
        topic.setdefault("created_at", post["created_at"])
        topic |= {"last_post_at": post["created_at"], "last_author_id": post["author_id"]}
    for board in site.boards:
        own = [t for t in site.topics if t["board_id"] == board["id"]]
        newest = max(own, key=lambda t: t["last_post_at"])
        board |= {
            "topic_count": len(own),
            "last_topic_id": newest["id"],
            "last_post_at": newest["last_post_at"],
        }


def make_marks(site: Site, chance: random.Random) -> Rows:
    """Everybody has read thirty topics, most of them to the end."""
    return [
        {
            "person_id": p["id"],
            "topic_id": t["id"],
            "number": max(1, t["post_count"] - chance.choice((0, 0, 3))),
        }
        for p in site.people
        for t in chance.sample(site.topics, 30)
    ]


# --- Callboard -------------------------------------------------------------------------------------


def fill_callboard(folder: Path, site: Site) -> None:
    """A data folder of Callboard: keys, a migrated database, the rows, the search index."""
    settings = Settings(data=folder)
    sealing.init_keys(folder / "keys")
    sealing.cookie_secret(folder / "keys")
    app = Flask("bench.seed")
    app.config.update(
        SQLALCHEMY_DATABASE_URI=settings.database,
        SQLALCHEMY_ENGINE_OPTIONS=db.engine_options(settings.database),
    )
    db.db.init_app(app)
    with app.app_context():
        wiring.init_app(app, plugins.load())
        migrating.upgrade_all()
        with db.db.engine.begin() as connection:
            for table, rows in callboard_rows(site):
                put(connection, table, rows)
            index(connection, site)
        db.db.engine.dispose()  # the last one out empties the write-ahead log


def callboard_rows(site: Site) -> Iterator[tuple[Any, Rows]]:
    """The tables in the order of their foreign keys, with their rows."""
    utc = {"created_at": site.start.replace(tzinfo=dt.UTC)}
    members = [{"person_id": p["id"], "agency_id": p["id"] % 4 + 1} for p in site.people]
    joined = {"started_at": utc["created_at"], "confirmed_at": utc["created_at"]}
    yield Agency, [{"id": n, "slug": f"agency-{n}", "name": f"Agency {n}", **utc} for n in range(1, 5)]
    yield Person, [_account(p, site.password_hash) | utc for p in site.people]
    yield Membership, [{**m, **joined} for m in members]
    yield RoleGrant, [{**m, "role": "model", "granted_at": utc["created_at"]} for m in members]
    mentors = [m for m in members if m["person_id"] % 10 == 0]
    yield RoleGrant, [{**m, "role": "mentor", "granted_at": utc["created_at"]} for m in mentors]
    yield Board, [{**aware(only(b, BOARD)), "position": b["id"], **readers(b), **utc} for b in site.boards]
    yield Topic, [aware(only(t, TOPIC)) for t in site.topics]
    yield Post, [aware(only(p, "id topic_id number author_id body html created_at")) for p in site.posts]
    yield ReadMark, [{**m, "at": utc["created_at"]} for m in site.marks]


def _account(person: dict[str, Any], password_hash: str) -> dict[str, Any]:
    names = {"display_name": person["name"], "password_hash": password_hash}
    return only(person, "id handle email") | names


BOARD = "id slug title about topic_count last_topic_id last_post_at"
TOPIC = "id board_id title slug author_id created_at post_count last_post_at last_author_id"


def readers(board: dict[str, Any]) -> dict[str, str]:
    """Who reads a board, in Callboard's words."""
    audience = "public" if board["public"] else "members"
    return {"audience": audience, "scope": scope_of(audience, None)}


def only(row: dict[str, Any], names: str) -> dict[str, Any]:
    """These columns of a row."""
    return {name: row[name] for name in names.split()}


def aware(row: dict[str, Any]) -> dict[str, Any]:
    """The row with moments that know they are UTC."""
    return {k: v.replace(tzinfo=dt.UTC) if isinstance(v, dt.datetime) else v for k, v in row.items()}


def index(connection: Connection, site: Site) -> None:
    """Fill the search index: the title stands with a topic's first post."""
    statement = text("INSERT INTO search_text(rowid, title, body) VALUES (:id, :title, :body)")
    for part in parts_of(site.posts, 5000):
        connection.execute(
            statement,
            [
                {
                    "id": p["id"], "body": p["body"],
                    "title": site.topics[p["topic_id"] - 1]["title"] if p["number"] == 1 else "",
                }
                for p in part
            ],
        )  # fmt: skip


# --- the floor -------------------------------------------------------------------------------------


def fill_floor(folder: Path, site: Site) -> None:
    """The same rows in the floor's tables."""
    engine = floor.make_engine(folder / "floor.db")
    floor.metadata.create_all(engine)
    people = [{**p, "password_hash": site.password_hash} for p in site.people]
    tables: list[tuple[Table, Rows]] = [
        (floor.person, people), (floor.board, site.boards), (floor.topic, site.topics),
        (floor.post, site.posts), (floor.read_mark, site.marks),
    ]  # fmt: skip
    with engine.begin() as connection:
        connection.execute(text(floor.SEARCH))
        for table, rows in tables:
            put(connection, table, rows)
        index(connection, site)
    engine.dispose()


def put(connection: Connection, table: Any, rows: Rows) -> None:
    """Insert in bulk."""
    for part in parts_of(rows, 5000):
        connection.execute(insert(table), list(part))


def parts_of(rows: Rows, size: int) -> Iterator[Rows]:
    """The rows, some at a time."""
    for begin in range(0, len(rows), size):
        yield rows[begin : begin + size]


# --- kept between runs -----------------------------------------------------------------------------


def key() -> str:
    """Changes with whatever decides about a row: migrations, the search table, this file, the floor's tables."""
    digest = hashlib.sha256()
    sources = [Path(__file__), Path(search.__file__), Path(markup.__file__), Path(sealing.__file__)]
    versions = [
        *(paths.migrations() / "versions").glob("*.py"),
        *paths.PACKAGE.parent.glob("plugins/*/migrations/versions/*.py"),
    ]
    for path in [*sources, *sorted(versions)]:
        digest.update(path.read_bytes())
    for table in floor.metadata.sorted_tables:
        digest.update(str(CreateTable(table)).encode())
    return digest.hexdigest()[:16]


def ready_folder(cache: Path) -> Path:
    """The folder with `callboard/` and `floor/`, made when there is none for the present tables."""
    folder = cache / f"seed-{key()}"
    if folder.exists():
        return folder
    for old in cache.glob("seed-*"):
        shutil.rmtree(old)
    fresh = cache / f"making-{os.getpid()}"
    for name in ("callboard", "floor"):
        (fresh / name).mkdir(parents=True)
    site = make_site(dt.datetime.now(dt.UTC).replace(tzinfo=None))
    fill_floor(fresh / "floor", site)
    fill_callboard(fresh / "callboard", site)
    fresh.rename(folder)
    return folder
