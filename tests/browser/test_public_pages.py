"""The public pages in a real browser."""

import pytest
from playwright.sync_api import Browser

from tests.browser.hub import HOSTILE, LISTED, BrowsedHub
from tests.browser.screens import Screen, screen


def test_first_page_explains_the_service(screen_of_each: Screen) -> None:
    page = screen_of_each.open("/")
    assert page.get_by_role("heading", level=1).inner_text()
    assert page.locator("a[href='/taxii2/']").count() == 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"


@pytest.mark.parametrize("path", ["/", "/trends"])
def test_charts_have_their_tables(screen_of_each: Screen, path: str) -> None:
    page = screen_of_each.open(path)
    drawn = page.locator("figure.chart svg.area").count()
    assert drawn == page.locator("figure.chart details table").count() >= 1
    assert page.locator("figure.chart table.ranked svg.bar").count() > 1
    row = page.locator("figure.chart details tbody th").first
    assert row.is_hidden()
    # Parts of the page are folded on a telephone.
    for part in page.locator("details.fold:has(figure.chart) > summary").all():
        if screen_of_each.is_narrow:
            part.click()
    page.locator("figure.chart summary").first.click()
    assert row.is_visible()
    screen_of_each.check()


def test_an_earlier_month_is_selected_without_scripts(browser: Browser, hub: BrowsedHub) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{hub.address}/trends")
    newest = page.get_by_role("heading", level=1).inner_text()
    page.locator("#month").select_option(index=3)
    page.locator("form.period button").click()
    assert page.get_by_role("heading", level=1).inner_text() != newest
    bar = page.locator("#figure-reports svg.area rect").first
    assert bar.is_visible()
    assert "1,000" in (bar.locator("title").text_content() or "")
    context.close()


@pytest.mark.parametrize("language", ["en", "th"])
def test_three_figures_fit_on_the_first_printed_page(browser: Browser, hub: BrowsedHub, language: str) -> None:
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


def test_listed_value_shows_advice(screen_of_each: Screen) -> None:
    page = screen_of_each.open("/check")
    page.locator("#value").fill(LISTED)
    page.locator("form button").click()
    page.locator("#answer h3").first.wait_for()
    screen_of_each.check()
    assert page.locator("#answer a[href='mailto:help@hub.example']").count() == 1
    assert LISTED not in page.url


def test_unreported_value_is_not_called_safe(screen_of_each: Screen) -> None:
    page = screen_of_each.open("/check")
    page.locator("#value").fill("nobody.example.org")
    page.locator("form button").click()
    page.locator("#answer .note").wait_for()
    screen_of_each.check()


def test_malformed_value_is_refused_and_never_executed(screen_of_each: Screen) -> None:
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
    assert desk.page.locator("[data-bank]").is_visible()
    desk.page.locator("#value").fill(LISTED)
    desk.page.locator("form button").click()
    desk.page.locator("#answer h3").first.wait_for()
    assert desk.page.get_by_role("heading", level=1).is_visible()


def test_bank_is_asked_for_once_ten_digits_are_written(desk: Screen) -> None:
    page = desk.open("/check")
    bank = page.locator("[data-bank]")
    assert bank.is_hidden()
    page.locator("#value").press_sequentially("123-4-56789-0")
    assert bank.is_visible()
    page.locator("#value").fill("081-234-567")
    assert bank.is_hidden()
    page.locator("#kind").select_option("bank-account")
    assert bank.is_visible()
    desk.check()


@pytest.mark.parametrize("path", ["/object", "/object/answer"])
def test_the_forms_of_objections_open(screen_of_each: Screen, path: str) -> None:
    screen_of_each.open(path)


@pytest.mark.parametrize(("language", "width"), [("th", 390), ("en", 1280)])
def test_checked_value_gets_an_objection_with_a_status_page(
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
    assert len(page.locator("#code").inner_text()) == 24
    context.close()


def test_the_language_stays_once_it_is_chosen(desk: Screen) -> None:
    page = desk.open("/")
    page.get_by_role("link", name="ไทย").click()
    desk.language = "th"
    desk.check()
    desk.open("/check")
