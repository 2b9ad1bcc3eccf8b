"""One figure at a time: interleaved rounds of the floor and Callboard, and their medians."""

from __future__ import annotations

import gzip
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from bench import browser, load
from bench.load import Request, Result
from bench.plan import Page, Visit

Pair = dict[str, Any]


@dataclass
class Figures:
    """What was measured of one page on one site."""

    cpu: list[float] = field(default_factory=list)  # ms per request, one per round
    results: list[Result] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    parts: dict[str, int] = field(default_factory=dict)
    html: int = 0
    compressed: int = 0

    def add(self, result: Result, cpu_seconds: float) -> None:
        """Another round."""
        self.results.append(result)
        self.cpu.append(1000 * cpu_seconds / max(1, result.requests))

    def summary(self) -> dict[str, Any]:
        """Medians over the rounds, and everything else as it is."""
        rate = median(r.requests / r.seconds for r in self.results)
        return {
            "cpu_ms": median(self.cpu), "cpu_ms_rounds": self.cpu, "per_second": rate,
            "p50_ms": median(r.p50 for r in self.results), "p99_ms": median(r.p99 for r in self.results),
            "requests": sum(r.requests for r in self.results), "failed": sum(r.failed for r in self.results),
            "statements": len(self.statements), "statement_texts": self.statements,
            "html_bytes": self.html, "gzip_bytes": self.compressed, "parts": self.parts,
            "rounds": [asdict(r) for r in self.results],
        }  # fmt: skip


def warm(visit: Visit, page: Page, figures: Figures) -> None:
    """Ask for everything twice, so that both processes are warm and read marks stand; look at one answer."""
    requests = page.ask(visit)
    own = visit.site.browser()
    for request in requests * 2:
        own.cookies = dict(part.split("=", 1) for part in request.cookie.split("; ") if part)
        answer = own.get(request.path)
        if answer.status != 200:
            raise RuntimeError(f"{visit.site.site.name} answers {answer.status} to {request.path}")
    load.repeat(visit.site.site.port, requests, 1)
    figures.html = len(answer.html.encode())
    figures.compressed = len(gzip.compress(answer.html.encode(), 6))
    figures.parts = browser.counted(answer.html)


def measure(visit: Visit, requests: list[Request], seconds: int, figures: Figures) -> None:
    """One round of GETs."""
    before = visit.site.cpu()
    result = load.repeat(visit.site.site.port, requests, seconds)
    figures.add(result, visit.site.cpu() - before)


def measure_replies(visit: Visit, requests: list[Request], figures: Figures) -> None:
    """One round of replies, each sent once."""
    before = visit.site.cpu()
    result = load.each_once(visit.site.site.port, requests)
    figures.add(result, visit.site.cpu() - before)
