"""Logging in with a real browser: the one-time link, the second factor, and the pages of each role."""

import re

from playwright.sync_api import Browser

from server.store.operators.users import OperatorRole, PartnerRole
from tests.browser.hub import PASSWORD, BrowsedHub, log_in, start_session
from tests.browser.screens import Screen


def test_person_logs_in_by_link_and_again_by_password_and_code(screen_of_each: Screen, hub: BrowsedHub) -> None:
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


def test_session_of_one_browser_is_invalid_in_another(browser: Browser, desk: Screen, hub: BrowsedHub) -> None:
    log_in(desk, hub, OperatorRole.VIEWER)
    other = browser.new_context()
    page = other.new_page()
    page.goto(hub.address + "/console/")
    assert "/login" in page.url
    other.close()


def write_report(screen: Screen) -> None:
    """Write a report by hand, and send it after the login has ended."""
    page = screen.open("/partner/report")
    page.locator("#value").fill("parcel-fee.example.net")
    page.locator("#scam_type").select_option("merchandise")
    page.locator("#description").fill("Asks for a fee.")
    page.locator("summary", has_text="hold an amount").click()
    page.locator("#hold_amount").fill("15000.00")
    screen.context.clear_cookies()
    screen.press("Check")
    page.wait_for_url(re.compile(r"/login\?next="))


def written(screen: Screen) -> list[str]:
    fields = ("#value", "#scam_type", "#description", "#hold_amount")
    return [screen.page.locator(field).input_value() for field in fields]


def test_form_is_filled_in_again_after_a_login(desk: Screen, hub: BrowsedHub) -> None:
    person = log_in(desk, hub, PartnerRole.ADMIN, "First Bank")
    write_report(desk)
    page = desk.page
    page.locator("#name").fill(person.name)
    page.locator("#password").fill(PASSWORD)
    page.locator("main button").click()
    page.wait_for_url(re.compile("/login/code"))
    page.locator("#code").fill(person.code())
    page.locator("main button").click()
    page.wait_for_url(re.compile(r"/partner/report\?unsent=1"))
    desk.check()
    assert written(desk) == ["parcel-fee.example.net", "merchandise", "Asks for a fee.", "15000.00"]
    assert page.locator("#hold_amount").is_visible()
    assert page.get_by_text("Your entries are here again").is_visible()
    assert PASSWORD not in page.evaluate("JSON.stringify(sessionStorage)")
    desk.open("/partner/")
    assert page.evaluate("sessionStorage.length") == 0


def test_another_person_does_not_get_the_form_of_the_first(desk: Screen, hub: BrowsedHub) -> None:
    start_session(desk, hub, PartnerRole.ADMIN, "First Bank")
    write_report(desk)
    start_session(desk, hub, PartnerRole.ADMIN, "Second Bank")
    desk.open("/partner/report?unsent=1")
    assert written(desk)[0] == ""
    assert desk.page.get_by_text("Please fill in the form again").is_visible()
    assert desk.page.evaluate("sessionStorage.length") == 0


def test_request_is_filled_in_again_after_a_login(desk: Screen, hub: BrowsedHub) -> None:
    person = log_in(desk, hub, PartnerRole.ADMIN, "First Bank")
    page = desk.open("/partner/requests/new?asks=freeze")
    page.locator("#value").fill("123-4-56789-0")
    page.locator("#reference").fill("C-77")
    page.locator("#legal_basis").select_option(index=1)
    page.locator("#deadline").select_option("24")
    desk.context.clear_cookies()
    desk.press("Send the request")
    page.wait_for_url(re.compile(r"/login\?next="))
    page.locator("#name").fill(person.name)
    page.locator("#password").fill(PASSWORD)
    page.locator("main button").click()
    page.wait_for_url(re.compile("/login/code"))
    page.locator("#code").fill(person.code())
    page.locator("main button").click()
    page.wait_for_url(re.compile(r"/partner/requests/new\?asks=freeze&unsent=1"))
    values = [page.locator(field).input_value() for field in ("#value", "#reference", "#deadline")]
    assert values == ["123-4-56789-0", "C-77", "24"]
    assert page.get_by_text("Your entries are here again").is_visible()
