"""A small browser for the benchmark: one kept connection, cookies, forms. And what a page holds."""

from __future__ import annotations

import http.client
import re
from dataclasses import dataclass
from http.cookies import SimpleCookie
from urllib.parse import urlencode

HEADERS = {"Accept": "text/html", "Accept-Language": "en", "User-Agent": "bench"}
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Page:
    """An answer."""

    status: int
    html: str
    location: str

    def fields(self, action: str) -> dict[str, str]:
        """The hidden fields of the form with this address. Errors: LookupError when there is none."""
        for tag, inside in re.findall(r"(<form\b[^>]*>)(.*?)</form>", self.html, re.DOTALL):
            if f'action="{action}"' in tag or (not action and 'action=""' in tag):
                return _hidden(inside)
        raise LookupError(f"no form for {action!r}")


def _hidden(html: str) -> dict[str, str]:
    found = {}
    for tag in re.findall(r'<input\b[^>]*type="hidden"[^>]*>', html):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name:
            found[name[1]] = value[1] if value else ""
    return found


class Browser:
    """Somebody's browser; `source` is the address of this machine that she comes from."""

    def __init__(self, port: int, source: str = "127.0.0.1") -> None:
        self.cookies: dict[str, str] = {}
        self._connection = http.client.HTTPConnection(
            "127.0.0.1", port, timeout=30, source_address=(source, 0)
        )

    @property
    def headers(self) -> dict[str, str]:
        """What she sends with every request."""
        jar = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return HEADERS | ({"Cookie": jar} if jar else {})

    def get(self, path: str) -> Page:
        """Open a page."""
        return self._send("GET", path)

    def post(self, path: str, fields: dict[str, str]) -> Page:
        """Send a form."""
        return self._send("POST", path, urlencode(fields))

    def sign_in(self, email: str, password: str) -> None:
        """Sign in by the form. Errors: RuntimeError when that is refused."""
        page = self.get("/sign-in")
        form = next(
            f for f in re.findall(r"<form\b.*?</form>", page.html, re.DOTALL) if 'name="password"' in f
        )
        answer = self.post("/sign-in", {**_hidden(form), "email": email, "password": password})
        if answer.status not in (302, 303):
            raise RuntimeError(f"{email} could not sign in: {answer.status}")

    def _send(self, method: str, path: str, body: str = "") -> Page:
        headers = self.headers | ({"Content-Type": FORM} if body else {})
        self._connection.request(method, path, body or None, headers)
        answer = self._connection.getresponse()
        html = answer.read().decode("utf-8", "replace")
        for line in answer.msg.get_all("Set-Cookie", []):
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        return Page(answer.status, html, answer.getheader("Location", ""))


# --- what a page holds -----------------------------------------------------------------------------

PARTS = {  # both sites use the same addresses and anchors, so one pattern counts either
    "posts": r'<article[^>]* id="p\d+"',
    "boards": r'href="(/boards/(?!new\b)[^"/?#]+)"',
    "topics": r'href="(/topics/\d+-[^"?#]*)"',
    "hits": r'href="(/posts/\d+)"',
    "times": r"<time\b",
    "links": r"<a\b",
    "forms": r"<form\b",
}


def counted(html: str) -> dict[str, int]:
    """How many different posts, boards, topics, hits, and how many times, links, forms are on a page."""
    found = {name: re.findall(pattern, html) for name, pattern in PARTS.items()}
    distinct = {"boards", "topics", "hits"}
    return {name: len(set(all) if name in distinct else all) for name, all in found.items()}
