"""The operator's desk in a real browser: every list, one of each, and a decision."""

import pytest

from server.release.hub import Hub
from server.store.operators.users import OperatorRole
from tests.browser.hub import BrowsedHub, come_in
from tests.browser.screens import Screen
from tests.operators_desk import DISPUTED, OBJECTED, fill

LISTS = ("", "disputes", "objections", "objections/o-listed", "requests", "questions", "referrals")


@pytest.fixture(scope="module", autouse=True)
def _filled(hub: BrowsedHub) -> None:
    fill(Hub(hub.store))


def test_every_list_and_one_of_each(screen_of_each: Screen, hub: BrowsedHub) -> None:
    come_in(screen_of_each, hub, OperatorRole.ADMIN)
    for name in LISTS:
        screen_of_each.open(f"/console/{name}")
    page = screen_of_each.open("/console/requests?show=unaddressed")
    page.locator("tbody a").first.click()
    page.wait_for_url("**/console/requests/*")
    screen_of_each.check()
    page = screen_of_each.open("/console/disputes")
    page.get_by_role("link", name=DISPUTED).click()
    page.wait_for_url("**/console/review/**")
    screen_of_each.check()
    page.locator("summary").click()
    page.locator("#question").fill("Which page is it?")
    page.locator("form[action$=ask] button").click()
    page.locator("[role=status]").wait_for()
    screen_of_each.check()
    page = screen_of_each.open("/console/retract")
    page.locator("#value").fill(DISPUTED)
    page.locator("main form button").click()
    page.locator("dl.pairs").wait_for()
    screen_of_each.check()
    screen_of_each.open("/console/erase")
    screen_of_each.open("/console/people")
    page.locator("#name").fill(f"Chai {screen_of_each.language} {page.evaluate('window.innerWidth')}")
    page.locator("form[action$=admin] button").click()
    page.wait_for_url("**/console/proposals/*")
    screen_of_each.check()


def test_an_objection_is_decided_and_nothing_goes_by_a_slip(desk: Screen, hub: BrowsedHub) -> None:
    come_in(desk, hub, OperatorRole.ANALYST)
    page = desk.open("/console/objections")
    page.get_by_role("link", name=OBJECTED).first.click()
    page.wait_for_url("**/console/objections/o-*")
    page.get_by_role("button", name="Take it back").click()
    assert page.locator("form[action$=decide] input:invalid").count() == 1
    page.get_by_label("Take it back everywhere").check()
    page.get_by_role("button", name="Take it back").click()
    page.get_by_text("Reports taken back").wait_for()
    desk.check()
    assert OBJECTED not in desk.open("/console/objections").content()
