"""The headers of every answer: what a browser may load, keep, tell others and frame.

Sources: OWASP ASVS 5.0 V3; abuse cases A24 to A30. Styles and script come from this site's
own files only; nothing is inline.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flask import Flask, Response, abort, request

from forum import mounting

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


def init_app(app: Flask, https: bool) -> None:
    """Check where a request comes from; set the headers of every answer."""
    always = dict(ALWAYS)
    if https:
        always["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
        always["Content-Security-Policy"] += "; upgrade-insecure-requests"

    app.before_request(refuse_cross_site)

    @app.after_request
    def set_headers(response: Response) -> Response:
        for name, value in always.items():
            response.headers.setdefault(name, value)
        if not mounting.is_static() or response.status_code >= 400:
            response.headers.setdefault("Cache-Control", "no-store")
            response.headers.add("Vary", "Cookie")
        return response


class KnownHost:
    """Lets no Host header through that is not even a host name; Flask's TRUSTED_HOSTS refuses the rest (A09)."""

    def __init__(self, wsgi_app: Any, hosts: Collection[str]) -> None:
        self.wsgi_app, self.hosts = wsgi_app, frozenset(hosts)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """The request, its host replaced by one that nobody has if it is none of ours."""
        name = environ.get("HTTP_HOST", "").rpartition("]")[2].partition(":")[0]
        if name and name not in self.hosts:
            environ["HTTP_HOST"] = "unknown.invalid"
        return self.wsgi_app(environ, start_response)


def refuse_cross_site() -> None:
    """Other sites may link here, and no more: no sub-resource, no frame, no form (A24, A30)."""
    site = request.headers.get("Sec-Fetch-Site", "none")
    if site in ("none", "same-origin"):
        return
    is_link = request.headers.get("Sec-Fetch-Mode") == "navigate" and request.method in ("GET", "HEAD")
    if not is_link or request.headers.get("Sec-Fetch-Dest", "document") != "document":
        abort(403)


def require_own_origin(base_url: str) -> None:
    """A tap without token must come from a page of this site, and the browser must say so. Errors: 403."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site != "same-origin" and origin != base_url.rstrip("/"):
        abort(403)
