"""Where the pages of plugins live: addresses, templates, static files and catalogues, taken in at start.

A path that is claimed twice, or that is the core's, stops the start. Whether a page is open at an
agency is decided at each request by the application, for every route of a mount alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Flask, Response, current_app, request, send_from_directory
from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, PrefixLoader

from forum import permissions
from forum.admission import Broken, Plugin
from forum.declare import Mount
from forum.permissions import needs
from forum.plugins import Plugins, loaded

# First parts of addresses that are the core's, today or by the contract of addresses.
RESERVED = frozenset({"a", "api", "approvals", "guardian", "messages", "mentorship", "moderation", "static"})
RESERVED_AT_AGENCY = frozenset({"boards", "invites", "log", "members", "mentorship", "plugins", "roster"})
FIRST_PART = re.compile(r"/[a-z0-9][a-z0-9-]*(/|$)")
STATIC = "static_"  # what the endpoints of plugins' static files begin with


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
        place = Mounted(plugin, wanted, _prefix(plugin, wanted, taken))
        name = wanted.blueprint.name
        if name != plugin.name and not name.startswith(f"{plugin.name}_"):
            raise Broken(
                f"{plugin.name}: the blueprint {name} must be called {plugin.name} or {plugin.name}_…."
            )
        _register(app, place)
        mounted[name] = place
    app.extensions["mounted"] = mounted
    for plugin in plugins:
        _serve_static(app, plugin)
    app.jinja_loader = _loader(app, plugins)


def _register(app: Flask, place: Mounted) -> None:
    """Register a blueprint that keeps to its own address. Errors: Broken for one that reaches every page."""
    before, everywhere = {rule.rule for rule in app.url_map.iter_rules()}, _everywhere(app)
    blueprint: Blueprint = place.mount.blueprint
    try:
        app.register_blueprint(blueprint, url_prefix=place.prefix)
    except ValueError as error:
        raise Broken(f"{place.plugin.name}: {error}") from error
    for rule in app.url_map.iter_rules():
        own = rule.endpoint.partition(".")[0] == blueprint.name and f"{rule.rule}/".startswith(
            f"{place.prefix}/"
        )
        if rule.rule not in before and not own:
            raise Broken(f"{place.plugin.name}: {rule.rule} is not under {place.prefix}.")
    if _everywhere(app) != everywhere:
        raise Broken(f"{place.plugin.name}: the blueprint {blueprint.name} acts on every page of the site.")


def _everywhere(app: Flask) -> list[int]:
    """How much is done around every page."""
    around = (
        app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs,
        app.template_context_processors, app.url_value_preprocessors, app.url_default_functions,
    )  # fmt: skip
    handlers = app.error_handler_spec.get(None, {})
    return [*(len(one.get(None, ())) for one in around), sum(len(found) for found in handlers.values())]


def check_routes(app: Flask) -> None:
    """Every page of a plugin needs a known permission; a quiet one, which knows nobody, one that asks for nobody.

    Errors: Broken.
    """
    known = permissions.known_to(app)
    for rule in app.url_map.iter_rules():
        here = _of_blueprint(app, rule.endpoint)
        if here is None:
            continue
        name = permissions.needed_by(app, rule.endpoint)
        if name not in known:
            raise Broken(f"{here.plugin.name}: {rule.endpoint} needs {name!r}, which is no permission.")
        if here.mount.quiet and known[name].signed_in and permissions.policy_of(app, rule.endpoint) is None:
            raise Broken(
                f"{here.plugin.name}: {rule.endpoint} is quiet, so nobody could be let in by {name}."
            )


def mounted_here() -> Mounted | None:
    """The mount that the present request is for; None on the core's own pages.

    An address under a quiet mount that is no page, or takes no such request, counts as quiet too.
    """
    if request.url_rule is not None:
        return _of_blueprint(current_app, request.endpoint or "")
    path = f"{request.path}/"
    return next(
        (
            here
            for here in _mounted(current_app).values()
            if here.mount.quiet and path.startswith(f"{here.prefix}/")
        ),
        None,
    )


def is_quiet() -> bool:
    """Whether the present request is for pages that nobody is noted on."""
    here = mounted_here()
    return here is not None and here.mount.quiet


def is_static() -> bool:
    """Whether the present request is for a file of the core's or of a plugin's static folder."""
    endpoint = request.endpoint or ""
    return endpoint == "static" or endpoint.startswith(STATIC)


def _of_blueprint(app: Flask, endpoint: str) -> Mounted | None:
    """The mount of an endpoint; one of a blueprint inside a blueprint belongs to the outer one."""
    return _mounted(app).get(endpoint.partition(".")[0]) if "." in endpoint else None


def _mounted(app: Flask) -> dict[str, Mounted]:
    found: dict[str, Mounted] = app.extensions["mounted"]
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
    path = wanted.path or f"/{plugin.info.address}"
    if not FIRST_PART.match(path) or path.endswith("/"):
        raise Broken(
            f"{plugin.name}: the path {path!r} must begin with / and small letters, and not end with /."
        )
    owner = taken.setdefault((wanted.at, _claimed(path)), plugin.name)
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
        if (Path(str(app.static_folder)) / plugin.name).exists():
            raise Broken(f"{plugin.name}: /static/{plugin.name} belongs to the core.")
        rule, endpoint = f"/static/{plugin.name}/<path:filename>", f"{STATIC}{plugin.name}"
        app.add_url_rule(rule, endpoint, send_own, defaults={"plugin": plugin.name})


@needs("accounts.leave")
def send_own(plugin: str, filename: str) -> Response:
    """A file of this plugin's static folder."""
    found = loaded().get(plugin)
    folder = found.own("static") if found else None
    if folder is None:
        raise permissions.Missing
    return send_from_directory(folder, filename)


def _loader(app: Flask, plugins: Plugins) -> BaseLoader:
    """The site's own templates first, so that it may override any; the core's; then each plugin's `<name>/…`."""
    folders = {plugin.name: plugin.own("templates") for plugin in plugins}
    own = {name: FileSystemLoader(folder / name) for name, folder in folders.items() if folder}
    site, core = app.config["CALLBOARD"].templates, app.jinja_loader
    first = [FileSystemLoader(site)] if site else []
    return ChoiceLoader([*first, *([core] if core else []), PrefixLoader(own)])
