"""Choosing reminders, and stopping them by the link of a mail without a login, in a real browser."""

from server.features.reminders import choices
from server.store.operators import users
from server.store.operators.users import OperatorRole, PartnerRole
from tests.browser.hub import BrowsedHub, log_in
from tests.browser.screens import Screen


def test_person_chooses_reminders_and_stops_them_by_a_link(screen_of_each: Screen, hub: BrowsedHub) -> None:
    person = log_in(screen_of_each, hub, PartnerRole.WRITER, "First Bank")
    page = screen_of_each.open("/me/reminders")
    page.locator("input[value=finding-near]").uncheck()
    page.locator("input[name=language][value=en]").check()
    page.locator("main form button").click()
    page.locator("main .note.well").wait_for()
    screen_of_each.check()
    assert not page.locator("input[value=finding-near]").is_checked()
    assert page.locator("input[value=request-near]").is_checked()
    with hub.store.read() as tx:
        token = choices.sign(tx, users.get(tx, person.name).id, "stop")
    page.context.clear_cookies()
    page = screen_of_each.open(f"/mail/stop/{token}")
    page.locator("main form button").click()
    page.locator("main .note.well").wait_for()
    screen_of_each.check()
    with hub.store.read() as tx:
        assert "request-near" in choices.find(tx, users.get(tx, person.name).id).off


def test_operator_sees_the_outbox(screen_of_each: Screen, hub: BrowsedHub) -> None:
    log_in(screen_of_each, hub, OperatorRole.VIEWER)
    screen_of_each.open("/console/mail")
