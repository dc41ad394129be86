"""Quarters and years are sums of published months."""

from datetime import date

import pytest

from server.features.trends import periods
from server.features.trends.months import MonthUnpublished
from server.features.trends.publications import PublishedCell, publish
from server.features.trends.query import day_of
from server.store import Store


def publish_months(store: Store, numbers: dict[str, int], figure: str = "reports") -> None:
    """Publish a figure of months."""
    cells = [
        PublishedCell(day_of(date.fromisoformat(f"{month}-01")), figure, "", "", "count", number)
        for month, number in numbers.items()
    ]
    with store.begin() as tx:
        publish(tx, "month", cells)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ([], []),
        (["2026-09", "2026-08"], []),
        (["2026-10", "2026-09", "2026-08", "2026-07", "2026-06"], ["2026-Q3"]),
        ([f"2026-{month:02}" for month in range(12, 0, -1)], ["2026-Q4", "2026-Q3", "2026-Q2", "2026-Q1", "2026"]),
    ],
)
def test_periods_are_offered_once_all_their_months_are_published(known: list[str], expected: list[str]) -> None:
    assert periods.complete(known) == expected


@pytest.mark.parametrize("code", ["2026-Q5", "2026-Q0", "2026-10", "26", "2026-Q1\n", "٢٠٢٦", "2026-Q1x", ""])
def test_other_texts_are_no_periods(code: str) -> None:
    assert not periods.is_period(code)


def test_quarter_is_the_sum_of_its_months(store: Store) -> None:
    publish_months(store, {f"2026-{month:02}": month * 10 for month in range(4, 10)})
    publish_months(store, {"2026-07": 5, "2026-09": 5}, "sightings")
    with store.read() as tx:
        found = periods.of_period(tx, "2026-Q3")
        with pytest.raises(MonthUnpublished):
            periods.of_period(tx, "2026")
    [now, before, year_before] = found.compared("reports")
    assert now is not None
    assert before is not None
    assert (now.number, now.at_least, before.number, year_before) == (240, False, 150, None)
    assert (found.before, found.year_before) == ("2026-Q2", "2025-Q3")


def test_sum_without_the_figure_of_a_month_is_a_least_number(store: Store) -> None:
    publish_months(store, {"2026-07": 70, "2026-08": 80, "2026-09": 90})
    publish_months(store, {"2026-07": 5, "2026-09": 5}, "sightings")
    with store.read() as tx:
        seen = periods.of_period(tx, "2026-Q3").compared("sightings").now
    assert seen is not None
    assert (seen.number, seen.at_least) == (10, True)
