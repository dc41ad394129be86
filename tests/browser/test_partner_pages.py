"""The pages of a partner's people: results of reports, findings at night, requests, receipts and certificates."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser

from mappers import ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.request import Request
from schemas.tabular import ReportReader
from server.features.evidence import files
from server.features.questions.asking import ask as ask_reporters
from server.features.requests import desk
from server.release.contribute import contribute
from server.release.hub import Hub
from server.store import Store, collections, log, partners, read_progress, retractions
from server.store.credentials import fingerprint_of
from server.store.item import Item
from server.store.operators.users import PartnerRole
from server.store.retractions import Retraction
from tests.browser.hub import BrowsedHub, report, start_session
from tests.browser.screens import Screen, screen
from tests.certificates import certified, curve_key, signed

PROVIDER, OTHER, POLICE = "Keeping Bank", "Neighbour Bank", "Cyber Police"
PAGES = (
    *("/partner/", "/partner/accounts", "/partner/requests", "/partner/requests/new", "/partner/receipts"),
    *(f"/partner/requests/new?asks={word}" for word in ("freeze", "trace", "information")),
    *("/partner/feeds", "/partner/quality", "/partner/connection", "/partner/credentials"),
    *("/partner/access", "/partner/evidence", "/partner/notice"),
)
NIGHT = (("th", 390), ("en", 1280))


@pytest.fixture(scope="module")
def kept(hub: BrowsedHub) -> BrowsedHub:
    """Register an account-holding bank, and partners that report its accounts, send requests and retract reports."""
    with hub.store.begin() as tx:
        for name, kind, institutions in (
            (PROVIDER, PartnerKind.BANK, ("KASITHBK",)),
            (OTHER, PartnerKind.BANK, ("GSBATHBK",)),
            (POLICE, PartnerKind.GOVERNMENT, ()),
        ):
            given = {"name": name, "kind": kind, "country": "TH", "identity": ids.identity(name)}
            authority = ("bank-account",) if kind is PartnerKind.GOVERNMENT else ()
            partners.add(tx, Partner(**given, institutions=institutions, authority=authority, vouched=True))
            collections.grant(tx, name, collections.get(tx, "inbox"), write=True)
        collections.grant(tx, PROVIDER, collections.get(tx, "takedown"), read=True)
    report(hub.store, PROVIDER, "lottery-winner.example.com", tlp="green")
    delist_after_reading(hub.store, PROVIDER, "taken-back.example.com")
    with hub.store.begin() as tx:
        value = "lottery-winner.example.com"
        ask_reporters(Hub(hub.store), tx, "Is the page still up?", value, [f"domain:{value}"])
    return hub


def written(number: str) -> str:
    """Return a Thai account number as pages show it."""
    return f"{number[:3]}-{number[3]}-{number[4:9]}-{number[9]}"


def report_accounts(store: Store, numbers: list[str]) -> None:
    given = {"reporter": OTHER, "kind": "bank-account", "tlp": "amber", "bank": "KBANK", "country": "TH"}
    reader = ReportReader({**given, "reported_at": timestamp.text(timestamp.now())})
    items = [Item.of(obj) for number in numbers for obj in to_stix(reader.report({"value": number}))]
    with store.begin() as tx:
        contribute(Hub(store), tx, partners.get(tx, OTHER), items)


def ask(store: Store, reference: str, to: str = "KASITHBK:1234567890") -> str:
    at = timestamp.now()
    given = {"reporter": POLICE, "reported_at": at, "asks": "freeze", "of": f"bank-account:TH:{to}"}
    more = {"reference": reference, "deadline": at + timedelta(minutes=50), "legal_basis": "police-order"}
    with store.begin() as tx:
        request = Request.model_validate({**given, **more, "amount": "800000", "currency": "THB"})
        return desk.send(Hub(store), tx, partners.get(tx, POLICE), request).view.id


def delist_after_reading(store: Store, reader: str, value: str) -> None:
    """Let a partner read a listing that is then delisted."""
    report(store, OTHER, value)
    with store.begin() as tx:
        takedown = collections.get(tx, "takedown")
        read_progress.record_reads(tx, [(reader, takedown.id, log.last_added(tx, takedown) or 0)])
        [listing] = log.latest_of_type(tx, takedown, "indicator", 1)
        [item] = log.latest(tx, takedown, [listing]).values()
        assert item.version is not None
        gone = Retraction(listing, (log.last_added(tx, takedown) or 0) + 1, item.version)
        retractions.retract(tx, {takedown: [gone]}, "mistaken")


def test_every_page_opens_in_both_languages_and_widths(screen_of_each: Screen, kept: BrowsedHub) -> None:
    report_accounts(kept.store, ["4567890123", "4567890124"])
    asked = ask(kept.store, "C-2026-1")
    start_session(screen_of_each, kept, PartnerRole.ADMIN, PROVIDER)
    with kept.store.begin() as tx:
        file = files.add(tx, PROVIDER, "ab" * 32, 1_234_567, "application/pdf")
        files.link(tx, file.id, "1:indicator--1")
        files.note(tx, file, "Anna", "added")
    for path in (*PAGES, f"/partner/requests/{asked}"):
        screen_of_each.open(path)
    question = screen_of_each.open("/partner/").locator("a[href*='/partner/questions/']").first.get_attribute("href")
    screen_of_each.open(question or "")


def test_a_reader_sees_and_changes_nothing(desk: Screen, kept: BrowsedHub) -> None:
    asked = ask(kept.store, "C-2026-2")
    start_session(desk, kept, PartnerRole.READER, PROVIDER)
    for path in ("/partner/accounts", f"/partner/requests/{asked}"):
        assert desk.open(path).locator("main form:has(input[name=token]):not(.columns form)").count() == 0
    desk.open("/partner/requests/new", 403)
    desk.open("/partner/credentials", 403)


@pytest.fixture(params=NIGHT, ids=lambda pair: f"{pair[0]}-{pair[1]}")
def screen_at_night(request: pytest.FixtureRequest, browser: Browser, kept: BrowsedHub) -> Iterator[Screen]:
    with screen(browser, kept.address, *request.param) as opened:
        yield opened


def test_three_reports_get_findings_at_night(screen_at_night: Screen, kept: BrowsedHub) -> None:
    width = screen_at_night.page.evaluate("window.innerWidth")
    numbers = [f"77{width:04d}000{number}" for number in range(1, 4)]
    report_accounts(kept.store, numbers)
    start_session(screen_at_night, kept, PartnerRole.WRITER, PROVIDER)
    page = screen_at_night.open("/partner/accounts")
    for number, code in zip(numbers, ("genuine", "fraud", ""), strict=True):
        item = page.locator(".item", has_text=written(number))
        if code:
            item.locator("select").select_option(code)
        else:
            item.locator("input[type=checkbox]").check()
    page.locator("#code").select_option("unknown")
    page.locator("main form > .card button").click()
    page.wait_for_url("**/me/sent/*")
    screen_at_night.check()
    screen_at_night.picture("answers")
    shown = page.locator(".item .digits").all_inner_texts()
    assert [text.replace("\n", "").replace("-", "") for text in shown] == numbers
    page.locator("main form button").click()
    page.locator(".item .well").first.wait_for()
    screen_at_night.check()
    screen_at_night.picture("answered")
    assert page.locator(".item .well").count() == 3
    page = screen_at_night.open("/partner/accounts?list=answered")
    assert page.locator(".item", has_text=written(numbers[0])).count() == 1


def test_request_between_two_banks_is_completed(browser: Browser, desk: Screen, kept: BrowsedHub) -> None:
    start_session(desk, kept, PartnerRole.WRITER, OTHER)
    page = desk.open("/partner/requests/new")
    page.locator("input[value=return]").check()
    page.locator("main form button").click()
    page.wait_for_url("**/new?asks=return")
    desk.check()
    page.locator("#kind").select_option("bank-account")
    if not page.locator("#other_bank").is_visible():
        page.locator("[data-bank] summary").click()
    page.locator("#country").select_option("TH")
    for name, text in (("value", "5556667778"), ("other_bank", "KBANK"), ("reference", "C-9"), ("amount", "many")):
        page.locator(f"#{name}").fill(text)
    page.locator("#deadline").select_option("4")
    page.locator("#legal_basis").select_option("scheme-rules")
    desk.expected.add(422)
    page.locator("main form button").click()
    page.get_by_role("alert").wait_for()
    desk.check()
    assert page.locator("#other_bank").input_value() == "KBANK"
    page.locator("#amount").fill("1500.50")
    page.locator("#currency").fill("thb")
    page.locator("main form button").click()
    page.get_by_text("C-9", exact=True).wait_for()
    desk.check()
    path = page.url.removeprefix(kept.address)
    with screen(browser, kept.address, "th", 390) as other:
        start_session(other, kept, PartnerRole.WRITER, PROVIDER)
        other.open("/partner/requests").locator("tbody tr", has_text="C-9").locator("a").click()
        other.page.locator("#agreed-amount").fill("1000")
        other.page.locator("form:has(#agreed-amount) button").click()
        other.page.locator("#done-amount").wait_for()
        other.check()
        other.page.locator("form:has(#done-amount) button").click()
        other.page.locator("#done-amount").wait_for(state="detached")
        other.check()
    page = desk.open(path)
    page.locator("#close-reason").select_option("settled")
    desk.press("Close")
    assert page.locator("h1 .tag").inner_text() == "Closed"
    desk.check()


def test_delisting_is_acknowledged(desk: Screen, kept: BrowsedHub) -> None:
    start_session(desk, kept, PartnerRole.WRITER, PROVIDER)
    page = desk.open("/partner/receipts")
    assert page.get_by_text("taken-back.example.com").count() == 1
    page.locator("tbody input").first.check()
    page.locator("input[value=restored]").check()
    desk.press("Confirm")
    page.get_by_text("Confirmed: 1.").wait_for()
    desk.check()
    desk.open("/partner/receipts").get_by_text("Nothing is open").wait_for()


def test_an_admin_registers_and_removes_a_certificate(desk: Screen, kept: BrowsedHub) -> None:
    start_session(desk, kept, PartnerRole.ADMIN, PROVIDER)
    page = desk.open("/partner/credentials")
    key, statement = curve_key(), page.locator("#command").inner_text().split("'")[1]
    certificate = certified(key)
    page.locator("#certificate").fill(certificate)
    page.locator("#signature").fill(signed(key, statement))
    desk.press("Register the certificate")
    assert page.locator("td.value code").inner_text() == fingerprint_of(certificate).hex()
    desk.check()
    page.locator("button.danger").click()
    page.locator("td.value").wait_for(state="detached")
    desk.check()


def test_events_are_searched_and_stored_as_a_file(desk: Screen, kept: BrowsedHub) -> None:
    start_session(desk, kept, PartnerRole.READER, PROVIDER)
    page = desk.open("/partner/")
    page.locator("#value").fill("lottery-winner[.]example[.]com")
    desk.press("Search")
    assert page.locator("td.value", has_text="lottery-winner.example.com").count() >= 1
    desk.check()
    with page.expect_download() as found:
        page.get_by_role("button", name="CSV").click()
    assert b"lottery-winner.example.com" in found.value.path().read_bytes()
