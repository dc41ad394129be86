"""Feeds, receipts, explanations and figures of operators, in a real browser."""

import pytest
from playwright.sync_api import Browser

from server.features.evidence import files
from server.features.feeds import orders
from server.store import feed_state
from server.store.database.times import moment, now
from server.store.feed_state import FeedState
from server.store.operators.users import OperatorRole
from tests.browser.hub import HOSTILE, LISTED, BrowsedHub, start_session
from tests.browser.screens import Screen, screen

FEED = "/console/feeds/blocklist"


def furnish(hub: BrowsedHub) -> None:
    """Let a feed have one failed run, with an error text that a peer could have chosen."""
    with hub.store.begin() as tx:
        if feed_state.last_run(tx, "blocklist") is None:
            counts = {"read": 7_000, "accepted": 6_500, "rejected": 500}
            feed_state.record_run(tx, "blocklist", started=moment(now()), ended=moment(now()), **counts, error=HOSTILE)
            feed_state.save_state(tx, FeedState("blocklist", started=now(), ended=now(), failures=4, runs=3))
            feed_state.add_dead_letter(tx, "blocklist", f"indicator--{HOSTILE}", b"{}", "ZeroDivisionError")


@pytest.mark.parametrize(("language", "width"), [("th", 390), ("en", 1280)])
def test_analyst_manages_feeds_and_reads_explanations(
    browser: Browser, hub: BrowsedHub, language: str, width: int
) -> None:
    furnish(hub)
    with screen(browser, hub.address, language, width) as opened:
        look_after(opened, hub)


def look_after(opened: Screen, hub: BrowsedHub) -> None:
    """Order a dry run, read its result, and open the neighbouring pages."""
    start_session(opened, hub, OperatorRole.ANALYST)
    opened.open("/console/feeds")
    page = opened.open(FEED)
    page.locator("button[value=dry-run]").click()
    page.locator("#order [role=status].care").wait_for()
    opened.check()
    with hub.store.begin() as tx:
        taken = orders.take(tx, "blocklist")
        assert taken is not None
        orders.end(tx, taken, {"read": 9, "accepted": 8, "rejected": 1, "reasons": {"not-a-domain": 1}, "error": None})
    # The page polls by itself.
    page.locator("#order [role=status].well").wait_for()
    opened.check()
    opened.open("/console/receipts")
    opened.open("/console/notice")
    with hub.store.begin() as tx:
        file = files.add(tx, HOSTILE, "ab" * 32, 1_234_567, "application/pdf")
        files.link(tx, file.id, "1:indicator--1")
        files.note(tx, file, "Anna", "added")
    opened.open("/console/evidence").get_by_text(HOSTILE).wait_for()
    opened.open("/console/figures")
    opened.open("/console/report").get_by_role("link", name="PDF").first.wait_for()
    page = opened.open("/console/explain")
    page.locator("#about").fill(LISTED)
    page.locator("main form button").click()
    page.locator("section table").first.wait_for()
    opened.check()
    page = opened.open("/console/audit")
    with page.expect_download() as download:
        page.locator("button[value=csv]").click()
    assert download.value.suggested_filename == "audit.csv"
