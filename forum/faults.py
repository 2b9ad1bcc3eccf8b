"""What goes wrong in plugins: logged under their names, counted, and, where they are slow, paused for a while.

How a fault is written down is decided here for everybody: its kind and place where a message could
quote what a person wrote.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy.exc import StatementError

log = logging.getLogger(__name__)
SLOW = 0.5  # seconds that one call may take
SLOW_CALLS = 3  # within SLOW_WITHIN, and the plugin's shown parts pause for PAUSE
SLOW_WITHIN = 600.0
PAUSE = 600.0


def described(fault: BaseException) -> str:
    """Kind and place, not the message: that may quote what a person wrote."""
    frames = traceback.extract_tb(fault.__traceback__)
    place = f" at {frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else ""
    return f"{type(fault).__name__}{place}"


@dataclass
class Faults:
    """What went wrong in this process, and which plugins pause for being slow; `stopwatch` and `clock` in seconds."""

    clock: Callable[[], float] = time.monotonic
    stopwatch: Callable[[], float] = time.perf_counter
    slow: dict[str, deque[float]] = field(default_factory=dict)
    until: dict[str, float] = field(default_factory=dict)
    unreported: set[str] = field(default_factory=set)

    def note_fault(self, plugin: str, what: str, fault: Exception, quiet: bool = False) -> None:
        """Log it under the plugin's name; values in SQL stay out, and on a quiet page the message too."""
        if quiet:
            log.error("plugin %s failed in %s: %s", plugin, what, described(fault))
            return
        if isinstance(fault, StatementError):
            fault.hide_parameters = True
        log.error("plugin %s failed in %s", plugin, what, exc_info=fault)

    def note_time(self, plugin: str, what: str, seconds: float) -> None:
        """Count a slow call; the third within ten minutes pauses the plugin's shown parts."""
        if seconds <= SLOW:
            return
        log.warning("plugin %s took %d ms in %s", plugin, seconds * 1000, what)
        at, calls = self.clock(), self.slow.setdefault(plugin, deque(maxlen=SLOW_CALLS))
        calls.append(at)
        if len(calls) == SLOW_CALLS and at - calls[0] <= SLOW_WITHIN:
            self.until[plugin] = at + PAUSE
            self.unreported.add(plugin)
            calls.clear()
            log.error("plugin %s is slow: what it shows pauses for %d s", plugin, PAUSE)

    def is_paused(self, plugin: str) -> bool:
        """Whether this plugin's shown parts are left out for now."""
        return self.clock() < self.until.get(plugin, 0.0)
