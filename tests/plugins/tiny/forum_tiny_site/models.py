"""One table: taps, which belong to nobody."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from forum.sdk import Model


class Tap(Model):
    """Somebody tapped."""

    __tablename__ = "tiny_site_tap"
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int]
