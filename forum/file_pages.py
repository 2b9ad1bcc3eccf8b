"""The address of pictures. Who may read one is asked anew each time (see `files`)."""

from __future__ import annotations

from flask import Blueprint, Response

from forum import files
from forum.permissions import Permission, anyone, needs, register
from forum.viewer import current_viewer

bp = Blueprint("files", __name__)
register(Permission("files.read", "See a picture of something that one may read", anyone, signed_in=False))


@bp.get("/files/<token>.webp")
@needs("files.read")
def show_file(token: str) -> Response:
    """One picture."""
    return files.serve(current_viewer(), token)
