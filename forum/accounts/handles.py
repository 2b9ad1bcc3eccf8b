"""Handles: the short name in a person's address, made from her display name."""

from __future__ import annotations

import re
import secrets
import unicodedata

from sqlalchemy import select

from forum.accounts.models import Person
from forum.db import db

RESERVED = frozenset({"new", "me", "find", "callboard", "moderator", "admin", "staff", "alliance"})
SUFFIX = "23456789abcdefghjkmnpqrstuvwxyz"


def free_handle(display_name: str) -> str:
    """A handle nobody has. A taken one gets letters from chance, so it never tells how many there are."""
    plain = unicodedata.normalize("NFKD", display_name).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:32].strip("-")
    if len(base) > 1 and base not in RESERVED and not _is_taken(base):
        return base
    while _is_taken(handle := f"{base or 'member'}-{_chance()}"):
        pass
    return handle


def _chance() -> str:
    return "".join(secrets.choice(SUFFIX) for _ in range(5))


def _is_taken(handle: str) -> bool:
    return db.session.scalar(select(Person.id).where(Person.handle == handle)) is not None
