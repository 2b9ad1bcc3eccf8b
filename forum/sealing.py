"""Encryption of single fields: XChaCha20-Poly1305 bound to what the field is about.

Keys live in `<data>/keys` (0600, never in a backup). `sealing` holds one key a line, newest
first: the first seals, all open. The only file that knows PyNaCl. What is sealed, and who may
open it, is decided elsewhere.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, current_app
from nacl.exceptions import CryptoError
from nacl.secret import Aead

from forum.config import Settings

VERSION = b"\x01"
KEY_ID = 4  # bytes of the key's hash that a blob carries
OVERHEAD = 1 + KEY_ID + 24 + 16  # version, key id, nonce, tag


class Broken(Exception):
    """A sealed value cannot be opened, or there is no key. Never says what was inside."""


@dataclass(frozen=True)
class Keys:
    """The keys of a site, newest first, each found by its short id."""

    known: dict[bytes, bytes]

    @property
    def newest(self) -> bytes:
        """The id of the key that seals."""
        return next(iter(self.known))


class Sealer:
    """The keys of one application: read at first use, and again when a blob names a newer one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._keys: Keys | None = None

    def keys(self) -> Keys:
        """The keys. Errors: Broken when there are none."""
        self._keys = self._keys or load(self.folder)
        return self._keys

    def key(self, key_id: bytes) -> bytes:
        """The key of this id; the file is read again for one not seen before. Errors: Broken."""
        if key_id not in self.keys().known:
            self._keys = load(self.folder)
        try:
            return self.keys().known[key_id]
        except KeyError:
            raise Broken("sealed with a key that is not in keys/sealing") from None


def init_app(app: Flask, settings: Settings) -> None:
    """Give the application its sealer; a site that starts for the first time gets its first key.

    A data folder that has a database but no key does not get a new one: what is sealed there
    needs the old one, and `check` says so.
    """
    folder = settings.data / "keys"
    if settings.testing or settings.demo or not (settings.data / "callboard.db").exists():
        init_keys(folder)
    app.extensions["sealing"] = Sealer(folder)


def seal(plain: bytes | str, about: str) -> bytes:
    """The sealed value; `about` says what it is ("person 7 born") and must be given to open it.

    Errors: Broken when the site has no key.
    """
    sealer: Sealer = current_app.extensions["sealing"]
    key_id = sealer.keys().newest
    data = plain.encode() if isinstance(plain, str) else plain
    return VERSION + key_id + bytes(Aead(sealer.key(key_id)).encrypt(data, _bound(key_id, about)))


def open_sealed(blob: bytes, about: str) -> bytes:
    """What was sealed. Errors: Broken when it was changed, moved to another field, or its key is gone."""
    sealer: Sealer = current_app.extensions["sealing"]
    if len(blob) < OVERHEAD or blob[:1] != VERSION:
        raise Broken("not a sealed value")
    key_id = bytes(blob[1 : 1 + KEY_ID])
    try:
        return Aead(sealer.key(key_id)).decrypt(bytes(blob[1 + KEY_ID :]), _bound(key_id, about))
    except CryptoError:
        raise Broken("changed, or sealed about something else") from None


def is_sealed_with_newest(blob: bytes) -> bool:
    """Whether sealing it again would change its key: false after a rotation."""
    sealer: Sealer = current_app.extensions["sealing"]
    return blob[1 : 1 + KEY_ID] == sealer.keys().newest


def _bound(key_id: bytes, about: str) -> bytes:
    return b"callboard\x00" + VERSION + key_id + about.encode()


# --- the files ---------------------------------------------------------------------------------


def init_keys(folder: Path) -> bool:
    """Make the first key if there is none; whether one was made. Safe when two processes start at once."""
    return _create(folder / "sealing", _line(secrets.token_bytes(Aead.KEY_SIZE)) + "\n")


def rotate(folder: Path) -> None:
    """Put a new key in front: it seals from now on, the old ones still open. Errors: Broken."""
    load(folder)
    old = (folder / "sealing").read_text("ascii")
    _replace(folder / "sealing", _line(secrets.token_bytes(Aead.KEY_SIZE)) + "\n" + old)


def load(folder: Path) -> Keys:
    """The keys in `folder` (`<data>/keys`). Errors: Broken when there is no file, or not of keys."""
    try:
        lines = (folder / "sealing").read_text("ascii").split()
        keys = [base64.b64decode(line, validate=True) for line in lines]
    except (OSError, UnicodeDecodeError, binascii.Error):
        raise Broken("keys/sealing is missing or unreadable: `callboard keys init` makes the first") from None
    if not keys or any(len(key) != Aead.KEY_SIZE for key in keys):
        raise Broken("keys/sealing holds something that is no key")
    return Keys({_id(key): key for key in keys})


def check(folder: Path) -> list[str]:
    """What is wrong with the key files, one sentence each; empty when all is well."""
    wrong = [w for name in ("sealing", "cookies") for w in _wrong_with_mode(folder / name)]
    try:
        load(folder)
    except Broken as broken:
        wrong.append(f"{broken}.")
    return wrong


def cookie_secret(folder: Path) -> str:
    """The key of the cookies from `<data>/keys/cookies`, made at first use."""
    _create(folder / "cookies", secrets.token_hex(32) + "\n")
    return (folder / "cookies").read_text("ascii").strip()


def _line(key: bytes) -> str:
    return base64.b64encode(key).decode()


def _id(key: bytes) -> bytes:
    return hashlib.sha256(b"callboard key " + key).digest()[:KEY_ID]


def _wrong_with_mode(path: Path) -> list[str]:
    if not path.exists() or os.name != "posix":
        return []
    mode = stat.S_IMODE(path.stat().st_mode)
    return [f"keys/{path.name} can be read by others (mode {mode:o}, wanted 600)."] if mode & 0o077 else []


def _create(path: Path, text: str) -> bool:
    """Write a file that is whole or not there; whether this call made it."""
    if path.exists():
        return False
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = _written_beside(path, text)
    try:
        os.link(fresh, path)  # unlike a rename, never replaces a key that came first
    except FileExistsError:
        return False
    finally:
        fresh.unlink()
    _sync(path.parent)
    return True


def _replace(path: Path, text: str) -> None:
    os.replace(_written_beside(path, text), path)
    _sync(path.parent)


def _written_beside(path: Path, text: str) -> Path:
    fresh = path.with_name(f".{path.name}-{secrets.token_hex(6)}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return fresh


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
