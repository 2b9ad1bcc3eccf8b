"""What people come for, on a small phone, with script switched off."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from forum import demo

Opened = Callable[..., Page]


def test_ana_signs_in_reads_replies_searches_and_signs_out_without_script(opened: Opened) -> None:
    page = opened(script=False)
    page.goto("/")
    page.get_by_role("link", name="Sign in").first.click()
    page.get_by_label("E-mail").fill("ana@example.org")
    page.get_by_label("Password", exact=True).fill(demo.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ana")

    page.goto("/boards/castings")
    page.locator(".topics .t a").first.click()
    expect(page.locator("article.post").first).to_be_visible()
    expect(page.locator("#answer .who")).to_contain_text("Nobody who works at an agency")
    page.locator("textarea[name=body]").fill("Thank you all. I asked for **water** and got it. Zebrafish.")
    page.get_by_role("button", name="Post the answer").click()
    expect(page).to_have_url(re.compile(r"/topics/\d+-[^#]+#p\d+$"))
    expect(page.locator("article.post").last.locator("strong")).to_have_text("water")

    page.goto("/search")
    page.get_by_label("Words to look for").fill("zebrafish")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("mark")).to_have_text("Zebrafish")

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("status")).to_contain_text("You are signed out.")
    assert page.goto("/boards/castings").status == 404


def test_a_post_is_changed_taken_down_and_put_back_without_script(opened: Opened) -> None:
    page = opened("ines", script=False)
    page.goto("/boards/travel-and-housing/new")
    page.get_by_label("Title").fill("A night bus that is fine")
    page.get_by_label("Your words").fill("The four o'clock one.")
    page.get_by_role("button", name="Post the topic").click()

    page.get_by_role("link", name="Edit").click()
    page.locator("textarea[name=body]").fill("The five o'clock one.")
    page.locator("button.main").click()
    expect(page.locator(".words").first).to_contain_text("five")
    expect(page.get_by_role("link", name="edited")).to_be_visible()

    page.get_by_role("button", name="Delete").click()
    expect(page.locator("article.post")).not_to_contain_text("five")
    page.get_by_role("button", name="Put it back").click()
    expect(page.locator(".words").first).to_contain_text("five")


def test_what_is_wrong_is_said_on_top_and_takes_the_focus(opened: Opened) -> None:
    page = opened()
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill("ana@example.org")
    page.get_by_label("Password", exact=True).fill("wrong words here")
    page.locator("button.main").click()

    expect(page).to_have_title(re.compile(r"^Error: "))
    expect(page.locator(".errors")).to_be_focused()
    expect(page.get_by_label("E-mail")).to_have_value("ana@example.org")


def test_three_shifts_leave_and_end_the_sign_in(opened: Opened, site: str) -> None:
    page = opened()
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill("tomas@example.org")
    page.get_by_label("Password", exact=True).fill(demo.PASSWORD)
    page.locator("button.main").click()
    page.wait_for_url(f"{site}/")
    cookie = page.context.cookies()

    for _ in range(3):
        page.keyboard.press("Shift")
    page.wait_for_url(f"{site}/static/icon.svg")

    page.context.add_cookies(cookie)  # the cookie of before is worth nothing: the sign-in itself has ended
    assert page.goto("/account").url.startswith(f"{site}/sign-in")


def test_leave_is_a_link_that_works_without_script(opened: Opened, site: str) -> None:
    page = opened("mbali", script=False)
    page.goto("/boards")
    page.get_by_role("link", name="Leave", exact=True).click()

    assert page.url == f"{site}/static/icon.svg"
    assert page.goto("/account").url.startswith(f"{site}/sign-in")


def test_spanish_is_one_tap_away_and_stays(opened: Opened) -> None:
    page = opened(script=False)
    page.goto("/sign-in")
    page.get_by_role("button", name="Español").click()
    expect(page.locator("html")).to_have_attribute("lang", "es")

    page.goto("/boards")
    expect(page.locator("html")).to_have_attribute("lang", "es")
