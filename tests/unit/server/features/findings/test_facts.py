"""The facts about a reported account: what its provider reads, and what the limits of contributors hide from it."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mappers import ids
from mappers.indicator import to_stix
from mappers.records import to_stix as record_to_stix
from schemas import timestamp
from schemas.api.accounts import AccountFacts, AmountBand, NumberBand, PaymentFacts
from schemas.partner import Partner, PartnerKind
from schemas.records import Flow
from schemas.tabular import ReportReader
from server.features.findings import accounts, facts, payments
from server.release.contribute import contribute
from server.release.hub import Hub
from server.store import Store, collections, inbox, listings, log, partners
from server.store.item import Item
from server.store.objects.query import Query
from server.store.providers import kept_accounts
from tests.initial_stores import initial_url
from tests.times import ago, text_ago

PROVIDER, OTHER = "Keeping Bank", "Other Keeper"
REPORTERS = ("Victim Bank", "Third Bank", "Police")
NUMBER = "4567890123"
HASH = "ab" * 32
HOUR = 3_600 * 1_000_000
AT = ago(days=12)
MONTH = f"{AT:%Y-%m}"
SEEN = text_ago(days=13)


@pytest.fixture
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hub]:
    yield from _opened(initial_url(request, tmp_path))


@pytest.fixture
def second_hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hub]:
    (tmp_path / "second").mkdir()
    yield from _opened(initial_url(request, tmp_path / "second"))


def _opened(url: str) -> Iterator[Hub]:
    """Open a store with two account-holding banks and three reporters."""
    store = Store.open(url)
    with store.begin() as tx:
        for name in (PROVIDER, OTHER, *REPORTERS):
            kind = PartnerKind.GOVERNMENT if name == "Police" else PartnerKind.BANK
            institutions = {PROVIDER: ("KASITHBK",), OTHER: ("SICOTHBK",)}.get(name, ())
            identity = ids.identity(name)
            partners.add(tx, Partner(name=name, kind=kind, country="TH", identity=identity, institutions=institutions))
            collections.grant(tx, name, collections.get(tx, "inbox"), write=True)
            collections.grant(tx, name, collections.get(tx, "mule-accounts"), read=True)
    yield Hub(store)
    store.close()


def report(hub: Hub, reporter: str = "Victim Bank", bank: str = "KBANK", **columns: str) -> None:
    given = {"reporter": reporter, "kind": "bank-account", "tlp": "amber", "bank": bank, "country": "TH"}
    reader = ReportReader({**given, "reported_at": timestamp.text(timestamp.now()), **columns})
    _contribute(hub, reporter, to_stix(reader.report({"value": NUMBER})))


def pay(hub: Hub, reporter: str = "Victim Bank", bank: str = "KASITHBK", **columns: Any) -> str:
    """Report payments to the account, and return the id of the flow."""
    given = {"reporter": reporter, "reported_at": timestamp.now(), "first_seen": AT}
    columns |= {"currency": "THB"} if "amount" in columns else {}
    source = {"kind": "bank-account", "value": "TH:BKKBTHBK:1112223334"}
    target = {"kind": "bank-account", "value": f"TH:{bank}:{NUMBER}"}
    objects = record_to_stix(Flow.model_validate({**given, "source": source, "target": target, **columns}))
    _contribute(hub, reporter, objects)
    return str(objects[-1]["id"])


def _contribute(hub: Hub, reporter: str, objects: list[dict[str, Any]]) -> None:
    with hub.store.begin() as tx:
        done = contribute(hub, tx, partners.get(tx, reporter), [Item.of(obj) for obj in objects])
        assert not done.failed, done.failed


def facts_for(hub: Hub, name: str = PROVIDER) -> AccountFacts:
    with hub.store.read() as tx:
        partner = partners.get(tx, name)
        found = kept_accounts.find(tx, name)
        [account] = accounts.with_listings(tx, partner, found, HOUR)
        return facts.facts_of(hub, tx, partner, account, HOUR)


def same(found: AccountFacts) -> dict[str, Any]:
    """Return the facts without times of the test and ids."""
    return {**msgspec.to_builtins(found), "listing": "", "since": "", "due": "", "valid_until": ""}


def test_facts_that_the_limits_allow_are_shown(hub: Hub) -> None:
    report(hub, reference="VB-117", sha256=HASH, scam_type="investment", first_seen=SEEN)
    pay(hub, amount="812345", count=3)
    found = facts_for(hub)
    assert (found.evidence, found.case_references, found.scam_type) == ((HASH,), ("VB-117",), "investment")
    assert (found.reporters, found.reporter_kinds) == (1, ("bank",))
    assert found.first_seen == SEEN
    assert found.payments == PaymentFacts(
        organisations=1,
        payments=NumberBand(2, 5),
        amounts=(AmountBand("THB", "500000", "1000000"),),
        first=MONTH,
        last=MONTH,
    )
    assert found.withheld == ("last_seen",)


@pytest.mark.parametrize(
    "limits",
    [
        {"tlp": "red", "only_partners": "Police"},
        {"only_partner_kinds": "government"},
        {"only_partners": "Police"},
        {"not_to_countries": "TH"},
        {"purposes": "law-enforcement"},
    ],
)
def test_limited_and_absent_facts_look_the_same(hub: Hub, second_hub: Hub, limits: dict[str, str]) -> None:
    report(hub, reference="VB-117", sha256=HASH, **limits)
    report(second_hub, **limits)
    found = facts_for(hub)
    assert same(found) == same(facts_for(second_hub))
    assert {"evidence", "case_references", "payments"} <= {*found.withheld}


@pytest.mark.parametrize(
    "limits",
    [
        {"tlp": "red"},
        {"sharing": {"not_to_partners": [PROVIDER]}},
        {"sharing": {"only_partners": ["Police"]}},
        {"sharing": {"only_partner_kinds": ["government"]}},
    ],
)
def test_payments_observe_their_own_limits(hub: Hub, limits: dict[str, Any]) -> None:
    report(hub)
    pay(hub, amount="812345", **limits)
    assert facts_for(hub).payments is None


def test_payments_of_a_reporter_that_hides_its_report_are_withheld(hub: Hub) -> None:
    report(hub)
    report(hub, "Third Bank", not_to_partners=PROVIDER)
    pay(hub, "Third Bank", amount="812345")
    assert facts_for(hub).payments is None


def test_provider_without_the_collection_reads_no_payments(hub: Hub) -> None:
    report(hub, reference="VB-117", sha256=HASH)
    pay(hub, amount="812345")
    with hub.store.begin() as tx:
        collections.revoke(tx, PROVIDER, collections.get(tx, "mule-accounts"))
    found = facts_for(hub)
    assert (found.payments, found.evidence, found.case_references) == (None, (), ())


def test_days_are_shown_once_three_organisations_report_payments(hub: Hub) -> None:
    report(hub)
    for reporter in REPORTERS[:2]:
        pay(hub, reporter, amount="50000")
    two = facts_for(hub).payments
    assert two is not None
    assert (two.organisations, two.first) == (2, MONTH)
    last = AT + timedelta(days=2)
    pay(hub, REPORTERS[2], last_seen=last)
    three = facts_for(hub).payments
    assert three is not None
    assert (three.organisations, three.first, three.last) == (3, f"{AT:%Y-%m-%d}", f"{last:%Y-%m-%d}")


def test_own_and_revoked_payments_do_not_count(hub: Hub) -> None:
    report(hub)
    pay(hub, PROVIDER, amount="812345")
    assert facts_for(hub).payments is None
    flow = pay(hub, amount="812345")
    assert facts_for(hub).payments is not None
    with hub.store.begin() as tx:
        partner = partners.get(tx, "Victim Bank")
        key = inbox.key(partners.space(tx, partner.name), flow)
        stored = msgspec.json.decode(inbox.latest(tx, [key])[key].body)
        revoked = {**stored, "revoked": True, "modified": timestamp.text(timestamp.now() + timedelta(seconds=1))}
        contribute(hub, tx, partner, [Item.of(revoked)])
    assert facts_for(hub).payments is None


def test_equal_digits_at_two_banks_are_two_accounts(hub: Hub) -> None:
    report(hub, reference="KBANK-CASE")
    report(hub, "Third Bank", bank="SCB", reference="SCB-CASE")
    pay(hub, amount="812345", count=3)
    ours, theirs = facts_for(hub), facts_for(hub, OTHER)
    assert (ours.case_references, theirs.case_references) == (("KBANK-CASE",), ("SCB-CASE",))
    assert theirs.payments is None
    with hub.store.read() as tx:
        other = partners.get(tx, OTHER)
        assert accounts.own_account(tx, other, ours.listing) is None
        assert accounts.own_account(tx, other, theirs.listing) is not None
        shared = listings.ids(tx, f"bank-account:TH:KASITHBK:{NUMBER}") - {ours.listing}
        assert shared
        assert all(accounts.own_account(tx, partners.get(tx, PROVIDER), id_) is None for id_ in shared)


def test_one_reporter_cannot_hide_anothers_payments(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payments, "_MOST_OF_ONE", 2)
    report(hub)
    for hours in range(5):
        pay(hub, "Third Bank", first_seen=AT + timedelta(hours=hours))
    pay(hub, "Victim Bank", amount="812345")
    found = facts_for(hub).payments
    assert found is not None
    assert (found.organisations, found.payments, found.complete) == (2, NumberBand(2, 5), False)


@pytest.mark.parametrize(
    ("number", "band"),
    [(1, (1, 1)), (2, (2, 5)), (5, (2, 5)), (6, (6, 20)), (100, (21, 100)), (101, (101, None)), (10**9, (101, None))],
)
def test_band_of_a_number(number: int, band: tuple[int, int | None]) -> None:
    assert payments.band_of_number(number) == NumberBand(*band)


@pytest.mark.parametrize(
    ("amount", "band"),
    [
        ("0.5", ("0", "1000")),
        ("1000", ("1000", "5000")),
        ("5000", ("5000", "10000")),
        ("99999.99", ("50000", "100000")),
        ("100000", ("100000", "500000")),
        ("99999999", ("50000000", "100000000")),
        ("1e25", ("100000000", None)),
    ],
)
def test_band_of_an_amount(amount: str, band: tuple[str, str | None]) -> None:
    assert payments.band_of_amount("THB", Decimal(amount)) == AmountBand("THB", *band)


def test_money_that_a_report_states_is_a_payment(hub: Hub) -> None:
    report(hub, paid_amount="812,345", first_seen=SEEN)
    assert facts_for(hub).payments == PaymentFacts(
        organisations=1,
        payments=NumberBand(1, 1),
        amounts=(AmountBand("THB", "500000", "1000000"),),
        first=SEEN[:7],
        last=SEEN[:7],
        complete=True,
    )


def test_flows_of_a_partner_count_in_place_of_its_stated_money(hub: Hub) -> None:
    report(hub, paid_amount="90000000", first_seen=SEEN)
    pay(hub, amount="2000", count=3)
    found = facts_for(hub).payments
    assert found is not None
    assert (found.payments, found.amounts) == (NumberBand(2, 5), (AmountBand("THB", "1000", "5000"),))


def test_money_in_a_report_that_excludes_the_bank_is_not_shown(hub: Hub) -> None:
    report(hub, scam_type="investment")
    report(hub, "Third Bank", paid_amount="90000", not_to_partners=PROVIDER)
    found = facts_for(hub)
    assert found.payments is None
    assert "payments" in found.withheld


def test_own_report_of_the_bank_is_no_payment_fact(hub: Hub) -> None:
    report(hub)
    report(hub, PROVIDER, paid_amount="90000")
    assert facts_for(hub).payments is None


def test_listing_does_not_have_the_money_paid(hub: Hub) -> None:
    report(hub, paid_amount="90000")
    with hub.store.read() as tx:
        for collection in collections.all_collections(tx):
            if collection.kind != "inbox":
                bodies = log.page(tx, collection, Query(limit=100)).bodies
                assert not [body for body in bodies if b'"paid"' in body and b"extension-definition" not in body]
