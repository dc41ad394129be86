"""The pages that anybody may open, in a real browser."""

from tests.browser.hub import HOSTILE, LISTED, BrowsedHub
from tests.browser.screens import Screen


def test_the_first_page_says_what_this_is(screen_of_each: Screen) -> None:
    page = screen_of_each.open("/")
    assert page.get_by_role("heading", level=1).inner_text()
    assert page.locator("a[href='/taxii2/']").count() == 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"


def test_the_figures_are_there_before_any_is_published(screen_of_each: Screen) -> None:
    screen_of_each.open("/trends")


def test_a_value_that_is_listed_says_what_to_do(screen_of_each: Screen) -> None:
    page = screen_of_each.open("/check")
    page.locator("#value").fill(LISTED)
    page.locator("form button").click()
    page.locator("#answer h3").first.wait_for()
    screen_of_each.check()
    assert page.locator("#answer a[href='mailto:help@hub.example']").count() == 1
    assert LISTED not in page.url


def test_a_value_that_nobody_reported_is_not_called_safe(screen_of_each: Screen) -> None:
    page = screen_of_each.open("/check")
    page.locator("#value").fill("nobody.example.org")
    page.locator("form button").click()
    page.locator("#answer .note").wait_for()
    screen_of_each.check()


def test_what_cannot_be_a_value_is_refused_and_never_runs(screen_of_each: Screen) -> None:
    screen_of_each.expected.add(422)
    page = screen_of_each.open("/check")
    page.locator("#value").fill(HOSTILE)
    page.locator("form button").click()
    page.locator("#answer .note").wait_for()
    screen_of_each.check()


def test_the_form_works_without_scripts(hub: BrowsedHub, desk: Screen) -> None:
    desk.page.route("**/*.js", lambda route: route.abort())
    desk.expected.add(0)
    desk.page.goto(f"{hub.address}/check")
    desk.page.locator("#value").fill(LISTED)
    desk.page.locator("form button").click()
    desk.page.locator("#answer h3").first.wait_for()
    assert desk.page.get_by_role("heading", level=1).is_visible()


def test_the_language_stays_once_it_is_chosen(desk: Screen) -> None:
    page = desk.open("/")
    page.get_by_role("link", name="ไทย").click()
    desk.language = "th"
    desk.check()
    desk.open("/check")
