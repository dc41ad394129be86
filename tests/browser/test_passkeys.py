"""A passkey in a real browser with a virtual authenticator: made at ``/me``, and used instead of a code."""

import pytest
from playwright.sync_api import Browser

from server.store.operators.users import OperatorRole
from tests.browser.hub import PASSWORD, BrowsedHub, log_in, start_session
from tests.browser.screens import Screen, screen

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def with_authenticator(opened: Screen) -> None:
    session = opened.context.new_cdp_session(opened.page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})


@pytest.mark.parametrize(("language", "width"), [("th", 390), ("en", 1280)])
def test_new_passkey_replaces_the_code(browser: Browser, hub: BrowsedHub, language: str, width: int) -> None:
    # Passkeys are bound to a host name, and an IP address is none.
    address = hub.address.replace("127.0.0.1", "localhost")
    with screen(browser, address, language, width) as opened:
        with_authenticator(opened)
        person = log_in(opened, hub, OperatorRole.ANALYST)
        opened.open("/me")
        page = opened.open("/me/passkeys/new")
        page.locator("#name").fill("my telephone")
        page.locator("[data-passkey]").click()
        page.wait_for_url("**/me")
        page.get_by_text("my telephone").wait_for()
        opened.check()
        page.locator("header form button").click()
        page.wait_for_url("**/")
        opened.open("/login")
        page.locator("#name").fill(person.name)
        page.locator("#password").fill(PASSWORD)
        page.locator("main button").click()
        page.wait_for_url("**/login/code*")
        opened.check()
        page.locator("[data-passkey]").click()
        page.wait_for_url("**/console/")


def test_login_without_scripts_asks_for_a_code(desk: Screen, hub: BrowsedHub) -> None:
    start_session(desk, hub, OperatorRole.VIEWER)
    desk.open("/me/passkeys/new", 404)
