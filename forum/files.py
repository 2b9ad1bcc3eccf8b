"""Pictures that people send: re-encoded, kept in the data folder, read only by who may read what they belong to.

A picture is decoded and painted anew, so nothing of the sender's file is kept: no position, no
camera, no hidden part. Its address is a random name, and says nothing by itself: each read asks the
part that the picture belongs to (`belongs_to`) whether this viewer may, at that moment.
A file is on disk before its row is committed; what a crash leaves without a row is swept.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import logging
import os
import secrets
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flask import Response, current_app
from flask_babel import gettext
from PIL import Image, ImageOps
from sqlalchemy import ForeignKey, Index, String, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from forum import jobs, people_data
from forum.db import UTC, after_commit, db, let_others_write, now
from forum.declare import ExportFile
from forum.permissions import Missing, Refused
from forum.viewer import Viewer

log = logging.getLogger(__name__)
READS = ("JPEG", "PNG", "WEBP", "GIF")  # formats that are decoded at all
LARGEST = 10 * 2**20  # bytes of a file as sent
MOST_PIXELS = 40_000_000  # of a picture as sent; looked at before anything is decoded
SIDE = 2048  # longest side of what is kept, in pixels
QUALITY = 82
YOUNG = 3600  # seconds in which a file may be without its row, being just sent
HEADERS = {"Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff"}

Image.MAX_IMAGE_PIXELS = None  # Pillow only warns; `_refuse_bomb` refuses, earlier
_two_at_a_time = threading.Semaphore(2)


class StoredFile(db.Model):
    """A picture. `token` is its address and its name on disk; `parent` names the kind of thing it belongs to."""

    __tablename__ = "stored_file"
    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(String(32), unique=True)
    parent: Mapped[str] = mapped_column(String(40))
    parent_id: Mapped[int]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"), index=True)
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    width: Mapped[int]
    height: Mapped[int]
    alt: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[dt.datetime] = mapped_column(UTC, default=now)

    __table_args__ = (Index("ix_stored_file_parent", "parent", "parent_id", "id"),)


@dataclass(frozen=True)
class Picture:
    """A picture painted anew, as WebP."""

    content: bytes
    width: int
    height: int


MayRead = Callable[[Viewer, int], bool]
_parents: dict[str, MayRead] = {}


def belongs_to(parent: str, may_read: MayRead) -> None:
    """Say who reads the pictures of a kind of thing: (viewer, id of the thing) → yes or no.

    Errors: ValueError when one kind has two rules.
    """
    if _parents.setdefault(parent, may_read) is not may_read:
        raise ValueError(f"files of {parent} have two rules")


# --- taking in -------------------------------------------------------------------------------------


def painted_anew(sent: bytes) -> Picture:
    """What was sent as a clean picture: turned upright, at most 2048 pixels a side, nothing else of it kept.

    Slow: call it before the form is carried out, since what was written so far in the request is
    undone and the write lock is given back. Errors: Refused, with what is wrong.
    """
    if not sent:
        raise Refused(gettext("The file is empty. Choose another."), 422)
    if len(sent) > LARGEST:
        raise Refused(
            gettext("The file is larger than %(n)s MB. Choose a smaller one.", n=LARGEST // 2**20), 413
        )
    let_others_write()
    with _two_at_a_time:
        try:
            return _painted(sent)
        except (OSError, SyntaxError, ValueError, EOFError, struct.error, MemoryError) as fault:
            raise Refused(
                gettext("This is no picture that can be read. JPEG, PNG, WebP and GIF work."), 422
            ) from fault


def _painted(sent: bytes) -> Picture:
    with Image.open(io.BytesIO(sent), formats=READS) as opened:
        _refuse_bomb(opened)
        opened.draft("RGB", (SIDE, SIDE))
        turned = ImageOps.exif_transpose(opened)
        mode = "RGBA" if turned.mode in ("RGBA", "LA", "PA") or "transparency" in turned.info else "RGB"
        turned.thumbnail((SIDE, SIDE))
        clean = Image.new(mode, turned.size)
        clean.paste(turned.convert(mode))
        out = io.BytesIO()
        clean.save(out, "WEBP", quality=QUALITY)
        return Picture(out.getvalue(), *clean.size)


def _refuse_bomb(opened: Image.Image) -> None:
    if opened.width * opened.height > MOST_PIXELS:
        raise Refused(
            gettext(
                "The picture has more than %(n)s million points. Choose a smaller one.",
                n=MOST_PIXELS // 10**6,
            ),
            422,
        )


def store(picture: Picture, parent: str, parent_id: int, person_id: int | None, alt: str = "") -> StoredFile:
    """Keep a picture, in the present transaction; the file is safe on disk before the row is.

    Errors: KeyError for a kind that has no rule of reading.
    """
    if parent not in _parents:
        raise KeyError(parent)
    token = secrets.token_hex(16)
    _write(_path(token), picture.content)
    row = StoredFile(
        token=token, parent=parent, parent_id=parent_id, person_id=person_id, alt=alt[:300],
        sha256=hashlib.sha256(picture.content).hexdigest(), size=len(picture.content), width=picture.width,
        height=picture.height,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    return row


def remove(parent: str, parent_id: int) -> None:
    """Forget the pictures of a thing; the files go once that is committed."""
    of_it = (StoredFile.parent == parent) & (StoredFile.parent_id == parent_id)
    _forget(list(db.session.scalars(select(StoredFile.token).where(of_it))))


def _forget(tokens: list[str]) -> None:
    db.session.execute(delete(StoredFile).where(StoredFile.token.in_(tokens)))
    for path in map(_path, tokens):
        after_commit(lambda path=path: path.unlink(missing_ok=True))  # type: ignore[misc]


# --- giving out --------------------------------------------------------------------------------------


def files_of(viewer: Viewer, parent: str, parent_id: int) -> list[StoredFile]:
    """The pictures of a thing that this viewer reads, oldest first; none when she does not."""
    if not _parents[parent](viewer, parent_id):
        return []
    of_it = (StoredFile.parent == parent) & (StoredFile.parent_id == parent_id)
    return list(db.session.scalars(select(StoredFile).where(of_it).order_by(StoredFile.id)))


def serve(viewer: Viewer, token: str) -> Response:
    """The picture of this address. Errors: Missing: there is none, it is not for this viewer, or it was altered."""
    row = db.session.scalar(select(StoredFile).where(StoredFile.token == token))
    may_read = _parents.get(row.parent) if row else None
    if row is None or may_read is None or not may_read(viewer, row.parent_id):
        raise Missing
    try:
        content = _path(row.token).read_bytes()
    except FileNotFoundError as fault:
        log.error("the file of stored_file %d is missing", row.id)
        raise Missing from fault
    if hashlib.sha256(content).hexdigest() != row.sha256:
        log.error("the file of stored_file %d was altered", row.id)
        raise Missing
    return Response(content, mimetype="image/webp", headers=HEADERS)


# --- on disk -----------------------------------------------------------------------------------------


def _folder() -> Path:
    folder: Path = current_app.config["CALLBOARD"].data / "uploads"
    return folder


def _path(token: str) -> Path:
    return _folder() / token[:2] / f"{token}.webp"


def _write(path: Path, content: bytes) -> None:
    """All of it or nothing, and on disk when this returns."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


@jobs.recurring("files.sweep", every=dt.timedelta(hours=1))
def sweep(at: dt.datetime) -> None:
    """Remove files that no row knows and that are not just being sent: what a crash left behind."""
    old = [path for path in _folder().glob("??/*") if time.time() - path.stat().st_mtime > YOUNG]
    for start in range(0, len(old), 500):
        some = old[start : start + 500]
        known = set(
            db.session.scalars(select(StoredFile.token).where(StoredFile.token.in_([p.stem for p in some])))
        )
        for path in some:
            if path.suffix != ".webp" or path.stem not in known:
                path.unlink(missing_ok=True)


# --- own data ----------------------------------------------------------------------------------------


def _export(person_id: int) -> list[ExportFile]:
    rows = db.session.scalars(select(StoredFile).where(StoredFile.person_id == person_id)).all()
    return [
        ExportFile(f"pictures/{row.token}.webp", _path(row.token).read_bytes(), "a picture that you sent")
        for row in rows
        if _path(row.token).is_file()
    ]


def _erase(person_id: int, keep_words: bool) -> None:
    _forget(list(db.session.scalars(select(StoredFile.token).where(StoredFile.person_id == person_id))))


people_data.register(people_data.Part("files", _export, _erase))
