"""What the core's own parts get from plugins: recurring jobs, search, notices, and the news that one pauses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import partial
from itertools import islice
from typing import Any

from flask import Flask, current_app, has_request_context

from forum import jobs, notices, search
from forum.config import Settings
from forum.declare import Job, NotificationKind, Scope, SearchProvider, check_fields
from forum.plugins import LARGEST, Plugin, Plugins, loaded
from forum.viewer import Viewer

MOST_FOUND = 5  # hits of one provider on a page, so that posts keep their place


def init_app(app: Flask, plugins: Plugins) -> None:
    """Make the application's own parts know what its plugins declare."""
    app.extensions["plugins"] = plugins
    app.extensions["jobs"] = {name: (job.every, partial(run_job, job)) for name, job in plugins.jobs.items()}
    app.extensions["search"] = partial(_find, plugins)
    app.extensions["notice_kinds"] = {
        name: notices.Kind(
            name, kind.title, partial(_described, plugins, plugin, kind), kind.default_channel == "mail",
            kind.mail_template if kind.content_in_mail else "",
        )
        for name, (plugin, kind) in plugins.kinds.items()
    }  # fmt: skip


# --- jobs --------------------------------------------------------------------------------------------


def run_job(job: Job, at: dt.datetime) -> None:
    """Run it for the site, or queue it for each agency that has its plugin on.

    Each agency's is a job of its own: one that fails holds up no other, and is tried again alone.
    """
    if not job.per_agency:
        job.run(at)
        return
    name = job.name.partition(".")[0]
    for place in loaded().places():
        if place.agency and name in place.on:
            given = {"job": job.name, "agency": place.agency.id, "at": at.isoformat()}
            jobs.enqueue("plugins.run_at_agency", given, key=f"{job.name} {place.agency.id}")


@jobs.handler("plugins.run_at_agency")
def run_at_agency(given: dict[str, Any]) -> None:
    """One agency's turn; nothing when the plugin is gone or was switched off since."""
    job = loaded().jobs.get(given["job"])
    place = loaded().place_by_id(given["agency"])
    if job is not None and place.agency and job.name.partition(".")[0] in place.on:
        job.run(dt.datetime.fromisoformat(given["at"]), place.agency)


# --- search ------------------------------------------------------------------------------------------


def _find(plugins: Plugins, q: str, viewer: Viewer, limit: int) -> list[search.SearchHit]:
    """What the plugins find for this viewer; a faulty one finds nothing."""
    hits: list[search.SearchHit] = []
    for plugin, provider in plugins.providers:
        within = plugins.narrowed(viewer, plugin)
        if plugin.info.scope is Scope.AGENCY and not within.agencies:
            continue
        step = partial(_hits, provider, q, within, min(limit, MOST_FOUND))
        hits += plugins.contained(plugin, f"search provider {provider.name}", step) or []
    return hits


def _hits(provider: SearchProvider, q: str, viewer: Viewer, limit: int) -> list[search.SearchHit]:
    """Errors: TypeError, ValueError for what nobody can show or sort."""
    found = list(islice(provider.find(q, viewer, limit), limit))
    for hit in found:
        if not isinstance(hit, search.SearchHit):
            raise TypeError(f"find answered {type(hit).__name__}, not SearchHit")
        check_fields(hit)
        at: Any = hit.at
        if not isinstance(at, dt.datetime) or at.tzinfo is None:
            raise TypeError("SearchHit.at is no moment with a zone")
        if len(hit.title) + len(hit.snippet) + len(hit.url) > LARGEST:
            raise ValueError(f"a SearchHit has more than {LARGEST} characters")
    return found


# --- notices -----------------------------------------------------------------------------------------


def _described(
    plugins: Plugins, plugin: Plugin, kind: NotificationKind, viewer: Viewer, told: Sequence[notices.Told]
) -> dict[int, notices.Words]:
    """How notices read, without those of agencies that have the plugin off by now.

    Errors: whatever the plugin raises, where no page is made: mail that cannot be worded waits, and is not dropped.
    """
    still = [t for t in told if plugins.is_on(plugin, t.agency_id)]
    step = partial(_words, kind, viewer, still)
    if still and not has_request_context():
        return step()
    return (plugins.contained(plugin, f"notices {kind.name}", step) or {}) if still else {}


def _words(kind: NotificationKind, viewer: Viewer, told: Sequence[notices.Told]) -> dict[int, notices.Words]:
    """Errors: TypeError, ValueError for what nobody can show."""
    found = dict(kind.describe(viewer, told))
    for words in found.values():
        if not isinstance(words, notices.Words):
            raise TypeError(f"describe answered {type(words).__name__}, not Words")
        check_fields(words)
        if len(words.text) + len(words.url) > LARGEST:
            raise ValueError(f"a notice has more than {LARGEST} characters")
    return found


# --- pauses ------------------------------------------------------------------------------------------


def report_pauses(app: Flask) -> None:
    """Queue the news that a plugin pauses, in a short transaction of its own."""
    unreported = loaded(app).faults.unreported
    while unreported:
        name = unreported.pop()
        with app.app_context():
            jobs.enqueue_apart("plugins.paused", {"plugin": name}, key=f"plugins.paused {name}")


@jobs.every_round("plugins.pauses")
def report_own_pauses(settings: Settings, at: dt.datetime) -> int:
    """The worker calls plugins as well, for mail about notices: it reports what it saw."""
    waiting = len(loaded().faults.unreported)
    report_pauses(current_app._get_current_object())  # type: ignore[attr-defined]
    return waiting
