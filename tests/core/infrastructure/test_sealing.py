"""Sealed values open only with their key and about what they were sealed about."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask

from forum import sealing
from tests.core.infrastructure.contender import small_app


@pytest.fixture
def site(tmp_path: Path) -> Flask:
    app = small_app("", tmp_path)
    with app.app_context():
        yield app


@pytest.mark.parametrize("plain", ["1999-02-28", "", "Zoë 👗", b"\x00\xff", "x" * 100_000])
def test_what_was_sealed_opens(site: Flask, plain: str | bytes) -> None:
    blob = sealing.seal(plain, "person 7 born")

    assert sealing.open_sealed(blob, "person 7 born") == (plain.encode() if isinstance(plain, str) else plain)
    if len(plain) > 3:
        assert (plain.encode() if isinstance(plain, str) else plain) not in blob


def test_the_same_text_never_seals_the_same(site: Flask) -> None:
    assert len({sealing.seal("yes", "case 1 answer") for _ in range(50)}) == 50


@pytest.mark.parametrize(
    "about", ["person 8 born", "person 7 legal_name", "", "person 7 born ", "person 77 born"]
)
def test_a_value_moved_to_another_field_or_person_does_not_open(site: Flask, about: str) -> None:
    blob = sealing.seal("1999-02-28", "person 7 born")

    with pytest.raises(sealing.Broken):
        sealing.open_sealed(blob, about)


def test_two_values_swapped_do_not_open(site: Flask) -> None:
    mine, hers = sealing.seal("1999", "person 1 born"), sealing.seal("2010", "person 2 born")

    for blob, about in ((hers, "person 1 born"), (mine, "person 2 born")):
        with pytest.raises(sealing.Broken):
            sealing.open_sealed(blob, about)


def test_no_changed_byte_goes_unnoticed(site: Flask) -> None:
    blob = sealing.seal("yes", "case 1 answer")

    for place in range(len(blob)):
        changed = blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :]
        with pytest.raises(sealing.Broken):
            sealing.open_sealed(changed, "case 1 answer")


@pytest.mark.parametrize(
    "blob", [b"", b"\x01", b"plain text that was never sealed, but long enough to be", b"\x01" * 60]
)
def test_what_was_never_sealed_is_broken(site: Flask, blob: bytes) -> None:
    with pytest.raises(sealing.Broken) as fault:
        sealing.open_sealed(blob, "x")

    assert "plain text" not in str(fault.value)


def test_cut_values_are_broken(site: Flask) -> None:
    blob = sealing.seal("yes", "x")

    for length in range(len(blob)):
        with pytest.raises(sealing.Broken):
            sealing.open_sealed(blob[:length], "x")


# --- keys ----------------------------------------------------------------------------------------


def test_after_a_rotation_old_values_open_and_new_ones_use_the_new_key(site: Flask, tmp_path: Path) -> None:
    old = sealing.seal("before", "x")
    sealing.rotate(tmp_path / "keys")
    reread = small_app("", tmp_path)

    with reread.app_context():
        assert sealing.open_sealed(old, "x") == b"before"
        assert not sealing.is_sealed_with_newest(old)
        new = sealing.seal("after", "x")
        assert sealing.is_sealed_with_newest(new)
    assert sealing.open_sealed(new, "x") == b"after"  # a process that began before the rotation


def test_without_its_key_a_value_is_broken(site: Flask, tmp_path: Path) -> None:
    blob = sealing.seal("yes", "x")
    (tmp_path / "keys" / "sealing").unlink()
    sealing.init_keys(tmp_path / "keys")

    with small_app("", tmp_path).app_context(), pytest.raises(sealing.Broken, match="not in keys/sealing"):
        sealing.open_sealed(blob, "x")


def test_two_sites_in_one_process_keep_their_keys_apart(site: Flask, tmp_path: Path) -> None:
    blob = sealing.seal("yes", "x")

    with small_app("", tmp_path / "other").app_context():
        sealing.seal("no", "x")
        with pytest.raises(sealing.Broken):
            sealing.open_sealed(blob, "x")
    assert sealing.open_sealed(blob, "x") == b"yes"


def test_a_data_folder_with_a_database_gets_no_new_key(tmp_path: Path) -> None:
    (tmp_path / "callboard.db").touch()
    app = Flask("x")
    sealing.init_app(app, sealing.Settings(data=tmp_path))

    assert not (tmp_path / "keys" / "sealing").exists()
    with app.app_context(), pytest.raises(sealing.Broken, match="callboard keys init"):
        sealing.seal("yes", "x")


def test_a_first_start_makes_a_key(tmp_path: Path) -> None:
    app = Flask("x")
    sealing.init_app(app, sealing.Settings(data=tmp_path / "new"))

    with app.app_context():
        assert sealing.open_sealed(sealing.seal("yes", "x"), "x") == b"yes"


def test_the_files_are_the_owners_alone(tmp_path: Path) -> None:
    sealing.init_keys(tmp_path / "keys")
    sealing.cookie_secret(tmp_path / "keys")

    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert {stat.S_IMODE(f.stat().st_mode) for f in (tmp_path / "keys").iterdir()} == {0o600}
    assert sorted(f.name for f in (tmp_path / "keys").iterdir()) == ["cookies", "sealing"]
    assert sealing.check(tmp_path / "keys") == []


def test_the_cookie_secret_stays(tmp_path: Path) -> None:
    first = sealing.cookie_secret(tmp_path)

    assert first == sealing.cookie_secret(tmp_path)
    assert len(first) == 64
    assert first != sealing.cookie_secret(tmp_path / "other")


def test_keys_that_others_can_read_are_reported(tmp_path: Path) -> None:
    sealing.init_keys(tmp_path)
    os.chmod(tmp_path / "sealing", 0o644)

    assert sealing.check(tmp_path) == ["keys/sealing can be read by others (mode 644, wanted 600)."]


@pytest.mark.parametrize("text", ["", "\n", "not base64!", "c2hvcnQ=", "\udc80"])
def test_a_spoilt_key_file_is_reported_and_opens_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "sealing").write_bytes(text.encode("utf-8", "surrogateescape"))

    assert any("keys/sealing" in sentence for sentence in sealing.check(tmp_path))
    with pytest.raises(sealing.Broken):
        sealing.load(tmp_path)


def test_no_keys_at_all_are_reported(tmp_path: Path) -> None:
    assert any("callboard keys init" in sentence for sentence in sealing.check(tmp_path))


def test_processes_that_start_at_once_agree_on_the_key(tmp_path: Path) -> None:
    program = "import sys, pathlib; from forum import sealing; print(sealing.cookie_secret(pathlib.Path(sys.argv[1])))"
    command = [sys.executable, "-c", program, str(tmp_path / "keys")]
    runners = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]

    assert len({runner.communicate(timeout=60)[0] for runner in runners}) == 1
    assert [f.name for f in (tmp_path / "keys").iterdir()] == ["cookies"]
