"""How a mail leaves the house: by SMTP, or as a file in a folder (demo, tests, a spool).

`open_transport` gives a function that sends one message. What is sent, to whom and how often is
`outbox`.
"""

from __future__ import annotations

import os
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from forum.config import Settings

Send = Callable[[EmailMessage, str], None]
PATIENCE = 30.0  # seconds for each answer of the mail server


class MailServerAway(Exception):
    """The server cannot be reached or spoken to at all: no use trying the next mail at once."""


@contextmanager
def open_transport(settings: Settings) -> Iterator[Send]:
    """A function `send(message, name)`; a connection is made at the first mail and kept for the rest.

    `send` raises MailServerAway, or smtplib.SMTPException when this one mail is refused.
    """
    if settings.mail_url.startswith("folder:"):
        yield _folder(settings.data / settings.mail_url.removeprefix("folder:"))
        return
    server = _Server(urlsplit(settings.mail_url))
    try:
        yield server.send
    finally:
        server.close()


def _folder(folder: Path) -> Send:
    """Write each mail as `<name>.eml`; the same name again is the same file again."""

    def send(message: EmailMessage, name: str) -> None:
        fresh = folder / f".{name}"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh.write_bytes(message.as_bytes())
            os.replace(fresh, folder / f"{name}.eml")
        except OSError as error:
            raise MailServerAway(f"mail folder: {type(error).__name__}") from error

    return send


class _Server:
    """One SMTP server, connected when first needed."""

    def __init__(self, url: SplitResult) -> None:
        self.url = url
        self._smtp: smtplib.SMTP | None = None

    def send(self, message: EmailMessage, name: str) -> None:
        """Send one. Errors: MailServerAway; SMTPException when the server refuses this mail."""
        smtp = self._smtp = self._smtp or self._reached()
        try:
            smtp.send_message(message)
        except smtplib.SMTPServerDisconnected as error:
            raise self._away(error) from error
        except smtplib.SMTPException:
            if smtp.sock is None:  # it said 421 and hung up
                self._smtp = None
            raise
        except OSError as error:
            raise self._away(error) from error

    def close(self) -> None:
        """Say goodbye, if anybody is there."""
        if self._smtp is not None:
            with suppress(smtplib.SMTPException, OSError):
                self._smtp.quit()
            self._smtp = None

    def _away(self, error: OSError) -> MailServerAway:
        self.close()
        return MailServerAway(f"{type(error).__name__}: {error}")

    def _reached(self) -> smtplib.SMTP:
        try:
            return self._connected()
        except OSError as error:  # every SMTPException is one: a refused greeting or password too
            raise self._away(error) from error

    def _connected(self) -> smtplib.SMTP:
        host, secure = self.url.hostname or "localhost", self.url.scheme == "smtps"
        port = self.url.port or (465 if secure else 25)
        context = ssl.create_default_context()
        if secure:
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=PATIENCE, context=context)
        else:
            smtp = smtplib.SMTP(host, port, timeout=PATIENCE)
        try:
            self._prepare(smtp, context, encrypt=not secure and not _is_this_machine(host))
        except (OSError, MailServerAway):
            smtp.close()
            raise
        return smtp

    def _prepare(self, smtp: smtplib.SMTP, context: ssl.SSLContext, encrypt: bool) -> None:
        """STARTTLS with any server that offers it; a password never goes in clear to another machine."""
        smtp.ehlo()
        if encrypt and smtp.has_extn("starttls"):
            smtp.starttls(context=context)
            smtp.ehlo()
        elif encrypt and self.url.username:
            raise MailServerAway("the server offers no STARTTLS; the password is not sent in clear")
        if self.url.username:
            smtp.login(unquote(self.url.username), unquote(self.url.password or ""))


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
