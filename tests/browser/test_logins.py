"""Logging in, in a real browser: the one-time link, the second factor, and what each role is shown."""

from playwright.sync_api import Browser

from server.store.operators.users import OperatorRole, PartnerRole
from tests.browser.hub import PASSWORD, BrowsedHub, log_in
from tests.browser.screens import Screen


def test_a_person_comes_in_by_a_link_and_again_by_password_and_code(screen_of_each: Screen, hub: BrowsedHub) -> None:
    person = log_in(screen_of_each, hub, OperatorRole.ADMIN)
    for path in ("/console/", "/console/partners", "/console/audit", "/console/people", "/me"):
        screen_of_each.open(path)
    page = screen_of_each.page
    page.locator("header form button").click()
    page.wait_for_url("**/")
    screen_of_each.open("/login")
    page.locator("#name").fill(person.name)
    page.locator("#password").fill(PASSWORD)
    page.locator("main button").click()
    page.wait_for_url("**/login/code*")
    screen_of_each.check()
    page.locator("#code").fill(person.code())
    page.locator("main button").click()
    page.wait_for_url("**/console/")


def test_a_partners_admin_connects_and_rotates(screen_of_each: Screen, hub: BrowsedHub) -> None:
    log_in(screen_of_each, hub, PartnerRole.ADMIN, "First Bank")
    screen_of_each.open("/partner/")
    screen_of_each.open("/partner/connection")
    page = screen_of_each.open("/partner/credentials")
    page.locator("form[action$='/partner/credentials'] button").click()
    page.locator("#new-token").wait_for()
    screen_of_each.check()
    screen_of_each.open("/console/", 403)


def test_a_wrong_password_is_refused_on_the_page(desk: Screen) -> None:
    desk.expected.add(401)
    page = desk.open("/login")
    page.locator("#name").fill("nobody")
    page.locator("#password").fill("wrong")
    page.locator("main button").click()
    page.locator("[role=alert]").wait_for()
    desk.check()


def test_the_session_of_one_browser_is_not_of_another(browser: Browser, desk: Screen, hub: BrowsedHub) -> None:
    log_in(desk, hub, OperatorRole.VIEWER)
    other = browser.new_context()
    page = other.new_page()
    page.goto(hub.address + "/console/")
    assert "/login" in page.url
    other.close()
