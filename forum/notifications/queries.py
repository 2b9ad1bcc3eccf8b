"""Reads of a person's own notices, worded with the rights she has now."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import select

from forum.db import db
from forum.notices import Words, kind
from forum.notifications.models import Notice
from forum.viewer import Viewer

PER_PAGE = 30


@dataclass(frozen=True)
class Line:
    """One notice on the page."""

    id: int
    text: str
    url: str
    at: dt.datetime
    read: bool
    mailed: bool  # by its kind, whatever the person set


def own_notices(viewer: Viewer, before: int | None = None) -> tuple[list[Line], int | None]:
    """The viewer's newest notices below id `before`, and where the next page begins.

    One statement, and one for each kind on the page. What she may no longer see is left out.
    """
    wanted = select(Notice).where(Notice.person_id == viewer.person_id).order_by(Notice.id.desc())
    if before:
        wanted = wanted.where(Notice.id < before)
    found = list(db.session.scalars(wanted.limit(PER_PAGE + 1)))
    shown = found[:PER_PAGE]
    words = words_of(viewer, shown)
    lines = [_line(n, words[n.id]) for n in shown if n.id in words]
    return lines, shown[-1].id if len(found) > PER_PAGE else None


def _line(notice: Notice, words: Words) -> Line:
    known = kind(notice.kind)
    mailed = known is not None and known.mailed
    return Line(notice.id, words.text, words.url, notice.created_at, notice.read_at is not None, mailed)


def words_of(viewer: Viewer, notices: list[Notice]) -> dict[int, Words]:
    """How these notices read to the viewer now; what she may no longer see is left out."""
    words: dict[int, Words] = {}
    for name, group in groupby(sorted(notices, key=lambda n: n.kind), key=lambda n: n.kind):
        known = kind(name)
        if known is not None:
            words.update(known.describe(viewer, list(group)))
    return words
