"""Totals count once, for any number and order of statements."""

import secrets
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings, strategies as st

from server.store import Store
from server.store.outcomes import totals
from server.store.outcomes.totals import MOST_ALIKE, DayTotals, OutcomeTotals

NOVEMBER = (date(2025, 11, 1), date(2025, 11, 30))


def record(key: str = "1/opinion--a", **more: Any) -> OutcomeTotals:
    columns: dict[str, Any] = {
        "outcome": "declined",
        "about": b"a",
        "referenced": False,
        "kind": "bank-account",
        "scam_type": "investment",
        "country": "TH",
        "day": NOVEMBER[1],
        "first_day": NOVEMBER[0],
        "last_day": NOVEMBER[1],
        "number": 12,
        "victims": 9,
        "amount": Decimal("1250000.50"),
        "currency": "THB",
        "stated": 1,
        **more,
    }
    return OutcomeTotals(key, **columns)


def sums(store: Store, partner: str | None = None) -> list[DayTotals]:
    with store.read() as tx:
        return totals.totals(tx, partner)


def fold(store: Store, *records: OutcomeTotals, ended: tuple[str, ...] = (), partner: str = "First Bank") -> set[str]:
    with store.begin() as tx:
        return set(totals.fold(tx, partner, records, ended))


def test_statements_are_summed_by_day_and_currency(store: Store) -> None:
    fold(store, record("1/a"), record("1/b", about=b"b"), record("1/c", about=b"c", currency="USD"))
    fold(store, record("2/a"), partner="Second Bank")
    assert [(row.partner, row.currency, row.records, row.number, row.amount) for row in sums(store)] == [
        ("First Bank", "THB", 2, 24, Decimal("2500001")),
        ("First Bank", "USD", 1, 12, Decimal("1250000.5")),
        ("Second Bank", "THB", 1, 12, Decimal("1250000.5")),
    ]


def test_total_under_a_former_digest_is_moved_to_the_current_one(store: Store) -> None:
    fold(store, record("1/a", about=b"old"), record("1/c", about=b"else"))
    with store.begin() as tx:
        formerly = {b"old": b"a", b"older": b"a"}
        totals.fold(tx, "Second Bank", [record("2/a", stated=2)], organisation=["First Bank"], formerly=formerly)
    assert [(row.partner, row.records) for row in sums(store)] == [("First Bank", 1), ("Second Bank", 1)]


def test_a_newer_record_of_the_same_period_replaces_the_older(store: Store) -> None:
    fold(store, record("1/a"))
    fold(store, record("1/b", number=15, stated=2, first_day=date(2025, 11, 15)))
    assert [(row.records, row.number) for row in sums(store)] == [(1, 15)]


def test_records_of_different_periods_are_kept_separately(store: Store) -> None:
    december = {"first_day": date(2025, 12, 1), "last_day": date(2025, 12, 31), "day": date(2025, 12, 31)}
    fold(store, record("1/a"), record("1/b", stated=2, **december))
    assert [row.number for row in sums(store)] == [12, 12]


def test_repeated_reference_replaces_the_record_of_any_period(store: Store) -> None:
    december = {"first_day": date(2025, 12, 1), "last_day": date(2025, 12, 31), "day": date(2025, 12, 31)}
    fold(store, record("1/a", referenced=True), record("1/b", referenced=True, stated=2, **december))
    assert [(row.day, row.records) for row in sums(store)] == [(date(2025, 12, 31), 1)]


def test_ended_record_restores_the_one_before(store: Store) -> None:
    fold(store, record("1/a"), record("1/b", number=15, stated=2))
    fold(store, ended=("1/b",))
    assert [row.number for row in sums(store)] == [12]
    fold(store, ended=("1/a", "1/of-nobody"))
    assert sums(store) == []


def test_an_older_version_of_a_record_changes_nothing(store: Store) -> None:
    fold(store, record("1/a", number=15, stated=5))
    fold(store, record("1/a", number=12, stated=4))
    assert [row.number for row in sums(store)] == [15]


def test_deleted_record_is_in_no_table(store: Store) -> None:
    fold(store, record("1/a"), record("1/b", about=b"b"))
    fold(store, record("2/a"), partner="Second Bank")
    with store.begin() as tx:
        totals.fold(tx, "First Bank", (), ["1/a", "3/a"])
        totals.fold(tx, "Second Bank", (), ["2/a"])
    assert [(row.partner, row.records) for row in sums(store)] == [("First Bank", 1)]


def test_large_amounts_are_summed_exactly(store: Store) -> None:
    small, large = Decimal("0.000000000000000001"), Decimal(10) ** 16 - 1
    fold(store, *(record(f"1/{number}", about=bytes([number]), amount=large) for number in range(20)))
    fold(store, record("1/small", about=b"small", amount=small))
    assert [f"{row.amount:f}" for row in sums(store)] == ["199999999999999980.000000000000000001"]


def test_too_many_records_about_the_same_do_not_count(store: Store) -> None:
    many = [record(f"1/{number:04}", stated=number) for number in range(MOST_ALIKE + 1)]
    assert fold(store, *many) == {f"1/{MOST_ALIKE:04}"}
    assert len(sums(store)) == 1


def test_the_days_of_totals_can_be_chosen(store: Store) -> None:
    for number in range(1, 4):
        fold(store, record(f"1/{number}", about=bytes([number]), day=date(2025, 11, number)))
    with store.read() as tx:
        found = totals.totals(tx, "First Bank", date(2025, 11, 2), date(2025, 11, 2))
    assert [row.day.day for row in found] == [2]


DAYS = st.dates(date(2025, 11, 1), date(2025, 11, 9))


@st.composite
def any_record(draw: st.DrawFn) -> OutcomeTotals:
    first = draw(st.none() | DAYS)
    return record(
        draw(st.sampled_from(["1/a", "1/b", "1/c", "1/d"])),
        about=draw(st.sampled_from([b"a", b"b"])),
        first_day=first,
        last_day=None if first is None else first + timedelta(draw(st.integers(0, 3))),
        day=first or date(2025, 11, 30),
        number=draw(st.integers(1, 3)),
        stated=draw(st.integers(1, 6)),
    )


def expected(records: list[OutcomeTotals]) -> dict[date, int]:
    """Return the sum of each day, computed anew from all records."""
    latest: dict[str, OutcomeTotals] = {}
    for one in records:
        latest[one.key] = max(latest.get(one.key, one), one, key=lambda stated: stated.stated)
    counting: list[OutcomeTotals] = []
    for one in sorted(latest.values(), key=lambda stated: (stated.stated, stated.key), reverse=True):
        if not any(one.about == other.about and overlap(one, other) for other in counting):
            counting.append(one)
    return {day: sum(one.number or 0 for one in counting if one.day == day) for day in {one.day for one in counting}}


def overlap(one: OutcomeTotals, other: OutcomeTotals) -> bool:
    if one.first_day is None or other.first_day is None or one.last_day is None or other.last_day is None:
        return True
    return one.first_day <= other.last_day and other.first_day <= one.last_day


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    records=st.lists(any_record(), max_size=8, unique_by=lambda one: (one.key, one.stated)),
    cuts=st.lists(st.integers(0, 8), max_size=3),
    data=st.data(),
)
def test_the_same_records_in_any_order_and_parts_give_the_same_sums(
    migrated: Store, records: list[OutcomeTotals], cuts: list[int], data: st.DataObject
) -> None:
    in_order = data.draw(st.permutations(records))
    again = data.draw(st.lists(st.sampled_from(records), max_size=3) if records else st.just([]))
    stated = [*in_order, *again]
    partner = f"Bank {secrets.token_hex(8)}"
    starts = sorted({0, *(cut for cut in cuts if cut < len(stated))})
    for start, end in zip(starts, [*starts[1:], len(stated)], strict=True):
        part: dict[str, OutcomeTotals] = {}
        for one in stated[start:end]:
            part[one.key] = max(part.get(one.key, one), one, key=lambda known: known.stated)
        with migrated.begin() as tx:
            totals.fold(tx, partner, [one._replace(key=f"{partner}{one.key}") for one in part.values()])
    found = {row.day: row.number for row in sums(migrated, partner)}
    assert found == expected(records)
