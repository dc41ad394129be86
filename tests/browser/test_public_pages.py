"""The pages that anybody may open, in a real browser."""

import re

import pytest
from playwright.sync_api import Browser

from tests.browser.hub import HOSTILE, LISTED, BrowsedHub
from tests.browser.screens import Screen, screen


def test_the_first_page_says_what_this_is(screen_of_each: Screen) -> None:
    page = screen_of_each.open("/")
    assert page.get_by_role("heading", level=1).inner_text()
    assert page.locator("a[href='/taxii2/']").count() == 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"


@pytest.mark.parametrize("path", ["/", "/trends"])
def test_charts_are_drawn_from_their_tables(screen_of_each: Screen, path: str) -> None:
    page = screen_of_each.open(path)
    drawn = page.locator("figure.chart canvas").count()
    assert drawn == page.locator("figure.chart table").count() > 1
    assert page.locator("figure.chart tbody th").first.is_hidden()
    page.locator("figure.chart summary").first.click()
    assert page.locator("figure.chart tbody th").first.is_visible()
    screen_of_each.check()


def test_a_chart_tells_the_number_under_the_pointer(desk: Screen) -> None:
    page = desk.open("/trends")
    page.locator("#figure-reports .u-over").hover()
    reading = page.locator("#figure-reports .reading")
    assert re.search(r"\d,000", reading.inner_text())


def test_without_scripts_the_tables_stand_open(browser: Browser, hub: BrowsedHub) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    for path in ("/", "/trends"):
        page.goto(hub.address + path)
        assert page.locator("figure.chart tbody th").first.is_visible()
        assert page.locator("figure.chart .drawing").first.is_hidden()
    context.close()


@pytest.mark.parametrize("language", ["en", "th"])
def test_the_three_figures_are_whole_on_the_first_sheet_of_paper(
    browser: Browser, hub: BrowsedHub, language: str
) -> None:
    millimetre = 96 / 25.4
    with screen(browser, hub.address, language, round(174 * millimetre)) as on_paper:
        page = on_paper.page
        page.emulate_media(media="print")
        page.goto(hub.address)
        box = page.locator(".three").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 261 * millimetre
        assert page.locator(".three").evaluate("grid => grid.scrollWidth <= grid.clientWidth")
        assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


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


@pytest.mark.parametrize("path", ["/object", "/object/answer"])
def test_the_forms_of_objections_open(screen_of_each: Screen, path: str) -> None:
    screen_of_each.open(path)


@pytest.mark.parametrize(("language", "width"), [("th", 390), ("en", 1280)])
def test_somebody_objects_to_what_was_checked_and_reads_how_far_it_is(
    browser: Browser, hub: BrowsedHub, language: str, width: int
) -> None:
    with screen(browser, hub.address, language, width) as opened:
        _object(opened)


def _object(opened: Screen) -> None:
    page = opened.open("/check")
    page.locator("#value").fill(LISTED)
    page.locator("form button").click()
    page.locator("#answer button").click()
    page.locator("input[name=ground]").first.check()
    assert page.locator("#value").input_value() == LISTED
    opened.check()
    page.locator("main form button").click()
    code = page.locator("#code").inner_text()
    opened.check()
    page.locator("main form button").click()
    page.locator(".note.care").wait_for()
    opened.check()
    assert code not in page.url
    assert LISTED not in page.url
    opened.expected.add(404)
    page.locator("#code").fill("x" * 32)
    page.locator("main form button").click()
    page.locator(".note.ill").wait_for()
    opened.check()


def test_an_objection_needs_no_script(browser: Browser, hub: BrowsedHub) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{hub.address}/object")
    page.locator("#value").fill("nobody.example.org")
    page.locator("input[name=ground]").first.check()
    page.locator("main form button").click()
    assert len(page.locator("#code").inner_text()) == 32
    context.close()


def test_the_language_stays_once_it_is_chosen(desk: Screen) -> None:
    page = desk.open("/")
    page.get_by_role("link", name="ไทย").click()
    desk.language = "th"
    desk.check()
    desk.open("/check")
