"""A report by hand: checked while it is written, previewed without scripts, sent, and answered."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.store import audit_search, collections, partners
from server.store.audit_search import TrailFilter
from server.store.operators.users import PartnerRole
from tests.browser.hub import LISTED, BrowsedHub, start_session
from tests.browser.screens import Screen, screen

BANK = "Branch Bank"
_WORDS = {
    "en": {"send": "Send the report", "check": "Check", "sent": "Your report has been released"},
    "th": {"send": "ส่งรายงาน", "check": "ตรวจสอบ", "sent": "เผยแพร่รายงานของท่านแล้ว"},
}


@pytest.fixture(scope="module")
def reporting(hub: BrowsedHub) -> BrowsedHub:
    """Register a bank that reads all that it needs, and may report."""
    with hub.store.begin() as tx:
        given = {"name": BANK, "kind": PartnerKind.BANK, "country": "TH", "identity": ids.identity(BANK)}
        partners.add(tx, Partner(**given, vouched=True))
        collections.grant(tx, BANK, collections.get(tx, "inbox"), write=True)
        for alias in ("takedown", "mule-accounts"):
            collections.grant(tx, BANK, collections.get(tx, alias), read=True)
    return hub


@pytest.fixture(params=[("en", 1366), ("th", 390)], ids=["en-1366", "th-390"])
def desk_of_each(request: pytest.FixtureRequest, browser: Browser, reporting: BrowsedHub) -> Iterator[Screen]:
    language, width = request.param
    with screen(browser, reporting.address, language, width) as opened:
        start_session(opened, reporting, PartnerRole.WRITER, BANK)
        yield opened


def _entries(hub: BrowsedHub) -> int:
    with hub.store.read() as tx:
        found, _ = audit_search.search(tx, TrailFilter(method="CONTRIBUTE"))
        return sum(entry.event.partner == BANK for entry in found)


def test_a_report_is_checked_while_it_is_written_and_sent(desk_of_each: Screen, reporting: BrowsedHub) -> None:
    words = _WORDS[desk_of_each.language]
    page = desk_of_each.open("/partner/report")
    number = {"en": "1234567890", "th": "2345678901"}[desk_of_each.language]
    before = _entries(reporting)
    page.locator("#value").fill(number)
    page.locator("#bank").select_option("KASITHBK")
    expect(page.locator("#understood code")).to_have_text(f"TH:KASITHBK:{number}")
    page.locator("#scam_type").select_option("merchandise")
    page.locator("#reference").fill("CASE-7")
    desk_of_each.check()
    desk_of_each.picture("report-checked")
    assert _entries(reporting) == before
    page.get_by_role("button", name=words["send"]).click()
    expect(page.get_by_role("heading", name=words["sent"])).to_be_visible()
    desk_of_each.check()
    desk_of_each.picture("report-sent")
    assert page.locator("#reference").inner_text().startswith("indicator--")
    assert _entries(reporting) == before + 1


def test_listed_and_protected_values_are_named_before_they_are_sent(desk_of_each: Screen) -> None:
    page = desk_of_each.open("/partner/report")
    page.locator("#value").fill(LISTED)
    expect(page.locator("#understood .note")).to_contain_text("3")
    desk_of_each.picture("report-listed")
    page.locator("#value").fill("facebook.com")
    expect(page.locator("#understood .note.care")).to_be_visible()
    desk_of_each.check()
    desk_of_each.picture("report-protected")


def test_a_wrong_value_keeps_the_form(desk_of_each: Screen) -> None:
    words = _WORDS[desk_of_each.language]
    desk_of_each.expected.add(422)
    page = desk_of_each.open("/partner/report")
    page.locator("#value").fill("12")
    page.locator("#kind").select_option("bank-account")
    page.locator("#description").fill("they call at night")
    page.get_by_role("button", name=words["check"], exact=True).click()
    page.wait_for_url("**/partner/report/check*")
    expect(page.locator("#understood .note.ill")).to_be_visible()
    assert page.locator("#description").input_value() == "they call at night"
    assert page.locator("#value").input_value() == "12"
    desk_of_each.check()
    desk_of_each.picture("report-wrong")


def test_without_scripts_a_preview_comes_before_sending(browser: Browser, reporting: BrowsedHub) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en-GB", viewport={"width": 1366, "height": 900})
    try:
        opened = context.new_page()
        with screen(browser, reporting.address) as other:
            start_session(other, reporting, PartnerRole.WRITER, BANK)
            context.add_cookies(other.context.cookies())
        opened.goto(f"{reporting.address}/partner/report")
        opened.fill("#value", "hxxps://parcel[.]example[.]net/pay")
        before = _entries(reporting)
        opened.get_by_role("button", name="Check", exact=True).click()
        assert "https://parcel.example.net/pay" in opened.locator("#understood").inner_text()
        assert _entries(reporting) == before
        opened.get_by_role("button", name="Send the report").click()
        assert "indicator--" in opened.locator("#reference").inner_text()
        assert _entries(reporting) == before + 1
    finally:
        context.close()


def test_a_reader_has_no_form(browser: Browser, reporting: BrowsedHub) -> None:
    with screen(browser, reporting.address) as opened:
        start_session(opened, reporting, PartnerRole.READER, BANK)
        opened.open("/partner/report", 403)
