"""The front page: what this is for a visitor, today for a member."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Blueprint, url_for
from flask_babel import gettext
from sqlalchemy import Row

from forum import pages, slots
from forum.agencies.queries import desks
from forum.boards import queries
from forum.db import now
from forum.permissions import Permission, anyone, needs, register
from forum.viewer import Viewer, current_viewer

bp = Blueprint("home", __name__)
register(Permission("home.read", "Open the front page", anyone, signed_in=False))
FIRST_DAYS = dt.timedelta(days=14)


@bp.get("/")
@needs("home.read")
def show_home() -> tuple[str, int]:
    """The first page of all."""
    viewer = current_viewer()
    if not viewer.signed_in:
        return pages.page("home/show_visitor.html", public_boards=queries.public_boards())
    return pages.page(
        "home/show_member.html",
        unread=[_line(t) for t in queries.unread_topics(viewer, now())],
        agencies=[{"name": m.name, "url": f"/a/{m.slug}"} for m in viewer.agencies],
        notices=viewer.notices,
        desks=desks(viewer),
        steps=first_steps(viewer),
        cards=slots.dashboard(),
    )


def _line(row: Row) -> dict[str, Any]:
    return {
        "title": row.title, "url": f"/topics/{row.id}/unread", "board_title": row.board_title,
        "unread": row.post_count - row.number, "last_at": row.last_post_at,
    }  # fmt: skip


def first_steps(viewer: Viewer) -> list[dict[str, str]]:
    """What to do first: for somebody still waiting, and in the first two weeks."""
    if not viewer.memberships:
        waiting = gettext(
            "Your account is not open yet. You will get a mail. Until then you see what visitors see."
        )
        return [{"text": waiting, "url": ""}]
    steps = []
    if any(not m.confirmed for m in viewer.agencies):
        text = gettext(
            "Two models of your agency, or the coordinator, must say that they know you. Then the models' boards open."
        )
        steps.append({"text": text, "url": ""})
    if viewer.member_since and now() - viewer.member_since < FIRST_DAYS:
        steps.append(
            {
                "text": gettext("Look through the boards that are open to you"),
                "url": url_for("boards.show_boards"),
            }
        )
        steps.append(
            {"text": gettext("Set your language and time zone"), "url": url_for("accounts.show_account")}
        )
        steps.append(
            {"text": gettext("See how to leave this site quickly"), "url": url_for("leave.show_about")}
        )
    return steps
