"""Reports by mail: the operators' pages, and the answer of an addressee without a login, in a real browser."""

import pytest

from server.features.dispatch import outbox, records
from server.features.dispatch.outbox import MailedAnswer
from server.features.liveness import records as live
from server.features.liveness.records import LiveValue
from server.store.operators.users import OperatorRole
from tests.browser.hub import BrowsedHub, log_in
from tests.browser.screens import Screen
from tests.contract.operations import examples_of_dispatch as example


@pytest.fixture(autouse=True)
def _reported(hub: BrowsedHub) -> None:
    """One report in a mail, and an answer to read."""
    with hub.store.read() as tx:
        is_filled = records.find(tx, example.ROW) is not None
    if is_filled:
        return
    example.fill(hub.store, "mailed", "sent")
    with hub.store.begin() as tx:
        outbox.add_answer(tx, MailedAnswer(example.ANSWER, example.MAIL, 1, "Which page do you mean?", "open"))
        outbox.set_contact(tx, "abuse@other.example", "bad", None, 1)
        live.put_value(tx, LiveValue("domain:gone.example.com", "gone.example.com", 1, None, "indicator--x"), 2)
        live.change(tx, "gone.example.com", gone=1)


def test_operator_reads_reports(screen_of_each: Screen, hub: BrowsedHub) -> None:
    log_in(screen_of_each, hub, OperatorRole.APPROVER)
    screen_of_each.open("/console/dispatch")
    screen_of_each.open(f"/console/dispatch/{example.ROW}")
    screen_of_each.open("/console/liveness")


def test_addressee_sees_the_report_without_a_login(screen_of_each: Screen, hub: BrowsedHub) -> None:
    with hub.store.read() as tx:
        token = records.token(tx, example.ROW)
    page = screen_of_each.open(f"/dispatch/answer/{token}")
    assert page.locator("input[name=response]").count() == len(records.RESPONSES)
