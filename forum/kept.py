"""What a process may remember for some seconds, so that every page can show it without asking the database.

For what is the same for everybody and may be a little old (the help strip). Never for anything that
depends on who is looking.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from flask import current_app

T = TypeVar("T")


def kept(name: str, seconds: float, make: Callable[[], T]) -> T:
    """What `make` gave at most `seconds` ago in this process, else what it gives now."""
    known: dict[str, tuple[float, Any]] = current_app.extensions.setdefault("kept", {})
    at = time.monotonic()
    if name not in known or known[name][0] < at:
        known[name] = (at + seconds, make())
    found: T = known[name][1]
    return found


def forget(name: str) -> None:
    """Make it anew next time: what it is made of has changed in this process."""
    current_app.extensions.setdefault("kept", {}).pop(name, None)
