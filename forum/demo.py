"""A realistic, deterministic site to try: agencies, people, boards and talk from demo_data/.

Written with the tables' own words and the actions' own counters, in one transaction. The
moments are counted back from now, so that the newest talk is of the last hours.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import insert, select

from forum import audit, db, health, markup, migrating, paths, plugins, sealing, search
from forum.accounts.models import Person
from forum.accounts.passwords import hash_password
from forum.agencies.models import Agency, Guardianship, Membership, RoleGrant
from forum.boards import rules
from forum.boards.actions import slug_of
from forum.boards.models import Board, Post, ReadMark, Topic
from forum.db import now
from forum.declare import Demo
from forum.viewer import STAFF_ROLES

PASSWORD = "three quiet green coats"
BIRTH_YEARS = {"13-15": 15, "16-17": 17, "adult": 24}
SITE_PLACE = ("moderator", "advocate", "operator", "guardian")


def environment(data: Path, port: int) -> dict[str, str]:
    """The settings of the demo, for this process and those it starts."""
    return {
        "CALLBOARD_DATA": str(data.resolve()),
        "CALLBOARD_DATABASE_URL": "",
        "CALLBOARD_BASE_URL": f"http://127.0.0.1:{port}",
        "CALLBOARD_TRUSTED_HOSTS": "localhost",
        "CALLBOARD_MAIL_URL": "folder:mail",
        "CALLBOARD_DEMO": "1",
    }


def throw_away(data: Path) -> None:
    """Remove an old demo; refuses a folder that is not one."""
    if (data / "demo").exists():
        shutil.rmtree(data)


def prepare() -> list[dict[str, Any]]:
    """Tables, keys and data, unless they are there already; returns the personas' sign-ins."""
    settings_data = _data_folder()
    (settings_data / "demo").touch()
    migrating.upgrade_all()
    health.make_reserve(settings_data)
    if db.db.session.scalar(select(Person.id).limit(1)) is None:
        seed(now())
    db.db.session.rollback()
    return sign_ins()


def _data_folder() -> Path:
    folder: Path = current_app.config["CALLBOARD"].data
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def read(name: str) -> Any:
    """One file of demo_data."""
    return json.loads((paths.demo_data() / f"{name}.json").read_text("utf-8"))


def sign_ins() -> list[dict[str, Any]]:
    """The personas: who they are and how to sign in as them."""
    return [
        {
            "persona": p["persona"], "email": p["email"], "password": PASSWORD, "agency": p["agency"],
            "roles": p["roles"] or ["applicant"],
        }
        for p in read("people")
        if p["persona"]
    ]  # fmt: skip


def welcome(url: str, people: list[dict[str, Any]]) -> str:
    """What `callboard demo` prints."""
    lines = [f"  {p['persona']:<8} {p['email']:<22} {', '.join(p['roles'])}" for p in people]
    return "\n".join(
        [f"Callboard is at {url}", f"Everyone's password: {PASSWORD}", *lines, "Stop with Ctrl-C."]
    )


def seed(at: dt.datetime) -> None:
    """Write the whole demo in one transaction."""
    agencies = {a["slug"]: _add_agency(a, at) for a in read("agencies")}
    db.db.session.flush()
    people = add_people(read("people"), {slug: a.id for slug, a in agencies.items()}, at)
    boards = {b["slug"]: _add_board(b, agencies, at, n) for n, b in enumerate(read("boards"))}
    db.db.session.flush()
    roles = {p["handle"]: set(p["roles"]) for p in read("people")}
    talk = [
        p
        for slug, board in boards.items()
        for t in read(f"topics/{slug}")
        for p in add_topic(board, t, people, at)
    ]
    for post in sorted(talk, key=lambda p: p.at):  # ids in the order of time, as in a living site
        add_post(post, people[post.author], roles[post.author])
    for board in boards.values():
        _finish_board(board)
    _mark_read(people, at)
    tried = Demo({handle: p.id for handle, p in people.items()}, {slug: a.id for slug, a in agencies.items()})
    plugins.loaded().everyone("seed", now=at, demo=tried)
    audit.record("site.seed_demo", "site", 0, actor_id=None)
    db.commit()


def _add_agency(facts: dict[str, Any], at: dt.datetime) -> Agency:
    agency = Agency(created_at=at - dt.timedelta(days=500), **facts)
    db.db.session.add(agency)
    return agency


def add_people(rows: list[dict[str, Any]], agencies: dict[str, int], at: dt.datetime) -> dict[str, Person]:
    """People with their memberships and roles; one password hash serves them all."""
    password_hash = hash_password(PASSWORD)
    people = {row["handle"]: _add_person(row, password_hash, at) for row in rows}
    db.db.session.flush()
    for row in rows:
        person = people[row["handle"]]
        person.legal_name = sealing.seal(row["legal_name"], f"legal_name:{person.id}")
        person.born = sealing.seal(f"{at.year - BIRTH_YEARS[row['age_band']]}-01-15", f"born:{person.id}")
        _add_roles(person, row, agencies, at)
        if row.get("guardian_of"):
            _add_guardian(person, people[row["guardian_of"]], at)
    return people


def _add_person(row: dict[str, Any], password_hash: str, at: dt.datetime) -> Person:
    person = Person(
        handle=row["handle"], display_name=row["display_name"], email=row["email"], password_hash=password_hash,
        state="applicant" if row.get("application") else "active", age_band=row["age_band"],
        about=row.get("about", ""), locale=row["locale"], timezone=row["timezone"],
        created_at=at - dt.timedelta(days=row["joined_days_ago"]),
        application=row.get("application_text", ""),
    )  # fmt: skip
    db.db.session.add(person)
    return person


def _add_roles(person: Person, row: dict[str, Any], agencies: dict[str, int], at: dt.datetime) -> None:
    agency_id = agencies.get(row["agency"] or "")
    since = person.created_at
    if agency_id and row["roles"]:
        confirmed = since + dt.timedelta(hours=5) if row.get("confirmed", True) else None
        db.db.session.add(
            Membership(person_id=person.id, agency_id=agency_id, started_at=since, confirmed_at=confirmed)
        )
    for role in row["roles"]:
        ends = at + dt.timedelta(days=300) if role in STAFF_ROLES else None
        place = None if role in SITE_PLACE else agency_id
        db.db.session.add(
            RoleGrant(person_id=person.id, agency_id=place, role=role, granted_at=since, expires_at=ends)
        )


def _add_guardian(guardian: Person, child: Person, at: dt.datetime) -> None:
    since = at - dt.timedelta(days=30)
    db.db.session.add(
        Guardianship(
            child_id=child.id,
            guardian_id=guardian.id,
            verified_at=since,
            consented_at=since,
            terms_version="1",
        )
    )


def _add_board(facts: dict[str, Any], agencies: dict[str, Agency], at: dt.datetime, position: int) -> Board:
    read_only = facts["audience"] == "read_only"
    audience = "everyone" if read_only else facts["audience"]
    agency_id = agencies[facts["agency"]].id if facts["agency"] else None
    board = Board(
        slug=facts["slug"], title=facts["title"], about=facts["about"][:300], audience=audience, agency_id=agency_id,
        scope=rules.scope_of(audience, agency_id), read_only=read_only, position=position,
        created_at=at - dt.timedelta(days=450),
    )  # fmt: skip
    db.db.session.add(board)
    return board


def add_topic(
    board: Board, facts: dict[str, Any], people: dict[str, Person], at: dt.datetime
) -> list[Written]:
    """A topic; returns its posts, to be written in the order of time."""
    start = at - dt.timedelta(days=facts["days_ago"])
    posts = facts["posts"]
    moments = [start + dt.timedelta(minutes=p["after_minutes"]) for p in posts]
    topic = Topic(
        board_id=board.id, title=facts["title"], slug=slug_of(facts["title"]),
        author_id=people[facts["author"]].id, created_at=start, post_count=len(posts), last_post_at=moments[-1],
        last_author_id=people[posts[-1]["author"]].id, pinned=int(facts.get("pinned", False)),
        locked_at=moments[-1] if facts.get("locked") else None,
    )  # fmt: skip
    db.db.session.add(topic)
    db.db.session.flush()
    board.topic_count = (board.topic_count or 0) + 1
    numbered = enumerate(zip(moments, posts, strict=True), 1)
    return [
        Written(moment, board, topic, number, post["author"], post["body"])
        for number, (moment, post) in numbered
    ]


class Written(NamedTuple):
    """A post of the demo, before it has an id."""

    at: dt.datetime
    board: Board
    topic: Topic
    number: int
    author: str
    body: str


def add_post(post: Written, author: Person, held: set[str]) -> None:
    """One post, indexed for search."""
    body = markup.clean_text(post.body)
    html = markup.to_html(body)
    post_id = db.db.session.execute(
        insert(Post)
        .values(
            topic_id=post.topic.id, number=post.number, author_id=author.id, body=body, version=1,
            author_role=_role_shown(post.board, held), html=html, created_at=post.at,
        )
        .returning(Post.id)
    ).scalar_one()  # fmt: skip
    search.index(db.db.session(), post_id, post.topic.title if post.number == 1 else "", markup.words(html))


def _role_shown(board: Board, held: set[str]) -> str:
    if board.audience == "agency" and held & {"agency_manager", "booker"}:
        return "agency"
    return next((r for r in ("coordinator", "moderator", "advocate", "operator", "mentor") if r in held), "")


def _finish_board(board: Board) -> None:
    newest = db.db.session.execute(
        select(Topic.id, Topic.last_post_at)
        .where(Topic.board_id == board.id)
        .order_by(Topic.last_post_at.desc())
        .limit(1)
    ).first()
    if newest:
        board.last_topic_id, board.last_post_at = newest


def _mark_read(people: dict[str, Person], at: dt.datetime) -> None:
    """Ana and a few others have read most topics, some of them not to the end."""
    topics = db.db.session.execute(
        select(Topic.id, Topic.post_count, Topic.author_id).order_by(Topic.id)
    ).all()
    for handle in ("ana", "ines", "mbali", "tomas", "dasha"):
        person = people[handle]
        for n, topic in enumerate(topics):
            if n % 3 == 2:
                continue
            number = topic.post_count if n % 3 == 0 else max(1, topic.post_count - 3)
            db.db.session.add(ReadMark(person_id=person.id, topic_id=topic.id, number=number, at=at))
