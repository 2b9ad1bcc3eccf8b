"""Every hook at its moment and behind its gate; permissions folded; pages where they belong; quiet and tapped pages."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import select, text

import forum_tiny.plugin as tiny
from forum import cli, db, jobs, migrating, outbox, people_data, search
from forum.accounts.own_data import erase_person
from forum.agencies.switching import actions
from forum.boards import actions as boards
from forum.db import now
from forum.declare import AgencyRef
from forum.hookspecs import hookimpl
from forum.notices import notify
from forum.notifications.queries import own_notices
from forum.outbox import OutboxMail
from forum.permissions import may
from forum.plugins import NOWHERE, Place, loaded
from forum.slots import SLOTS, slot
from forum.testing import Client, create_agency, create_board, create_person, make_app, viewer_of
from forum.viewer import NOBODY
from forum_tiny.models import Note
from tests.test_statements import logged


def browser(site: Flask, person: Any) -> Client:
    found = site.test_client()
    assert isinstance(found, Client)
    assert found.sign_in(person).status_code == 303
    return found


def switch(person: Any, on: bool = True, agency: str = "northlight") -> None:
    actions.switch(viewer_of(person), agency, "tiny", on)
    db.commit()


# --- the gate ----------------------------------------------------------------------------------------


def test_each_shown_hook_is_called_for_the_agency_that_has_it_on_and_else_for_the_site(site: Flask) -> None:
    ines = create_person("ines", "model")
    create_board("castings")
    topic = boards.open_topic(viewer_of(ines), "castings", "A title", "Words")
    db.commit()
    pages = ["/", "/a/northlight", "/boards/castings/new", f"/topics/{topic.id}-{topic.slug}", "/people/ines"]
    for on, place, name in ((False, None, "everybody"), (True, "northlight", "Northlight")):
        if on:
            switch(create_person("ruth", "agency_manager"))
        own = browser(site, ines)
        tiny.asked.clear()
        shown = "".join(own.get(page).text for page in pages)

        for hook in (
            "nav_items",
            "dashboard_cards",
            "slot agency_home",
            "slot composer",
            "slot post_footer",
            "slot profile_side",
        ):
            assert {where for what, where in tiny.asked if what == hook} == {place}, hook
        for words in (
            "card of",
            "agency_home of",
            "composer of",
            "post_footer of",
            "profile_side of",
            "site_footer of",
        ):
            assert f"{words} {name}" in shown
    visitor = site.test_client().get("/").text
    assert "visitor_home of everybody" in visitor
    assert "site_footer of everybody" in visitor


def test_a_hook_for_a_list_is_called_once_and_its_card_stands_on_its_row(site: Flask) -> None:
    ines = viewer_of(create_person("ines", "model"))
    create_board("welcome", "public")
    topic = boards.open_topic(ines, "welcome", "A title", "Words")
    for n in range(12):
        boards.reply(ines, topic.id, f"More words {n}")
    db.commit()

    page = site.test_client().get(f"/topics/{topic.id}-{topic.slug}").text

    assert [what for what, _ in tiny.asked].count("slot post_footer") == 1
    assert page.count("post_footer of") == 1
    assert page.index("post_footer of") < page.index('id="p2"')


def test_core_pages_ask_the_database_nothing_more_for_plugins(site: Flask, app: Flask) -> None:
    counts = []
    for one in (app, site):
        with one.app_context():
            ines = create_person("ines", "model")
            create_board("castings")
            topic = boards.open_topic(viewer_of(ines), "castings", "A title", "Words")
            db.commit()
            own = browser(one, ines)
            for url in (
                "/",
                "/boards",
                "/boards/castings",
                f"/topics/{topic.id}-{topic.slug}",
                "/a/northlight",
                "/people/ines",
            ):
                own.get(url)
                with logged(one) as log:
                    assert own.get(url).status_code == 200
                counts.append(len(log.texts))
            db.db.session.remove()
    assert counts[: len(counts) // 2] == counts[len(counts) // 2 :]


def test_cards_and_links_are_in_the_order_of_weight_then_name(site: Flask) -> None:
    page = browser(site, create_person("ines", "model")).get("/").text
    assert page.index("First") < page.index("Tiny card")


def test_a_nav_item_shows_only_to_who_holds_its_permission(site: Flask) -> None:
    switch(create_person("ruth", "agency_manager"))
    assert "Tiny notes" in browser(site, create_person("ines", "model")).get("/").text
    assert "Tiny notes" not in browser(site, create_person("bo", "booker")).get("/").text
    assert "Tiny notes" not in browser(site, create_person("tomas", "model", agency="corso")).get("/").text


def test_an_agencys_pages_are_missing_while_it_is_off(site: Flask) -> None:
    ines, ruth = create_person("ines", "model"), create_person("ruth", "agency_manager")
    own, other = browser(site, ines), browser(site, create_person("tomas", "model", agency="corso"))
    nobody, omar = site.test_client(), browser(site, create_person("omar", "operator", agency=None))

    missing = own.get("/a/northlight/nothing-here")
    off = own.get("/a/northlight/tiny")
    assert (off.status_code, len(off.data)) == (404, len(missing.data))
    assert nobody.get("/a/northlight/tiny").location.startswith("/sign-in")
    switch(ruth)
    assert "notes of Northlight" in own.get("/a/northlight/tiny").text
    assert other.get("/a/northlight/tiny").status_code == 404
    assert other.get("/a/corso/tiny").status_code == 404
    assert omar.get("/a/northlight/tiny").status_code == 404  # on, but it is not hers to read
    assert nobody.get("/a/northlight/tiny").location.startswith("/sign-in")
    switch(ruth, on=False)
    assert own.get("/a/northlight/tiny").status_code == 404
    assert own.get("/tiny").status_code == 200


def test_jobs_run_where_the_plugin_is_on(site: Flask) -> None:
    create_agency("corso")
    switch(create_person("ruth", "agency_manager"))
    tiny.asked.clear()

    while jobs.run_due(now() + dt.timedelta(minutes=1)):
        pass

    assert [a for a in tiny.asked if a[0] in ("sweep", "count")] == [("sweep", None), ("count", "northlight")]
    jobs.enqueue("tiny.later", {"words": "later words"})
    db.commit()
    assert jobs.run_due(now() + dt.timedelta(minutes=1))
    assert "later words" in db.db.session.scalars(select(Note.words)).all()


def test_search_looks_only_in_agencies_that_have_it_on(site: Flask) -> None:
    ines = create_person("ines", "model")
    assert search.find("x", viewer_of(ines)) == []
    switch(create_person("ruth", "agency_manager"))
    assert [hit.title for hit in search.find("x", viewer_of(ines))] == ["tiny northlight"]
    assert search.find("x", viewer_of(ines), before=5) == []
    assert ("find", []) in tiny.asked


def test_notices_and_their_mails_go_with_the_switch(site: Flask) -> None:
    ines, ruth = create_person("ines", "model"), create_person("ruth", "agency_manager")
    switch(ruth)
    agency = create_agency().id
    notify(ines.id, "tiny.urgent", agency_id=agency, words="zqwordsqz")
    notify(ines.id, "tiny.written", words="for ever")
    db.commit()

    (mail,) = db.db.session.scalars(select(OutboxMail)).all()
    assert mail.subject == "An urgent note"
    assert "Read this: zqwordsqz http://localhost/notifications" in mail.body
    check = outbox._checks["notifications.told"]
    assert check(mail)
    assert {line.text for line in own_notices(viewer_of(ines))[0]} == {
        "A note: zqwordsqz",
        "A note: for ever",
    }
    switch(ruth, on=False)
    assert not check(mail)
    assert [line.text for line in own_notices(viewer_of(ines))[0]] == ["A note: for ever"]


def test_what_is_on_is_kept_by_agency(site: Flask) -> None:
    northlight, corso = create_agency("northlight").id, create_agency("corso").id
    switch(create_person("ruth", "agency_manager"))
    plugins = loaded()
    for _ in range(2):
        assert (plugins.enabled_for(northlight), plugins.enabled_for(corso)) == ({"tiny"}, set())


# --- permissions -----------------------------------------------------------------------------------


def test_default_roles_and_verdicts_are_folded_and_a_denial_wins(site: Flask) -> None:
    switch(create_person("ruth", "agency_manager"))
    people = {h: viewer_of(create_person(h, "model")) for h in ("ines", "ana", "bea")}
    keeper = viewer_of(create_person("kit", "tiny_keeper", agency=None, display_name="Kit"))

    def holds(handle: str, name: str, subject: Any = None) -> bool:
        viewer = people[handle]
        return may(viewer, name, viewer.membership("northlight"), subject)

    assert holds("ines", "tiny.read")
    assert not holds("ines", "tiny.own")
    assert holds("ana", "tiny.own")
    assert not holds("bea", "tiny.read")
    assert not holds("ana", "tiny.own", "hidden")
    assert not may(NOBODY, "tiny.read")
    assert may(NOBODY, "tiny.visit")
    assert keeper.person_id


def test_a_role_of_a_plugin_is_granted_by_an_operator_and_opens_its_pages(site: Flask) -> None:
    kit, omar = create_person("kit", "model"), browser(site, create_person("omar", "operator", agency=None))
    assert "Keeper of notes" in omar.get("/people/kit/roles").text

    assert omar.send("/people/kit/roles", "/people/kit/roles", role="tiny_keeper").status_code == 303

    viewer = viewer_of(kit)
    assert "tiny_keeper" in viewer.site_roles
    assert may(viewer, "tiny.read")
    assert omar.send("/people/kit/roles/tiny_keeper/end", "/people/kit/roles").status_code == 303
    assert "tiny_keeper" not in viewer_of(kit).roles


def test_a_receipt_opens_what_its_policy_says(site: Flask) -> None:
    nobody = site.test_client()
    assert "by receipt" in nobody.get("/tiny/receipt/right").text
    assert nobody.get("/tiny/receipt/wrong").status_code == 404


# --- the request -----------------------------------------------------------------------------------


def test_a_get_that_writes_is_refused(site: Flask) -> None:
    assert site.test_client().get("/tiny/writes").status_code == 500
    assert "never" not in db.db.session.scalars(select(Note.words)).all()


def test_a_quiet_page_knows_nobody_and_its_faults_say_nothing(site: Flask, caplog: Any) -> None:
    own = browser(site, create_person("ines", "model"))
    with logged(site) as log:
        answer = own.get("/tiny-quiet")
    assert "quiet for anybody" in answer.text
    assert log.texts == []
    assert "Set-Cookie" not in answer.headers
    assert "csrf_token" not in answer.text

    caplog.clear()
    broken = own.get("/tiny-quiet/broken/zqpathqz")
    assert broken.status_code == 500
    assert "Something broke on our side" in broken.text
    assert "ValueError" in caplog.text
    for secret in ("zqpathqz", "zqsecretqz", "/tiny-quiet"):
        assert secret not in caplog.text


def test_a_tap_needs_no_token_and_comes_from_this_site_alone(site: Flask) -> None:
    nobody = site.test_client()
    assert nobody.post("/tiny-quiet/tap").status_code == 403
    assert nobody.post("/tiny-quiet/tap", headers={"Origin": "https://evil.example"}).status_code == 403
    answer = nobody.post("/tiny-quiet/tap", headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 303
    assert "Set-Cookie" not in answer.headers
    assert "tapped 0" in db.db.session.scalars(select(Note.words)).all()


def test_static_claimed_paths_templates_and_translations(site: Flask, tmp_path: Path) -> None:
    nobody = site.test_client()
    kept = nobody.get("/static/tiny/tiny.css")
    assert kept.status_code == 200
    assert "max-age=31536000" in kept.headers["Cache-Control"]
    assert nobody.get("/static/tiny/../plugin.py").status_code == 404
    assert "short abc" in nobody.get("/t/abc").text
    page = site.jinja_env.get_template("tiny/page.html")
    assert page.filename
    assert "forum_tiny" in page.filename


# --- everyone --------------------------------------------------------------------------------------


def test_seed_settings_health_and_switch_are_asked(site: Flask) -> None:
    assert db.db.session.scalars(select(Note.words)).all() == ["reference"]
    switch(create_person("ruth", "agency_manager"))
    assert ("switched", ("northlight", True)) in tiny.asked
    assert site.test_client().get("/readyz").get_json()["plugins"] == "ok"
    assert loaded().everyone("match_objections", agency=AgencyRef(1, "x", "X")) == [
        (loaded().get("tiny"), {(1, 2)})
    ]
    assert loaded().hooks_of(loaded().get("tiny")) == sorted(
        n for n, v in vars(tiny).items() if hasattr(v, "callboard_impl")
    )  # type: ignore[arg-type]


def test_an_export_holds_her_notes_and_erasure_leaves_what_the_law_keeps(site: Flask) -> None:
    ines = create_person("ines", "model")
    db.db.session.add(Note(person_id=ines.id, words="zqnoteqz"))
    db.commit()
    archive = people_data.archive(ines.id)
    assert b"tiny-notes.json" in archive
    assert b"tiny.bin" in archive

    ines.state = "left"
    db.commit()
    erase_person({"person_id": str(ines.id), "keep_words": ""})
    db.commit()

    assert "zqnoteqz" not in db.db.session.scalars(select(Note.words)).all()
    (mail,) = db.db.session.scalars(select(OutboxMail)).all()
    assert "a receipt: tax law (2030-01-01)" in mail.body


def test_commands_run_inside_the_application_and_are_committed(site: Flask, monkeypatch: Any) -> None:
    monkeypatch.setattr(cli, "_app", lambda: site)
    monkeypatch.setattr(cli, "_plugin_groups", lambda: cli.groups_of(loaded(site)))
    db.db.session.remove()

    answer = CliRunner().invoke(cli.main, ["tiny", "add", "from the command line"])

    assert answer.output == "added\n"
    assert "from the command line" in db.db.session.scalars(select(Note.words)).all()
    db.db.session.remove()
    listed = CliRunner().invoke(cli.main, ["plugins", "list"], catch_exceptions=False).output
    assert "tiny (both, off by default): Notes" in listed
    assert "on in: no agency" in listed


def test_slots_that_no_page_has_are_refused(site: Flask) -> None:
    with site.test_request_context("/"), pytest.raises(KeyError):
        slot("nowhere")
    assert len(SLOTS) == 7


def test_a_place_calls_by_scope(site: Flask) -> None:
    plugin = loaded().get("tiny")
    assert plugin is not None
    here = Place(AgencyRef(1, "a", "A"), frozenset({"tiny"}))
    assert here.calls(plugin) == (True, here.agency)
    assert Place(here.agency).calls(plugin) == (True, None)
    assert NOWHERE.calls(plugin) == (True, None)


# --- tables ------------------------------------------------------------------------------------------


def test_its_tables_come_and_go_alone(open_site: Any) -> None:
    open_site(tiny)
    component = migrating.component("tiny")
    assert migrating.at_head()
    assert [migrating.differences(c) for c in migrating.components()] == [[], []]
    assert db.db.session.scalar(text("SELECT version_num FROM alembic_version_tiny")) == "tiny_0001"
    db.db.session.remove()

    migrating.downgrade(component, "base")
    assert not migrating.at_head()
    assert migrating.differences(migrating.CORE) == []
    migrating.upgrade_all()
    assert migrating.at_head()


# --- starting ----------------------------------------------------------------------------------------


def module(name: str = "small", **hooks: Any) -> ModuleType:
    """A plugin of these hooks; values become what they answer."""
    from forum.declare import PluginInfo, Scope

    found = ModuleType(name)
    for hook, answer in {"plugin_info": PluginInfo(name, name, name, Scope.BOTH), **hooks}.items():
        setattr(
            found,
            hook,
            hookimpl(lambda answer=answer: answer, specname=None if hook.startswith("no_") else hook),
        )
    return found


def starts(folder: Path, *plugins: ModuleType) -> Flask:
    return make_app(folder, with_plugins=plugins)


def test_what_must_not_start_says_why(tmp_path: Path) -> None:
    from flask import Blueprint

    from forum.declare import Job, Mount, Permission, PluginInfo
    from forum.permissions import needs
    from forum.plugins import Broken

    def bp(name: str, rule: str = "/x") -> Any:
        found = Blueprint(name, __name__)
        found.add_url_rule(rule, "show", needs("small.see")(lambda: "x"))
        return found

    see = [Permission("small.see", "See", {"anyone"})]
    cases: list[tuple[list[ModuleType], str]] = [
        ([module(plugin_info="x")], "one PluginInfo"),
        ([module("Bad Name")], "small letters"),
        ([module("role")], "do not fit|does not fit"),
        ([module(), module()], "same name|already registered"),
        ([module(), module("other", plugin_info=PluginInfo("other", "o", "o", slug="small"))], "same slug"),
        ([module(permissions=[Permission("other.see", "See")])], "begin with 'small.'"),
        ([module(permissions=[Permission("small.see", "See"), Permission("small.see", "See")])], "one each"),
        ([module(permissions=["small.see"])], "list of Permission"),
        ([module(jobs=[Job("nightly", dt.timedelta(days=1), lambda now: None)])], "begin with 'small.'"),
        ([module(blueprints=[Mount(bp("boards"), at="site")], permissions=see)], "must be called small"),
        ([module(blueprints=[Mount(bp("small"), at="moon")], permissions=see)], "not at 'moon'"),
        ([module(blueprints=[Mount(bp("small"), at="site", path="/boards")], permissions=see)], "belongs to the core"),
        ([module(blueprints=[Mount(bp("small"), at="site", path="/messages")], permissions=see)], "belongs to the core"),
        ([module(blueprints=[Mount(bp("small"), at="agency", path="/members")], permissions=see)], "belongs to the core"),
        ([module(blueprints=[Mount(bp("small"), at="site", path="b/")], permissions=see)], "must begin with /"),
        (
            [module(blueprints=[Mount(bp("small"), at="site", path="/b")], permissions=see),
             module("other", blueprints=[Mount(bp("other"), at="site", path="/b")])],
            "belongs to",
        ),
    ]  # fmt: skip
    for number, (plugins, why) in enumerate(cases):
        with pytest.raises((Broken, ValueError), match=why):
            starts(tmp_path / str(number), *plugins)


def test_a_misspelled_hook_and_a_page_without_a_rule_stop_the_start(tmp_path: Path) -> None:
    from flask import Blueprint

    from forum.declare import Mount
    from forum.plugins import Broken

    wrong = module()
    wrong.nav_itmes = hookimpl(lambda: [])  # type: ignore[attr-defined]
    wrong.nav_itmes.__name__ = "nav_itmes"  # type: ignore[attr-defined]
    with pytest.raises(Broken, match="nav_itmes"):
        starts(tmp_path / "a", wrong)
    open_to_all = Blueprint("small", __name__)
    open_to_all.add_url_rule("/x", "show", lambda: "x")
    with pytest.raises(Broken, match=r"small\.show"):
        starts(tmp_path / "b", module(blueprints=[Mount(open_to_all, at="site")]))


def test_a_plugin_that_cannot_be_imported_is_named_and_a_blocked_one_is_not_touched(monkeypatch: Any) -> None:
    from importlib import metadata

    from forum import plugins

    point = metadata.EntryPoint("nowhere", "forum_nowhere.plugin", plugins.GROUP)
    monkeypatch.setattr(metadata, "entry_points", lambda group: [point])
    with pytest.raises(plugins.Broken, match="CALLBOARD_BLOCKED_PLUGINS=nowhere"):
        plugins.load()
    assert list(plugins.load(blocked=["nowhere"])) == []
