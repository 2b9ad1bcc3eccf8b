"""create_app(): settings → database → plugins → sign-in → features → errors. Reads as a list."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from flask import (
    Flask,
    Request,
    Response,
    current_app,
    g,
    has_request_context,
    redirect,
    request,
    session,
    url_for,
)
from flask_babel import Babel
from flask_login import LoginManager, current_user
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import BadRequest
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter, ValidationError

from forum import (
    db,
    errors,
    file_pages,
    headers,
    health_pages,
    home,
    layout,
    limits,
    mounting,
    paths,
    permissions,
    plugins,
    sealing,
    wiring,
)
from forum.accounts import leaving
from forum.accounts import routes as accounts
from forum.accounts.actions import confirm_password, touch_sign_in
from forum.agencies import guardians, joining, people, switching
from forum.agencies import routes as agencies
from forum.agencies.queries import standing_at, viewer_of_token
from forum.boards import routes as boards
from forum.config import LANGUAGES, Settings
from forum.faults import described
from forum.notifications import routes as notifications
from forum.permissions import Missing, Refused
from forum.viewer import NOBODY, Membership, Viewer, current_viewer


class IdConverter(IntegerConverter):
    """A row's id in an address: 1 to 2,147,483,647; anything else is no such page."""

    regex = r"[1-9][0-9]{0,9}"

    def to_python(self, value: str) -> int:
        """Errors: ValidationError above the range of the databases' integers."""
        number = int(value)
        if number > 2_147_483_647:
            raise ValidationError
        return number


FEATURES = (
    home.bp,
    accounts.bp,
    leaving.bp,
    joining.bp,
    agencies.bp,
    people.bp,
    switching.bp,
    guardians.bp,
    boards.bp,
    boards.search_bp,
    notifications.bp,
    health_pages.bp,
    file_pages.bp,
)
WITHOUT_VIEWER = frozenset({"health.show_live", "health.show_ready"})
CONFIRM_FOR = dt.timedelta(minutes=15)
TOUCH_EVERY = dt.timedelta(hours=1)


class InMemory(Request):
    """A request whose uploads touch no disk."""

    def _get_file_stream(self, *sizes: Any, **about: Any) -> io.BytesIO:
        return io.BytesIO()


class Site(Flask):
    """Flask, but uploads stay in memory and faults on quiet pages are logged without the address."""

    request_class = InMemory

    def log_exception(self, exc_info: Any) -> None:
        """Log a fault that nobody handled."""
        if not mounting.is_quiet():
            super().log_exception(exc_info)
            return
        self.logger.error("a fault on a quiet page: %s", described(exc_info[1]))


def create_app(settings: Settings | None = None, with_plugins: Sequence[Any] | None = None) -> Flask:
    """The application for these settings (default: from the environment).

    `with_plugins`: exactly these plugins instead of the installed ones. Errors: plugins.Broken.
    """
    settings = settings or Settings.from_environment()
    app = Site(__name__, template_folder=str(paths.templates()), static_folder="static")
    configure(app, settings)
    db.db.init_app(app)
    sealing.init_app(app, settings)
    limits.init_app(app, settings)
    wiring.init_app(app, plugins.load(settings.blocked, with_plugins, settings.trace_hooks))
    init_languages(app)
    headers.init_app(app, settings.https)
    app.url_map.converters["id"] = IdConverter
    app.before_request(begin_request)
    init_sign_in(app)
    app.before_request(check_permission)
    csrf = CSRFProtect(app)
    for feature in FEATURES:
        app.register_blueprint(feature)
    mounting.mount(app, plugins.loaded(app))
    layout.init_app(app)
    errors.init_app(app)
    app.view_functions["static"] = permissions.needs("accounts.leave")(app.view_functions["static"])
    mounting.check_routes(app)
    permissions.check_routes(app)
    for view in filter(permissions.is_tapped, app.view_functions.values()):
        csrf.exempt(view)
    return app


def configure(app: Flask, settings: Settings) -> None:
    """Flask's own settings, from ours."""
    app.config.update(
        CALLBOARD=settings,
        SECRET_KEY=settings.secret_key or sealing.cookie_secret(settings.data / "keys"),
        SQLALCHEMY_DATABASE_URI=settings.database,
        SQLALCHEMY_ENGINE_OPTIONS=db.engine_options(settings.database),
        TRUSTED_HOSTS=settings.hosts,
        MAX_CONTENT_LENGTH=settings.max_body,
        MAX_FORM_MEMORY_SIZE=settings.max_body,
        MAX_FORM_PARTS=60,
        SESSION_COOKIE_NAME="__Host-callboard" if settings.https else "callboard",
        SESSION_COOKIE_SECURE=settings.https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=dt.timedelta(days=settings.sign_in_days),
        WTF_CSRF_TIME_LIMIT=86_400,
        WTF_CSRF_SSL_STRICT=False,  # it needs the Referer, which no page of ours sends; headers.py checks instead
        SEND_FILE_MAX_AGE_DEFAULT=31_536_000,
        PROPAGATE_EXCEPTIONS=False,
        TESTING=settings.testing,
    )
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    app.wsgi_app = headers.KnownHost(app.wsgi_app, settings.hosts)  # type: ignore[method-assign]
    if settings.proxies:
        fixed = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies)
        app.wsgi_app = fixed  # type: ignore[method-assign]


def init_languages(app: Flask) -> None:
    """Catalogues and the choice among them."""
    Babel(
        app,
        default_translation_directories=";".join(map(str, catalogues(app))),
        locale_selector=chosen_language,
        timezone_selector=lambda: current_viewer().timezone,
    )

    @app.after_request
    def keep_language(response: Response) -> Response:
        is_page = request.method == "GET" and not mounting.is_static()  # caches keep files, never a cookie
        if is_page and request.args.get("lang") in LANGUAGES:
            secure = app.config["SESSION_COOKIE_SECURE"]
            response.set_cookie("lang", request.args["lang"], secure=secure, httponly=True, samesite="Lax")
        return response


def catalogues(app: Flask) -> list[Path]:
    """The folders of every plugin's catalogues, then of the core's: a later one has the last word on a text."""
    own = [plugin.own("translations") for plugin in plugins.loaded(app)]
    return [*filter(None, own), paths.translations()]


def chosen_language() -> str:
    """?lang= of this page, else the cookie it set, else the person's, else the browser's."""
    if not has_request_context():
        return "en"  # jobs and commands; what they mail is in force_locale()
    for wish in (request.args.get("lang"), request.cookies.get("lang")):
        if wish in LANGUAGES:
            return str(wish)
    if current_viewer().signed_in:
        return current_viewer().locale
    return request.accept_languages.best_match(list(LANGUAGES), "en")


def init_sign_in(app: Flask) -> None:
    """Flask-Login over our own server-side sign-ins; no remember-me, no session protection."""
    manager = LoginManager()
    manager.session_protection = None
    manager.init_app(app, add_context_processor=False)  # it would look for a sign-in on quiet pages too

    @manager.user_loader
    def load(token: str) -> accounts.SignedIn | None:
        settings: Settings = app.config["CALLBOARD"]
        at = db.now()
        found = viewer_of_token(token, at, settings.sign_in_days)
        if found is None:
            return None
        g.touched_at = found[1]
        return accounts.SignedIn(token, found[0])

    app.after_request(touch_later)
    app.after_request(report_later)


def begin_request() -> None:
    """Say whether this request writes; find its viewer. Errors: 400 for a NUL in the address."""
    db.set_reading(request.method in ("GET", "HEAD", "OPTIONS"))
    if "\0" in request.path or any("\0" in v for _, v in request.args.items(multi=True)):
        raise BadRequest
    if mounting.is_quiet():
        g.quiet = True
    elif request.endpoint not in WITHOUT_VIEWER and not mounting.is_static():
        g.viewer = signed_in_viewer()


def signed_in_viewer() -> Viewer:
    """The viewer of this request's cookie, or NOBODY; asks nothing when there is no cookie."""
    if "_user_id" not in session:
        return NOBODY
    viewer: Viewer | None = getattr(current_user, "viewer", None)
    return viewer or NOBODY


def check_permission() -> Any:
    """Enforce the route's `needs` before anything of it is looked up."""
    name = permissions.needed_by(request_app(), request.endpoint)
    if name is None:
        return None  # no such route: 404 follows
    viewer, wanted = current_viewer(), permissions.permission(name)
    view = request_app().view_functions[request.endpoint or ""]
    if permissions.is_tapped(view):
        headers.require_own_origin(request_app().config["CALLBOARD"].base_url)
    policy = permissions.policy_of(request_app(), request.endpoint)
    if policy is None and wanted.signed_in and not viewer.signed_in:
        if errors.typed_words():
            return errors.sign_in_first()
        return redirect(url_for("accounts.sign_in", next=here()), 303)
    standing = open_standing(viewer)
    allowed = (
        permissions.may(viewer, name, standing) if policy is None else policy(**(request.view_args or {}))
    )
    if not allowed:
        raise Missing
    if wanted.sensitive and not confirmed_lately(viewer):
        return ask_password(viewer)
    return None


def open_standing(viewer: Viewer) -> Membership | None:
    """The viewer's standing at the agency of this address, if it has one.

    Errors: Missing on an agency's pages of a plugin that it has off, as for any page that is not there.
    """
    mounted, slug = mounting.mounted_here(), (request.view_args or {}).get("agency", "")
    if mounted is None or mounted.mount.at != "agency":
        return viewer.membership(slug)
    standing = standing_at(viewer, slug)
    place = plugins.loaded().place_of(standing)
    if mounted.plugin.name not in place.on:
        raise Missing
    g.place, g.agency_page = place, standing
    return standing


def ask_password(viewer: Viewer) -> Any:
    """The password once more: on a page of its own before a page is read, with her words before they are sent."""
    if request.method != "POST":
        return redirect(url_for("accounts.confirm_password", next=here()), 303)
    request_app().extensions["csrf"].protect()
    if "confirm_password" not in request.form:
        return errors.password_first("")
    try:
        confirm_password(viewer, request.form["confirm_password"])
    except Refused as refusal:
        db.rollback()
        return errors.password_first(refusal.sentence)
    return None


def request_app() -> Flask:
    """The application in hand, itself and not its proxy."""
    return current_app._get_current_object()  # type: ignore[attr-defined]


def here() -> str:
    """Where to come back to: this page when it was read, the front page when something was sent."""
    return request.full_path.rstrip("?") if request.method == "GET" else "/"


def confirmed_lately(viewer: Viewer) -> bool:
    """Whether the password was given on this sign-in within the last quarter of an hour."""
    return viewer.confirmed_at is not None and db.now() - viewer.confirmed_at < CONFIRM_FOR


def touch_later(response: Response) -> Response:
    """After the answer, at most hourly: note that this sign-in is in use."""
    viewer, touched = current_viewer(), g.get("touched_at")
    prefetch = "prefetch" in request.headers.get("Sec-Purpose", request.headers.get("Purpose", ""))
    if viewer.sign_in_id and touched and not prefetch and db.now() - touched > TOUCH_EVERY:
        app, sign_in_id = request_app(), viewer.sign_in_id
        response.call_on_close(lambda: touch_sign_in(app, sign_in_id))
    return response


def report_later(response: Response) -> Response:
    """After the answer: let operators know of a plugin that pauses."""
    if plugins.loaded().faults.unreported:
        response.call_on_close(partial(wiring.report_pauses, request_app()))
    return response
