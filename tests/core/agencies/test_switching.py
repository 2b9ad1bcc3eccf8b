"""An agency switches its plugins: at once, for itself alone, kept, logged, and only by those who may."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from wtforms import BooleanField, IntegerField, PasswordField, StringField
from wtforms.validators import NumberRange

from forum import audit, db, jobs
from forum.agencies.switching import actions
from forum.db import now
from forum.declare import AgencyRef, Card, NavItem, PluginInfo, Scope
from forum.hookspecs import hookimpl
from forum.notifications.models import Notice
from forum.pages import Form
from forum.permissions import Missing, Refused
from forum.plugins import loaded
from forum.sdk import agency_settings
from forum.switches import AgencyPlugin
from forum.testing import Client, create_agency, create_person, make_app, viewer_of


class NotesSettings(Form):
    """What an agency may set for the notes."""

    heading = StringField("Heading", default="Notes")
    most = IntegerField("Most", default=5, validators=[NumberRange(1, 9, message="From 1 to 9.")])
    quiet = BooleanField("Quiet", default=True)
    key = PasswordField("Key")


def plugin(name: str, **info: Any) -> ModuleType:
    """A plugin that shows its name in the navigation."""
    found = ModuleType(name)
    found.plugin_info = hookimpl(
        lambda: PluginInfo(name, name.title(), f"What {name} does", **info), specname="plugin_info"
    )  # type: ignore[attr-defined]

    @hookimpl
    def nav_items(agency: AgencyRef | None) -> list[NavItem]:
        return [NavItem(f"{name} of {agency.slug if agency else 'nobody'}", "home.show_home")]

    found.nav_items = nav_items  # type: ignore[attr-defined]
    return found


def with_settings(found: ModuleType) -> ModuleType:
    found.agency_settings_form = hookimpl(lambda: NotesSettings, specname="agency_settings_form")  # type: ignore[attr-defined]
    return found


def with_refusal(found: ModuleType, fault: Exception) -> ModuleType:
    @hookimpl
    def plugin_switched(agency: AgencyRef, on: bool) -> None:
        raise fault

    found.plugin_switched = plugin_switched  # type: ignore[attr-defined]
    return found


SET = (
    with_settings(plugin("notes", scope=Scope.AGENCY, touches="Nobody")),
    plugin("extras", scope=Scope.AGENCY, requires=("notes",)),
    plugin("common", scope=Scope.BOTH, default_on=True),
    plugin("worldwide", scope=Scope.SITE),
    with_refusal(plugin("stubborn", scope=Scope.AGENCY), Refused("Two notes are still open.")),
    with_refusal(plugin("broken", scope=Scope.AGENCY), ValueError("a fault")),
)


@pytest.fixture
def site(migrated_folder: Path, tmp_path: Path) -> Iterator[Flask]:
    """A site with these plugins, at its own database, inside an application context."""
    shutil.copytree(migrated_folder, tmp_path / "data")
    app = make_app(tmp_path / "data", with_plugins=SET)
    with app.app_context():
        create_agency("northlight")
        create_agency("corso")
        yield app
        db.db.session.remove()
        db.db.engine.dispose()


def browser(site: Flask, handle: str, *roles: str, agency: str | None = "northlight") -> Client:
    person = create_person(handle, *roles, agency=agency)
    found = site.test_client()
    assert isinstance(found, Client)
    assert found.sign_in(person).status_code == 303
    return found


def flip(who: Client, name: str, on: str = "yes", agency: str = "northlight") -> Any:
    return who.send(f"/a/{agency}/plugins/{name}/switch", on=on)


def test_a_switch_works_at_the_next_request_and_for_one_agency_only(site: Flask) -> None:
    ruth, ines = browser(site, "ruth", "agency_manager"), browser(site, "ines", "model")
    tomas = browser(site, "tomas", "model", agency="corso")
    assert "notes of northlight" not in ines.get("/").text

    assert flip(ruth, "notes").status_code == 303

    assert "notes of northlight" in ines.get("/").text
    assert "notes of" not in tomas.get("/").text
    assert flip(ruth, "notes", "no").status_code == 303
    assert "notes of" not in ines.get("/").text


def test_another_process_agrees_on_the_next_request(site: Flask) -> None:
    ruth, ines = browser(site, "ruth", "agency_manager"), create_person("ines", "model")
    other = make_app(site.config["CALLBOARD"].data, with_plugins=SET).test_client()
    assert isinstance(other, Client)
    assert other.sign_in(ines).status_code == 303
    assert "notes of" not in other.get("/").text

    flip(ruth, "notes")

    assert "notes of northlight" in other.get("/").text
    with other.application.app_context():
        db.db.engine.dispose()


def test_what_is_for_both_keeps_its_site_part(site: Flask) -> None:
    ruth, ines = browser(site, "ruth", "agency_manager"), browser(site, "ines", "model")
    assert "common of northlight" in ines.get("/").text

    flip(ruth, "common", "no")

    assert "common of nobody" in ines.get("/").text
    assert "worldwide of nobody" in ines.get("/").text


@pytest.mark.parametrize(
    ("roles", "agency", "sees", "may"),
    [
        (["agency_manager"], "northlight", 200, 303),
        (["booker"], "northlight", 200, 404),
        (["model"], "northlight", 200, 404),
        (["coordinator"], "northlight", 200, 404),
        (["agency_manager"], "corso", 404, 404),
        (["operator"], None, 200, 303),
        (["moderator"], None, 404, 404),
    ],
)
def test_who_sees_and_who_switches(
    site: Flask, roles: list[str], agency: str | None, sees: int, may: int
) -> None:
    who = browser(site, "somebody", *roles, agency=agency)
    page = who.get("/a/northlight/plugins")

    assert page.status_code == sees
    assert ("/switch" in page.text) == (may == 303)
    assert flip(who, "notes").status_code == may
    assert who.get("/a/northlight/plugins/notes/settings").status_code == (200 if may == 303 else 404)
    assert who.send("/a/northlight/plugins/notes/settings", heading="x", most="5").status_code == may


def test_who_is_signed_out_is_asked_to_sign_in(site: Flask) -> None:
    nobody = site.test_client()

    assert nobody.get("/a/northlight/plugins").location.startswith("/sign-in")
    assert nobody.get("/a/nowhere/plugins").location.startswith("/sign-in")


@pytest.mark.parametrize("name", ["worldwide", "nothing", "%00", "x" * 300])
def test_what_agencies_have_no_say_in_is_missing(site: Flask, name: str) -> None:
    ruth = browser(site, "ruth", "agency_manager")

    assert flip(ruth, name).status_code in (400, 404)
    assert db.db.session.scalars(select(AgencyPlugin)).all() == []


@pytest.mark.parametrize("on", ["", "maybe", "YES", "1"])
def test_only_on_and_off_are_understood(site: Flask, on: str) -> None:
    ruth = browser(site, "ruth", "agency_manager")

    answer = flip(ruth, "notes", on)

    assert answer.status_code == 409
    assert "Choose on or off." in answer.text


def test_what_needs_another_waits_for_it_and_holds_it(site: Flask) -> None:
    ruth = browser(site, "ruth", "agency_manager")
    assert "Needs first" in ruth.get("/a/northlight/plugins").text

    refused = flip(ruth, "extras")
    assert refused.status_code == 409
    assert "Switch this on first: Notes." in refused.text

    assert flip(ruth, "notes").status_code == 303
    assert flip(ruth, "extras").status_code == 303
    refused = flip(ruth, "notes", "no")
    assert "Switch this off first: Extras." in refused.text


def test_a_plugin_may_refuse_and_a_broken_one_changes_nothing(site: Flask, caplog: Any) -> None:
    ruth = browser(site, "ruth", "agency_manager")

    assert "Two notes are still open." in flip(ruth, "stubborn").text
    answer = flip(ruth, "broken")

    assert answer.status_code == 409
    assert "could not be switched" in answer.text
    assert "plugin broken failed in plugin_switched" in caplog.text
    assert db.db.session.scalars(select(AgencyPlugin)).all() == []


def test_switching_twice_is_switching_once(site: Flask) -> None:
    ruth = viewer_of(create_person("ruth", "agency_manager"))
    for _ in range(2):
        actions.switch(ruth, "northlight", "notes", True)
        db.commit()

    entries = [e for e in audit._rows() if e.action == "agencies.switch_plugin"]
    assert [e.facts for e in entries] == [{"plugin": "notes", "on": True, "by": "agency"}]


def test_settings_are_typed_checked_and_survive_off_and_on(site: Flask) -> None:
    ruth = browser(site, "ruth", "agency_manager")
    place = AgencyRef(create_agency("northlight").id, "northlight", "Northlight")
    assert agency_settings(place, "notes") == {"heading": "Notes", "most": 5, "quiet": True, "key": None}
    flip(ruth, "notes")

    wrong = ruth.send("/a/northlight/plugins/notes/settings", heading="Kept words", most="10")
    assert wrong.status_code == 422
    assert "Kept words" in wrong.text
    assert "From 1 to 9." in wrong.text
    fields = {"heading": "House notes", "most": "3", "key": "secret word"}
    assert ruth.send("/a/northlight/plugins/notes/settings", **fields).status_code == 303
    flip(ruth, "notes", "no")
    flip(ruth, "notes")

    kept = {"heading": "House notes", "most": 3, "quiet": False, "key": "secret word"}
    assert agency_settings(place, "notes") == kept
    page = ruth.get("/a/northlight/plugins/notes/settings").text
    assert "House notes" in page
    assert "secret word" not in page
    ruth.send("/a/northlight/plugins/notes/settings", heading="House notes", most="3", quiet="y")
    assert agency_settings(place, "notes")["key"] == "secret word"
    assert "secret word" not in str([e.facts for e in audit._rows()])


def test_settings_too_large_or_unknown_are_refused(site: Flask) -> None:
    ruth = browser(site, "ruth", "agency_manager")

    answer = ruth.send("/a/northlight/plugins/notes/settings", heading="x" * 30_000, most="3")
    assert answer.status_code == 422
    assert "Make it shorter" in answer.text
    assert (
        ruth.send("/a/northlight/plugins/notes/settings", heading="x", most="3", more="y").status_code == 400
    )
    assert ruth.get("/a/northlight/plugins/common/settings").status_code == 404


def test_members_read_in_the_log_what_was_switched(site: Flask) -> None:
    ruth, ines = browser(site, "ruth", "agency_manager"), browser(site, "ines", "model")
    flip(ruth, "notes")
    ruth.send("/a/northlight/plugins/notes/settings", heading="x", most="3")

    log = ines.get("/a/northlight/log").text
    assert "Switched on: Notes." in log
    assert "Changed the settings of: Notes." in log
    assert "Ruth" in ruth.get("/a/northlight/plugins").text
    assert (
        "Ruth" not in ines.get("/a/northlight/plugins").text.partition("<main")[2].partition("</article")[0]
    )


def test_operators_are_told_of_a_plugin_that_pauses(site: Flask) -> None:
    omar = create_person("omar", "operator", agency=None)
    jobs.enqueue("plugins.paused", {"plugin": "notes"})
    db.commit()

    assert jobs.run_due(now() + dt.timedelta(seconds=1))

    told = db.db.session.scalars(select(Notice).where(Notice.person_id == omar.id)).one()
    assert (told.kind, told.facts) == ("agencies.plugin_paused", {"plugin": "notes"})


def test_the_action_itself_refuses_who_may_not_see_the_agency(site: Flask) -> None:
    tomas = viewer_of(create_person("tomas", "model", agency="corso"))
    with pytest.raises(Missing):
        actions.switch(tomas, "northlight", "notes", True)
    assert loaded().enabled({}) == {"common"}
    assert Card("t", "notes/x.html").weight == 100
