"""Starting and stopping the two sites, and reading from /proc what they cost. Linux only.

Both are served by granian with the flags that `forum.serving` gives it, taken from there at run time.
Callboard is started as an operator would: `callboard serve`, without the worker, which does the mail.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

from bench import floor
from bench.browser import Browser

ROOT = Path(__file__).resolve().parent.parent
WORKERS = 2
PATIENCE = 30.0  # seconds until the first 200
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Site:
    """How to start one of the two; `index` is the page that lists the boards."""

    name: str
    command: list[str]
    environ: dict[str, str]
    index: str
    port: int


def floor_site(data: Path) -> Site:
    """The floor on its data folder."""
    port = free_port()
    flags = json.dumps(granian_flags() | {"port": port})
    environ = {floor.DATA: str(data)}
    return Site("floor", [sys.executable, "-m", "bench.floor", flags], environ, "/", port)


def callboard_site(data: Path) -> Site:
    """Callboard on its data folder."""
    port = free_port()
    command = [sys.executable, "-m", "forum", "serve", "--without-worker", "--port", str(port)]
    return Site("callboard", command, callboard_environment(data, port), "/boards", port)


def callboard_environment(data: Path, port: int) -> dict[str, str]:
    """The settings of the measured site: the defaults, but for its place."""
    base = {"CALLBOARD_DATA": str(data), "CALLBOARD_BASE_URL": f"http://127.0.0.1:{port}"}
    return base | {"CALLBOARD_PROCESSES": str(WORKERS), "CALLBOARD_MAIL_URL": "folder:mail"}


def granian_flags() -> dict[str, Any]:
    """What `forum.serving.serve` gives granian, so that the floor is served by the same."""
    from forum import serving  # not at the top: it loads the whole application

    with mock.patch.object(serving, "Granian") as granian:
        serving.serve("127.0.0.1", 0, WORKERS, with_worker=False)
    flags = dict(granian.call_args.kwargs)
    flags["interface"] = str(flags["interface"].value)
    return flags


def free_port() -> int:
    """A port nobody listens on just now, below those that clients get: a client may meet itself there."""
    for port in random.sample(range(20_000, 30_000), 100):
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


@dataclass
class Running:
    """A started site."""

    site: Site
    process: subprocess.Popen[bytes]
    cold_start: float  # seconds to the first 200

    def browser(self, source: str = "127.0.0.1") -> Browser:
        """A browser for this site."""
        return Browser(self.site.port, source)

    def cpu(self) -> float:
        """CPU seconds that the whole tree has used, children that ended included."""
        return sum(cpu_of(pid) for pid in tree(self.process.pid))

    def memory(self) -> float:
        """PSS of the workers in MB: what they hold, shared pages counted in shares."""
        return sum(pss_of(pid) for pid in workers(self.process.pid))


@contextmanager
def running(site: Site, log: Path) -> Iterator[Running]:
    """The site while it is needed. Errors: RuntimeError with the end of its log when it does not start."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CALLBOARD_", "BENCH_"))}
    with log.open("wb") as output:
        begun = time.perf_counter()
        process = subprocess.Popen(
            site.command, cwd=ROOT, env=kept | site.environ, stdout=output, stderr=output, start_new_session=True
        )  # fmt: skip
        try:
            yield Running(site, process, wait_for_first_page(site, process, log) - begun)
        finally:
            stop(process)


def wait_for_first_page(site: Site, process: subprocess.Popen[bytes], log: Path) -> float:
    """When the index first answered 200."""
    until = time.perf_counter() + PATIENCE
    while time.perf_counter() < until and process.poll() is None:
        try:
            if Browser(site.port).get(site.index).status == 200:
                return time.perf_counter()
        except OSError:
            pass
        time.sleep(0.005)
    raise RuntimeError(f"{site.name} did not start:\n{log.read_text('utf-8', 'replace')[-3000:]}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask, wait, then insist; the workers are of its own session."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def sync_ms(folder: Path, times: int = 100) -> float:
    """Median ms until this disk has kept 8 kB: every reply waits for one, one after another."""
    took = []
    with (folder / "sync").open("wb", buffering=0) as file:
        for _ in range(times):
            file.write(bytes(8192))
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - begun)
    return 1000 * median(took)


# --- /proc -----------------------------------------------------------------------------------------


def tree(root: int) -> list[int]:
    """This process and everything below it."""
    children = [int(child) for child in read(f"/proc/{root}/task/{root}/children").split()]
    return [root, *(pid for child in children for pid in tree(child))]


def workers(root: int) -> list[int]:
    """The web processes: children of the server, without Python's resource tracker."""
    return [pid for pid in tree(root)[1:] if "resource_tracker" not in read(f"/proc/{pid}/cmdline")]


def cpu_of(pid: int) -> float:
    """CPU seconds of a process: its own from its clock (exact), those of its ended children from /proc."""
    ended = sum(int(ticks) for ticks in read(f"/proc/{pid}/stat").rpartition(")")[2].split()[13:15])
    return time.clock_gettime((~pid << 3) | 2) + ended / TICK


def pss_of(pid: int) -> float:
    """Proportional set size in MB."""
    lines = read(f"/proc/{pid}/smaps_rollup").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def read(path: str) -> str:
    """A file of /proc."""
    return Path(path).read_text("utf-8", "replace")
