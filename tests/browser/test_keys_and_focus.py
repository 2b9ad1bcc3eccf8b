"""Keyboard, focus, impatient thumbs, and what the script must not do."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

Opened = Callable[..., Page]
FOCUS = """(e => { const s = getComputedStyle(e); return [e.tagName + ' ' + e.textContent.slice(0, 20),
    parseFloat(s.outlineWidth) || 0, s.outlineStyle, s.boxShadow] })(document.activeElement)"""


def test_an_empty_form_leads_to_its_fields(opened: Opened) -> None:
    page = opened()
    page.goto("/sign-in")
    page.locator("button.main").click()
    links = page.get_by_role("alert").get_by_role("link")

    expect(links).to_have_count(2)
    links.first.click()
    expect(page.get_by_label("E-mail")).to_be_focused()
    described = page.get_by_label("E-mail").get_attribute("aria-describedby") or ""
    expect(page.locator(f"#{described.split()[-1]}")).to_contain_text("Write your e-mail address.")


def test_two_shifts_or_capital_letters_do_not_leave(opened: Opened) -> None:
    page = opened("ines")
    page.goto("/boards/castings/new")
    page.keyboard.press("Shift")
    page.keyboard.press("Shift")
    page.get_by_label("Title").press("a")
    page.get_by_label("Title").press("Shift+B")
    page.get_by_label("Title").press("Shift+C")
    page.keyboard.press("Shift")
    page.wait_for_timeout(800)

    assert page.url.endswith("/boards/castings/new")


def test_an_impatient_thumb_posts_once(opened: Opened) -> None:
    page = opened("ines")
    page.goto("/boards/castings/new")
    page.get_by_label("Title").fill("Pressed many times")
    page.get_by_label("Your words").fill("Once is enough.")
    page.evaluate(
        "const b = document.querySelector('main form button.main'); for (let n = 0; n < 5; n++) b.click()"
    )
    page.wait_for_url("**/topics/**")
    page.goto("/boards/castings")

    expect(page.get_by_role("link", name="Pressed many times")).to_have_count(1)


def test_a_form_sent_again_by_going_back_posts_once(opened: Opened) -> None:
    page = opened("ines", script=False)
    page.goto("/boards/castings/new")
    page.get_by_label("Title").fill("Sent and sent again")
    page.get_by_label("Your words").fill("Once is enough.")
    key = page.locator("main input[name=once]").input_value()
    page.locator("button.main").click()
    first = page.url
    fields = {"title": "Sent and sent again", "body": "Once is enough.", "once": key}
    fields["csrf_token"] = page.locator("input[name=csrf_token]").first.input_value()
    page.request.post("/boards/castings/new", form=fields)
    page.goto("/boards/castings")

    expect(page.get_by_role("link", name="Sent and sent again")).to_have_count(1)
    assert page.goto(first).status == 200


def test_a_password_can_be_shown_and_hidden(opened: Opened) -> None:
    page = opened()
    page.goto("/sign-in")
    box = page.get_by_label("Password", exact=True)
    box.fill("some words")
    page.get_by_role("button", name="Show").click()
    expect(box).to_have_attribute("type", "text")
    page.get_by_role("button", name="Hide").click()
    expect(box).to_have_attribute("type", "password")


def test_the_first_key_reaches_the_skip_link_and_it_works(opened: Opened) -> None:
    page = opened("ana", width=1280)
    page.goto("/boards")
    page.keyboard.press("Tab")
    left, top, height = page.evaluate(
        "(r => [r.left, r.top, r.height])(document.activeElement.getBoundingClientRect())"
    )
    assert page.evaluate("document.activeElement.textContent").startswith("Skip")
    assert left >= 0
    assert top >= 0
    assert height >= 24
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_whatever_has_the_focus_shows_it(opened: Opened) -> None:
    """Interface, rule 7: 3 px, never removed; in both colour schemes."""
    for scheme in ("light", "dark"):
        page = opened("ana", width=1280, scheme=scheme)
        page.goto("/boards/castings/new")
        unseen = []
        for _ in range(20):
            page.keyboard.press("Tab")
            name, width, style, shadow = page.evaluate(FOCUS)
            if not (width >= 2.9 and style != "none") and shadow == "none" and not name.startswith("BODY"):
                unseen.append(name)
        assert unseen == [], scheme


def test_leaving_shows_nothing_on_the_way_and_nothing_on_the_way_back(opened: Opened, site: str) -> None:
    page = opened("femi")
    page.goto("/boards/castings")
    page.get_by_role("link", name="Leave", exact=True).click()
    page.wait_for_url(f"{site}/static/icon.svg")
    for _ in range(20):  # the browser clears them a moment after the answer
        if not page.context.cookies():
            break
        page.wait_for_timeout(100)
    assert [c["name"] for c in page.context.cookies()] == []
    page.go_back()
    page.wait_for_load_state()

    expect(page.get_by_text("Castings and go-sees")).to_have_count(0)
