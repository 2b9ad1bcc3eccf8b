"""Running a site: web processes (granian) and one worker beside them.

gunicorn with threads works as well (docs/operating.md); what is here is what `callboard serve`
and `callboard demo` start.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from types import FrameType

from granian import Granian
from granian.constants import Interfaces

from forum import jobs
from forum.app import create_app

THREADS = 4  # of one web process; passwords.py leaves one of them to those who read


def serve(address: str, port: int, processes: int, with_worker: bool = True) -> None:
    """Serve until stopped. The settings are the environment's, for every process alike."""
    worker = start_worker(os.environ) if with_worker else None
    try:
        Granian(
            "forum.app:create_app", factory=True, address=address, port=port, interface=Interfaces.WSGI,
            workers=processes, blocking_threads=THREADS, websockets=False, log_access=False,
            respawn_failed_workers=True,
        ).serve()  # fmt: skip
    finally:
        if worker is not None:
            worker.terminate()
            worker.wait(timeout=10)


def start_worker(environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """The worker, in a process of its own."""
    return subprocess.Popen([sys.executable, "-m", "forum", "worker"], env=dict(environ))


def work() -> None:
    """Run jobs and deliver mail until told to stop."""
    stop = threading.Event()

    def finish(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, finish)
    signal.signal(signal.SIGINT, finish)
    jobs.work(create_app(), stop)
