"""Every setting of a site: its name, default, environment name and meaning, in one place.

`Settings.from_environment()` refuses a bad value with a sentence that names the setting.
`callboard settings` prints this table; `docs/operating.md` shows it.
"""

from __future__ import annotations

import os
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

LANGUAGES = {"en": "English", "es": "Español", "uk": "Українська"}


class BadSetting(Exception):
    """A setting has a value that the site cannot run with."""


def _setting(default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True)
class Settings:
    """The settings of one site. Each is read from CALLBOARD_<NAME IN CAPITALS>."""

    data: Path = _setting(Path("var"), "Folder of the database, uploads and keys.")
    database_url: str = _setting("", "SQLAlchemy address; empty means SQLite in the data folder.")
    redis_url: str = _setting("", "Redis or Valkey for rate limits; empty means the database.")
    base_url: str = _setting("http://127.0.0.1:5000", "Address people use; every mailed link starts with it.")
    trusted_hosts: str = _setting("", "Further host names to answer for, comma separated.")
    proxies: int = _setting(0, "Number of proxies in front whose X-Forwarded-For and -Proto are believed.")
    secret_key: str = _setting("", "Key of the cookies; empty means keys/cookies in the data folder.")
    site_name: str = _setting("Callboard", "Name shown in the top bar and in mails.")
    mail_url: str = _setting("folder:mail", "smtp://user:password@host:port, smtps://…, or folder:<path>.")
    mail_from: str = _setting("callboard@localhost", "Sender of every mail.")
    applications_open: bool = _setting(True, "Whether /join takes applications without an invite.")
    minimum_age: int = _setting(13, "Youngest age, in years, at which an account opens.")
    default_timezone: str = _setting("America/New_York", "Zone of people who have not chosen one.")
    source_url: str = _setting(
        "", "Where the source of this very version can be had (AGPL, section 13); linked in the footer."
    )
    leave_to: str = _setting("https://www.wikipedia.org/", "Neutral page that /leave goes to.")
    argon2_memory: int = _setting(19456, "Memory of one password hash, in KiB (OWASP: 19456).")
    argon2_time: int = _setting(2, "Rounds of one password hash (OWASP: 2).")
    sign_in_days: int = _setting(30, "Days after which an unused sign-in ends.")
    staff_role_days: int = _setting(365, "Days after which a staff role ends unless renewed.")
    newcomer_topics: int = _setting(3, "Topics a person may open on her first day.")
    newcomer_replies: int = _setting(10, "Replies a person may write on her first day.")
    max_body: int = _setting(262_144, "Largest request body, in bytes.")
    blocked_plugins: str = _setting(
        "", "Plugins not to load, by name, comma separated; closes their site pages too."
    )
    templates: str = _setting(
        "", "Folder with templates of this site's own, which replace those of the same name; empty: none."
    )
    trace_hooks: bool = _setting(False, "Log every call of a plugin's hook.")
    processes: int = _setting(2, "Web processes that `callboard serve` starts.")
    demo: bool = _setting(False, "Set by `callboard demo`: shows the banner, relaxes staff sign-in.")
    testing: bool = _setting(False, "Set by the test fixtures: cheap hashes are allowed.")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Settings from CALLBOARD_* variables, checked.

        Errors: BadSetting, naming the variable and what it takes.
        """
        environ = os.environ if environ is None else environ
        known = {environment_name(f.name): f for f in fields(cls)}
        values = {
            f.name: _read(name, environ[name], _hints(cls)[f.name])
            for name, f in known.items()
            if name in environ
        }
        settings = cls(**values)
        settings.check()
        return settings

    def check(self) -> None:
        """Refuse values that cannot work together. Errors: BadSetting."""
        base = urlsplit(self.base_url)
        if base.scheme not in ("http", "https") or not base.hostname or base.path not in ("", "/"):
            raise BadSetting("CALLBOARD_BASE_URL must look like https://callboard.example, without a path.")
        if base.scheme == "http" and base.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise BadSetting("CALLBOARD_BASE_URL must be https; plain http is for this machine alone.")
        if not self.testing and (self.argon2_memory < 7168 or self.argon2_time < 1):
            raise BadSetting("CALLBOARD_ARGON2_MEMORY must be at least 7168 KiB and CALLBOARD_ARGON2_TIME 1.")
        if not self.mail_url.startswith(("smtp://", "smtps://", "folder:")):
            raise BadSetting("CALLBOARD_MAIL_URL must begin with smtp://, smtps:// or folder:.")

    @property
    def https(self) -> bool:
        """Whether people come by https: decides cookie names and Secure."""
        return self.base_url.startswith("https://")

    @property
    def hosts(self) -> list[str]:
        """The host names that are answered; any other gets a 400."""
        named = [h.strip() for h in self.trusted_hosts.split(",") if h.strip()]
        return [urlsplit(self.base_url).hostname or "", *named]

    @property
    def blocked(self) -> list[str]:
        """Names of the plugins that are not loaded."""
        return [name.strip() for name in self.blocked_plugins.split(",") if name.strip()]

    @property
    def database(self) -> str:
        """The SQLAlchemy address in force."""
        return self.database_url or f"sqlite:///{(self.data / 'callboard.db').resolve()}"

    def with_values(self, **changes: Any) -> Settings:
        """A checked copy with some values changed."""
        changed = replace(self, **changes)
        changed.check()
        return changed


def environment_name(name: str) -> str:
    """`base_url` → `CALLBOARD_BASE_URL`."""
    return f"CALLBOARD_{name.upper()}"


def described() -> list[tuple[str, str, str]]:
    """(environment name, default, meaning) of every setting, for docs and the command line."""
    return [(environment_name(f.name), str(f.default), f.metadata["meaning"]) for f in fields(Settings)]


def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _read(name: str, text: str, kind: Any) -> Any:
    readers: dict[Any, Callable[[str], Any]] = {int: int, bool: _read_bool, Path: Path, str: str}
    try:
        return readers[kind](text.strip())
    except ValueError as error:
        raise BadSetting(f"{name} must be {kind.__name__}, not {text!r}.") from error


def _read_bool(text: str) -> bool:
    known = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False, "": False}
    if text.lower() not in known:
        raise ValueError(text)
    return known[text.lower()]
