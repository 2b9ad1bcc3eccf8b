"""The agency's log: what was done in its name, in sentences, for everybody who belongs to it.

Only the acts named here are shown, without the name of anybody they were about: never
confirmations, reports, cases or consents. Other features add their acts with `say`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext
from sqlalchemy import select

from forum.agencies.models import Agency
from forum.agencies.news import role_name
from forum.audit import AuditEntry
from forum.db import db
from forum.viewer import Viewer

PAGE = 50
Words = Callable[[dict[str, Any]], str]


@dataclass(frozen=True)
class Line:
    """One act: who (as a role), what, when."""

    id: int
    at: dt.datetime
    actor: str
    text: str


_words: dict[str, Words] = {}


def say(action: str, words: Words) -> None:
    """Show entries with this action; `words` makes the sentence from the entry's facts."""
    _words[action] = words


say("agencies.create_agency", lambda facts: gettext("Opened this agency on Callboard."))
say("agencies.invite", lambda facts: gettext("Invited somebody as: %(role)s.", role=role_name(facts["role"])))
say("agencies.revoke_invite", lambda facts: gettext("Took back an invite that nobody had used."))
say("agencies.remove_member", lambda facts: gettext("Ended somebody’s membership."))
say("agencies.grant_role", lambda facts: gettext("Gave a role: %(role)s.", role=role_name(facts["role"])))
say("agencies.end_role", lambda facts: gettext("Ended a role: %(role)s.", role=role_name(facts["role"])))
say("boards.create_board", lambda facts: gettext("Made a board: %(title)s.", title=facts["title"]))


def entries(viewer: Viewer, agency: Agency, before: int | None) -> tuple[list[Line], int | None]:
    """A page of the log, newest first; the key of the next page. The permission was checked by slug."""
    wanted = (
        select(AuditEntry.id, AuditEntry.at, AuditEntry.action, AuditEntry.facts)
        .where(AuditEntry.agency_id == agency.id, AuditEntry.action.in_(_words))
        .order_by(AuditEntry.id.desc())
        .limit(PAGE + 1)
    )
    if before is not None:
        wanted = wanted.where(AuditEntry.id < before)
    rows = db.session.execute(wanted).all()
    actors = {
        "agency": gettext("The agency"),
        "coordinator": gettext("The coordinator"),
        "operator": gettext("The Alliance"),
    }
    shown = [
        Line(
            r.id,
            r.at,
            actors.get(r.facts.get("by", ""), gettext("At this agency")),
            _words[r.action](r.facts),
        )
        for r in rows[:PAGE]
    ]
    return shown, shown[-1].id if len(rows) > PAGE else None
