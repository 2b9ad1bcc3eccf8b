"""Loading the shipped contacts, taking in that a number did not work, and what an agency adds."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import Any

from flask import current_app
from flask_babel import gettext
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert  # SQLite is written the same ON CONFLICT

from forum.sdk import AgencyRef, Missing, Refused, Viewer, audit, db, forget, limit, markup, now
from forum_resources.models import Channel, LocalListing, Organization, Report, Service
from forum_resources.queries import REPORTS_COUNT, plain

DATA = Path(__file__).parent / "data"
MOST_LOCAL = 40  # listings that one agency may add
DAY = dt.timedelta(days=1)


# --- the shipped contacts --------------------------------------------------------------------------


def load_contacts() -> None:
    """Bring in the shipped contacts (HSDS 3.1, `data/`); what a person has changed since is left alone."""
    texts = _read("texts")
    touched = set(db.session.scalars(select(Service.id).where(Service.touched_at.is_not(None))))
    for service in _read("contacts.hsds"):
        if service["id"] not in touched:
            _load_service(service, texts[service["id"]])
    forget("resources.strip")


def _read(name: str) -> Any:
    return json.loads((DATA / f"{name}.json").read_text("utf-8"))


def _load_service(facts: dict[str, Any], more: dict[str, Any]) -> None:
    of_org = facts["organization"]
    organization = {
        "name": of_org["name"],
        "description": of_org["description"],
        "website": of_org.get("website", ""),
    }
    _keep(Organization, of_org["id"], organization)
    service = {
        "organization_id": of_org["id"], "name": facts["name"], "description": facts["description"],
        "status": facts["status"], "url": facts.get("url", ""),
        "area": ", ".join(area["name"] for area in facts.get("service_areas", ())),
        "eligibility": facts.get("eligibility_description", ""), "fees": facts.get("fees_description", ""),
        "application": facts.get("application_process", ""), "topics": more["topics"], "texts": more["texts"],
        "doubts": facts.get("x_doubts", []), "source": facts["x_source"], "priority": facts["x_priority"],
        "strip": more.get("strip"), "words": _words(facts, more),
    }  # fmt: skip
    _keep(Service, facts["id"], service)
    for position, channel in enumerate(_channels(facts, more)):
        id = channel.pop("id")
        _keep(Channel, id, {"service_id": facts["id"], "position": position, **channel})


def _channels(facts: dict[str, Any], more: dict[str, Any]) -> list[dict[str, Any]]:
    """Telephones from the standard's own rows; chat and mail, for which it has none, from our texts.

    The standard gives hours for the whole service; they are kept for the telephone alone.
    """
    always = {"zone": more["zone"], "always": True} if facts.get("schedules") else None
    found = [
        {
            "id": phone["id"], "kind": phone["type"], "value": phone["number"],
            "printed": more["printed"].get(phone["id"], ""), "note": "",
            "hours": always if phone["type"] == "voice" else None,
            "languages": more.get("languages", {}) if phone["type"] == "voice" else {},
        }
        for phone in facts.get("phones", ())
    ]  # fmt: skip
    for extra in more.get("channels", ()):
        value = facts["email"] if extra["kind"] == "mail" else facts["url"]
        found.append({"note": "", "hours": None, "languages": {}, "printed": "", "value": value, **extra})
    return found


def _words(facts: dict[str, Any], more: dict[str, Any]) -> str:
    said = [words for language in more["texts"].values() for words in language.values()]
    parts = [
        facts["name"],
        facts["description"],
        facts["organization"]["name"],
        *said,
        *more["topics"],
        *more["also"],
    ]
    return plain(" ".join(parts))


def _keep(table: Any, id: str, values: dict[str, Any]) -> None:
    row = insert(table).values(id=id, **values)
    db.session.execute(row.on_conflict_do_update(index_elements=["id"], set_=values))


# --- did not work ------------------------------------------------------------------------------------


def report(service_id: str, position: int, source: str) -> None:
    """Take in that a channel did not work; once a person and channel. Errors: Missing, Refused (429)."""
    found = select(Channel.id).where(Channel.service_id == service_id, Channel.position == position)
    channel_id = db.session.scalar(found)
    if channel_id is None:
        raise Missing
    mark = source_mark(source)
    sentence = gettext("Thank you. That is enough from here for today.")
    limit(f"resources report {mark}", 6, DAY, sentence)
    row = insert(Report).values(channel_id=channel_id, source=mark, at=now())
    db.session.execute(row.on_conflict_do_nothing())


def source_mark(source: str) -> str:
    """A mark by which two reports from one place are known as one; nobody can turn it back without the site's key."""
    key = hashlib.sha256(str(current_app.secret_key).encode()).digest()
    return hashlib.blake2b(source.encode(), key=key, digest_size=16).hexdigest()


def forget_reports(at: dt.datetime) -> None:
    """Reports count for a week, and go."""
    db.session.execute(delete(Report).where(Report.at < at - REPORTS_COUNT))


# --- what an agency adds -------------------------------------------------------------------------------


def add_local(viewer: Viewer, agency: AgencyRef, name: str, contact: str, note: str) -> None:
    """Add a listing for the agency's own people. Errors: Refused."""
    if (
        len(db.session.scalars(select(LocalListing.id).where(LocalListing.agency_id == agency.id)).all())
        >= MOST_LOCAL
    ):
        raise Refused(gettext("There are %(n)s listings already. Take one away first.", n=MOST_LOCAL))
    row = LocalListing(
        agency_id=agency.id, name=_line(name), contact=_line(contact), note=markup.clean_text(note).strip(),
        added_by=viewer.person_id,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    audit("resources.add_local", "resources_local", row.id, actor_id=viewer.person_id, agency_id=agency.id)


def _line(text: str) -> str:
    return " ".join(markup.clean_text(text).split())


def remove_local(viewer: Viewer, agency: AgencyRef, id: int) -> None:
    """Take one of the agency's own listings away. Errors: Missing."""
    of_agency = (LocalListing.id == id) & (LocalListing.agency_id == agency.id)
    if db.session.scalar(delete(LocalListing).where(of_agency).returning(LocalListing.id)) is None:
        raise Missing
    audit("resources.remove_local", "resources_local", id, actor_id=viewer.person_id, agency_id=agency.id)
