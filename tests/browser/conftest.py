"""A living demo site and a real browser. Without Chromium these tests are skipped, and say so."""

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.serving import make_server

from forum import db, demo
from forum.db import now
from forum.testing import make_app

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))  # one server and one browser for all of them


@pytest.fixture(scope="session")
def site(migrated_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a site with the demo's people and talk."""
    folder = tmp_path_factory.mktemp("living") / "data"
    shutil.copytree(migrated_folder, folder)
    server = make_server("127.0.0.1", 0, lambda environ, start: app(environ, start), threaded=True)
    address = f"http://127.0.0.1:{server.server_port}"
    app = make_app(folder, base_url=address, leave_to=f"{address}/static/icon.svg")
    with app.app_context():
        demo.seed(now())
        db.db.session.remove()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield address
    server.shutdown()
    thread.join()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


@pytest.fixture(scope="session")
def cookies(site: str, browser: Browser) -> Callable[[str], dict[str, object]]:
    """A function: the kept sign-in of a persona, made once by the form."""
    kept: dict[str, dict[str, object]] = {}

    def state(handle: str) -> dict[str, object]:
        if handle not in kept:
            context = browser.new_context()
            page = context.new_page()
            sign_in(page, site, handle)
            kept[handle] = dict(context.storage_state())
            context.close()
        return kept[handle]

    return state


def sign_in(page: Page, site: str, handle: str) -> None:
    """By the form, as people do."""
    page.goto(f"{site}/sign-in")
    page.fill("input[name=email]", f"{handle}@example.org")
    page.fill("input[name=password]", demo.PASSWORD)
    page.click("button.main")
    page.wait_for_url(f"{site}/")


@pytest.fixture
def opened(site: str, browser: Browser, cookies: Callable[..., dict]) -> Iterator[Callable[..., Page]]:
    """A function: a page of a browser, signed in as somebody or not, with or without script."""
    contexts: list[BrowserContext] = []

    def make(handle: str = "", script: bool = True, width: int = 360, scheme: str = "light") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 740}, color_scheme=scheme, java_script_enabled=script,
            storage_state=cookies(handle) if handle else None, base_url=site,
        )  # fmt: skip
        contexts.append(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()
