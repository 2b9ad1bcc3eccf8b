"""Shapes of the notification forms."""

from __future__ import annotations

from forum.pages import Form


class ReadForm(Form):
    """A button and nothing else."""
