"""The table that is printed, and the file that keeps a run."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from bench.plan import FLAT, PAGES, REPLY, REPLY_GOAL

Run = dict[str, Any]  # {"pages": {name: {"floor": summary, "callboard": summary}}, "sites": …}
COSTS = ("page", "ratio (rounds)", "goal", "CPU ms", "floor", "SQL", "floor", "found on both")
TIMES = (
    "page", "req/s", "floor", "p50 ms", "floor", "p99 ms", "floor", "HTML kB", "floor", "gzip kB", "floor",
)  # fmt: skip
GOALS = {page.name: page.goal for page in PAGES} | {REPLY: REPLY_GOAL}


def markdown(run: Run) -> str:
    """The whole report."""
    return "\n".join([*_costs(run), "", *_times(run), "", *_flat(run), *_sites(run), *_state(run)])


def _costs(run: Run) -> Iterator[str]:
    yield from _head(COSTS)
    for name, pair in run["pages"].items():
        ours, floor, all_ratios = pair["callboard"], pair["floor"], ratios(pair["callboard"], pair["floor"])
        yield _row(
            name, f"**{median(all_ratios):.2f}** ({min(all_ratios):.2f}–{max(all_ratios):.2f})",
            f"≤ {GOALS[name]:.1f}", f"{ours['cpu_ms']:.2f}", f"{floor['cpu_ms']:.2f}",
            ours["statements"], floor["statements"], _found(name, ours, floor),
        )  # fmt: skip


def _times(run: Run) -> Iterator[str]:
    yield from _head(TIMES)
    digits = {"per_second": 0, "p50_ms": 1, "p99_ms": 1}
    for name, pair in run["pages"].items():
        both = (pair["callboard"], pair["floor"])
        times = [f"{one[key]:.{places}f}" for key, places in digits.items() for one in both]
        sizes = [f"{one[key] / 1000:.1f}" for key in ("html_bytes", "gzip_bytes") for one in both]
        yield _row(name, *times, *(sizes if both[0]["html_bytes"] else "––––"))


def ratios(ours: dict[str, Any], floor: dict[str, Any]) -> list[float]:
    """CPU time over the other's of the same round."""
    return [a / b for a, b in zip(ours["cpu_ms_rounds"], floor["cpu_ms_rounds"], strict=True)]


def _found(name: str, ours: dict[str, Any], floor: dict[str, Any]) -> str:
    part = next((page.parts for page in PAGES if page.name == name), None)
    if part is None:
        return "–"
    mine, theirs = ours["parts"][part], floor["parts"][part]
    return f"{mine} {part}" if mine == theirs else f"**{mine} {part}, floor {theirs}**"


def _head(names: tuple[str, ...]) -> Iterator[str]:
    yield _row(*names)
    yield _row("---", *["---:"] * (len(names) - 1))


def _row(*cells: Any) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def _flat(run: Run) -> Iterator[str]:
    base, others, goal = FLAT
    for other in others:
        if {base, other} <= set(run["pages"]):
            found = ratios(run["pages"][other]["callboard"], run["pages"][base]["callboard"])
            span = f"({min(found):.2f}–{max(found):.2f})"
            yield f"- {other} / {base}: **{median(found):.2f}** {span}, goal ≤ {goal}"


def _sites(run: Run) -> Iterator[str]:
    ours, floor = run["sites"]["callboard"], run["sites"]["floor"]
    yield f"- memory of 2 workers: **{ours['memory']:.0f} MB** PSS (goal ≤ 130), floor {floor['memory']:.0f} MB"
    yield f"- cold start: **{ours['cold_start']:.2f} s** (goal ≤ 1.0), floor {floor['cold_start']:.2f} s"


def _state(run: Run) -> Iterator[str]:
    for name, pair in run["pages"].items():
        for site, summary in pair.items():
            if summary["failed"]:
                yield f"- **{site}, {name}: {summary['failed']} of {summary['requests']} requests failed**"
    for site, (sent, stored) in run["replies"].items():
        yield f"- {site}: {stored} of {sent} replies are stored"
    yield f"- this disk keeps 8 kB in {run['sync_ms']:.1f} ms: at most {1000 / run['sync_ms']:.0f} commits a second"
    yield f"- load average before and after: {run['busy'][0]}, {run['busy'][1]}; load by {run['load']}"


def keep(run: Run, path: Path) -> None:
    """Write the run beside the earlier ones' place."""
    facts = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": platform.platform()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(facts | run, indent=1), "utf-8")
