"""Everything wrong."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from forum.sdk import (
    ANYONE,
    Card,
    HealthCheck,
    HelpLink,
    NavItem,
    NotificationKind,
    Permission,
    PluginInfo,
    Scope,
    SearchHit,
    SearchProvider,
    Words,
    db,
    hookimpl,
)

how: str = "raises"
asked: list[str] = []
waits: Callable[[], None] = list  # what "sleeps" does; the tests move the clock


def misbehave(hook: str, kind: Any) -> Any:
    """What a hook does or answers."""
    asked.append(hook)
    return WAYS[how](kind)


def raises(kind: Any) -> Any:
    raise KeyError("a secret word")


def broken_sql(kind: Any) -> Any:
    return db.session.execute(text("SELECT * FROM no_such_table WHERE x = :word"), {"word": "a secret word"})


def swallowed_sql(kind: Any) -> Any:
    try:
        db.session.execute(text("SELECT * FROM no_such_table"))
    except SQLAlchemyError:
        return []
    return None


def wrapped_sql(kind: Any) -> Any:
    try:
        return db.session.execute(text("SELECT * FROM no_such_table"))
    except SQLAlchemyError as error:
        raise ValueError("in a coat") from error


def writes(kind: Any) -> Any:
    return db.session.execute(text("INSERT INTO agency (slug, name) VALUES ('evil', 'Evil')"))


def flushes(kind: Any) -> Any:
    from forum.agencies.models import Agency

    db.session.add(Agency(slug="evil", name="Evil"))
    db.session.flush()


def sleeps(kind: Any) -> Any:
    waits()
    return [good(kind)]


def good(kind: Any) -> Any:
    """An item as it should be."""
    samples: dict[Any, Any] = {
        NavItem: NavItem("Hostile entry", "home.show_home"), Card: Card("Hostile card", "hostile/fine.html"),
        HelpLink: HelpLink("Hostile help", "/boards"), SearchHit: SearchHit(1, "Hostile hit", "/"),
        Words: Words("Hostile notice", "/"),
    }  # fmt: skip
    return samples.get(kind)


def odd_fields(kind: Any) -> Any:
    samples: dict[Any, Any] = {
        NavItem: [NavItem("Entry", "home.show_home", weight="heavy"), NavItem(None, "home.show_home")],  # type: ignore[arg-type]
        Card: [Card("Card", None), Card("Card", "hostile/fine.html", context=7)],  # type: ignore[arg-type]
        HelpLink: [HelpLink("Help", None)],  # type: ignore[arg-type]
        SearchHit: [SearchHit(1, "Hit", "/", at=dt.datetime(2026, 1, 1))],
        Words: {1: Words(None, "/")},  # type: ignore[arg-type]
    }
    return samples.get(kind, [object()])


def huge(kind: Any) -> Any:
    text = "x" * 10_000_000
    samples: dict[Any, Any] = {
        NavItem: [NavItem(text, "home.show_home")], Card: [Card("Card", "hostile/huge.html")],
        HelpLink: [HelpLink("Help", "/boards")] * 2_000_000, SearchHit: [SearchHit(1, text, "/")],
    }  # fmt: skip
    return samples.get(kind, text)


def elsewhere(kind: Any) -> Any:
    samples: dict[Any, Any] = {
        NavItem: [NavItem("Entry", "no.such_endpoint"), NavItem("Entry", "home.show_home", needs="no.such")],
        Card: [Card("Card", "boards/show_topic.html"), Card("Card", "../secret.html"), Card("Card", "hostile/none.html")],
        HelpLink: [HelpLink("Help", "javascript:alert(1)")],
    }  # fmt: skip
    return samples.get(kind, [])


WAYS: dict[str, Callable[[Any], Any]] = {
    "raises": raises, "broken SQL": broken_sql, "swallowed SQL": swallowed_sql, "wrapped SQL": wrapped_sql, "writes": writes,
    "flushes": flushes, "sleeps": sleeps, "odd fields": odd_fields, "huge": huge, "elsewhere": elsewhere,
    "not a list": good, "a number": lambda kind: 7, "a generator": lambda kind: (7 for _ in range(3)),
    "of another kind": lambda kind: ["text", 7, None], "bad template": lambda kind: [Card("Card", "hostile/broken.html")],
}  # fmt: skip


@hookimpl
def plugin_info() -> PluginInfo:
    return PluginInfo("hostile", "Hostile", "Does everything wrong", Scope.BOTH, default_on=True)


@hookimpl
def permissions() -> list[Permission]:
    return [Permission("hostile.do", "Do", {ANYONE})]


@hookimpl
def search_providers() -> list[SearchProvider]:
    return [SearchProvider("hostile.find", lambda q, viewer, limit: misbehave("find", SearchHit))]


@hookimpl
def notification_kinds() -> list[NotificationKind]:
    return [NotificationKind("hostile.told", "Told", lambda viewer, told: misbehave("describe", Words))]


@hookimpl
def health_checks() -> list[HealthCheck]:
    return [HealthCheck("hostile.check", lambda: misbehave("check", str))]


@hookimpl
def nav_items() -> Any:
    return misbehave("nav_items", NavItem)


@hookimpl
def dashboard_cards() -> Any:
    return misbehave("dashboard_cards", Card)


@hookimpl
def page_slot(slot: str) -> Any:
    return misbehave(f"page_slot {slot}", Card)


@hookimpl
def help_links() -> Any:
    return misbehave("help_links", HelpLink)


@hookimpl
def permission_verdict() -> Any:
    return misbehave("permission_verdict", None)
