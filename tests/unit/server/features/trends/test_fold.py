"""Events become figures once each, for any process and any number of runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas.partner import Partner
from server.features.trends import counts, fold as folding, settle, words
from server.features.trends.publish import publish_due
from server.release import review
from server.release.hub import Hub
from server.release.query import receipts
from server.release.retract import retract
from server.store import Store, collections, log, read_progress, reviews
from server.store.database.times import now
from tests.times import text_ago, text_ahead
from tests.unit.server.release.hubs import hub_on

Figure = Callable[..., dict[str, int]]
Reports = Callable[..., dict[str, Any]]
DAY = 86_400 * 1_000_000


def test_a_report_is_counted_by_its_words(bank: Partner, reports: Reports, figure: Figure) -> None:
    reports(
        bank, "123-4-56789-0", "bank-account", bank="KBANK", country="TH", scam_type="investment", countries="TH;VN"
    )
    reports(bank, "bad.example.com")
    assert figure("reports") == figure("received") == figure("listed") == {"": 2}
    assert figure("reports", "kind") == {"bank-account": 1, "domain": 1}
    assert figure("reports", "scam_type") == {"investment": 1, "unknown": 1}
    assert figure("reports", "institution") == {"KASITHBK": 1}
    assert figure("reports", "country") == {"TH": 1, "VN": 1, "not-stated": 1}
    assert figure("reports", "reporter_kind") == {"bank": 2}
    assert sum(figure("listed", "grade").values()) == 2


@pytest.mark.parametrize(
    ("kind", "value", "institution"),
    [
        ("social-account", "line:somebody", "social-account:line"),
        ("payment-alias", "truemoney:+66812345678", "payment-alias:truemoney"),
        ("payment-alias", "upi:somebody@okhdfcbank", "payment-alias:upi:@okhdfcbank"),
        ("payment-alias", "promptpay:+66812345678", None),
        ("phone", "+66812345678", None),
        ("domain", "bad.example.com", None),
    ],
)
def test_a_value_counts_for_the_platform_or_wallet_that_it_names(kind: str, value: str, institution: str) -> None:
    assert words.institution_of(kind, value) == institution


def test_an_organisation_that_reports_a_value_again_is_counted_once(
    bank: Partner, other: Partner, reports: Reports, figure: Figure
) -> None:
    for _ in range(2):
        reports(bank)
        assert figure("reports") == {"": 1}
    reports(bank, confidence="90", reported_at=text_ago(days=59))
    reports(other)
    assert figure("reports") == {"": 2}
    assert figure("listed") == {"": 1}


def test_limited_report_is_in_no_public_figure(bank: Partner, other: Partner, reports: Reports, figure: Figure) -> None:
    reports(bank, tlp="red", only_partners="Other Bank")
    assert figure("received") == {"": 1}
    assert figure("reports") == figure("listed") == {}
    reports(other)
    assert figure("received") == {"": 2}
    assert figure("reports") == figure("listed") == {"": 1}


def test_held_report_is_counted_when_approved(hub: Hub, bank: Partner, stix: Any, post: Any, figure: Figure) -> None:
    assert post(stix("google.com")[1]).held
    assert figure("received") == {"": 1}
    assert figure("reports") == figure("listed") == {}
    with hub.store.begin() as tx:
        [held] = reviews.all_reviews(tx)
        review.decide(hub, tx, [held.object_id], "approved", "operator")
    assert figure("reports") == figure("listed") == figure("report-to-listing") == {"": 1}


def test_listing_is_active_until_delisted_or_ended(
    hub: Hub, bank: Partner, reports: Reports, withdraws: Any, figure: Figure
) -> None:
    indicator = reports(bank)
    reports(bank, "other.example.com", valid_until=text_ahead(days=90))
    fold_day = now() // DAY
    figure("active")

    def active(day: int) -> int:
        with hub.store.read() as tx:
            return counts.sums(tx, "active", "", 0, day).get("", 0)

    assert active(fold_day - 1) == 0
    assert active(fold_day) == 2
    assert active(fold_day + 400) == 0
    withdraws(bank, indicator)
    assert figure("delisted") == {"": 1}
    assert active(fold_day) == 1
    assert figure("active") == {}


def test_wrong_listing_is_counted_by_its_discoverer(
    hub: Hub, bank: Partner, joins: Any, reports: Reports, records_of: Any, figure: Figure, monkeypatch: Any
) -> None:
    monkeypatch.setattr(settle.settle, "__defaults__", (0,))
    reports(bank)
    exchange = joins("Exchange", "exchange", ["takedown"], trusted=True)
    with hub.store.read() as tx:
        takedown = collections.get(tx, "takedown")
        [listing] = log.latest_of_type(tx, takedown, "indicator", 5)
    records_of(exchange, "outcome", of=listing, outcome="false-positive")
    assert figure("delisted") == {"": 1}
    assert figure("wrong") == {}
    with hub.store.begin() as tx:
        [dispute] = reviews.all_reviews(tx, "open")
        review.decide(hub, tx, [dispute.object_id], "rejected", "operator")
    assert figure("wrong") == {"": 1}
    assert figure("wrong", "noticed_by") == {"exchange": 1}
    reports(bank, "mistake.example.com")
    with hub.store.begin() as tx:
        retract(hub, tx, "mistake.example.com")
    assert figure("wrong", "noticed_by") == {"exchange": 1, "operator": 1}
    assert figure("wrong-listed-for") == {"": 2}


def test_time_to_read_and_act_is_measured(
    hub: Hub, bank: Partner, joins: Any, reports: Reports, records_of: Any, figure: Figure
) -> None:
    reader = joins("Reader", "platform", ["takedown"])
    reports(bank)
    assert figure("listing-to-read") == {}
    with hub.store.begin() as tx:
        takedown = collections.get(tx, "takedown")
        read_progress.record_reads(tx, [("Reader", takedown.id, log.last_added(tx, takedown) or 0)])
        [listing] = log.latest_of_type(tx, takedown, "indicator", 5)
    assert figure("listing-to-read") == {"": 1}
    for _ in range(2):
        records_of(reader, "outcome", of=listing, outcome="blocked")
    assert figure("actions", "outcome") == {"blocked": 1}
    assert figure("actions", "reporter_kind") == {"platform": 1}
    records_of(reader, "sighting", of=listing)
    assert figure("sightings", "reporter_kind") == {"platform": 1}
    assert figure("listing-to-action") == {"": 1}


def test_time_until_all_readers_got_a_delisting_is_measured(
    hub: Hub, bank: Partner, joins: Any, reports: Reports, withdraws: Any, figure: Figure, monkeypatch: Any
) -> None:
    monkeypatch.setattr(settle.settle, "__defaults__", (0,))
    joins("Reader", "platform", ["takedown"])
    indicator = reports(bank)

    def read() -> None:
        with hub.store.begin() as tx:
            takedown = collections.get(tx, "takedown")
            read_progress.record_reads(tx, [("Reader", takedown.id, log.last_added(tx, takedown) or 0)])

    read()
    withdraws(bank, indicator)
    assert figure("delisting-to-all") == {}
    read()
    receipts.settle_in_steps(hub.store)
    assert figure("delisting-to-all") == {"": 1}


def test_two_concurrent_folds_count_once(hub: Hub, bank: Partner, reports: Reports, figure: Figure) -> None:
    reports(bank)
    begin = type(hub.store).begin

    def late(store: Store, **how: Any) -> Any:
        hub_store_begin.undo()
        folding.fold_all(hub)
        return begin(store, **how)

    hub_store_begin = pytest.MonkeyPatch()
    hub_store_begin.setattr(type(hub.store), "begin", late)
    folding.fold(hub)
    hub_store_begin.undo()
    assert figure("reports") == {"": 1}


def test_contribution_of_each_source_is_counted_among_others(
    hub: Hub, bank: Partner, other: Partner, reports: Reports, figure: Figure
) -> None:
    reports(bank)
    reports(bank, "own.example.com")
    figure("reports")
    reports(other)
    figure("reports")
    with hub.store.read() as tx:
        found = counts.of_sources(tx, *(0, 100_000))
    assert found["example bank", "domain"] == {"volume": 2, "first": 2, "exclusive": 1}
    assert found["other bank", "domain"] == {"volume": 1}


def test_unprepared_store_has_nothing_to_fold(migrated_store: Path) -> None:
    store = Store.open(f"sqlite:///{migrated_store}")
    hub = hub_on(store)
    assert publish_due(hub, folding.fold_all(hub)) == 0
    store.close()
