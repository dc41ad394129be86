"""Two persons take two thousand wrong listings of one partner off all collections, on the pages alone."""

import time

from playwright.sync_api import Browser

from mappers import ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.release.contribute import contribute
from server.release.hub import Hub
from server.store import collections, log, partners
from server.store.item import Item
from server.store.objects.query import Query
from server.store.operators.users import OperatorRole, PartnerRole
from tests.browser.hub import BrowsedHub, start_session
from tests.browser.screens import Screen, screen

WRONG = 2_000
SECONDS = 120


def report_all(hub: BrowsedHub, partner: str, values: list[str], *, is_new: bool = False) -> None:
    """Let a partner report domains; ``is_new``: it joins without a record."""
    with hub.store.begin() as tx:
        if partner not in {known.name for known in partners.all_partners(tx)}:
            given = {"name": partner, "kind": PartnerKind.BANK, "country": "TH", "identity": ids.identity(partner)}
            partners.add(tx, Partner(**given, vouched=not is_new))
            collections.grant(tx, partner, collections.get(tx, "takedown"), read=True)
        given = {"reporter": partner, "kind": "domain", "tlp": "green", "scam_type": "merchandise"}
        reader = ReportReader({**given, "reported_at": timestamp.text(timestamp.now())})
        items = [Item.of(obj) for value in values for obj in to_stix(reader.report({"value": value}))]
        assert not contribute(Hub(hub.store), tx, partners.get(tx, partner), items).failed


def active(hub: BrowsedHub, marker: str) -> int:
    """Return how many listings of all collections contain a text."""
    found = 0
    with hub.store.read() as tx:
        for collection in collections.all_collections(tx):
            if collection.kind == "released":
                page = log.page(tx, collection, Query(types=("indicator",), revoked=False, limit=20_000))
                found += sum(marker.encode() in body for body in page.bodies)
    return found


def test_two_thousand_wrong_listings_are_off_within_two_minutes(
    browser: Browser, desk: Screen, hub: BrowsedHub
) -> None:
    report_all(hub, "Mistaken Bank", [f"shop{number}.mistaken.example.com" for number in range(WRONG)])
    report_all(hub, "Right Bank", ["shop7.mistaken.example.com"])
    start_session(desk, hub, OperatorRole.ANALYST)
    page = desk.open("/console/incidents")
    page.get_by_role("link", name="Select reports").first.click()
    page.locator("#reason").fill("the wrong column was sent")
    page.locator("#partner").fill("Mistaken Bank")
    desk.check()
    desk.press("Show what is selected")
    page.get_by_text("2,000").first.wait_for()
    desk.check()
    page.locator("input[name=decision][value=retract]").check()
    desk.press("Propose it")
    page.get_by_text("You proposed this").wait_for()
    with screen(browser, hub.address, "th", 390) as other:
        start_session(other, hub, OperatorRole.APPROVER)
        other.open("/console/proposals")
        other.page.locator("tbody a").last.click()
        other.check()
        begun = time.monotonic()
        other.page.locator("form[action$=confirm] button").click()
        other.page.locator("form[action$=confirm]").wait_for(state="detached")
        other.page.locator("a[href*='/console/incidents/']").first.click()
        other.page.locator("#progress .tag.well").wait_for(timeout=SECONDS * 1_000)
        assert time.monotonic() - begun < SECONDS
        other.page.reload()
        other.check()
        other.picture("incident-done")
    # Another partner's report of one value keeps it listed, in the collection and its full variant.
    assert active(hub, "mistaken.example.com") == 2


def test_group_of_a_new_partner_is_released_at_once(desk: Screen, hub: BrowsedHub, browser: Browser) -> None:
    report_all(hub, "New Bank", [f"new{number}.example.net" for number in range(210)], is_new=True)
    start_session(desk, hub, OperatorRole.ANALYST)
    page = desk.open("/console/incidents")
    page.get_by_role("link", name="Select this group New Bank").click()
    page.locator("#reason").fill("values of the first day")
    desk.press("Show what is selected")
    page.get_by_text("A sample of the reports").wait_for()
    page.locator("input[name=decision][value=release]").check()
    desk.press("Propose it")
    with screen(browser, hub.address) as other:
        start_session(other, hub, OperatorRole.APPROVER)
        other.open(page.url.removeprefix(hub.address))
        other.press("Confirm")
        other.page.locator("a[href*='/console/incidents/']").first.click()
        other.page.locator("#progress .tag.well").wait_for(timeout=60_000)
    assert active(hub, "new209.example.net") == 2


def test_two_persons_of_a_partner_hold_their_own_reports(browser: Browser, desk: Screen, hub: BrowsedHub) -> None:
    report_all(hub, "Third Bank", [f"own{number}.example.org" for number in range(30)])
    start_session(desk, hub, PartnerRole.WRITER, "Third Bank")
    page = desk.open("/partner/incidents")
    page.get_by_role("link", name="Select reports").first.click()
    page.locator("#reason").fill("old file sent again")
    page.locator("summary", has_text="By a list of values").click()
    page.locator("#values").fill("own1.example.org\nno such value")
    desk.expected.add(422)
    desk.press("Show what is selected")
    page.get_by_role("alert").wait_for()
    assert page.locator("#values").input_value() == "own1.example.org\nno such value"
    page.locator("#values").fill("own1.example.org\nown2.example.org\nparcel-refund.example.com")
    desk.press("Show what is selected")
    page.get_by_text("without a report: 1").wait_for()
    page.locator("input[name=decision][value=hold]").check()
    desk.press("Propose it")
    page.get_by_text("You proposed this").wait_for()
    desk.check()
    with screen(browser, hub.address, "th", 390) as other:
        start_session(other, hub, PartnerRole.WRITER, "Third Bank")
        other.open(page.url.removeprefix(hub.address))
        other.page.locator("form[action$=confirm] button").click()
        other.page.locator("#progress .tag.well").wait_for(timeout=60_000)
        other.check()
    assert (active(hub, "own1.example.org"), active(hub, "own3.example.org")) == (0, 2)
    with screen(browser, hub.address) as stranger:
        start_session(stranger, hub, PartnerRole.WRITER, "First Bank")
        stranger.open(page.url.removeprefix(hub.address), 404)


def test_pages_of_incidents_in_each_language_and_width(screen_of_each: Screen, hub: BrowsedHub) -> None:
    width = screen_of_each.page.evaluate("window.innerWidth")
    name = f"{screen_of_each.language}{width}"
    report_all(hub, "Third Bank", [f"{name}-{number}.example.org" for number in range(3)])
    start_session(screen_of_each, hub, OperatorRole.ANALYST)
    page = screen_of_each.open("/console/incidents")
    page = screen_of_each.open("/console/incidents/new?partner=Third+Bank")
    page.locator("#reason").fill("an old file was sent again")
    page.locator("#search").fill(name)
    page.locator("main form .actions button").click()
    page.locator("input[name=decision]").first.wait_for()
    screen_of_each.check()
    screen_of_each.picture("incident")
    screen_of_each.open(f"{page.url.removeprefix(hub.address)}/reports")


def test_a_viewer_sees_incidents_and_selects_none(desk: Screen, hub: BrowsedHub) -> None:
    start_session(desk, hub, OperatorRole.VIEWER)
    page = desk.open("/console/incidents")
    assert page.locator("a[href$='/new']").count() == 0
    desk.open("/console/incidents/new", 403)
