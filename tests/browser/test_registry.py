"""The operator's pages of partners, collections, policy and allowlists, in a browser."""

import secrets

import pytest
from playwright.sync_api import Page

from mappers import ids
from server.store import partners
from server.store.operators.users import OperatorRole
from tests.browser.conftest import Screen
from tests.browser.hub import HOSTILE, LISTED, BrowsedHub, start_session
from tests.browser.screens import Browser, screen

PAGES = ("partners", "collections", "policy", "policy/history", "allowlists")


def identity(name: str) -> str:
    return ids.identity(name)


def test_every_page_is_correct_in_each_language_and_width(screen_of_each: Screen, hub: BrowsedHub) -> None:
    start_session(screen_of_each, hub, OperatorRole.ADMIN)
    for page in PAGES:
        screen_of_each.open(f"/console/{page}")
    screen_of_each.open("/console/partners/new")
    shown = screen_of_each.open(f"/console/partners/{identity('First Bank')}")
    for summary in shown.locator("summary").all():
        summary.click()
    screen_of_each.check()
    screen_of_each.open(f"/console/partners/{identity(HOSTILE)}")
    screen_of_each.open(f"/console/partners/{identity('First Bank')}/leave")


def test_partner_is_added_with_one_form_and_its_secrets_shown_once(desk: Screen, hub: BrowsedHub) -> None:
    start_session(desk, hub, OperatorRole.ADMIN)
    name = f"Mill Bank {secrets.token_hex(3)}"
    page = desk.open("/console/partners/new")
    page.locator("#name").fill(name)
    page.locator("#country").fill("th")
    page.locator("#institutions").fill("not an institution")
    page.locator("input[name=read][value=takedown]").check()
    desk.expected.add(422)
    desk.press("Add the partner")
    assert "One of the institutions is not valid" in page.locator("[role=alert]").inner_text()
    assert page.locator("#name").input_value() == name
    page.locator("#institutions").fill("")
    page.locator("#contact").fill("fraud-desk@mill.example")
    page.locator("#sheet_language").select_option("th")
    desk.press("Add the partner")
    desk.check()
    assert page.locator("main section").get_attribute("lang") == "th"
    password, token = (page.locator(f"#new-{what}").inner_text() for what in ("password", "token"))
    assert page.locator("pre").count() == 3
    with hub.store.read() as tx:
        assert partners.by_password(tx, name, password) is not None
        assert partners.by_token(tx, token) is not None
    shown = desk.open(f"/console/partners/{identity(name)}")
    assert password not in shown.content()
    assert shown.locator("#prevention").input_value() == "fraud-desk@mill.example"


def test_adding_an_account_holding_partner_needs_two_persons(browser: Browser, hub: BrowsedHub) -> None:
    with screen(browser, hub.address) as first, screen(browser, hub.address) as second:
        start_session(first, hub, OperatorRole.ADMIN)
        name = f"Mill Bank {secrets.token_hex(3)}"
        page = first.open("/console/partners/new")
        page.locator("#name").fill(name)
        page.locator("#institutions").fill("SICOTHBK")
        first.press("Add the partner")
        first.check()
        assert "SICOTHBK" in page.locator("main").inner_text()
        assert page.get_by_role("button", name="Confirm").count() == 0
        start_session(second, hub, OperatorRole.ADMIN)
        there = second.open(page.url.removeprefix(hub.address))
        second.press("Confirm")
        second.check()
        password = there.locator("#new-password").inner_text()
        with hub.store.read() as tx:
            assert partners.by_password(tx, name, password) is not None
        shown = second.open(f"/console/partners/{identity(name)}")
        assert "SICOTHBK" in shown.content()
        for summary in shown.locator("summary").all():
            summary.click()
        second.check()


def test_rights_credentials_users_and_the_end_of_a_partner(desk: Screen, hub: BrowsedHub) -> None:
    start_session(desk, hub, OperatorRole.ADMIN)
    name = f"Short Bank {secrets.token_hex(3)}"
    page = desk.open("/console/partners/new")
    page.locator("#name").fill(name)
    desk.press("Add the partner")
    place = f"/console/partners/{identity(name)}"
    page = desk.open(place)
    page.locator("input[name=read][value=wallets]").check()
    desk.press("Set these rights")
    assert page.locator("input[name=read][value=wallets]").is_checked()
    page.locator("input[name=read][value=wallets]").uncheck()
    desk.press("Set these rights")
    assert not page.locator("input[name=read][value=wallets]").is_checked()
    _open_and_press(desk, page, "Issue new credentials")
    desk.check()
    first = page.locator("#new-password").inner_text()
    page = desk.open(place)
    assert first not in page.content()
    page.locator("summary", has_text="Add a user").click()
    page.locator("#person").fill(f"Malee {secrets.token_hex(3)}")
    desk.press("Add, and show the link")
    desk.check()
    assert "/welcome/" in page.locator("#link").inner_text()
    page = desk.open(f"{place}/leave")
    desk.expected.add(422)
    page.locator("#name").fill("Somebody Else")
    desk.press("Remove this partner")
    page.locator("#name").fill(name)
    desk.press("Remove this partner")
    desk.check()
    assert "It left on" in page.locator("main").inner_text()
    desk.press("Restore it, with new credentials")
    assert page.locator("#new-password").inner_text() not in (first, "")


def test_two_persons_change_the_policy_after_a_trial(browser: Browser, hub: BrowsedHub) -> None:
    with screen(browser, hub.address) as first, screen(browser, hub.address) as second:
        start_session(first, hub, OperatorRole.ANALYST)
        page = first.open("/console/policy")
        rules = page.locator("#rules").input_value()
        first.expected |= {422}
        page.locator("#rules").fill("[[rule")
        first.press("Try the text on real reports")
        assert "not TOML" in page.locator("[role=alert]").inner_text()
        page.locator("#rules").fill(
            rules.replace('collection = "takedown"', 'collection = "takedown"\nleast_reporters = 9')
        )
        first.press("Try the text on real reports")
        page.evaluate("document.querySelectorAll('#trial details').forEach(each => each.open = true)")
        first.check()
        assert LISTED in page.locator("#trial").inner_text()
        # The form beside the text has the same rules.
        assert "9" in [field.input_value() for field in page.locator("input[name$=least_reporters]").all()]
        first.press("Try the form on real reports")
        page.evaluate("document.querySelectorAll('#trial details').forEach(each => each.open = true)")
        assert "+least_reporters = 9" in page.locator("pre.diff").inner_text()
        page.locator("#note").fill("fewer mistakes")
        first.press("Propose these rules")
        first.check()
        assert "+least_reporters = 9" in page.locator("main").inner_text()
        assert page.get_by_role("button", name="Confirm").count() == 0
        start_session(second, hub, OperatorRole.APPROVER)
        there = second.open(page.url.removeprefix(hub.address))
        second.press("Confirm")
        assert "Confirmed" in there.locator("main").inner_text()
        there = second.open("/console/policy/history")
        assert "fewer mistakes" in there.locator("main").inner_text()
        assert "Two persons decided" in second.open("/console/policy").locator("main").inner_text()
        # Restore it, because other tests report here.
        page = first.open("/console/policy")
        page.locator("#rules").fill(rules)
        first.press("Try the text on real reports")
        first.press("Propose these rules")
        second.open(page.url.removeprefix(hub.address))
        second.press("Confirm")


def test_a_value_is_tested_entered_and_removed(desk: Screen, hub: BrowsedHub) -> None:
    start_session(desk, hub, OperatorRole.APPROVER)
    value = f"mill-{secrets.token_hex(3)}.example.com"
    page = desk.open("/console/allowlists")
    page.locator("#value").fill(value)
    page.locator("#reason").fill("a member's page")
    page.locator("#days").fill("30")
    desk.press("Enter it")
    desk.check()
    page.locator("#tested").fill(value)
    desk.press("Test")
    desk.check()
    assert "operator-entries" in page.locator("[role=status]").inner_text()
    assert value not in page.url
    page.locator("tr", has_text=value).get_by_role("button").click()
    page.wait_for_load_state("networkidle")
    assert page.locator("tr", has_text=value).count() == 0


def test_new_collection_shows_its_readers(desk: Screen, hub: BrowsedHub) -> None:
    start_session(desk, hub, OperatorRole.ADMIN)
    alias = f"task-force-{secrets.token_hex(3)}"
    page = desk.open("/console/collections")
    page.locator("#alias").fill(alias)
    page.locator("#title").fill(f"Task force {alias}")
    desk.press("Add the collection")
    desk.check()
    assert alias in page.locator("main").inner_text()
    assert "No partner reads it yet." in page.locator("main").inner_text()


@pytest.mark.parametrize("role", [OperatorRole.VIEWER, OperatorRole.ANALYST])
def test_person_without_the_right_sees_no_form(desk: Screen, hub: BrowsedHub, role: OperatorRole) -> None:
    start_session(desk, hub, role)
    page = desk.open(f"/console/partners/{identity('First Bank')}")
    assert page.locator("main form").count() == 0
    desk.open("/console/partners/new", status=403)
    page = desk.open("/console/policy")
    assert (page.locator("#rules").count() == 0) is (role == OperatorRole.VIEWER)


def _open_and_press(desk: Screen, page: Page, name: str) -> None:
    page.locator("summary", has_text=name).click()
    desk.press(name)
