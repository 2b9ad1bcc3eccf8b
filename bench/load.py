"""Sending requests over kept connections and timing each: wrk where it is installed, else this file.

Replies always go through the loop here, as every one of them is different; it is a process of its own
(`python -m bench.load`, a `Load` as JSON on standard input), so that it shares no lock with anybody.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from typing import Any

from bench.browser import FORM, HEADERS
from bench.servers import ROOT

CONNECTIONS = 8
WRK = shutil.which("wrk")


@dataclass(frozen=True)
class Request:
    """One request, as text."""

    method: str
    path: str
    cookie: str = ""
    body: str = ""

    def raw(self, port: int) -> str:
        """As it goes over the wire."""
        headers = HEADERS | {"Host": f"127.0.0.1:{port}"}
        if self.cookie:
            headers["Cookie"] = self.cookie
        if self.body:
            headers |= {"Content-Type": FORM, "Content-Length": str(len(self.body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{self.method} {self.path} HTTP/1.1\r\n{lines}\r\n{self.body}"


@dataclass(frozen=True)
class Result:
    """What came of a load. Times in milliseconds; `failed` are answers other than 2xx and 3xx."""

    requests: int
    failed: int
    seconds: float
    p50: float
    p99: float


def repeat(port: int, requests: list[Request], seconds: int) -> Result:
    """Send these GETs round and round for some seconds."""
    raw = [r.raw(port) for r in requests]
    return wrk(port, raw, seconds) if WRK else own_loop(port, raw, seconds)


def each_once(port: int, requests: list[Request]) -> Result:
    """Send each of these once, as fast as the connections can."""
    return own_loop(port, [r.raw(port) for r in requests], None)


# --- wrk -------------------------------------------------------------------------------------------

SCRIPT = """
local threads = 0
function setup(thread) thread:set("id", threads); threads = threads + 1 end
function init(args) next_one = id * 7 end
function request() next_one = next_one + 1; return requests[next_one % #requests + 1] end
function done(summary, latency, all)
  local e = summary.errors
  io.write(string.format("\\nRESULT %d %d %f %f %f\\n", summary.requests,
    e.status + e.connect + e.read + e.write + e.timeout, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
"""


def wrk(port: int, raw: list[str], seconds: int) -> Result:
    """Two threads, eight connections. Errors: RuntimeError when it says nothing."""
    table = "requests = {" + ",".join(map(_lua, raw)) + "}\n"
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(table + SCRIPT)
        script.flush()
        command = [WRK or "wrk", "-t2", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", script.name]
        told = subprocess.run(
            [*command, f"http://127.0.0.1:{port}/"], capture_output=True, text=True, check=True
        ).stdout
    line = next((line for line in told.splitlines() if line.startswith("RESULT ")), None)
    if line is None:
        raise RuntimeError(f"wrk said:\n{told}")
    requests, failed, took, p50, p99 = line.split()[1:]
    return Result(int(requests), int(failed), float(took), float(p50), float(p99))


def _lua(text: str) -> str:
    """A Lua string (JSON's escapes of ASCII text are Lua's, but for the slash, which json leaves alone)."""
    return json.dumps(text)


# --- our own ---------------------------------------------------------------------------------------


def own_loop(port: int, raw: list[str], seconds: int | None) -> Result:
    """Run this file as a process of its own."""
    order = json.dumps({"port": port, "raw": raw, "seconds": seconds, "connections": CONNECTIONS})
    command = [sys.executable, "-m", "bench.load"]
    done = subprocess.run(command, cwd=ROOT, input=order, capture_output=True, text=True, check=True)
    return Result(**json.loads(done.stdout))


class Connection(threading.Thread):
    """One connection: its share of the requests, one after another."""

    def __init__(self, port: int, raw: list[bytes], until: float | None) -> None:
        super().__init__()
        self.raw, self.until = raw, until
        self.times: list[float] = []
        self.failed = 0
        self._socket = socket.create_connection(("127.0.0.1", port), 30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def run(self) -> None:
        """Send and time them: each once, or round and round until the end."""
        if self.until is None:
            for request in self.raw:
                self._send(request)
            return
        n = 0
        while time.perf_counter() < self.until:
            self._send(self.raw[n % len(self.raw)])
            n += 1

    def _send(self, request: bytes) -> None:
        begun = time.perf_counter()
        self._socket.sendall(request)
        status = self._read_answer()
        self.times.append(time.perf_counter() - begun)
        self.failed += not 200 <= status < 400

    def _read_answer(self) -> int:
        """Read to the end of the body; returns the status. Errors: ConnectionError when it is cut off."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        left = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0) - len(body)
        while left > 0:
            left -= len(self._more())
        return int(lines[0].split()[1])

    def _more(self) -> bytes:
        part = self._socket.recv(262_144)
        if not part:
            raise ConnectionError("the server hung up")
        return part


def main() -> None:
    """Read the order, carry it out, print the result."""
    order: dict[str, Any] = json.load(sys.stdin)
    raw = [text.encode() for text in order["raw"]]
    begun = time.perf_counter()
    until = begun + order["seconds"] if order["seconds"] else None
    connections = order["connections"]
    if until is not None:
        raw *= connections  # everybody sends all of them
    lines = [Connection(order["port"], raw[n::connections], until) for n in range(connections)]
    for line in lines:
        line.start()
    for line in lines:
        line.join()
    seconds = time.perf_counter() - begun
    times = sorted(t * 1000 for line in lines for t in line.times)
    failed = sum(line.failed for line in lines)
    middle, high = times[len(times) // 2], times[int(len(times) * 0.99)]
    print(json.dumps(asdict(Result(len(times), failed, seconds, middle, high))))


if __name__ == "__main__":
    main()
