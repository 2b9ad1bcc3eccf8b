"""Pictures: nothing of the sender's file stays, only who may read the parent reads, and crashes leave nothing."""

from __future__ import annotations

import io
import os
import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select

from forum import db, files, people_data
from forum.db import now
from forum.files import StoredFile
from forum.permissions import Missing, Refused
from forum.testing import create_person, viewer_of
from forum.viewer import NOBODY, Viewer


@pytest.fixture(autouse=True)
def _own_parents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_parents", {})
    files.belongs_to("tests.thing", owner_reads)


def owner_reads(viewer: Viewer, thing: int) -> bool:
    return viewer.person_id == thing


def sent(kind: str = "JPEG", size: tuple[int, int] = (60, 40), mode: str = "RGB", **more: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, 120 if mode in ("L", "P") else None or 0).save(out, kind, **more)
    return out.getvalue()


def with_position() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter
    exif[0x010F] = "zqcameraqz"
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2] = "N", (40.0, 42.0, 46.0)
    return sent("JPEG", (60, 40), exif=exif, comment=b"zqcommentqz")


def on_disk(app: Flask) -> list[Path]:
    return sorted((app.config["CALLBOARD"].data / "uploads").rglob("*.*"))


def keep(person_id: int) -> StoredFile:
    row = files.store(
        files.painted_anew(with_position()), "tests.thing", person_id, person_id, "A casting card"
    )
    db.commit()
    return row


def test_nothing_of_the_senders_file_is_kept(any_app: Flask) -> None:
    ana = create_person("ana", "model")
    keep(ana.id)

    (path,) = on_disk(any_app)
    content = path.read_bytes()
    with Image.open(io.BytesIO(content)) as kept:
        assert (kept.format, kept.size) == ("WEBP", (40, 60))  # upright
        assert not kept.getexif()
        assert not {"exif", "xmp", "icc_profile", "comment"} & set(kept.info)
    assert b"zqcameraqz" not in content
    assert b"zqcommentqz" not in content


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("JPEG", "RGB"),
        ("JPEG", "L"),
        ("JPEG", "CMYK"),
        ("PNG", "RGBA"),
        ("PNG", "P"),
        ("PNG", "I;16"),
        ("PNG", "1"),
        ("GIF", "P"),
        ("WEBP", "RGB"),
    ],
)
def test_every_common_kind_becomes_webp(app: Flask, kind: str, mode: str) -> None:
    picture = files.painted_anew(sent(kind, mode=mode))

    with Image.open(io.BytesIO(picture.content)) as kept:
        assert kept.format == "WEBP"
        assert (picture.width, picture.height) == (60, 40)


def test_large_pictures_are_made_smaller_and_animations_stand_still(app: Flask) -> None:
    large = files.painted_anew(sent("JPEG", (5000, 2500)))
    moving = sent("GIF", mode="P", save_all=True, append_images=[Image.new("P", (60, 40), 7)])

    assert (large.width, large.height) == (2048, 1024)
    with Image.open(io.BytesIO(files.painted_anew(moving).content)) as kept:
        assert getattr(kept, "n_frames", 1) == 1


def declared(width: int, height: int) -> bytes:
    """A PNG that says it is this large and holds next to nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 99))
        + chunk(b"IEND", b"")
    )


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"\0" * 5000, SVG, b"%PDF-1.7\n", b"GIF89a<script>", b"\xff\xd8\xff" + b"x" * 50, sent()[:300], sent("BMP"), sent("TIFF"), sent("ICO", (48, 48)),
     declared(60_000, 60_000), declared(2**31 - 1, 2**31 - 1), declared(0, 0), b"<html><img src=x onerror=alert(1)>", b"PK\x03\x04" + b"\0" * 100,
     b"a" * (files.LARGEST + 1)],
    ids=lambda content: repr(content[:12]),
)  # fmt: skip
def test_what_is_no_picture_is_refused_with_a_sentence(app: Flask, content: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        files.painted_anew(content)

    assert refusal.value.sentence.endswith((".", "work."))
    assert refusal.value.status in (413, 422)
    assert on_disk(app) == []


def test_a_polyglot_loses_its_other_half(app: Flask) -> None:
    picture = files.painted_anew(sent("PNG") + b"<script>zqscriptqz</script>" + b"PK\x03\x04zqzipqz")

    assert b"zqscriptqz" not in picture.content
    assert b"zqzipqz" not in picture.content


def test_only_who_reads_the_parent_reads_the_picture_and_its_rights_are_of_now(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, ines = create_person("ana", "model"), create_person("ines", "model")
    row = keep(ana.id)

    answer = files.serve(viewer_of(ana), row.token)
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.mimetype == "image/webp"
    for other in (viewer_of(ines), NOBODY):
        with pytest.raises(Missing):
            files.serve(other, row.token)
        assert files.files_of(other, "tests.thing", ana.id) == []
    assert [f.alt for f in files.files_of(viewer_of(ana), "tests.thing", ana.id)] == ["A casting card"]
    monkeypatch.setitem(files._parents, "tests.thing", lambda viewer, thing: False)
    with pytest.raises(Missing):
        files.serve(viewer_of(ana), row.token)


def test_over_the_web_missing_and_forbidden_look_the_same(app: Flask, signed_in: Any) -> None:
    ana, ines = create_person("ana", "model"), create_person("ines", "model")
    row = keep(ana.id)
    own, other = signed_in(ana), signed_in(ines)

    answer = own.get(f"/files/{row.token}.webp")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    forbidden, missing = other.get(f"/files/{row.token}.webp"), other.get(f"/files/{'0' * 32}.webp")
    assert (
        (forbidden.status_code, len(forbidden.data))
        == (missing.status_code, len(missing.data))
        == (404, len(missing.data))
    )
    for wrong in ("..%2f..%2fcallboard.db", "%00", "x" * 300, row.token[:2]):
        assert own.get(f"/files/{wrong}.webp").status_code in (400, 404)


def test_a_missing_or_altered_file_is_refused_and_logged(app: Flask, caplog: Any) -> None:
    ana = create_person("ana", "model")
    row = keep(ana.id)
    (path,) = on_disk(app)

    path.write_bytes(sent("WEBP"))
    with pytest.raises(Missing):
        files.serve(viewer_of(ana), row.token)
    path.unlink()
    with pytest.raises(Missing):
        files.serve(viewer_of(ana), row.token)
    assert "was altered" in caplog.text
    assert "is missing" in caplog.text


def test_a_rolled_back_form_leaves_a_file_only_until_the_sweep(app: Flask) -> None:
    ana = create_person("ana", "model")
    kept = keep(ana.id)
    files.store(files.painted_anew(sent()), "tests.thing", ana.id, ana.id)
    db.rollback()
    (app.config["CALLBOARD"].data / "uploads" / "ab").mkdir(exist_ok=True)
    half = app.config["CALLBOARD"].data / "uploads" / "ab" / "half.part"
    half.write_bytes(b"x")
    assert len(on_disk(app)) == 3

    files.sweep(now())
    assert len(on_disk(app)) == 3  # they may belong to a form that is being sent
    for path in on_disk(app):
        os.utime(path, (time.time() - 7200,) * 2)
    files.sweep(now())

    assert [path.stem for path in on_disk(app)] == [kept.token]


def test_a_removed_thing_takes_its_pictures_along_once_committed(any_app: Flask) -> None:
    ana = create_person("ana", "model")
    keep(ana.id)

    files.remove("tests.thing", ana.id)
    db.rollback()
    assert len(on_disk(any_app)) == 1
    files.remove("tests.thing", ana.id)
    db.commit()
    assert on_disk(any_app) == []
    assert db.db.session.scalars(select(StoredFile)).all() == []


def test_an_export_holds_the_pictures_and_erasure_removes_them(any_app: Flask) -> None:
    ana = create_person("ana", "model")
    row = keep(ana.id)

    names = {file.name for file in people_data.files(ana.id)}
    assert f"pictures/{row.token}.webp" in names
    people_data.erase(ana.id, keep_words=True)
    db.commit()
    assert on_disk(any_app) == []


def test_two_rules_for_one_kind_and_no_rule_are_refused(app: Flask) -> None:
    files.belongs_to("tests.thing", owner_reads)
    with pytest.raises(ValueError, match="two rules"):
        files.belongs_to("tests.thing", lambda viewer, thing: True)
    with pytest.raises(KeyError):
        files.store(files.Picture(b"x", 1, 1), "tests.other", 1, None)


@pytest.fixture(autouse=True)
def _app_is_left_clean() -> Iterator[None]:
    yield
    assert Image.MAX_IMAGE_PIXELS is None
