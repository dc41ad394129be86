"""A partner's people rehearse: they start, follow their client's results, and print its certificate."""

import pytest

from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.features.sandbox import script
from server.store import partners
from server.store.database.times import now
from server.store.operators.users import PartnerRole
from server.store.sandbox import certificates, runs
from server.store.sandbox.runs import ListingAnswer, SandboxRead
from tests.browser.hub import BrowsedHub, start_session
from tests.browser.screens import Screen

AGENT = "example-client/1.0"


def rehearsing(hub: BrowsedHub, name: str) -> str:
    """Register a bank without a sandbox."""
    with hub.store.begin() as tx:
        partners.add(
            tx, Partner(name=name, kind=PartnerKind.BANK, country="TH", identity=ids.identity(name), vouched=True)
        )
    return name


def test_a_rehearsal_from_its_beginning_to_the_certificate(hub: BrowsedHub, screen_of_each: Screen) -> None:
    screen = screen_of_each
    width = screen.page.evaluate("window.innerWidth")
    partner = rehearsing(hub, f"Rehearsing Bank {screen.language} {width}")
    start_session(screen, hub, PartnerRole.WRITER, partner)
    screen.open("/partner/certificate", 404)
    screen.open("/partner/sandbox").locator("main form button").click()
    screen.page.locator("main table").wait_for()
    screen.check()
    assert screen.page.locator("main tbody tr").count() == 9
    # Like a client that read the first page and sent an outcome for something else.
    with hub.store.begin() as tx:
        collection = runs.collection_of(tx, partner)
        assert collection is not None
        runs.note_reads(tx, [SandboxRead(partner, -1, collection.last_added, now(), AGENT)])
        runs.note_answers(tx, partner, [ListingAnswer(runs.UNKNOWN, "opinion", now(), None)])
    page = screen.open("/partner/sandbox")
    assert AGENT in page.locator("main").inner_text()
    assert page.locator(".tag.ill").count() == 1
    with hub.store.begin() as tx:
        number = certificates.issue(tx, partner, script.VERSION, AGENT).number
    shown = screen.open("/partner/certificate").locator("main").inner_text()
    assert number in shown
    assert partner in shown


@pytest.mark.parametrize("again", [False, True])
def test_reader_cannot_start_and_a_running_rehearsal_cannot_restart(hub: BrowsedHub, desk: Screen, again: bool) -> None:
    partner = rehearsing(hub, f"Patient Bank {again}")
    start_session(desk, hub, PartnerRole.WRITER if again else PartnerRole.READER, partner)
    page = desk.open("/partner/sandbox")
    assert page.locator("main form button").count() == int(again)
    if again:
        page.locator("main form button").click()
        page.locator("main table").wait_for()
        desk.expected.add(429)
        page.locator("main form button").click()
        page.get_by_role("heading", level=1).wait_for()
        assert "a minute" in page.locator("main").inner_text()
