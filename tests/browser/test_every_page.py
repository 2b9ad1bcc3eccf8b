"""Every main page: nothing sideways, nothing heavy, nothing from elsewhere, nothing for axe to say."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Request

Opened = Callable[..., Page]
PAGES = {
    "": [
        "/",
        "/boards",
        "/boards/welcome",
        "/topics/2/unread",
        "/sign-in",
        "/reset",
        "/join",
        "/leave/about",
        "/nothing",
        "/resources",
        "/resources/help-now",
        "/resources/146fc219-3650-591f-9c88-412c5d398d08",
    ],
    "ana": [
        *(
            "/",
            "/boards",
            "/boards/castings",
            "/boards/castings/new",
            "/topics/3/unread",
            "/search?q=casting",
        ),
        *("/notifications", "/account", "/account/devices", "/account/password", "/a/northlight"),
        *("/a/northlight/members", "/a/northlight/log", "/people/ines", "/account/export", "/account/delete"),
    ],
    "ruth": [
        "/",
        "/a/northlight/members",
        "/a/northlight/invites",
        "/a/northlight/boards",
        "/a/northlight/plugins",
    ],
    "clea": ["/a/northlight", "/a/northlight/members", "/a/northlight/resources"],
    "olena": ["/guardian"],
    "maud": ["/applications", "/applications/vic"],
    "omar": ["/agencies", "/boards/new", "/people/ana/suspend"],
}
# Everything in the light; in the dark only what a scheme can change.
WHAT = {
    "light": None,
    "dark": {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}},
}
CASES = [(handle, path) for handle, paths in PAGES.items() for path in paths]
HEAVIEST = 100_000  # bytes of one page


@pytest.mark.parametrize("handle", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(opened: Opened, handle: str, scheme: str) -> None:
    page = opened(handle, scheme=scheme)
    wrong = []
    for path in PAGES[handle]:
        page.goto(path)
        found = Axe().run(page, options=WHAT[scheme]).response["violations"]
        wrong += [(path, v["id"], v["nodes"][0]["html"]) for v in found]

    assert not wrong


@pytest.mark.parametrize("handle", PAGES)
def test_nothing_goes_sideways_at_320(opened: Opened, handle: str) -> None:
    page = opened(handle, width=320)
    wide = []
    for path in PAGES[handle]:
        page.goto(path)
        over = page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth")
        wide += [(path, over)] if over > 0 else []

    assert not wide


@pytest.mark.parametrize("handle", PAGES)
def test_pages_are_light_and_ask_no_other_host(opened: Opened, site: str, handle: str) -> None:
    page = opened(handle)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(_address(request)))
    heavy = []
    for path in PAGES[handle]:
        body = page.goto(path).body()
        heavy += [(path, len(body))] if len(body) > HEAVIEST else []

    assert not heavy
    assert {address for address in asked if not address.startswith(site)} == set()


def _address(request: Request) -> str:
    return request.url


def test_targets_are_big_enough_for_a_thumb(opened: Opened) -> None:
    page = opened("ana")
    page.goto("/boards/castings/new")
    sizes = page.eval_on_selector_all(
        "button, input:not([type=hidden]), .tabs a, .leave",
        "all => all.map(e => e.getBoundingClientRect().height)",
    )

    assert len(sizes) > 5
    assert min(height for height in sizes if height) >= 24
