"""The operator's desk in a real browser: every list, one of each item, and a decision."""

import pytest

from server.release.hub import Hub
from server.store.operators.users import OperatorRole
from tests.browser.hub import BrowsedHub, start_session
from tests.browser.screens import Screen
from tests.operators_desk import DISPUTED, OBJECTED, fill

LISTS = ("", "disputes", "objections", "objections/o-listed", "requests", "questions", "referrals")


@pytest.fixture(scope="module", autouse=True)
def _filled(hub: BrowsedHub) -> None:
    fill(Hub(hub.store))


def test_every_list_and_one_of_each(screen_of_each: Screen, hub: BrowsedHub) -> None:
    start_session(screen_of_each, hub, OperatorRole.ADMIN)
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
    page.locator("form[action$=add] input[value=admin]").check()
    page.locator("form[action$=add] button").click()
    page.wait_for_url("**/console/proposals/*")
    screen_of_each.check()


def test_objection_is_decided_only_after_confirmation(desk: Screen, hub: BrowsedHub) -> None:
    start_session(desk, hub, OperatorRole.ANALYST)
    page = desk.open("/console/objections")
    page.get_by_role("link", name=OBJECTED).first.click()
    page.wait_for_url("**/console/objections/o-*")
    page.get_by_role("button", name="Retract it").click()
    assert page.locator("form[action$=decide] input:invalid").count() == 1
    page.get_by_label("Delist it everywhere").check()
    page.get_by_role("button", name="Retract it").click()
    page.get_by_text("Reports retracted").wait_for()
    desk.check()
    assert OBJECTED not in desk.open("/console/objections").content()
