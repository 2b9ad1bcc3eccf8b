"""What a page may weigh and load, and that words of members stay inside their frame."""

from __future__ import annotations

import gzip
from collections.abc import Callable

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Response

from tests.browser.test_every_page import PAGES

Opened = Callable[..., Page]
OVER = "document.scrollingElement.scrollWidth - window.innerWidth"
HUGE = [
    "# " + "H" * 300, "> " * 30 + "deep", "`" + "c" * 400 + "`", "https://example.org/" + "x" * 300,
    "|" + "a|" * 12 + "\n|" + "-|" * 12 + "\n|" + "wide cell|" * 12, "```\n" + "code " * 80 + "\n```", "é" * 200, "字" * 200,
    "<script>document.title='run'</script>", "<div style='position:fixed;inset:0;background:red'>x</div>",
    "[a](javascript:document.title='run')", "![p](/static/icon.svg)", "1. " * 40 + "list",
]  # fmt: skip


def test_no_page_trips_its_own_policy_or_throws(opened: Opened) -> None:
    """A blocked style or script, or a fault of the script, would say so in the console."""
    for handle in ("", "ana", "clea"):
        page, said, paths = opened(handle), [], PAGES[handle]
        page.on("console", lambda m, said=said: said.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e, said=said: said.append(str(e)))
        for path in paths:
            page.goto(path)
        assert [text for text in said if "status of 4" not in text] == [], handle


def test_style_and_script_keep_to_their_budgets(opened: Opened) -> None:
    """Interface, rule 25: 15 kB and 6 kB, compressed."""
    page, sizes = opened(), {}
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto("/", wait_until="networkidle")
    for answer in answers:
        kind = answer.request.resource_type
        sizes[kind] = sizes.get(kind, 0) + len(gzip.compress(answer.body()))

    assert sizes["stylesheet"] < 15_000, sizes
    assert sizes["script"] < 6_000, sizes


def test_zoom_is_never_forbidden(opened: Opened) -> None:
    page = opened()
    page.goto("/")
    content = page.locator("meta[name=viewport]").get_attribute("content") or ""

    assert "maximum-scale" not in content
    assert "user-scalable" not in content


def test_words_of_members_cannot_leave_their_frame(opened: Opened) -> None:
    """A15: huge, long, nested and wide contents stay inside the post, and no script of a member runs."""
    page = opened("ines", width=320)
    page.goto("/boards/travel-and-housing/new")
    page.get_by_label("Title").fill("W" * 138)
    page.get_by_label("Your words").fill("\n\n".join(HUGE))
    page.locator("button.main").click()
    page.wait_for_url("**/topics/**")

    assert page.locator(".words script, .words [style], .words img, .words [onclick]").count() == 0
    assert "run" not in page.title().replace("W", "")
    assert page.evaluate(OVER) <= 0
    page.goto("/boards/travel-and-housing")
    assert page.evaluate(OVER) <= 0
    page.goto("/search?q=deep")
    assert page.evaluate(OVER) <= 0


def test_axe_and_the_ruler_find_what_is_wrong(opened: Opened) -> None:
    """The detectors detect."""
    page = opened(width=320)
    page.goto("/")
    assert page.evaluate(OVER) <= 0
    wrong = '<img src="/x.png"><input><div id="wide">wide</div>'
    page.evaluate(f"document.querySelector('main').insertAdjacentHTML('beforeend', {wrong!r})")
    page.evaluate("document.getElementById('wide').style.width = '900px'")

    assert {"image-alt", "label"} <= {v["id"] for v in Axe().run(page).response["violations"]}
    assert page.evaluate(OVER) > 0
