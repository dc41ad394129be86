"""An operator clears the queue, and two persons in two browsers decide together."""

from urllib.parse import quote

from playwright.sync_api import Browser

from server.store.operators.users import OperatorRole
from tests.browser.hub import HOSTILE, BrowsedHub, report, start_session
from tests.browser.screens import Screen, screen

POLICE = "Police"
_IN_SIGHT = "button => button.getBoundingClientRect().bottom <= innerHeight"


def hold(hub: BrowsedHub, partner: str, values: list[str]) -> None:
    """Let a partner report values that a rule holds."""
    for value in values:
        report(hub.store, partner, value, hold="mostly-held")


def test_analyst_views_one_selects_others_and_decides(screen_of_each: Screen, hub: BrowsedHub) -> None:
    width = screen_of_each.page.evaluate("window.innerWidth")
    names = [f"{screen_of_each.language}{width}-{number}.example.net" for number in range(3)]
    hold(hub, HOSTILE, names)
    start_session(screen_of_each, hub, OperatorRole.ANALYST)
    page = screen_of_each.open(f"/console/reviews?partner={quote(HOSTILE)}")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.closest('[data-row]') !== null")
    page.keyboard.press("x")
    assert page.locator("tbody input:checked").count() == 1
    page.get_by_role("link", name=names[0]).click()
    page.wait_for_url("**/console/review/**")
    screen_of_each.check()
    page.locator("button[value=approve]").click()
    page.locator("#note").wait_for()
    screen_of_each.check()
    assert page.locator("td.number").inner_text() == "1"
    page.locator("#note").fill("seen")
    page.locator("main form button").click()
    page.locator(".note.well").wait_for()
    screen_of_each.check()


def test_two_persons_in_two_browsers(browser: Browser, desk: Screen, hub: BrowsedHub) -> None:
    hold(hub, POLICE, ["seized.example.net"])
    start_session(desk, hub, OperatorRole.ANALYST)
    page = desk.open("/console/reviews?partner=Police")
    page.locator("tbody input").first.check()
    page.locator("button[value=approve]").click()
    page.locator("main form button").click()
    page.get_by_role("link", name="All reviews").wait_for()
    page.locator(".note.care a").click()
    page.get_by_text("You proposed this").wait_for()
    desk.check()
    assert page.get_by_role("button", name="Confirm").count() == 0
    with screen(browser, hub.address, "th", 390) as other:
        start_session(other, hub, OperatorRole.APPROVER)
        other.open("/console/proposals")
        other.page.locator("tbody a").last.click()
        other.page.get_by_text("seized.example.net").first.wait_for()
        other.check()
        other.page.locator("form[action$=confirm] button").click()
        other.page.locator("form[action$=confirm]").wait_for(state="detached")
        other.check()
    page.reload()
    assert page.get_by_text("Confirmed").count() == 1


def test_a_viewer_sees_and_cannot_decide(desk: Screen, hub: BrowsedHub) -> None:
    hold(hub, HOSTILE, ["looked-at.example.net"])
    start_session(desk, hub, OperatorRole.VIEWER)
    page = desk.open("/console/reviews")
    assert page.locator("button[name=decision]").count() == 0
    desk.open("/console/people", 403)


def test_full_page_of_reviews_is_five_screens_of_a_telephone(browser: Browser, hub: BrowsedHub) -> None:
    hold(hub, "Second Bank", [f"held-for-a-telephone-{number:02}.example.net" for number in range(26)])
    with screen(browser, hub.address, "th", 390) as phone:
        start_session(phone, hub, OperatorRole.ANALYST)
        page = phone.open("/console/reviews")
        assert page.locator("tbody input").count() == 25
        assert page.evaluate("document.documentElement.scrollHeight") <= 5 * 844
        # The decision is in sight once a row is chosen, though the list is longer than the screen.
        page.locator("tbody input").first.check()
        assert page.locator("button[value=approve]").evaluate(_IN_SIGHT)
        assert page.locator("#partner").is_hidden()
        page.locator("details.fold > summary").click()
        page.locator("#partner").fill("Second Bank")
        page.locator("form.filters button").click()
        page.wait_for_url("**partner=Second**")
        phone.check()
        assert page.locator("details.fold .tag").count() == 1


def test_filters_are_open_on_a_wide_screen(desk: Screen, hub: BrowsedHub) -> None:
    start_session(desk, hub, OperatorRole.ANALYST)
    page = desk.open("/console/reviews")
    assert page.locator("#partner").is_visible()
    assert page.locator("details.fold > summary").is_hidden()
