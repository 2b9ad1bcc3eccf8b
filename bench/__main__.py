"""`python -m bench`: what Callboard's pages cost, as ratios to the floor. See README.md beside this file.

There is no timed assertion and no exit status for slowness: the numbers are for people.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from bench import inside, load, measure, plan, report, seed, servers
from bench.measure import Figures
from bench.plan import PAGES, REPLY, Page, Visit
from bench.servers import ROOT, Running, Site

CACHE = ROOT / "var" / "bench"
NAMES = ("floor", "callboard")


def options(arguments: list[str]) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two short rounds instead of five")
    parser.add_argument("--only", action="append", metavar="NAME", help="pages whose name contains this")
    parser.add_argument("--rounds", type=int, help="rounds of floor and Callboard in turn")
    parser.add_argument("--seconds", type=int, help="length of one measurement")
    parser.add_argument("--profile", metavar="NAME", help="print a profile of this page instead")
    parser.add_argument("--sql", metavar="NAME", help="print the statements of this page instead")
    chosen = parser.parse_args(arguments)
    chosen.rounds = chosen.rounds or (2 if chosen.quick else 5)
    chosen.seconds = chosen.seconds or (1 if chosen.quick else 2)
    chosen.replies = 150 if chosen.quick else 300
    return chosen


def wanted(chosen: argparse.Namespace) -> tuple[list[Page], bool]:
    """(the pages to measure, whether replies are)."""
    words = chosen.only or [chosen.profile or chosen.sql or ""]
    pages = [page for page in PAGES if any(word in page.name for word in words)]
    return pages, any(word in REPLY for word in words)


def main(arguments: list[str]) -> None:
    """Make the data, start both sites, measure, print, keep."""
    chosen = options(arguments)
    kept, before = seed.ready_folder(CACHE), os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="callboard-bench-") as folder, ExitStack() as stack:
        data = {name: Path(shutil.copytree(kept / name, Path(folder) / name)) for name in NAMES}
        sites = {
            "floor": servers.floor_site(data["floor"]),
            "callboard": servers.callboard_site(data["callboard"]),
        }
        starts = {} if chosen.profile or chosen.sql else cold_starts(sites, Path(folder), chosen.rounds)
        started = {
            n: stack.enter_context(servers.running(sites[n], Path(folder) / f"{n}.log")) for n in NAMES
        }
        visits = sign_in(started, data["floor"], chosen)
        if chosen.profile or chosen.sql:
            look_inside(visits, data, chosen)
            return
        run = measured(visits, data, chosen)
        run["sync_ms"] = servers.sync_ms(Path(folder))
        run["busy"] = [round(before, 1), round(os.getloadavg()[0], 1)]
        run["sites"] = {n: {"memory": started[n].memory(), "cold_start": starts[n]} for n in NAMES}
    run |= {"rounds": chosen.rounds, "seconds": chosen.seconds, "load": "wrk" if load.WRK else "own"}
    print(report.markdown(run))
    report.keep(run, CACHE / "latest.json")


def cold_starts(sites: dict[str, Site], folder: Path, rounds: int) -> dict[str, float]:
    """Median seconds from start to the first 200, files warm."""
    times: dict[str, list[float]] = {name: [] for name in NAMES}
    for _ in range(rounds):
        for name in NAMES:
            with servers.running(sites[name], folder / f"{name}.log") as site:
                times[name].append(site.cold_start)
    return {name: median(found) for name, found in times.items()}


def sign_in(started: dict[str, Running], floor_data: Path, chosen: argparse.Namespace) -> dict[str, Visit]:
    """Both sites with the same people signed in."""
    with sqlite3.connect(floor_data / "floor.db") as connection:
        slugs = dict(connection.execute("SELECT id, slug FROM topic"))
    replies = chosen.replies * chosen.rounds + plan.REPLIES_EACH if wanted(chosen)[1] else 1
    return {name: plan.visit(site, slugs, replies) for name, site in started.items()}


def measured(visits: dict[str, Visit], data: dict[str, Path], chosen: argparse.Namespace) -> dict[str, Any]:
    """All figures, in rounds over everything, so that a busy minute of the machine is nobody's own."""
    pages, with_replies = wanted(chosen)
    figures = {page.name: {name: Figures() for name in NAMES} for page in pages}
    if with_replies:
        figures[REPLY] = {name: Figures() for name in NAMES}
    for page in pages:
        for name, visit in visits.items():
            measure.warm(visit, page, figures[page.name][name])
    for number in range(1, chosen.rounds + 1):
        say(f"round {number} of {chosen.rounds}")
        one_round(visits, pages, chosen, figures, number)
    sent = chosen.replies * chosen.rounds
    stored = {name: (sent, stored_posts(data[name]) - seed.POSTS) for name in NAMES} if with_replies else {}
    count_statements(visits, data, pages, figures)
    shown = {p: {n: one.summary() for n, one in pair.items()} for p, pair in figures.items()}
    return {"pages": shown, "replies": stored}


def one_round(
    visits: dict[str, Visit], pages: list[Page], chosen: argparse.Namespace,
    figures: dict[str, dict[str, Figures]], number: int,
) -> None:  # fmt: skip
    """Every page, then replies; who goes first changes from round to round."""
    order = NAMES if number % 2 else NAMES[::-1]
    for page in pages:
        for name in order:
            asked = page.ask(visits[name])
            measure.measure(visits[name], asked, chosen.seconds, figures[page.name][name])
    if REPLY in figures:
        for name in order:
            asked = plan.replies(visits[name], chosen.replies)
            measure.measure_replies(visits[name], asked, figures[REPLY][name])


def stored_posts(data: Path) -> int:
    """How many posts there are."""
    with sqlite3.connect(next(data.glob("*.db"))) as connection:
        return int(connection.execute("SELECT count(*) FROM post").fetchone()[0])


def count_statements(
    visits: dict[str, Visit], data: dict[str, Path], pages: list[Page], figures: dict[str, dict[str, Figures]]
) -> None:
    """In this process, with the test client, on the data of the measured sites."""
    for name, visit in visits.items():
        site = visit.site.site
        app = inside.application(site, data[name])
        for page in pages:
            figures[page.name][name].statements = inside.statements(app, site, page.ask(visit)[0])
        if REPLY in figures:
            one = plan.replies(visit, 1)[0]
            figures[REPLY][name].statements = inside.statements(app, site, one)


def look_inside(visits: dict[str, Visit], data: dict[str, Path], chosen: argparse.Namespace) -> None:
    """Statements or a profile of Callboard's page."""
    pages, _ = wanted(chosen)
    site, visit = visits["callboard"].site.site, visits["callboard"]
    app = inside.application(site, data["callboard"])
    requests = {page.name: page.ask(visit) for page in pages} or {REPLY: plan.replies(visit, 200)}
    for name, asked in requests.items():
        print(f"## {name}")
        if chosen.sql:
            print("\n".join(inside.statements(app, site, asked[0])))
        else:
            inside.profile(app, site, (asked * 200)[:200] if name != REPLY else asked)


def say(sentence: str) -> None:
    """Progress, for whoever waits."""
    print(f"{sentence} …", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
