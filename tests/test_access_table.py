"""Every route × every persona against the table in tests/access.py, and every page without a broken link.

A route that is missing from the table fails here, and so does a row whose route is gone.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from forum import db, paths, permissions
from forum.accounts.models import Person, SignIn
from forum.app import create_app
from forum.testing import settings_for
from tests.access import HERE, ROWS, Row
from tests.personas import PERSONAS, Site, forget, open_site, restore, visitor

# Answers are no pages: what a table of readers says about them is in other tests.
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
# Shown only in a state that the seeded site is not in; the named test renders them.
ELSEWHERE = {
    "switching/show_settings.html": "tests/core/agencies/test_switching.py",
    "slots/card.html": "tests/house/test_plugins.py",
    "errors/plain.html": "tests/test_csrf_and_headers.py",
    "errors/stale_form.html": "tests/test_csrf_and_headers.py",
    "joining/show_closed.html": "tests/test_access_table.py::test_a_closed_door_says_so",
}


def answer_class(answer: Any) -> str:
    """The word of the table for this answer."""
    status, location = answer.status_code, (answer.location or "").partition("?")[0]
    if status in (301, 302, 303):
        return {"/sign-in": "sign in", "/confirm": "confirm"}.get(location, "done")
    known = {200: "page", 401: "sign in", 404: "missing", 410: "gone", 422: "again"}
    return known.get(status, "said" if 400 <= status < 500 else f"status {status}")


def ask(app: Flask, site: Site, row: Row, name: str) -> Any:
    browser = visitor(app, site, name)
    if row.method == "GET":
        return browser.get(row.address(site))
    return browser.press(row.address(site), **row.fields)


@pytest.mark.parametrize("name", PERSONAS)
def test_every_route_answers_this_persona_as_the_table_says(site_app: Flask, seeded: Site, name: str) -> None:
    wrong = []
    for row in ROWS:
        answer = ask(site_app, seeded, row, name)
        found, wanted = answer_class(answer), row.expected(name)
        if found == "sign in" and wanted == "done" and row.endpoint in LEAD_TO_SIGN_IN:
            found = "done"
        if found != wanted:
            wrong.append(f"{row.method} {row.address(seeded)} {row.fields}: {found}, wanted {wanted}")
        if row.method == "POST" and found not in ("missing", "sign in", "again"):
            restore(site_app, seeded)

    assert not wrong, f"{name}:\n" + "\n".join(wrong)


LEAD_TO_SIGN_IN = {"accounts.use_reset", "accounts.use_address", "accounts.keep_own", "joining.finish"}


def test_every_route_has_rows_and_every_row_a_route(standing_app: Flask) -> None:
    routes = {
        (method, rule.endpoint)
        for rule in standing_app.url_map.iter_rules()
        for method in (rule.methods or set()) & METHODS
    }
    rows = {(row.method, row.endpoint) for row in ROWS}

    assert routes - rows == set(), "without a row"
    assert rows - routes == set(), "without a route"


def test_every_row_is_about_its_route(standing_app: Flask, seeded: Site) -> None:
    adapter = standing_app.url_map.bind("localhost")
    for row in ROWS:
        endpoint, _values = adapter.match(row.address(seeded).partition("?")[0], method=row.method)
        assert endpoint == row.endpoint, row.url


def test_every_row_lets_somebody_in_or_its_route_has_one_that_does() -> None:
    open_to = {
        (row.method, row.endpoint) for row in ROWS if any(row.answers.get(a) for a in ("page", "done"))
    }
    shut = {(row.method, row.endpoint) for row in ROWS} - open_to

    assert shut == {  # these are tested with their journeys
        ("GET", "files.show_file"), ("POST", "guardians.consent"), ("POST", "joining.finish"), ("POST", "accounts.sign_in"),
        ("POST", "accounts.confirm_password"), ("POST", "accounts.change_password"),
        ("GET", "switching.show_settings"), ("POST", "switching.show_settings"),
        ("POST", "resources.report_channel"), ("POST", "resources_local.remove_local"),
    }  # fmt: skip


def test_every_route_needs_a_permission_that_is_known(standing_app: Flask) -> None:
    known = permissions.known_to(standing_app)
    for rule in standing_app.url_map.iter_rules():
        name = permissions.needed_by(standing_app, rule.endpoint)
        assert name, rule.rule
        assert known[name].name == name


def test_every_permission_is_needed_by_a_route(standing_app: Flask) -> None:
    needed = {
        permissions.needed_by(standing_app, rule.endpoint) for rule in standing_app.url_map.iter_rules()
    }

    assert set(permissions._known) - needed == set()


def test_a_route_without_a_permission_stops_the_start(tmp_path: Any) -> None:
    app = create_app(settings_for(tmp_path))
    app.add_url_rule("/forgotten", "forgotten", lambda: "open to all")
    with pytest.raises(RuntimeError, match="forgotten"):
        permissions.check_routes(app)
    app.view_functions["forgotten"] = permissions.needs("no.such_permission")(app.view_functions["forgotten"])
    with pytest.raises(RuntimeError, match="forgotten"):
        permissions.check_routes(app)


def test_sensitive_pages_ask_for_the_password_after_a_while(site_app: Flask, seeded: Site) -> None:
    with site_app.app_context():
        db.db.session.execute(update(SignIn).values(confirmed_at=db.now() - dt.timedelta(minutes=16)))
        db.commit()
    asked = set()
    for row in ROWS:
        name = next((n for n in sorted(HERE) if row.expected(n) in ("page", "done")), None)
        needed = permissions.needed_by(site_app, row.endpoint) or ""
        if name and permissions.known_to(site_app)[needed].sensitive:
            wanted = "confirm" if row.method == "GET" else "said"  # what was sent stays on the page that asks
            assert answer_class(ask(site_app, seeded, row, name)) == wanted, row.url
            asked.add(row.endpoint)

    assert asked == {
        "accounts.change_address", "accounts.export_own", "accounts.delete_own", "agencies.show_roles",
        "agencies.end_role", "guardians.end_guardianship", "people.suspend", "people.lift_suspension",
        "people.show_roles", "people.end_role",
    }  # fmt: skip


# --- pages -----------------------------------------------------------------------------------------


def test_every_template_is_rendered_and_none_is_forgotten(seeded: Site, tmp_path: Path) -> None:
    """Parts that pages include or import count as well: whatever was loaded."""
    shutil.copytree(seeded.folder, tmp_path / "site")
    app = open_site(tmp_path / "site")
    for row in ROWS:
        for answer in ("page", "again", "gone", "missing"):
            names = [n for n in PERSONAS if row.expected(n) == answer]
            for name in {*names[:1], *names[-1:]}:
                ask(app, seeded, row, name)
    forget(app)
    loaded = {key[1] for key in app.jinja_env.cache or ()}
    folder = paths.templates()
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*.html")}

    assert there - loaded - set(ELSEWHERE) == set(), "never rendered"


def test_a_closed_door_says_so(seeded: Site, tmp_path: Any) -> None:
    shutil.copytree(seeded.folder, tmp_path / "closed")
    app = open_site(tmp_path / "closed", applications_open=False)
    answers = [visitor(app, seeded, "nobody").get("/join")]
    answers.append(visitor(app, seeded, "nobody").press("/join", email="a@example.org", application="x"))
    forget(app)

    assert [a.status_code for a in answers] == [200, 200]
    assert "<form" not in answers[0].text.partition("<main")[2].partition("</main>")[0]


LINK = re.compile(r'(?:href|action)="([^"]*)"')
LOOKS = ("ana", "olena", "ruth", "clea", "maud", "omar", "vic", "una", "nobody")


@pytest.mark.parametrize("name", LOOKS)  # one of each kind
def test_no_page_has_a_link_that_leads_nowhere(site_app: Flask, seeded: Site, name: str) -> None:
    """Whatever a page offers its reader opens; no address was made from something that is missing."""
    browser = visitor(site_app, seeded, name)
    adapter = site_app.url_map.bind("localhost")
    links: dict[str, str] = {}
    for row in ROWS:
        if row.method == "GET" and row.expected(name) == "page" and row.endpoint != "static":
            url = row.address(seeded)
            for link in LINK.findall(browser.get(url).text):
                links.setdefault(link.replace("&amp;", "&"), url)
    broken = []
    for link, page in links.items():
        address = link.partition("#")[0]
        if link.startswith(("#", "tel:", "sms:", "mailto:", "https://", "http://")) or address in (
            "",
            "/leave",
        ):
            continue
        assert link.startswith("/"), f"{page} leads to {link!r}"
        path = address.partition("?")[0]
        if adapter.test(path, "GET") and browser.get(address).status_code not in (200, 301, 303):
            broken.append(f"{page} leads to {link}")
        elif not (adapter.test(path, "GET") or adapter.test(path, "POST")):
            broken.append(f"{page} leads to {link}, which is no address")

    assert not broken, "\n".join(broken)


def test_the_personas_are_those_of_roles_md(site_app: Flask, seeded: Site) -> None:
    with site_app.app_context():
        handles = {p.handle for p in db.db.session.query(Person)}
    assert handles == set(PERSONAS) - {"nobody"}
