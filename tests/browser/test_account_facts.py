"""The account-holding bank decides by facts: it reads them, asks the reporters, and sends findings as CSV."""

import csv
import io

import pytest
from playwright.sync_api import Browser, Page

from mappers import ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.release.contribute import contribute
from server.release.hub import Hub
from server.store import collections, partners
from server.store.item import Item
from server.store.operators.users import PartnerRole
from tests.browser.hub import BrowsedHub, start_session
from tests.browser.screens import Screen, screen

HOLDER, VICTIMS_BANK = "Deciding Bank", "Paying Bank"
NUMBERS = ("3214567891", "3214567892", "3214567893")


@pytest.fixture(scope="module")
def reported(hub: BrowsedHub) -> BrowsedHub:
    """Register a bank, and let another one report three of its accounts, the highest number first."""
    with hub.store.begin() as tx:
        for name, institutions in ((HOLDER, ("AYUDTHBK",)), (VICTIMS_BANK, ("TMBKTHBK",))):
            given = {"name": name, "kind": PartnerKind.BANK, "country": "TH", "identity": ids.identity(name)}
            partners.add(tx, Partner(**given, institutions=institutions, vouched=True))
            collections.grant(tx, name, collections.get(tx, "inbox"), write=True)
    given = {"reporter": VICTIMS_BANK, "kind": "bank-account", "tlp": "amber", "bank": "BAY", "country": "TH"}
    for number in reversed(NUMBERS):
        at = timestamp.text(timestamp.now())
        reader = ReportReader({**given, "scam_type": "investment", "reported_at": at, "first_seen": at})
        items = [Item.of(obj) for obj in to_stix(reader.report({"value": number}))]
        with hub.store.begin() as tx:
            assert not contribute(Hub(hub.store), tx, partners.get(tx, VICTIMS_BANK), items).failed
    return hub


def ends(page: Page) -> list[str]:
    """Return the last digits of the accounts on a page, in their order."""
    return [text.replace("-", "").replace("\n", "")[-4:] for text in page.locator(".item .digits").all_inner_texts()]


def test_facts_a_question_and_findings_by_csv(browser: Browser, desk: Screen, reported: BrowsedHub) -> None:
    start_session(desk, reported, PartnerRole.WRITER, HOLDER)
    page = desk.open("/partner/accounts")
    assert ends(page) == [number[-4:] for number in reversed(NUMBERS)]
    page.locator("#order").select_option("account")
    desk.press("Search")
    assert ends(page) == [number[-4:] for number in NUMBERS]
    page.locator(".item h3 a").first.click()
    page.get_by_role("heading", name="What the reports say").wait_for()
    desk.check()
    facts = page.locator("dl.pairs.card").inner_text()
    assert "investment" in facts
    assert "not reported, or withheld" in facts
    assert VICTIMS_BANK not in page.locator("main").inner_text()
    page.get_by_text("Ask the reporters …").click()
    page.locator("#kind").select_option("stands")
    desk.press("Ask the reporters")
    page.locator("#questions + .items").get_by_text("no answer yet").wait_for()
    desk.check()
    account = page.url.removeprefix(reported.address).partition("#")[0]
    answer_as_reporter(browser, reported)
    page = desk.open(account.removesuffix("/ask"))
    page.get_by_text("It does, with a transfer slip.").wait_for()
    assert VICTIMS_BANK not in page.locator("main").inner_text()
    send_findings(desk)
    page = desk.open("/partner/accounts?list=answered&order=finding")
    assert ends(page) == [NUMBERS[0][-4:], NUMBERS[1][-4:]]
    assert ends(desk.open("/partner/accounts")) == [NUMBERS[2][-4:]]


def answer_as_reporter(browser: Browser, reported: BrowsedHub) -> None:
    """Let a person of the reporter answer the question, in Thai on a telephone."""
    with screen(browser, reported.address, "th", 390) as other:
        start_session(other, reported, PartnerRole.WRITER, VICTIMS_BANK)
        other.open("/partner/questions").locator("main a[href*='/partner/questions/']").first.click()
        other.page.locator("#text").fill("It does, with a transfer slip.")
        other.check()
        assert HOLDER not in other.page.locator("main").inner_text()
        other.page.locator("main form button").click()
        other.page.get_by_text("It does, with a transfer slip.").first.wait_for()
        other.check()


def send_findings(desk: Screen) -> None:
    """Take the list as CSV, fill in two findings and an unknown one, and send the two."""
    page = desk.open("/partner/accounts?order=account")
    with page.expect_download() as found:
        page.get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(found.value.path().read_text("utf-8-sig"))))
    assert [row["value"][-10:] for row in rows] == list(NUMBERS)
    for row, code in zip(rows, ("closed", "fraud", "nonsense"), strict=True):
        row["code"] = code
    written = io.StringIO()
    writer = csv.DictWriter(written, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    page.get_by_text("Findings from a file …").click()
    sent = {"name": "findings.csv", "mimeType": "text/csv", "buffer": written.getvalue().encode()}
    page.set_input_files("#file", sent)
    desk.press("Check the file …")
    page.get_by_role("heading", name="Refused rows").wait_for()
    desk.check()
    assert page.locator("main table tbody tr").count() == 1
    assert len(ends(page)) == 2
    desk.press("Send the answers (2)")
    page.locator(".item .well").nth(1).wait_for()
    desk.check()
