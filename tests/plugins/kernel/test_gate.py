"""The gate: what an agency has off is not there for it, at once, everywhere, and for it alone."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from forum import db, jobs, outbox, people_data, slots, viewer
from forum.db import now
from forum.declare import AgencyRef, PluginInfo, Scope
from forum.hookspecs import hookimpl
from forum.notices import notify
from forum.notifications.models import Notice
from forum.plugins import NOWHERE, Place, Plugins, loaded
from forum.switches import settings_of
from forum.testing import make_app
from tests.personas import SIGNED_IN, Site, forget, visitor
from tests.plugins.conftest import Look, flip, open_tiny

URL = "/a/northlight/tiny-notes"
PAGES = ("", "/managed", "/sensitive", "/writes", "/fails", "/inner/page", "/no-such-page")


def plugin(name: str, **info: Any) -> ModuleType:
    found = ModuleType(name)
    found.plugin_info = hookimpl(lambda: PluginInfo(name, name, name, **info), specname="plugin_info")  # type: ignore[attr-defined]
    return found


def same(html: str) -> str:
    """A page without the token of its forms, which has the time in it."""
    return re.sub(r'(name="csrf_token" value=)"[^"]*"', r"\1", html)


# --- addresses ---------------------------------------------------------------------------------------


def test_a_page_of_an_agency_is_there_for_its_own_people_only(look: Look) -> None:
    answers = {name: look(name).get(URL).status_code for name in (*SIGNED_IN, "nobody")}

    ana, omar = {"ana", "dasha", "mbali", "ines", "ruth"}, {"omar"}
    assert {name for name, status in answers.items() if status == 200} == ana | omar
    assert answers["nobody"] == 303
    assert {answers[name] for name in ("tomas", "rosa", "carl", "maud", "clea", "una")} == {404}


def test_off_is_missing_for_everybody_on_every_address_to_the_byte(
    tiny_app: Flask, tiny_site: Site, look: Look
) -> None:
    with tiny_app.app_context():
        flip(tiny_site, "northlight", "tiny_agency", False)
    for name in SIGNED_IN:
        missing = look(name).get("/a/northlight/none-such")
        for page in PAGES:
            answer = look(name).get(URL + page)
            assert (answer.status_code, same(answer.text)) == (404, same(missing.text)), (name, page)
        assert look(name).press(URL, body="x").status_code == 404


def test_signed_out_is_sent_to_sign_in_whether_on_off_or_no_agency(
    tiny_app: Flask, tiny_site: Site, look: Look
) -> None:
    answers = [look("nobody").get(URL), look("nobody").get("/a/none-such/tiny-notes")]
    with tiny_app.app_context():
        flip(tiny_site, "northlight", "tiny_agency", False)
    answers.append(look("nobody").get(URL))

    assert {(a.status_code, a.location.partition("?")[0]) for a in answers} == {(303, "/sign-in")}


def test_the_switch_of_one_agency_is_its_own_in_the_same_process(
    tiny_app: Flask, tiny_site: Site, look: Look
) -> None:
    assert (look("ana").get(URL).status_code, look("tomas").get("/a/corso/tiny-notes").status_code) == (
        200,
        404,
    )
    with tiny_app.app_context():
        flip(tiny_site, "northlight", "tiny_agency", False)
        flip(tiny_site, "corso", "tiny_agency", True)

    assert (look("ana").get(URL).status_code, look("tomas").get("/a/corso/tiny-notes").status_code) == (
        404,
        200,
    )


def test_a_blueprint_inside_a_blueprint_is_behind_the_same_gate(
    tiny_app: Flask, tiny_site: Site, look: Look
) -> None:
    assert look("ana").get(f"{URL}/inner/page").text == "inside"
    with tiny_app.app_context():
        flip(tiny_site, "northlight", "tiny_agency", False)

    assert look("ana").get(f"{URL}/inner/page").status_code == 404


def test_two_processes_agree_on_the_next_request(
    tiny: list[ModuleType], tiny_app: Flask, tiny_site: Site, tmp_path: Path
) -> None:
    folder = tmp_path / "site"
    first = open_tiny(tiny_site.folder, folder, tiny)
    second = make_app(folder, tiny)
    second.test_client_class = first.test_client_class
    here, there = visitor(first, tiny_site, "ana"), visitor(second, tiny_site, "ana")
    told = [there.get(URL).status_code]
    for on in (False, True):
        assert (
            visitor(first, tiny_site, "ruth")
            .press("/a/northlight/plugins/tiny_agency/switch", on="yes" if on else "no")
            .status_code
            == 303
        )
        told.append(there.get(URL).status_code)
        assert here.get(URL).status_code == told[-1]
    forget(first)
    forget(second)
    shutil.rmtree(folder)

    assert told == [200, 404, 200]


def test_settings_survive_off_and_on(tiny_app: Flask, tiny_site: Site, look: Look) -> None:
    office = look("ruth")
    assert (
        office.press("/a/northlight/plugins/tiny_agency/settings", heading="Our own words").status_code == 303
    )
    for on in ("no", "yes"):
        assert office.press("/a/northlight/plugins/tiny_agency/switch", on=on).status_code == 303
        with tiny_app.app_context():
            assert settings_of(tiny_site.agencies["northlight"], "tiny_agency") == {
                "heading": "Our own words"
            }

    assert "Our own words" in look("ana").get(URL).text


def test_a_plugin_hears_of_its_switch_once_and_in_time(
    tiny: list[ModuleType], tiny_app: Flask, look: Look
) -> None:
    for on in ("no", "no", "yes"):
        look("ruth").press("/a/northlight/plugins/tiny_agency/switch", on=on)

    calls = tiny[0].calls
    assert (calls["switched northlight False"], calls["switched northlight True"]) == (1, 1)


# --- who is called, and for which agency ----------------------------------------------------------------

A = AgencyRef(1, "a", "A")


@pytest.mark.parametrize(
    ("scope", "place", "wanted"),
    [
        (Scope.AGENCY, Place(A, frozenset({"one"})), (True, A)),
        (Scope.AGENCY, Place(A), (False, None)),
        (Scope.AGENCY, NOWHERE, (False, None)),
        (Scope.BOTH, Place(A, frozenset({"one"})), (True, A)),
        (Scope.BOTH, Place(A), (True, None)),
        (Scope.BOTH, NOWHERE, (True, None)),
        (Scope.SITE, Place(A), (True, None)),
        (Scope.SITE, NOWHERE, (True, None)),
    ],
)
def test_the_gate_of_every_scope(scope: Scope, place: Place, wanted: tuple[bool, AgencyRef | None]) -> None:
    plugins = Plugins([plugin("one", scope=scope)])
    one = plugins.get("one")

    assert one
    assert place.calls(one) == wanted


def test_what_is_required_must_be_on_too() -> None:
    plugins = Plugins(
        [plugin("first", scope=Scope.AGENCY, default_on=True),
         plugin("second", requires=("first",)), plugin("third", requires=("second",)),
         plugin("lost", requires=("nowhere",), default_on=True), plugin("wide", scope=Scope.SITE),
         plugin("fourth", requires=("wide",), default_on=True)]
    )  # fmt: skip

    assert plugins.enabled({}) == {"first", "fourth"}
    assert plugins.enabled({"second": True, "third": True}) == {"first", "second", "third", "fourth"}
    assert plugins.enabled({"first": False, "second": True, "third": True}) == {"fourth"}


def test_what_is_on_is_known_by_agency_and_asked_once(tiny_app: Flask, tiny_site: Site) -> None:
    with tiny_app.test_request_context():
        north, corso = tiny_site.agencies["northlight"], tiny_site.agencies["corso"]
        found = [loaded().enabled_for(id) for id in (north, corso, north)]

    assert found == [{"tiny_agency", "tiny_site"}, frozenset(), {"tiny_agency", "tiny_site"}]


# --- what is shown ------------------------------------------------------------------------------------


def test_nav_cards_and_slots_are_gone_for_one_agency_only(
    tiny_app: Flask, tiny_site: Site, look: Look
) -> None:
    before = {name: look(name).get("/").text for name in ("ana", "tomas")}
    assert URL in before["ana"]
    assert "tiny dashboard of Northlight" in before["ana"]
    assert "tiny-notes" not in before["tomas"]
    assert "tiny dashboard" not in before["tomas"]
    assert "tiny slot agency_home" in look("ana").get("/a/northlight").text
    assert "tiny slot" not in look("tomas").get("/a/corso").text
    with tiny_app.app_context():
        flip(tiny_site, "northlight", "tiny_agency", False)
    for page in ("/", "/a/northlight", "/boards"):
        assert "tiny-mark" not in look("ana").get(page).text
        assert URL not in look("ana").get(page).text


def test_the_site_part_of_both_stays_where_its_agency_part_is_off(look: Look) -> None:
    north, corso, nobody = (look(name).get("/boards").text for name in ("ana", "tomas", "nobody"))

    assert "Tiny for northlight" in north
    assert "Tiny for the site" in corso
    assert "Tiny for the site" in nobody
    assert "tiny site northlight" in look("ana").get("/").text
    assert "tiny site the site" in look("tomas").get("/").text
    assert look("ana").get("/a/northlight/tiny").text == "here at northlight"
    assert look("tomas").get("/a/corso/tiny").status_code == 404
    assert look("tomas").get("/tiny").status_code == 200
    assert look("tomas").get("/t/7").text == "short 7 for tomas"


def test_things_stand_by_weight_then_name(look: Look) -> None:
    page = look("ines").get("/").text  # she may also open what only managers may

    assert page.index("Tiny managed") < page.index("Tiny notes") < page.index("Tiny for northlight")
    assert page.index("tiny site northlight") < page.index("tiny dashboard of Northlight")


def test_a_link_that_she_may_not_open_is_not_offered(look: Look) -> None:
    assert "Tiny managed" not in look("ana").get("/").text
    assert URL in look("ana").get("/").text
    assert URL not in look("una").get("/").text


def test_a_slot_on_every_row_is_asked_once_and_answered_by_row(
    tiny: list[ModuleType], tiny_app: Flask, tiny_site: Site, look: Look
) -> None:
    page = look("ana").get(tiny_site.topic_url("northlight-peer")).text
    posts = [tiny_site.posts["northlight-peer 1"], tiny_site.posts["northlight-peer 2"]]

    assert tiny[0].calls["page_slot post_footer"] == 1
    assert next(s for s in tiny[0].seen if s[0] == "post_footer")[1] == tuple(posts)
    assert all(f"tiny post {post}" in page for post in posts)


def test_slots_know_what_they_are_about(tiny: list[ModuleType], tiny_site: Site, look: Look) -> None:
    look("ana").get("/people/ines")
    look("ana").get("/boards/northlight-peer/new")
    told = {slot: (subject, agency and agency.slug) for slot, subject, agency in tiny[0].seen}

    assert told["profile_side"] == (tiny_site.people["ines"], "northlight")
    assert told["composer"] == (tiny_site.boards["northlight-peer"], "northlight")
    assert told["site_footer"] == (None, "northlight")


def test_an_unknown_slot_is_a_fault_of_the_page(tiny_app: Flask) -> None:
    with tiny_app.test_request_context(), pytest.raises(KeyError):
        slots.slot("no_such_slot")


def test_urgent_help_stands_first(tiny_app: Flask) -> None:
    with tiny_app.test_request_context("/"):
        assert [link.label for link in slots.help_links("tiny")] == ["Urgent", "Calm"]


# --- search, notices, mail, jobs ----------------------------------------------------------------------


def keep_note(look: Look, body: str) -> None:
    assert look("ana").press(URL, body=body).status_code == 303


def test_search_finds_it_where_it_is_on(tiny_app: Flask, tiny_site: Site, look: Look) -> None:
    keep_note(look, "zebra crossing")

    assert "Tiny: zebra crossing" in look("ines").get("/search?q=zebra").text
    assert "Tiny: zebra" not in look("tomas").get("/search?q=zebra").text
    assert "Tiny: zebra" not in look("nobody").get("/search?q=zebra").text
    assert "Site thing for 1 agencies" in look("ines").get("/search?q=zebra").text
    assert "Site thing for 0 agencies" in look("tomas").get("/search?q=zebra").text  # off at Corso
    with tiny_app.app_context():
        flip(tiny_site, "northlight", "tiny_agency", False)
    assert "Tiny: zebra" not in look("ines").get("/search?q=zebra").text


def test_a_plugin_of_the_site_sees_its_reader_whole() -> None:
    plugins = Plugins([plugin("wide", scope=Scope.SITE), plugin("narrow", scope=Scope.AGENCY)])
    standing = viewer.Membership(1, "a", "A", frozenset({"model"}), True)
    ana = viewer.Viewer(person_id=1, memberships=(standing,))
    wide, narrow = plugins.get("wide"), plugins.get("narrow")

    assert wide
    assert narrow
    assert plugins.narrowed(ana, wide).is_member
    assert not plugins.narrowed(ana, narrow).agencies


def test_notices_are_gone_and_come_back(tiny_app: Flask, tiny_site: Site, look: Look) -> None:
    keep_note(look, "one")
    keep_note(look, "two")
    assert look("ana").get("/notifications").text.count("A tiny note was kept") == 2
    with tiny_app.app_context():
        flip(tiny_site, "northlight", "tiny_agency", False)
    assert "A tiny note was kept" not in look("ana").get("/notifications").text
    with tiny_app.app_context():
        flip(tiny_site, "northlight", "tiny_agency", True)
    assert "A tiny note was kept" in look("ana").get("/notifications").text


def test_a_page_of_notices_is_described_in_one_call(tiny: list[ModuleType], look: Look) -> None:
    for word in ("one", "two", "three"):
        keep_note(look, word)
    look("ana").get("/notifications")

    assert tiny[0].calls["describe"] == 1


@pytest.mark.parametrize("on", [True, False])
def test_mail_goes_out_only_while_it_is_on(
    tiny_app: Flask, tiny_site: Site, on: bool, tmp_path: Path
) -> None:
    with tiny_app.app_context():
        notify(tiny_site.people["ana"], "tiny_agency.mailed", agency_id=tiny_site.agencies["northlight"])
        db.commit()
        db.db.session.execute(
            Notice.__table__.update().where(Notice.kind != "tiny_agency.mailed").values(read_at=now())
        )
        db.commit()
        flip(tiny_site, "northlight", "tiny_agency", on)
        outbox.deliver_due(tiny_app.config["CALLBOARD"].with_values(mail_url=f"folder:{tmp_path}"), now())

    assert len(list(tmp_path.iterdir())) == (1 if on else 0)


def run_jobs(times: int = 2) -> None:
    """Rounds of the worker; what one queues the next one does."""
    for _ in range(times):
        jobs.run_due(now())


def test_jobs_run_for_agencies_that_have_it_on(
    tiny: list[ModuleType], tiny_app: Flask, tiny_site: Site
) -> None:
    with tiny_app.app_context():
        run_jobs()
    assert (tiny[0].calls["tidy"], tiny[0].calls["count northlight"], tiny[0].calls["count corso"]) == (
        1,
        1,
        0,
    )


def test_one_agency_s_failing_job_holds_up_no_other(
    tiny: list[ModuleType], tiny_app: Flask, tiny_site: Site
) -> None:
    with tiny_app.app_context():
        db.db.session.execute(db.db.text("UPDATE agency SET slug = 'broken' WHERE slug = 'corso'"))
        flip(tiny_site, "corso", "tiny_agency", True)
        run_jobs()
        failing = db.db.session.scalars(
            select(jobs.Job).where(jobs.Job.name == "plugins.run_at_agency")
        ).all()
        left = [(job.payload["agency"], job.attempts) for job in failing]

    assert (tiny[0].calls["count northlight"], tiny[0].calls["count broken"]) == (1, 1)
    assert left == [(tiny_site.agencies["corso"], 1)]


def test_a_job_waits_no_longer_for_an_agency_that_switched_off_since(
    tiny: list[ModuleType], tiny_app: Flask, tiny_site: Site
) -> None:
    with tiny_app.app_context():
        where = {
            "job": "tiny_agency.count",
            "agency": tiny_site.agencies["northlight"],
            "at": now().isoformat(),
        }
        jobs.enqueue("plugins.run_at_agency", where)
        db.commit()
        flip(tiny_site, "northlight", "tiny_agency", False)
        db.db.session.execute(jobs.JobSchedule.__table__.delete())
        db.commit()
        run_jobs()
        waiting = db.db.session.scalar(select(func.count()).where(jobs.Job.name == "plugins.run_at_agency"))

    assert tiny[0].calls["count northlight"] == 0
    assert waiting == 0


# --- hooks that no switch closes ------------------------------------------------------------------------


def test_export_and_erasure_are_never_gated(tiny_app: Flask, tiny_site: Site, look: Look) -> None:
    keep_note(look, "kept while it was on")
    with tiny_app.app_context():
        flip(tiny_site, "northlight", "tiny_agency", False)
        rows = {f.name: f.rows for f in people_data.files(tiny_site.people["ana"])}["tiny_agency-notes"]
        people_data.erase(tiny_site.people["ana"], keep_words=False)
        left = db.db.session.execute(db.db.text("SELECT count(*) FROM tiny_agency_note")).scalar()

    assert [row["body"] for row in rows] == ["kept while it was on"]
    assert left == 0


def test_objections_are_collected_from_everyone(tiny_app: Flask) -> None:
    with tiny_app.app_context():
        answers = loaded().everyone("match_objections", set, agency=A)

    assert [(plugin.name, pairs) for plugin, pairs in answers] == [("tiny_agency", {(1, 2)})]
