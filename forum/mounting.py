"""Where the pages of plugins live: addresses, templates, static files and catalogues, taken in at start.

A path that is claimed twice, or that is the core's, stops the start. Whether a page is open at an
agency is decided at each request by the application, for every route of a mount alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, Response, current_app, request, send_from_directory
from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, PrefixLoader

from forum.declare import Mount
from forum.permissions import needs
from forum.plugins import Broken, Plugin, Plugins

# First parts of addresses that are the core's, today or by the contract of addresses.
RESERVED = frozenset({"a", "api", "approvals", "guardian", "messages", "mentorship", "moderation", "static"})
RESERVED_AT_AGENCY = frozenset({"boards", "invites", "log", "members", "mentorship", "plugins", "roster"})


@dataclass(frozen=True)
class Mounted:
    """A blueprint in its place."""

    plugin: Plugin
    mount: Mount
    prefix: str


def mount(app: Flask, plugins: Plugins) -> None:
    """Take every plugin's pages in. Errors: Broken."""
    taken = dict.fromkeys(_core_segments(app), "the core")
    mounted: dict[str, Mounted] = {}
    for plugin, wanted in plugins.mounts:
        prefix = _prefix(plugin, wanted, taken)
        name = wanted.blueprint.name
        if name != plugin.name and not name.startswith(f"{plugin.name}_"):
            raise Broken(
                f"{plugin.name}: the blueprint {name} must be called {plugin.name} or {plugin.name}_…."
            )
        mounted[name] = Mounted(plugin, wanted, prefix)
        app.register_blueprint(wanted.blueprint, url_prefix=prefix)
    app.extensions["mounted"] = mounted
    for plugin in plugins:
        _serve_static(app, plugin)
    app.jinja_loader = _loader(app, plugins)


def mounted_here() -> Mounted | None:
    """The mount that the present request is for; None on the core's own pages."""
    return _mounted().get(request.blueprint or "")


def is_quiet() -> bool:
    """Whether the present request is for pages that nobody is noted on."""
    here = mounted_here()
    return here is not None and here.mount.quiet


def _mounted() -> dict[str, Mounted]:
    found: dict[str, Mounted] = current_app.extensions["mounted"]
    return found


def _core_segments(app: Flask) -> set[tuple[str, str]]:
    """(at, first part of the address) that the core's own routes use, under `/` and under `/a/<agency>/`."""
    found = {("site", s) for s in RESERVED} | {("agency", s) for s in RESERVED_AT_AGENCY}
    for rule in app.url_map.iter_rules():
        parts = rule.rule.strip("/").split("/")
        found.add(("site", parts[0]))
        if parts[:2] == ["a", "<agency>"] and len(parts) > 2:
            found.add(("agency", parts[2]))
    return found


def _prefix(plugin: Plugin, wanted: Mount, taken: dict[tuple[str, str], str]) -> str:
    """The address of a mount. Errors: Broken when it cannot be given."""
    if wanted.at not in ("agency", "site"):
        raise Broken(f"{plugin.name}: a Mount is at 'agency' or at 'site', not at {wanted.at!r}.")
    path = wanted.path or f"/{plugin.info.address}"
    if not path.startswith("/") or path == "/" or path.endswith("/") or "<" in path.partition("/<")[0]:
        raise Broken(f"{plugin.name}: the path {path!r} must begin with / and end without.")
    key = _claimed(path)
    owner = taken.setdefault((wanted.at, key), plugin.name)
    if owner != plugin.name:
        raise Broken(f"{plugin.name}: the address {path} belongs to {owner}.")
    return f"/a/<agency>{path}" if wanted.at == "agency" else path


def _claimed(path: str) -> str:
    """What of a path is claimed: its first part; under /api, which many share, the first two."""
    parts = path.strip("/").split("/")
    return "/".join(parts[:2]) if parts[0] == "api" and len(parts) > 1 else parts[0]


def _serve_static(app: Flask, plugin: Plugin) -> None:
    """Serve a plugin's static folder at /static/<plugin>/, whether it is on or not."""
    folder = plugin.own("static")
    if folder is not None:
        view = needs("accounts.leave")(_sender(folder))
        app.add_url_rule(f"/static/{plugin.name}/<path:filename>", f"static_{plugin.name}", view)


def _sender(folder: Path) -> Callable[[str], Response]:
    def send(filename: str) -> Response:
        return send_from_directory(folder, filename)

    return send


def _loader(app: Flask, plugins: Plugins) -> BaseLoader:
    """The core's templates first, so that a site may override a plugin's page; then each plugin's `<name>/…`."""
    folders = {plugin.name: plugin.own("templates") for plugin in plugins}
    own = {name: FileSystemLoader(folder / name) for name, folder in folders.items() if folder}
    core = app.jinja_loader
    return ChoiceLoader([*([core] if core else []), PrefixLoader(own)])
