"""The listings: the shipped contacts as given, quiet small pages, taps without an account, and what an agency adds."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po
from flask import Flask
from sqlalchemy import func, select, update

from forum import db, people_data, search
from forum.db import now
from forum.permissions import Missing, Refused
from forum.sdk import AgencyRef, forget
from forum.testing import Client, Signer, create_agency, create_person, viewer_of
from forum.viewer import NOBODY
from forum_resources import actions, queries
from forum_resources.models import Channel, LocalListing, Report, Service
from tests.test_statements import logged

PLUGIN = Path(queries.__file__).parent
EMERGENCY, RAINN = "0fcc3ac6-314c-5458-b2a1-a0075f384fb4", "7caf2fa7-d39f-5d02-a752-6c0607aaa3fb"
OWN = {"Sec-Fetch-Site": "same-origin"}
QUIET = [
    "/resources",
    "/resources/help-now",
    "/resources/list.txt",
    "/resources/help-now.txt",
    f"/resources/{EMERGENCY}",
]


def tap(
    client: Client, service: str = EMERGENCY, channel: int = 0, source: str = "192.0.2.1", **headers: str
) -> Any:
    return client.post(
        f"/resources/{service}/channels/{channel}/report",
        headers=headers or OWN,
        environ_base={"REMOTE_ADDR": source},
    )


# --- the contacts ----------------------------------------------------------------------------------


def test_the_seven_services_are_there_with_exact_values_and_nobody_has_checked_them(any_app: Flask) -> None:
    shipped = json.loads((PLUGIN / "data" / "contacts.hsds.json").read_text("utf-8"))
    services = {s.id: s for s in db.db.session.scalars(select(Service))}
    channels = {c.id: c for c in db.db.session.scalars(select(Channel))}

    assert len(shipped) == len(services) == 7
    for facts in shipped:
        service = services[facts["id"]]
        assert (service.name, service.description, service.url) == (
            facts["name"],
            facts["description"],
            facts.get("url", ""),
        )
        assert service.doubts == facts.get("x_doubts", [])
        for phone in facts.get("phones", ()):
            assert (channels[phone["id"]].value, channels[phone["id"]].kind) == (
                phone["number"],
                phone["type"],
            )
    assert {c.checked_at for c in channels.values()} == {None}
    assert [c.value for c in channels.values() if c.kind == "mail"] == ["support@modelalliance.org"]


def test_loading_again_changes_nothing_and_what_a_person_changed_stays(any_app: Flask) -> None:
    ids = set(db.db.session.scalars(select(Channel.id)))
    db.db.session.execute(update(Service).where(Service.id == RAINN).values(name="Mended", touched_at=now()))
    db.db.session.execute(update(Service).where(Service.id == EMERGENCY).values(name="Stale"))
    db.commit()

    actions.load_contacts()
    db.commit()

    names = dict(db.db.session.execute(select(Service.id, Service.name)).all())
    assert (names[RAINN], names[EMERGENCY]) == ("Mended", "Emergency")
    assert set(db.db.session.scalars(select(Channel.id))) == ids


def test_hours_nobody_told_us_are_unknown_and_never_closed(app: Flask, client: Client) -> None:
    page = client.get("/resources").text
    assert "Hours unknown" in page
    assert ">Closed" not in page
    narrowed = client.get("/resources?open=now").text
    assert "Model Alliance Support" in page
    assert "Model Alliance Support" not in narrowed
    assert "1-800-656-HOPE" in narrowed


def test_the_text_line_does_not_claim_the_languages_of_the_voice(app: Flask) -> None:
    lines = [line for one in queries.listings(NOBODY, now()) for line in one.lines if "233733" in line.value]
    assert [(line.languages, line.url) for line in lines] == [({}, "sms:233733")]


def test_numbers_can_be_dialled_and_read(app: Flask, client: Client) -> None:
    page = client.get("/resources/help-now").text
    for url in ("tel:911", "tel:+18006564673", "tel:+18883737888", "sms:233733", "tel:+12122273000"):
        assert f'href="{url}"' in page
    assert "1-800-656-HOPE" in page
    assert "Not checked yet" in page


# --- quiet, small, in her language ------------------------------------------------------------------


@pytest.mark.parametrize("url", QUIET)
def test_nobody_is_noted(app: Flask, signed_in: Signer, url: str) -> None:
    """No cookie, no token, no sign-in looked up: a signed-in reader gets the same bytes as anybody."""
    ana = signed_in(create_person("ana", "new_face"))
    assert ana.get("/").status_code == 200  # what the process remembers is there
    with logged(app) as log:
        answer = ana.get(url)

    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert "csrf_token" not in answer.text
    assert "Ana" not in answer.text
    assert not [s for s in log.texts if "sign_in" in s]
    assert log.writes == []
    assert len(log.texts) <= 2
    assert re.sub(r"\d+:\d\d:\d\d", "", answer.text) == re.sub(
        r"\d+:\d\d:\d\d", "", app.test_client().get(url).text
    )


def test_the_pages_are_small(app: Flask, client: Client) -> None:
    assert len(client.get("/resources/help-now").data) < 14_000
    assert len(client.get("/resources").data) < 30_000
    assert len(client.get("/resources/list.txt").data) < 4_096


def test_outward_links_say_nothing_of_where_one_came_from(app: Flask, client: Client) -> None:
    answer = client.get("/resources/help-now")
    outward = re.findall(
        r'<a [^>]*href="http[^>]*>', answer.text.partition("<main")[2].partition("</main>")[0]
    )
    assert outward
    assert all("noreferrer" in link for link in outward)
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "<title>Callboard - form</title>" in answer.text


@pytest.mark.parametrize("language", ["es", "uk"])
def test_every_text_is_translated(language: str) -> None:
    path = PLUGIN / "translations" / language / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as file:
        found = read_po(file, locale=language)
    said = {str(m.id) for m in found if m.id}
    assert not [m.id for m in found if m.id and (not m.string or m.fuzzy)]
    source = "".join(
        p.read_text("utf-8") for p in [*PLUGIN.glob("*.py"), *PLUGIN.glob("templates/**/*.html")]
    )
    shown = {
        a or b for a, b in re.findall(r'\b(?:_|gettext|lazy_gettext)\(\s*(?:"([^"]+)"|\'([^\']+)\')', source)
    }
    assert len(shown) > 60
    assert shown <= said


def test_spanish_and_ukrainian_readers_get_their_words(app: Flask, client: Client) -> None:
    assert "Agresión sexual" in client.get("/resources/help-now?lang=es").text
    another = app.test_client()  # without the cookie that ?lang= sets
    assert "Торгівля людьми" in another.get("/resources/help-now", headers={"Accept-Language": "uk"}).text


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/resources?topic=nothing", 404), ("/resources?topic=%00", 400), ("/resources?open=maybe&x=1", 200), ("/resources/xyz", 404),
        ("/resources/00000000-0000-0000-0000-000000000000", 404), (f"/resources/{EMERGENCY.upper()}", 200), ("/resources/", 404),
        (f"/resources/{EMERGENCY}/reported", 200), ("/resources/list.txt?topic=work", 200), ("/resources/help-now.txt?lang=uk", 200),
    ],
)  # fmt: skip
def test_wrong_addresses_are_survived(app: Flask, client: Client, url: str, status: int) -> None:
    assert client.get(url).status_code == status


# --- "this did not work" ------------------------------------------------------------------------------


def test_two_different_people_raise_the_warning_and_a_check_takes_it_away(app: Flask, client: Client) -> None:
    warning = "Several people said that this did not work"
    assert tap(client).location == f"/resources/{EMERGENCY}/reported"
    assert tap(client).status_code == 303  # the same person again
    assert warning not in client.get("/resources/help-now").text

    tap(client, source="192.0.2.2")
    assert warning in client.get("/resources/help-now").text
    assert queries.reported_sentence() == "Several people said that these did not work: Emergency."
    assert client.get("/readyz").get_json()["plugins"] == "not ok"

    db.db.session.execute(update(Channel).values(checked_at=now() + dt.timedelta(seconds=1)))
    db.commit()
    assert warning not in client.get("/resources/help-now").text


def test_reports_count_for_a_week_and_go(app: Flask, client: Client) -> None:
    tap(client)
    tap(client, source="192.0.2.2")
    db.db.session.execute(update(Report).values(at=now() - dt.timedelta(days=8)))
    db.commit()

    assert "did not work. Try" not in client.get("/resources/help-now").text
    actions.forget_reports(now())
    db.commit()
    assert db.db.session.scalar(select(func.count()).select_from(Report)) == 0


def test_who_reported_cannot_be_told(app: Flask, client: Client) -> None:
    tap(client, source="192.0.2.77")
    (row,) = db.db.session.scalars(select(Report)).all()
    assert "192.0.2.77" not in repr(vars(row))
    assert len(row.source) == 32


@pytest.mark.parametrize(
    "headers",
    [{"X-Nothing": "1"}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}],
)  # fmt: skip
def test_another_site_cannot_tap(app: Flask, client: Client, headers: dict[str, str]) -> None:
    assert tap(client, **headers).status_code == 403
    assert db.db.session.scalar(select(func.count()).select_from(Report)) == 0
    assert tap(client, Origin="http://localhost").status_code == 303


def test_a_flood_is_stopped_and_raises_no_warning(app: Flask, client: Client) -> None:
    answers = [tap(client, RAINN).status_code for _ in range(10)]
    assert answers.count(303) == 6
    assert answers[-1] == 429
    assert "did not work. Try" not in client.get("/resources/help-now").text


@pytest.mark.parametrize(
    ("service", "channel"),
    [(EMERGENCY, 1), (EMERGENCY, 99), (EMERGENCY, 10**12), ("00000000-0000-0000-0000-000000000000", 0)],
)
def test_a_channel_that_is_not_there_is_missing(
    app: Flask, client: Client, service: str, channel: int
) -> None:
    assert tap(client, service, channel).status_code == 404


# --- on the core's pages ---------------------------------------------------------------------------


def test_the_strip_stands_on_every_page_and_costs_no_statement(app: Flask, client: Client) -> None:
    assert client.get("/").status_code == 200
    with logged(app) as log:
        page = client.get("/boards").text

    foot = page.partition("<footer")[2]
    for line in ("tel:911", "tel:+18006564673", "tel:+18883737888", "/resources/help-now"):
        assert line in foot
    assert not [s for s in log.texts if "resources_" in s]
    assert "Agresión sexual" in client.get("/boards?lang=es").text.partition("<footer")[2]


def test_a_changed_line_is_shown_once_this_process_forgets(app: Flask, client: Client) -> None:
    client.get("/")
    db.db.session.execute(update(Channel).where(Channel.value == "+18006564673").values(value="+18005550100"))
    db.commit()
    assert "+18005550100" not in client.get("/").text.partition("<footer")[2]

    forget("resources.strip")
    assert "+18005550100" in client.get("/").text.partition("<footer")[2]


def test_without_lines_the_core_shows_its_own(app: Flask, client: Client) -> None:
    db.db.session.execute(update(Service).values(strip=None))
    db.commit()
    forget("resources.strip")

    foot = client.get("/").text.partition("<footer")[2]
    assert "tel:911" in foot
    assert "tel:+18006564673" in foot


def test_search_finds_listings_by_words_in_any_language_and_leaves_no_trace(app: Flask) -> None:
    ines = viewer_of(create_person("ines", "model"))
    for q in ("trafficking", "TRATA", "Насильство", "visa", "violación", "Safe Horizon"):
        assert any(hit.url.startswith("/resources/") for hit in search.find(q, ines)), q
    assert not [h for h in search.find("zqnothingqz", ines) if h.url.startswith("/resources")]
    assert len([h for h in search.find("sexual", ines) if h.url.startswith("/resources")]) <= 5


# --- what an agency adds ------------------------------------------------------------------------------


def add(browser: Client, agency: str = "northlight", **fields: str) -> Any:
    given = {"name": "The person with the keys", "contact": "+1 212 555 0142", "note": "Any hour"} | fields
    return browser.send(f"/a/{agency}/resources", **given)


def test_what_an_agency_adds_is_for_its_people_alone(app: Flask, signed_in: Signer) -> None:
    ruth, ines = signed_in(create_person("ruth", "agency_manager")), create_person("ines", "model")
    tomas = create_person("tomas", "model", agency="corso")
    assert add(ruth, name="Zqkeysqz <script>alert(1)</script>").status_code == 303

    own = signed_in(ines)
    page = own.get("/a/northlight/resources").text
    assert "Zqkeysqz &lt;script&gt;" in page
    assert "<script>alert" not in page
    assert [h.url for h in search.find("zqkeysqz", viewer_of(ines))] == ["/a/northlight/resources"]
    other = signed_in(tomas)
    assert other.get("/a/northlight/resources").status_code == 404
    assert search.find("zqkeysqz", viewer_of(tomas)) == []
    assert search.find("zqkeysqz", NOBODY) == []
    for url in QUIET:
        assert "Zqkeysqz" not in own.get(url).text


def test_switched_off_the_agencys_part_is_gone_and_the_sites_part_stays(
    app: Flask, signed_in: Signer
) -> None:
    ruth, ines = signed_in(create_person("ruth", "agency_manager")), create_person("ines", "model")
    add(ruth, name="Zqkeysqz")
    own = signed_in(ines)
    assert "/a/northlight/resources" in own.get("/").text

    ruth.send("/a/northlight/plugins/resources/switch", on="no")

    assert own.get("/a/northlight/resources").status_code == 404
    assert ruth.get("/a/northlight/resources").status_code == 404
    assert "/a/northlight/resources" not in own.get("/").text
    assert search.find("zqkeysqz", viewer_of(ines)) == []
    assert own.get("/resources/help-now").status_code == 200
    assert "tel:911" in own.get("/").text.partition("<footer")[2]
    ruth.send("/a/northlight/plugins/resources/switch", on="yes")
    assert "Zqkeysqz" in own.get("/a/northlight/resources").text


def test_wrong_fields_keep_what_was_typed(app: Flask, signed_in: Signer) -> None:
    ruth = signed_in(create_person("ruth", "agency_manager"))
    for fields in (
        {"name": ""},
        {"contact": " "},
        {"name": "x" * 121},
        {"contact": "x" * 201},
        {"note": "x" * 601},
    ):
        answer = add(ruth, **{"note": "Kept words", **fields})
        assert answer.status_code == 422
        assert "Kept words" in answer.text or "note" in fields
    assert db.db.session.scalar(select(func.count()).select_from(LocalListing)) == 0


def test_an_agency_takes_away_its_own_only_and_adds_no_end(app: Flask) -> None:
    northlight, corso = (AgencyRef(create_agency(s).id, s, s.title()) for s in ("northlight", "corso"))
    ruth = viewer_of(create_person("ruth", "agency_manager"))
    actions.add_local(ruth, northlight, "One", "1", "")
    (row,) = db.db.session.scalars(select(LocalListing)).all()

    with pytest.raises(Missing):
        actions.remove_local(ruth, corso, row.id)
    for _ in range(actions.MOST_LOCAL - 1):
        actions.add_local(ruth, northlight, "One", "1", "")
    with pytest.raises(Refused):
        actions.add_local(ruth, northlight, "One more", "1", "")
    actions.remove_local(ruth, northlight, row.id)


def test_export_and_erasure(any_app: Flask) -> None:
    ruth = create_person("ruth", "agency_manager")
    actions.add_local(
        viewer_of(ruth), AgencyRef(create_agency().id, "northlight", "Northlight"), "Zqkeysqz", "1", ""
    )
    db.commit()

    (file,) = [f for f in people_data.files(ruth.id) if f.name == "resources-added"]
    assert [row["name"] for row in file.rows] == ["Zqkeysqz"]  # type: ignore[index, union-attr]
    people_data.erase(ruth.id, keep_words=True)
    db.commit()
    assert db.db.session.scalars(select(LocalListing.added_by)).all() == [None]
