"""Passwords: hashing (argon2id), and which ones are too easy.

Parameters come from the settings (OWASP floor: 19 MiB, t=2, p=1). At most two hashes are worked
on at a time in one process, and one more waits: a flood of sign-ins can neither eat the memory nor
take every thread from those who read (abuse case A06).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app
from flask_babel import gettext

from forum import paths
from forum.config import Settings
from forum.permissions import Refused

SHORTEST, LONGEST = 10, 200
_two_at_a_time = threading.BoundedSemaphore(2)
# Working or waiting: one fewer than a process has threads (serving.py).
_places = threading.BoundedSemaphore(3)


@contextmanager
def _in_turn() -> Iterator[None]:
    """Work on a hash. Errors: Refused (429) when others wait already."""
    if not _places.acquire(blocking=False):
        sentence = gettext(
            "Many people are signing in at this moment. Wait a few seconds, then send it again."
        )
        raise Refused(sentence, 429)
    try:
        with _two_at_a_time:
            yield
    finally:
        _places.release()


@lru_cache(maxsize=4)
def _hasher(memory: int, rounds: int) -> PasswordHasher:
    return PasswordHasher(time_cost=rounds, memory_cost=memory, parallelism=1)


def _present_hasher() -> PasswordHasher:
    settings: Settings = current_app.config["CALLBOARD"]
    return _hasher(settings.argon2_memory, settings.argon2_time)


@lru_cache(maxsize=4)
def _hash_of_nobody(hasher: PasswordHasher) -> str:
    return hasher.hash("a password that nobody has")


def hash_password(password: str) -> str:
    """The argon2id string to keep."""
    with _in_turn():
        return _present_hasher().hash(password)


def is_password(password_hash: str, password: str) -> bool:
    """Whether this is the password. An empty hash (no such person) costs one verification as well."""
    hasher = _present_hasher()
    with _in_turn():
        try:
            hasher.verify(password_hash or _hash_of_nobody(hasher), password[:LONGEST])
        except (VerificationError, InvalidHashError):
            return False
    return bool(password_hash)


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    text = (paths.PACKAGE / "accounts" / "common_passwords.txt").read_text("utf-8")
    return frozenset(line.strip() for line in text.splitlines() if line.strip())


def check_password(password: str, email: str, field: str = "password") -> None:
    """Errors: Refused when the password is too short, too long, or among the first to be guessed."""
    if not SHORTEST <= len(password) <= LONGEST:
        sentence = gettext("Use between %(a)s and %(b)s characters.", a=SHORTEST, b=LONGEST)
        raise Refused(sentence, 422, field)
    plain = password.casefold()
    name = email.partition("@")[0].casefold()
    easy = plain in _common() or len(set(plain)) < 4 or (len(name) > 3 and name in plain)
    if easy or "callboard" in plain:
        raise Refused(gettext("That one is easy to guess. Take three or four unrelated words."), 422, field)
