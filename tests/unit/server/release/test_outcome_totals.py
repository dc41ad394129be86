"""Totals of outcomes: counted once, exact for the hub, and shown to others from five upwards."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from mappers import extension, records as record_mappers
from schemas import tabular
from schemas.partner import Partner
from server.release import review
from server.release.guard import volume
from server.release.results import Results
from server.store import Store
from server.store.outcomes import totals
from server.store.outcomes.totals import DayTotals
from tests.times import ago, ahead, text_ago
from tests.unit.server.release.hubs import hub_on

Joins = Callable[..., Partner]
Reports = Callable[..., dict[str, Any]]
Listed = Callable[..., str]
Post = Callable[..., Results]
Held = Callable[[str], dict[str, dict[str, Any]]]
Withdraws = Callable[[Partner, dict[str, Any]], None]

SAID = text_ago(days=31)
LAST_DAY = ago(days=32).date()
PERIOD = {"period_from": f"{ago(days=62):%Y-%m-%d}", "period_to": f"{LAST_DAY:%Y-%m-%d}"}
TOTALS = {"count": 12, "victims": 9, "amount": "1254000.50", "currency": "thb", **PERIOD}


@pytest.fixture
def first(joins: Joins) -> Partner:
    return joins("First Bank", reads=["takedown", "sightings"])


@pytest.fixture
def second(joins: Joins) -> Partner:
    return joins("Second Bank", reads=["takedown", "sightings"])


def sums(store: Store) -> list[DayTotals]:
    with store.read() as tx:
        return totals.totals(tx)


def test_totals_count_exactly_on_the_last_day_of_their_period(
    reports: Reports, records_of: Reports, listed: Listed, store: Store, first: Partner, second: Partner
) -> None:
    said = reports(first, scam_type="investment")
    records_of(second, "outcome", of=listed(said), outcome="declined", **TOTALS)
    (row,) = sums(store)
    assert row == DayTotals(
        LAST_DAY,
        "Second Bank",
        "declined",
        "domain",
        "investment",
        "TH",
        "THB",
        1,
        12,
        9,
        Decimal("1254000.5"),
    )


def test_record_about_many_listings_counts_once(
    reports: Reports, records_of: Reports, listed: Listed, store: Store, held_by: Held, first: Partner, second: Partner
) -> None:
    of = [listed(reports(first, value)) for value in ("a.example.com", "b.example.com", "c.example.com")]
    obj = records_of(second, "outcome", of=of, outcome="warned", **TOTALS)
    assert set(obj["object_refs"]) == set(of)
    assert [(row.records, row.number) for row in sums(store)] == [(1, 12)]
    (published,) = (each for each in held_by("sightings").values() if each["type"] == "opinion")
    assert set(published["object_refs"]) == set(of)


@pytest.mark.parametrize(
    "again",
    [
        {},
        {"reported_at": text_ago(days=30)},
        {"period_from": f"{ago(days=48):%Y-%m-%d}", "reported_at": text_ago(days=30)},
        {"period_from": None, "period_to": None, "reported_at": text_ago(days=30)},
    ],
    ids=["the same", "later", "another period", "no period"],
)
def test_repeated_statement_counts_once(
    reports: Reports,
    records_of: Reports,
    listed: Listed,
    store: Store,
    first: Partner,
    second: Partner,
    again: dict[str, str],
) -> None:
    said = listed(reports(first))
    records_of(second, "outcome", of=said, outcome="declined", **TOTALS)
    records_of(second, "outcome", of=said, outcome="declined", **{**TOTALS, **again})
    assert [(row.records, row.number) for row in sums(store)] == [(1, 12)]


def test_reference_counts_once_for_any_listings(
    reports: Reports, records_of: Reports, listed: Listed, store: Store, first: Partner, second: Partner
) -> None:
    one, other = (listed(reports(first, value)) for value in ("a.example.com", "b.example.com"))
    records_of(second, "outcome", of=one, outcome="held", reference="one", **TOTALS)
    records_of(second, "outcome", of=other, outcome="held", reference="one", **TOTALS)
    records_of(second, "outcome", of=other, outcome="held", reference="another", **TOTALS)
    assert [(row.records, row.number) for row in sums(store)] == [(2, 24)]


def test_two_partners_and_two_outcomes_are_kept_apart(
    reports: Reports, records_of: Reports, listed: Listed, store: Store, first: Partner, second: Partner
) -> None:
    said = listed(reports(first))
    records_of(second, "outcome", of=said, outcome="declined", **TOTALS)
    records_of(first, "outcome", of=said, outcome="held", **TOTALS)
    assert {(row.partner, row.outcome, row.records) for row in sums(store)} == {
        ("First Bank", "held", 1),
        ("Second Bank", "declined", 1),
    }


def test_partners_of_one_organisation_that_state_the_same_count_once(
    joins: Joins,
    reports: Reports,
    records_of: Reports,
    withdraws: Withdraws,
    listed: Listed,
    store: Store,
    first: Partner,
    second: Partner,
) -> None:
    desk = joins("Second Desk", reads=["takedown", "sightings"], organisation="Second Bank")
    said = listed(reports(first))
    records_of(second, "outcome", of=said, outcome="declined", **TOTALS)
    again = records_of(desk, "outcome", of=said, outcome="declined", reported_at=text_ago(days=30, hours=20), **TOTALS)
    records_of(first, "outcome", of=said, outcome="declined", **TOTALS)
    assert {(row.partner, row.number) for row in sums(store)} == {("First Bank", 12), ("Second Desk", 12)}
    withdraws(desk, again)
    assert {(row.partner, row.number) for row in sums(store)} == {("First Bank", 12), ("Second Bank", 12)}


def test_revoked_record_does_not_count(
    reports: Reports, records_of: Reports, withdraws: Withdraws, listed: Listed, store: Store, first: Partner
) -> None:
    obj = records_of(first, "outcome", of=listed(reports(first)), outcome="declined", **TOTALS)
    withdraws(first, obj)
    assert sums(store) == []


def test_new_version_without_totals_does_not_count(
    reports: Reports, records_of: Reports, listed: Listed, post: Post, store: Store, first: Partner
) -> None:
    obj = records_of(first, "outcome", of=listed(reports(first)), outcome="declined", **TOTALS)
    bare = {name: word for name, word in extension.context_of(obj).items() if name in ("extension_type", "outcome")}
    post({**obj, "modified": text_ago(days=30), "extensions": {extension.ID: bare}}, by=first)
    assert sums(store) == []


@pytest.mark.parametrize("decision", ["approved", "rejected"])
def test_totals_that_wait_for_a_review_count_once_it_is_approved(
    reports: Reports,
    listed: Listed,
    post: Post,
    store: Store,
    first: Partner,
    second: Partner,
    monkeypatch: pytest.MonkeyPatch,
    decision: Any,
) -> None:
    said = listed(reports(first))
    monkeypatch.setattr(volume.DoubtQuota, "take", lambda *_: False)
    defaults = {"reporter": second.name, "reported_at": SAID, "tlp": "green"}
    columns = {"of": said, "outcome": "false-positive", **TOTALS}
    obj = record_mappers.to_stix(tabular.read_record("outcome", columns, defaults))[-1]
    assert post(obj, by=second).held
    assert sums(store) == []
    with store.begin() as tx:
        review.decide(hub_on(store), tx, [obj["id"]], decision, "operator")
    assert len(sums(store)) == (decision == "approved")


def context_in(objects: dict[str, dict[str, Any]]) -> dict[str, Any]:
    (published,) = (each for each in objects.values() if each["type"] == "opinion")
    return dict(extension.context_of(published))


def test_others_see_large_cells_rounded(
    reports: Reports, records_of: Reports, listed: Listed, held_by: Held, first: Partner, second: Partner
) -> None:
    records_of(second, "outcome", of=listed(reports(first)), outcome="declined", **TOTALS)
    shown = context_in(held_by("sightings"))
    assert {name: shown[name] for name in TOTALS} == {**TOTALS, "amount": "1300000", "currency": "THB"}


@pytest.mark.parametrize(
    "small",
    [{"victims": 4}, {"count": 4}, {"count": 4, "victims": 4}, {"count": None, "victims": None}, {"count": None}],
    ids=str,
)
def test_others_see_nothing_of_small_cells(
    reports: Reports,
    listed: Listed,
    held_by: Held,
    post: Post,
    store: Store,
    first: Partner,
    second: Partner,
    small: dict[str, Any],
) -> None:
    said = listed(reports(first))
    columns = {"of": said, "outcome": "declined", **TOTALS, **small}
    defaults = {"reporter": second.name, "reported_at": SAID, "tlp": "green"}
    obj = record_mappers.to_stix(tabular.read_record("outcome", columns, defaults))[-1]
    results = post(obj, by=second)
    shown = context_in(held_by("sightings"))
    numbers = {"count", "victims", "amount", "currency", "period_from", "period_to"} & shown.keys()
    if small == {"count": None}:  # nine people are known
        assert numbers == {"victims", "amount", "currency", "period_from", "period_to"}
        return
    assert numbers == set()
    (answer,) = results.accepted
    assert "fewer than 5" in str(answer.message)
    assert len(sums(store)) == 1


def test_totals_of_future_days_do_not_count_and_are_reported(
    reports: Reports, listed: Listed, post: Post, store: Store, first: Partner, second: Partner
) -> None:
    said = listed(reports(first))
    defaults = {"reporter": second.name, "reported_at": SAID, "tlp": "green"}
    obj = record_mappers.to_stix(
        tabular.read_record("outcome", {"of": said, "outcome": "declined", **TOTALS}, defaults)
    )[-1]
    context = {**extension.context_of(obj), "period_to": f"{ahead(days=1500):%Y-%m-%d}"}
    (answer,) = post({**obj, "extensions": {extension.ID: context}}, by=second).accepted
    assert "its totals do not count" in str(answer.message)
    assert sums(store) == []


def test_former_code_of_a_hold_is_read_and_never_published(
    reports: Reports, listed: Listed, post: Post, held_by: Held, first: Partner, second: Partner
) -> None:
    said = listed(reports(first))
    defaults = {"reporter": second.name, "reported_at": SAID, "tlp": "green"}
    obj = record_mappers.to_stix(tabular.read_record("outcome", {"of": said, "outcome": "held"}, defaults))[-1]
    old = {**extension.context_of(obj), "outcome": "funds-held"}
    assert not post({**obj, "extensions": {extension.ID: old}}, by=second).failed
    assert context_in(held_by("sightings"))["outcome"] == "held"
