"""A plugin that does everything wrong costs its own part and nothing else (P73, R38)."""

from __future__ import annotations

import importlib
import logging
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import Flask, g
from sqlalchemy import select, update

from forum import db, health, jobs, migrating, outbox, people_data, slots, wiring
from forum.accounts.models import Person
from forum.agencies.models import Agency
from forum.db import now
from forum.declare import ErasureReport, PluginInfo, Scope
from forum.faults import PAUSE, SLOW_WITHIN, Faults
from forum.hookspecs import hookimpl
from forum.notices import Words, notify
from forum.notifications.models import Notice
from forum.permissions import may
from forum.plugins import LARGEST, loaded
from forum.testing import make_app, new_database, viewer_of
from forum.viewer import NOBODY
from tests.access import CORE_ROWS
from tests.personas import Site, Visitor, forget, restore, seed, visitor
from tests.plugins.conftest import open_tiny

HOSTILE = Path(__file__).parents[1] / "hostile"
WRONG = (
    "raises", "broken SQL", "swallowed SQL", "wrapped SQL", "writes", "flushes", "odd fields", "huge", "elsewhere",
    "not a list", "a number", "a generator", "of another kind", "bad template",
)  # fmt: skip
OWN_ROWS = [
    row
    for row in {r.url: r for r in CORE_ROWS if r.method == "GET"}.values()
    if row.endpoint != "leave.show_leave"
]


@pytest.fixture(scope="module")
def hostile() -> ModuleType:
    sys.path.insert(0, str(HOSTILE))
    try:
        return importlib.import_module("forum_hostile.plugin")
    finally:
        sys.path.remove(str(HOSTILE))


@pytest.fixture(scope="module")
def hostile_standing(
    hostile: ModuleType, seeded: Site, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    app = open_tiny(seeded.folder, tmp_path_factory.mktemp("hostile") / "site", [hostile])
    yield app
    forget(app)


@pytest.fixture
def hostile_app(hostile: ModuleType, hostile_standing: Flask, seeded: Site) -> Flask:
    restore(hostile_standing, seeded)
    loaded(hostile_standing).faults = Faults(
        stopwatch=lambda: 0.0
    )  # a slow machine must not make anybody pause
    hostile.how, hostile.waits = "raises", list
    hostile.asked.clear()
    return hostile_standing


def rest_of(html: str) -> str:
    """The page, less what has the time in it."""
    return "\n".join(line for line in html.splitlines() if "csrf_token" not in line and "once" not in line)


@pytest.fixture(scope="module")
def plain(seeded: Site, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    """Every page of the core without any plugin: address → (who reads it, how it reads)."""
    app, found = open_tiny(seeded.folder, tmp_path_factory.mktemp("plain") / "site", []), {}
    for row in sorted(OWN_ROWS, key=lambda row: row.address(seeded) not in some_of(seeded)):
        name = next((n for n in READERS if row.expected(n) == "page"), None)
        if name and row.endpoint not in NOT_COMPARED:
            url = row.address(seeded)
            found[url] = (name, rest_of(visitor(app, seeded, name).get(url).text))
    forget(app)
    return found


def some_of(site: Site) -> set[str]:
    """The pages that have most to lose; they are read first."""
    return {"/", "/boards", "/notifications", "/people/ines", "/search?q=words", site.topic_url("castings")}


NOT_COMPARED = (
    "health.show_ready",
    "static",
    "switching.show_plugins",
)  # they say which plugins there are, or are no page
READERS = ("ana", "ruth", "clea", "omar", "olena", "maud", "ines", "nobody")
EVERY_PAGE = ("raises", "broken SQL", "flushes")  # the other ways on the pages that have most to lose


@pytest.mark.parametrize("how", WRONG)
def test_every_page_of_the_core_answers_and_the_rest_is_intact(
    hostile: ModuleType, hostile_app: Flask, seeded: Site, plain: dict[str, tuple[str, str]], how: str,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """Word for word what the page is without any plugin."""
    hostile.how = how
    some = some_of(seeded)
    for url, (name, wanted) in plain.items():
        if how in EVERY_PAGE or url in some:
            answer = visitor(hostile_app, seeded, name).get(url)
            assert answer.status_code == 200, url
            assert rest_of(answer.text) == wanted, url

    assert len(some & set(plain)) == len(some)
    assert {"nav_items", "dashboard_cards", "help_links", "page_slot site_footer", "find"} <= set(
        hostile.asked
    )
    assert "plugin hostile failed in" in caplog.text or how == "swallowed SQL"
    assert "a secret word" not in "".join(r.getMessage() for r in caplog.records)


def test_a_form_with_errors_is_shown_whole_too(hostile: ModuleType, hostile_app: Flask, seeded: Site) -> None:
    for how in WRONG:
        hostile.how = how
        ana = visitor(hostile_app, seeded, "ana")
        answer = ana.press("/boards/castings/new", title="", body="what I wrote")
        assert answer.status_code == 422, how
        assert "what I wrote" in answer.text, how


def test_mail_about_its_notices_waits_and_is_not_dropped(
    hostile: ModuleType, hostile_app: Flask, seeded: Site, tmp_path: Path
) -> None:
    settings = hostile_app.config["CALLBOARD"].with_values(mail_url=f"folder:{tmp_path}")
    with hostile_app.app_context():
        db.db.session.execute(update(Notice).values(read_at=now()))
        db.db.session.execute(update(Person).values(mail_notices=True))
        notify(seeded.people["ana"], "hostile.told")
        db.commit()
        with pytest.raises(KeyError):
            outbox.deliver_due(settings, now())
        db.rollback()
        hostile.how = "sleeps"
        hostile.WAYS["sleeps"] = lambda kind: {told: Words("Well again", "/") for told in range(1, 99)}
        outbox.deliver_due(settings, now() + 2 * outbox.LEASE)
        hostile.WAYS["sleeps"] = hostile.sleeps

    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("how", WRONG)
def test_its_notices_are_left_out_and_the_others_stay(
    hostile: ModuleType, hostile_app: Flask, seeded: Site, how: str
) -> None:
    hostile.how = how
    with hostile_app.app_context():
        notify(seeded.people["ana"], "hostile.told")
        db.commit()
    page = visitor(hostile_app, seeded, "ana").get("/notifications")

    assert page.status_code == 200
    assert "describe" in hostile.asked
    assert "Hostile notice" not in page.text
    assert "A place zq" in page.text


NO_FAULT = ("swallowed SQL", "not a list")  # no opinion, as far as a verdict goes


@pytest.mark.parametrize("how", WRONG)
def test_a_permission_asked_of_it_is_no(
    hostile: ModuleType, hostile_app: Flask, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    hostile.how = how
    for reading in (True, False):
        with hostile_app.test_request_context():
            db.set_reading(reading)
            assert not may(NOBODY, "hostile.do") or how in NO_FAULT or (how == "flushes" and not reading)
            assert db.db.session.scalar(select(Agency.id).limit(1))  # what comes after is not harmed
            db.set_reading(False)
    assert "plugin hostile failed in permission_verdict(hostile.do)" in caplog.text or how in NO_FAULT


def test_writing_goes_on_around_a_fault(hostile: ModuleType, hostile_app: Flask) -> None:
    """In a request that writes, what went before stays and what the plugin did is undone."""
    hostile.how = "broken SQL"
    with hostile_app.test_request_context():
        db.db.session.add(Agency(slug="before", name="Before"))
        assert not may(NOBODY, "hostile.do")
        db.commit()
        assert db.db.session.scalar(select(Agency.id).where(Agency.slug == "before"))


def test_the_doctor_names_the_check_that_fails(hostile: ModuleType, hostile_app: Flask) -> None:
    sentences = [finding.sentence for finding in health.doctor(hostile_app)]

    assert "The check hostile.check of the plugin hostile failed; see the log." in sentences


def test_the_largest_part_that_is_shown(hostile_app: Flask, hostile: ModuleType) -> None:
    hostile.how = "huge"
    with hostile_app.test_request_context("/"):
        assert slots.help_links("strip") == []
        assert slots.slot("site_footer") == ""
        assert slots.nav_links() == []
    assert LARGEST == 65_536


# --- on PostgreSQL a failed statement fails the transaction ------------------------------------------------


@pytest.fixture(scope="module")
def hostile_postgres(
    hostile: ModuleType, postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Flask, Site]]:
    folder = tmp_path_factory.mktemp("hostile-postgres")
    app, site = make_app(folder, [hostile], database_url=new_database(postgres_url, "hostile")), Site(folder)
    app.test_client_class = Visitor
    with app.app_context():
        from forum import sealing

        sealing.init_keys(folder / "keys")
        migrating.upgrade_all()
        seed(site)
    yield app, site
    forget(app)


@pytest.mark.postgres
@pytest.mark.parametrize("how", ["broken SQL", "swallowed SQL", "wrapped SQL", "writes", "flushes", "raises"])
def test_pages_stay_whole_on_postgresql(
    hostile: ModuleType, hostile_postgres: tuple[Flask, Site], how: str
) -> None:
    app, site = hostile_postgres
    hostile.how = how
    loaded(app).faults = Faults(stopwatch=lambda: 0.0)
    ana = visitor(app, site, "ana")
    for url in ("/", "/boards", site.topic_url("castings"), "/a/northlight", "/notifications", "/people/ines",
                "/search?q=words", "/boards/castings/new"):  # fmt: skip
        answer = ana.get(url)
        assert answer.status_code == 200, url
        assert "</html>" in answer.text
    assert ana.press("/boards/castings/new", title="", body="what I wrote").status_code == 422
    with app.test_request_context():
        db.db.session.add(Agency(slug=f"x-{how.split()[0].lower()}", name="X"))
        assert not may(NOBODY, "hostile.do") or how in ("swallowed SQL", "flushes")
        db.commit() if how != "flushes" else db.rollback()


# --- slow ------------------------------------------------------------------------------------------------


class Clock:
    """Seconds that pass when the tests say so."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at

    def wait(self, seconds: float) -> None:
        self.at += seconds


@pytest.fixture
def clock(hostile: ModuleType, hostile_app: Flask) -> Clock:
    """A clock for slowness; each call of the plugin takes 600 ms of it."""
    found = Clock()
    loaded(hostile_app).faults = Faults(clock=found, stopwatch=found)
    hostile.how, hostile.waits = "sleeps", lambda: found.wait(0.6)
    return found


def ask_help(app: Flask) -> list[Any]:
    with app.test_request_context("/"):
        return slots.help_links("strip")


def test_the_third_slow_call_pauses_it_and_the_pause_ends(
    hostile_app: Flask, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    shown = [bool(ask_help(hostile_app)) for _ in range(5)]
    assert shown == [True, True, True, False, False]
    assert "plugin hostile took 600 ms in help_links" in caplog.text
    assert "plugin hostile is slow" in caplog.text

    clock.wait(PAUSE - 1)
    assert not ask_help(hostile_app)
    clock.wait(1)
    assert ask_help(hostile_app)


def test_slow_calls_far_apart_pause_nobody(hostile_app: Flask, clock: Clock) -> None:
    for _ in range(6):
        assert ask_help(hostile_app)
        clock.wait(SLOW_WITHIN / 2)


def test_a_call_of_half_a_second_is_not_slow(hostile: ModuleType, hostile_app: Flask, clock: Clock) -> None:
    hostile.waits = lambda: clock.wait(0.5)

    assert all(ask_help(hostile_app) for _ in range(6))


def test_a_slow_fault_counts_as_well(hostile: ModuleType, hostile_app: Flask, clock: Clock) -> None:
    def slow_fault() -> None:
        clock.wait(0.6)
        raise KeyError("slow and wrong")

    hostile.waits = slow_fault
    for _ in range(3):
        ask_help(hostile_app)

    assert loaded(hostile_app).faults.is_paused("hostile")


def test_operators_hear_of_a_pause_once(
    hostile: ModuleType, hostile_app: Flask, seeded: Site, clock: Clock
) -> None:
    for _ in range(3):
        assert visitor(hostile_app, seeded, "nobody").get("/boards").status_code == 200
    with hostile_app.app_context():
        waiting = db.db.session.scalars(select(jobs.Job).where(jobs.Job.name == "plugins.paused")).all()
        assert [job.payload for job in waiting] == [{"plugin": "hostile"}]
        loaded(hostile_app).faults = Faults(stopwatch=lambda: 0.0)
        hostile.how = "raises"
        while jobs.run_due(now()):
            pass
    assert "the plugin hostile was slow" in visitor(hostile_app, seeded, "omar").get("/notifications").text


def test_the_worker_reports_what_it_saw(hostile_app: Flask) -> None:
    with hostile_app.app_context():
        loaded().faults.unreported.add("hostile")
        assert wiring.report_own_pauses(hostile_app.config["CALLBOARD"], now()) == 1
        assert db.db.session.scalar(select(jobs.Job.id).where(jobs.Job.name == "plugins.paused"))
        assert wiring.report_own_pauses(hostile_app.config["CALLBOARD"], now()) == 0


def test_a_pause_shuts_what_is_shown_and_no_permission(
    hostile: ModuleType, hostile_app: Flask, clock: Clock
) -> None:
    loaded(hostile_app).faults.until["hostile"] = clock.at + PAUSE
    hostile.how = "swallowed SQL"
    with hostile_app.test_request_context():
        assert not slots.help_links("strip")
        may(NOBODY, "hostile.do")
    assert hostile.asked == ["permission_verdict"]


def test_a_real_clock_is_used(
    hostile: ModuleType, hostile_app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    loaded(hostile_app).faults = Faults()
    hostile.how, hostile.waits = "sleeps", lambda: time.sleep(0.52)
    ask_help(hostile_app)

    assert "plugin hostile took 5" in caplog.text


# --- strict hooks: the caller hears of the fault, with the name on it --------------------------------------


def plugin(**hooks: Any) -> ModuleType:
    found = ModuleType("forum_strict.plugin")
    found.plugin_info = hookimpl(lambda: PluginInfo("strict", "S", "S", Scope.BOTH), specname="plugin_info")  # type: ignore[attr-defined]
    for name, function in hooks.items():
        setattr(found, name, hookimpl(function, specname=name))
    return found


def fail() -> Any:
    raise KeyError("a fault")


@pytest.mark.parametrize(
    ("hooks", "kind"),
    [
        ({"person_export": fail}, KeyError),
        ({"person_export": lambda: "everything"}, TypeError),
        ({"person_erase": fail}, KeyError),
        ({"person_erase": lambda: {"deleted": 1}}, TypeError),
    ],
)
def test_no_half_export_and_no_half_erasure(
    seeded: Site, tmp_path: Path, hooks: dict[str, Any], kind: type[Exception]
) -> None:
    app = open_tiny(seeded.folder, tmp_path / "site", [plugin(**hooks)])
    with app.app_context():
        step = (
            people_data.archive if "person_export" in hooks else partial(people_data.erase, keep_words=False)
        )
        with pytest.raises(kind) as told:
            step(seeded.people["ana"])
        assert any("of the plugin strict" in note for note in told.value.__notes__)
        db.rollback()
        assert db.db.session.get(Person, seeded.people["ana"])
    forget(app)


def test_a_failing_job_says_where_and_not_what(
    hostile: ModuleType, hostile_app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    """On a quiet page the log has the plugin, the hook, the kind and the place of a fault, and no words."""
    with caplog.at_level(logging.ERROR), hostile_app.test_request_context("/"):
        g.quiet = True
        slots.help_links("strip")

    (record,) = caplog.records
    assert record.getMessage().startswith("plugin hostile failed in help_links: KeyError at plugin.py:")
    assert record.exc_info is None


def test_what_an_erasure_keeps_is_told(seeded: Site, tmp_path: Path) -> None:
    from forum.declare import Kept

    report = ErasureReport(kept=(Kept("a receipt", "tax law"),))
    app = open_tiny(seeded.folder, tmp_path / "site", [plugin(person_erase=lambda: report)])
    with app.app_context():
        assert people_data.erase(seeded.people["ana"], keep_words=True) == (Kept("a receipt", "tax law"),)
        assert viewer_of(db.db.session.get_one(Person, seeded.people["ines"])).signed_in
        db.rollback()
    forget(app)
