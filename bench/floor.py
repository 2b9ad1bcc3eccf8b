"""The floor: the least that a Flask forum with the same content costs, written without tricks.

Flask, Jinja2, SQLAlchemy Core, Flask-Login, Flask-WTF's CSRF; finished HTML is stored with each post.
No roles, agencies, languages, hooks, limits, notices by mail or audit: what Callboard adds is the
difference that the benchmark shows. Addresses look like Callboard's, so that both are counted alike.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from pathlib import Path
from typing import Any

import nh3
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from flask import Flask, abort, current_app, g, redirect, render_template, request
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user
from flask_wtf.csrf import CSRFProtect
from granian import Granian
from markdown_it import MarkdownIt
from markupsafe import Markup, escape
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    DateTime,
    Engine,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    column,
    create_engine,
    event,
    func,
    insert,
    literal_column,
    select,
    table,
    text,
    true,
    update,
)
from sqlalchemy.dialects import sqlite
from werkzeug.wrappers import Response

try:  # the same SQLite as Callboard's
    import pysqlite3 as driver
except ImportError:
    import sqlite3 as driver

POSTS, TOPICS, RESULTS = 20, 30, 20
DATA = "BENCH_FLOOR_DATA"  # the environment variable that names the data folder

metadata = MetaData()
person = Table(
    "person", metadata,
    Column("id", Integer, primary_key=True),
    Column("handle", String(40), nullable=False),
    Column("name", String(60), nullable=False),
    Column("email", String(254), nullable=False, unique=True),
    Column("password_hash", String(200), nullable=False),
    Column("notices", Integer, nullable=False, default=0),
)  # fmt: skip
board = Table(
    "board", metadata,
    Column("id", Integer, primary_key=True),
    Column("slug", String(60), nullable=False, unique=True),
    Column("title", String(80), nullable=False),
    Column("about", String(300), nullable=False),
    Column("public", Boolean, nullable=False),
    Column("topic_count", Integer, nullable=False),
    Column("last_topic_id", Integer),
    Column("last_post_at", DateTime),
)  # fmt: skip
topic = Table(
    "topic", metadata,
    Column("id", Integer, primary_key=True),
    Column("board_id", ForeignKey("board.id"), nullable=False),
    Column("title", String(140), nullable=False),
    Column("slug", String(60), nullable=False),
    Column("author_id", ForeignKey("person.id"), nullable=False),
    Column("created_at", DateTime, nullable=False),
    Column("post_count", Integer, nullable=False),
    Column("last_post_at", DateTime, nullable=False),
    Column("last_author_id", ForeignKey("person.id"), nullable=False),
    Index("ix_topic_board", "board_id", "last_post_at"),
)  # fmt: skip
post = Table(
    "post", metadata,
    Column("id", Integer, primary_key=True),
    Column("topic_id", ForeignKey("topic.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("author_id", ForeignKey("person.id"), nullable=False),
    Column("body", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("created_at", DateTime, nullable=False),
    UniqueConstraint("topic_id", "number"),
)  # fmt: skip
read_mark = Table(
    "read_mark", metadata,
    Column("person_id", ForeignKey("person.id"), primary_key=True),
    Column("topic_id", ForeignKey("topic.id"), primary_key=True),
    Column("number", Integer, nullable=False),
)  # fmt: skip
notice = Table(
    "notice", metadata,
    Column("id", Integer, primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("topic_id", ForeignKey("topic.id"), nullable=False),
    Column("at", DateTime, nullable=False),
    Column("read", Boolean, nullable=False, default=False),
    Index("ix_notice_person", "person_id", "read"),
)  # fmt: skip
SEARCH = (
    "CREATE VIRTUAL TABLE search_text USING fts5"
    "(title, body, tokenize = 'porter unicode61 remove_diacritics 2')"
)
found = table("search_text", column("rowid"), column("title"), column("body"))
author, last_author = person.alias("author"), person.alias("last_author")
markdown = MarkdownIt("commonmark", {"html": False, "breaks": True})
hasher = PasswordHasher()


def create_app(folder: str | None = None) -> Flask:
    """The floor on this data folder (default: the one named by the environment)."""
    data = Path(folder or os.environ[DATA])
    app = Flask(__name__, template_folder="floor_templates")
    app.config.update(
        SECRET_KEY="the floor", WTF_CSRF_TIME_LIMIT=86_400, ENGINE=make_engine(data / "floor.db")
    )
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    app.jinja_env.filters.update(when=when, day=day)
    CSRFProtect(app)
    login = LoginManager(app)
    login.login_view = "sign_in"
    login.user_loader(load_user)
    app.teardown_appcontext(close_connection)
    app.add_url_rule("/", view_func=show_index)
    app.add_url_rule("/boards/<slug>", view_func=show_board)
    app.add_url_rule("/topics/<int:topic_id>-<slug>", view_func=show_topic)
    app.add_url_rule("/topics/<int:topic_id>/reply", view_func=reply, methods=["POST"])
    app.add_url_rule("/posts/<int:post_id>", view_func=show_post)
    app.add_url_rule("/search", view_func=show_search)
    app.add_url_rule("/sign-in", view_func=sign_in, methods=["GET", "POST"])
    return app


# --- database --------------------------------------------------------------------------------------


def make_engine(path: Path) -> Engine:
    """SQLite in WAL mode; its durability stays at the default, FULL, as Callboard's."""
    engine = create_engine(f"sqlite:///{path}", module=driver, connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", "busy_timeout=5000"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def connection() -> Connection:
    """The request's connection."""
    if "connection" not in g:
        g.connection = current_app.config["ENGINE"].connect()
    held: Connection = g.connection
    return held


def close_connection(_error: BaseException | None) -> None:
    """Give the connection back; what was not committed is undone."""
    held = g.pop("connection", None)
    if held is not None:
        held.close()


# --- people ----------------------------------------------------------------------------------------


class User(UserMixin):
    """Who is signed in."""

    def __init__(self, row: Any) -> None:
        self.id, self.name, self.handle, self.notices = row.id, row.name, row.handle, row.notices


def load_user(user_id: str) -> User | None:
    """Flask-Login's loader."""
    wanted = select(person.c.id, person.c.name, person.c.handle, person.c.notices)
    row = connection().execute(wanted.where(person.c.id == int(user_id))).first()
    return User(row) if row else None


def sign_in() -> Response | str:
    """The sign-in form."""
    if request.method == "GET":
        return render_template("sign_in.html")
    row = connection().execute(select(person).where(person.c.email == request.form["email"])).first()
    try:
        if row is None or not hasher.verify(row.password_hash, request.form["password"]):
            abort(422)
    except VerifyMismatchError:
        abort(422)
    login_user(User(row))
    return redirect("/", 303)


def readable() -> Any:
    """Boards that this visitor reads."""
    return true() if current_user.is_authenticated else board.c.public


# --- pages -----------------------------------------------------------------------------------------


def show_index() -> str:
    """Every board with its newest topic."""
    boards = connection().execute(
        select(board, topic.c.title.label("last_title"), topic.c.slug.label("last_slug"))
        .outerjoin(topic, topic.c.id == board.c.last_topic_id)
        .where(readable())
        .order_by(board.c.id)
    ).all()  # fmt: skip
    return render_template("index.html", boards=boards)


def show_board(slug: str) -> str:
    """The topics of a board, newest activity first."""
    shown = connection().execute(select(board).where(board.c.slug == slug, readable())).first()
    if shown is None:
        abort(404)
    wanted = (
        select(
            topic.c.id, topic.c.title, topic.c.slug, topic.c.post_count, topic.c.last_post_at,
            author.c.name.label("author"), last_author.c.name.label("last_author"),
        )
        .join(author, author.c.id == topic.c.author_id)
        .join(last_author, last_author.c.id == topic.c.last_author_id)
        .where(topic.c.board_id == shown.id)
        .order_by(topic.c.last_post_at.desc())
        .limit(TOPICS + 1)
    )  # fmt: skip
    before = request.args.get("before")
    if before:
        wanted = wanted.where(topic.c.last_post_at < dt.datetime.fromisoformat(before))
    if current_user.is_authenticated:
        wanted = wanted.add_columns(read_mark.c.number.label("read")).outerjoin(
            read_mark, (read_mark.c.topic_id == topic.c.id) & (read_mark.c.person_id == current_user.id)
        )
    topics = connection().execute(wanted).all()
    more = topics[TOPICS - 1].last_post_at.isoformat() if len(topics) > TOPICS else None
    return render_template("board.html", board=shown, topics=topics[:TOPICS], more=more)


def show_topic(topic_id: int, slug: str) -> str:
    """A page of a topic: a range of its dense post numbers."""
    page = request.args.get("page", 1, int)
    shown = connection().execute(select(topic).where(topic.c.id == topic_id)).first()
    if shown is None or slug != shown.slug:
        abort(404)
    place = connection().execute(select(board).where(board.c.id == shown.board_id, readable())).first()
    if place is None:
        abort(404)
    first = (page - 1) * POSTS + 1
    posts = connection().execute(
        select(
            post.c.id, post.c.number, post.c.html, post.c.created_at, post.c.author_id, person.c.name,
            person.c.handle,
        )
        .join(person, person.c.id == post.c.author_id)
        .where(post.c.topic_id == topic_id, post.c.number.between(first, first + POSTS - 1))
        .order_by(post.c.number)
    ).all()  # fmt: skip
    if not posts:
        abort(404)
    first_new = note_read(topic_id, posts[-1].number) if current_user.is_authenticated else None
    return render_template(
        "topic.html", topic=shown, board=place, posts=posts, page=page, first_new=first_new,
        pages=(shown.post_count + POSTS - 1) // POSTS,
    )  # fmt: skip


def note_read(topic_id: int, number: int) -> int:
    """Move the mark on when something new was read; returns the number of the first new post."""
    mine = (read_mark.c.person_id == current_user.id) & (read_mark.c.topic_id == topic_id)
    read: int = connection().scalar(select(read_mark.c.number).where(mine)) or 0
    if number > read:
        mark_read(topic_id, number)
        connection().commit()
    return read + 1


def mark_read(topic_id: int, number: int) -> None:
    """How far the person has read."""
    mark = sqlite.insert(read_mark).values(person_id=current_user.id, topic_id=topic_id, number=number)
    connection().execute(mark.on_conflict_do_update(set_={"number": number}))


def show_post(post_id: int) -> Response:
    """The lasting address of a post."""
    row = connection().execute(
        select(post.c.number, topic.c.id, topic.c.slug)
        .join(topic, topic.c.id == post.c.topic_id)
        .join(board, board.c.id == topic.c.board_id)
        .where(post.c.id == post_id, readable())
    ).first()  # fmt: skip
    if row is None:
        abort(404)
    return redirect(address(row.id, row.slug, row.number), 303)


def address(topic_id: int, slug: str, number: int) -> str:
    """Page and anchor of a post."""
    return f"/topics/{topic_id}-{slug}?page={(number - 1) // POSTS + 1}#p{number}"


def show_search() -> str:
    """Posts with all of the words, newest first, with an excerpt."""
    q = request.args.get("q", "").strip()[:100]
    words = " ".join('"' + word.replace('"', '""') + '"' for word in q.split())
    name = literal_column("search_text")
    results = connection().execute(
        select(
            post.c.id, post.c.created_at, topic.c.title, board.c.title.label("board_title"), person.c.name,
            func.snippet(name, -1, "\x02", "\x03", "…", 24).label("snippet"),
        )
        .select_from(found)
        .join(post, post.c.id == found.c.rowid)
        .join(topic, topic.c.id == post.c.topic_id)
        .join(board, board.c.id == topic.c.board_id)
        .join(person, person.c.id == post.c.author_id)
        .where(name.op("MATCH")(words), readable())
        .order_by(found.c.rowid.desc())
        .limit(RESULTS)
    ).all() if words else []  # fmt: skip
    return render_template("search.html", q=q, results=results, highlight=highlight)


def highlight(snippet: str) -> Markup:
    """The excerpt with its hits marked."""
    return Markup(str(escape(snippet)).replace("\x02", "<mark>").replace("\x03", "</mark>"))


@login_required
def reply(topic_id: int) -> Response:
    """Add a post: one transaction for the post, the counters, search, the mark and a notice."""
    body = request.form["body"].strip()
    shown = connection().execute(
        select(topic).join(board, board.c.id == topic.c.board_id).where(topic.c.id == topic_id, readable())
    ).first()  # fmt: skip
    if shown is None or not body or len(body) > 20_000:
        abort(400)
    html = nh3.clean(markdown.render(body), link_rel="nofollow ugc noopener noreferrer")
    at = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    number = add_post(shown, body, html, at)
    if shown.author_id != current_user.id:
        notify(shown.author_id, topic_id, at)
    connection().commit()
    return redirect(address(topic_id, shown.slug, number), 303)


def notify(person_id: int, topic_id: int, at: dt.datetime) -> None:
    """Tell the topic's author."""
    connection().execute(insert(notice).values(person_id=person_id, topic_id=topic_id, at=at))
    one_more = update(person).where(person.c.id == person_id).values(notices=person.c.notices + 1)
    connection().execute(one_more)


def add_post(shown: Any, body: str, html: str, at: dt.datetime) -> int:
    """The post and what follows from it; returns its number."""
    execute, own = connection().execute, current_user.id
    number = execute(
        update(topic)
        .where(topic.c.id == shown.id)
        .values(post_count=topic.c.post_count + 1, last_post_at=at, last_author_id=own)
        .returning(topic.c.post_count)
    ).scalar_one()
    facts = {"topic_id": shown.id, "number": number, "author_id": own, "created_at": at}
    post_id = execute(insert(post).values(body=body, html=html, **facts)).inserted_primary_key[0]
    execute(update(board).where(board.c.id == shown.board_id).values(last_topic_id=shown.id, last_post_at=at))
    execute(
        text("INSERT INTO search_text(rowid, title, body) VALUES (:id, '', :body)"),
        {"id": post_id, "body": body},
    )
    mark_read(shown.id, number)
    return int(number)


# --- words -----------------------------------------------------------------------------------------


def when(moment: dt.datetime) -> str:
    """`22 Nov 2026, 14:05`."""
    return f"{moment:%d %b %Y, %H:%M}"


def day(moment: dt.datetime) -> str:
    """`22 Nov`."""
    return f"{moment:%d %b}"


if __name__ == "__main__":  # python -m bench.floor '{"port": …, "workers": …}': the flags of forum.serving
    Granian("bench.floor:create_app", **json.loads(sys.argv[1])).serve()
