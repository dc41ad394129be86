"""Public figures cover closed days only, have enough contributors, and never change."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from sqlalchemy import update

from schemas.partner import Partner
from server.features.trends import counts, publications
from server.features.trends.counts import DAY, FigureTally
from server.features.trends.days import month_of
from server.features.trends.fold import fold_all
from server.features.trends.publish import DELAY, publish_due
from server.features.trends.query import text_of
from server.release.hub import Hub
from server.store import collections, log, tables
from server.store.database.times import now

Reports = Callable[..., dict[str, Any]]
# In a month long past.
FIRST = 20_729


@pytest.fixture
def counted(hub: Hub) -> Callable[..., None]:
    """Count an event on a day for organisations, as the fold does."""

    def count(day: int, kind: str, *by: str, figure: str = "reports") -> None:
        tally = FigureTally()
        for organisation in by:
            tally.count(figure, day * DAY, {"kind": (kind,)}, (organisation,))
        with hub.store.begin() as tx:
            tally.write(tx)

    return count


def _shown(hub: Hub, span: Any = "day", dimension: str = "kind") -> dict[tuple[int, str], int]:
    with hub.store.read() as tx:
        found = publications.published(tx, span, 0, 100_000, "reports", dimension)
    return {(cell.day, f"{cell.word}{'+' if cell.measure == 'at-least' else ''}"): cell.value for cell in found}


def test_day_is_published_after_it_and_the_delay(hub: Hub, counted: Callable[..., None]) -> None:
    counted(FIRST, "domain", *"abcab")
    assert publish_due(hub, (FIRST + 1) * DAY + DELAY - 1) == 0
    assert _shown(hub) == {}
    assert publish_due(hub, (FIRST + 1) * DAY + DELAY) == 1
    assert _shown(hub) == {(FIRST, "domain"): 5}


def test_a_published_day_never_changes(hub: Hub, counted: Callable[..., None]) -> None:
    counted(FIRST, "domain", *"abcab")
    publish_due(hub, (FIRST + 1) * DAY + DELAY)
    counted(FIRST, "domain", *"abcab")
    assert publish_due(hub, (FIRST + 1) * DAY + DELAY) == 0
    assert _shown(hub) == {(FIRST, "domain"): 5}


def test_partner_that_reports_learns_nothing_of_one_other(hub: Hub, counted: Callable[..., None]) -> None:
    """The attacker sees the same with or without the report of one other organisation."""
    counted(FIRST, "wallet", *["attacker"] * 50)
    counted(FIRST + 1, "wallet", *["attacker"] * 50, "victim")
    counted(FIRST + 2, "wallet", *["attacker"] * 50, *["victim"] * 5)
    publish_due(hub, (FIRST + 2) * DAY + DELAY)
    assert _shown(hub) == {}


def test_total_does_not_reveal_a_single_hidden_cell(hub: Hub, counted: Callable[..., None]) -> None:
    counted(FIRST, "domain", *"abcabcabc")
    counted(FIRST, "url", *"abcabc")
    counted(FIRST, "wallet", "a", "a")
    publish_due(hub, (FIRST + 1) * DAY + DELAY)
    assert _shown(hub, dimension="") == {(FIRST, ""): 17}
    assert _shown(hub) == {(FIRST, "domain"): 9}


def test_month_does_not_reveal_a_hidden_day(hub: Hub, counted: Callable[..., None]) -> None:
    month = month_of(FIRST)
    for day in (month, month + 1):
        counted(day, "domain", *"abcabc")
        counted(day, "url", *"abcabc")
    counted(month + 2, "domain", *"ab")
    counted(month + 3, "url", *"abcd")
    counted(month + 4, "url", *"abcd")
    publish_due(hub, (month + 31) * DAY + DELAY)
    # A single hidden day of domains could be computed from the month, so the month must not reveal the other days.
    assert _shown(hub, "month") == {(month, "domain+"): 12, (month, "url+"): 12}


def test_month_counts_small_days_if_their_sum_is_enough(hub: Hub, counted: Callable[..., None]) -> None:
    month = month_of(FIRST)
    for day in range(month, month + 6):
        counted(day, "domain", *"abc")
        counted(day, "url", *"abd")
    publish_due(hub, (month + 31) * DAY + DELAY)
    assert _shown(hub) == {}
    assert _shown(hub, "month") == {(month, "domain"): 18, (month, "url"): 18}


def test_months_are_consecutive_and_drop_contributors(hub: Hub, counted: Callable[..., None]) -> None:
    month = month_of(FIRST)
    counted(month, "domain", *"abcab")
    later = month
    for _ in range(3):
        later = month_of(later + 32)
    while publish_due(hub, later * DAY + DELAY):
        pass
    assert _shown(hub, "month") == {(month, "domain"): 5}
    with hub.store.read() as tx:
        assert counts.contributors(tx, month) == {}
        assert {cell.day for cell in publications.published(tx, "month", 0, later)} == {month}


def test_actual_events_are_published(hub: Hub, joins: Any, reports: Reports) -> None:
    partners: list[Partner] = [joins(f"Bank {number}") for number in range(3)]
    for number in range(6):
        reports(partners[number % 3], f"bad{number}.example.com")
    fold_all(hub)
    day = now() // DAY
    publish_due(hub, (day + 1) * DAY + DELAY)
    assert _shown(hub) == {(day, "domain"): 6}
    with hub.store.read() as tx:
        found = {(cell.figure, cell.measure) for cell in publications.published(tx, "day", day, day, dimension="kind")}
    assert ("listed", "count") in found
    assert ("report-to-listing", "p50") in found
    assert not {name for name, _ in found} & {"received", "active"}


def test_month_is_published_in_english_and_thai_notes(hub: Hub, counted: Callable[..., None]) -> None:
    month = month_of(FIRST)
    counted(month, "domain", *"abcab")
    publish_due(hub, (month + 31) * DAY + DELAY)
    with hub.store.read() as tx:
        page = log.page(tx, collections.get(tx, "trends"), log.Query())
        readers = collections.readers(tx, collections.get(tx, "trends"))
    objects = [msgspec.json.decode(body) for body in page.bodies]
    [note] = [obj for obj in objects if obj["type"] == "note"]
    period = text_of(month, "month")
    assert note["abstract"] == f"Reports, {period} / การรายงาน {period}"
    assert f"{period},reports,kind,domain,5,False" in note["content"]
    assert set(note["object_refs"]) <= {obj["id"] for obj in objects}
    assert readers == set()


def test_operators_own_collection_stops_no_month(hub: Hub, counted: Callable[..., None]) -> None:
    # A collection that an operator named before hubs had a trends collection.
    with hub.store.begin() as tx:
        tx.execute(update(tables.collections).where(tables.collections.c.alias == "trends").values(alias="something"))
    month = month_of(FIRST)
    counted(month, "domain", *"abcab")
    publish_due(hub, (month + 31) * DAY + DELAY)
    assert _shown(hub, "month") == {(month, "domain"): 5}
