"""A reload repeats nothing, and a message is checked as a whole."""

from playwright.sync_api import Page

from server.store.operators.users import PartnerRole
from tests.browser.hub import BrowsedHub, log_in
from tests.browser.screens import Screen


def reload(page: Page) -> None:
    page.reload(wait_until="load")


def test_reloaded_credentials_are_issued_and_shown_once(desk: Screen, hub: BrowsedHub) -> None:
    log_in(desk, hub, PartnerRole.ADMIN, "First Bank")
    page = desk.open("/partner/credentials")
    rows = page.locator("table").first.locator("tbody tr").count()
    desk.press("Issue new credentials")
    page.locator("#new-token").wait_for()
    assert page.locator("table").first.locator("tbody tr").count() == rows + 1
    desk.check()
    desk.expected.add(410)
    reload(page)
    assert page.locator("#new-token").count() == 0
    assert page.get_by_text("This was shown once").is_visible()
    page = desk.open("/partner/credentials")
    assert page.locator("table").first.locator("tbody tr").count() == rows + 1


def test_reloaded_objection_shows_its_code_once(screen_of_each: Screen) -> None:
    page = screen_of_each.open("/object")
    page.locator("#value").fill("https://reloaded.example.com/pay")
    page.locator("[name=ground]").first.check()
    page.locator("main form.card button").click()
    page.wait_for_url("**/object/sent")
    assert len(page.locator("#code").inner_text()) == 24
    screen_of_each.check()
    screen_of_each.expected.add(410)
    reload(page)
    assert page.locator("#code").count() == 0
    screen_of_each.check()


def test_pasted_message_is_answered_value_by_value(screen_of_each: Screen) -> None:
    page = screen_of_each.open("/")
    page.locator("#value").fill("ด่วน! คลิก hxxps://prize[.]example[.]com/a\nหรือโทร 081-234-5678 กสิกร 123-4-56789-0")
    page.locator("#value").press("Enter")
    page.wait_for_url("**/check")
    assert page.locator(".asked b").all_inner_texts() == [
        "https://prize.example.com/a",
        "081-234-5678",
        "123-4-56789-0",
    ]
    assert "?" not in page.url
    screen_of_each.check()
