"""What anybody may see: closed days alone, enough of each, and the same for ever."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from schemas.partner import Partner
from server.release.hub import Hub
from server.release.trends.days import month_of
from server.release.trends.fold import fold_all
from server.release.trends.publish import DELAY, publish_due
from server.release.trends.query import text_of
from server.store import collections, log
from server.store.database.times import now
from server.store.trends import counts, publications
from server.store.trends.counts import DAY, FigureTally

Reports = Callable[..., dict[str, Any]]
# In a month that is long over.
FIRST = 20_729


@pytest.fixture
def counted(hub: Hub) -> Callable[..., None]:
    """Count something on a day by organisations, as the fold does."""

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


def test_a_day_is_published_when_it_and_the_delay_are_over(hub: Hub, counted: Callable[..., None]) -> None:
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


def test_a_partner_that_reports_itself_learns_nothing_of_one_other(hub: Hub, counted: Callable[..., None]) -> None:
    """Whether or not a single other organisation reported, the attacker sees the same."""
    counted(FIRST, "wallet", *["attacker"] * 50)
    counted(FIRST + 1, "wallet", *["attacker"] * 50, "victim")
    counted(FIRST + 2, "wallet", *["attacker"] * 50, *["victim"] * 5)
    publish_due(hub, (FIRST + 2) * DAY + DELAY)
    assert _shown(hub) == {}


def test_the_total_does_not_tell_the_one_cell_that_is_hidden(hub: Hub, counted: Callable[..., None]) -> None:
    counted(FIRST, "domain", *"abcabcabc")
    counted(FIRST, "url", *"abcabc")
    counted(FIRST, "wallet", "a", "a")
    publish_due(hub, (FIRST + 1) * DAY + DELAY)
    assert _shown(hub, dimension="") == {(FIRST, ""): 17}
    assert _shown(hub) == {(FIRST, "domain"): 9}


def test_a_month_tells_of_no_day_what_the_day_hides(hub: Hub, counted: Callable[..., None]) -> None:
    month = month_of(FIRST)
    for day in (month, month + 1):
        counted(day, "domain", *"abcabc")
        counted(day, "url", *"abcabc")
    counted(month + 2, "domain", *"ab")
    counted(month + 3, "url", *"abcd")
    counted(month + 4, "url", *"abcd")
    publish_due(hub, (month + 31) * DAY + DELAY)
    # Of domains a single day is hidden, which the month would tell; so it must not tell the rest of the others either.
    assert _shown(hub, "month") == {(month, "domain+"): 12, (month, "url+"): 12}


def test_a_month_counts_the_small_days_where_they_are_enough_together(hub: Hub, counted: Callable[..., None]) -> None:
    month = month_of(FIRST)
    for day in range(month, month + 6):
        counted(day, "domain", *"abc")
        counted(day, "url", *"abd")
    publish_due(hub, (month + 31) * DAY + DELAY)
    assert _shown(hub) == {}
    assert _shown(hub, "month") == {(month, "domain"): 18, (month, "url"): 18}


def test_months_follow_one_another_and_forget_who_contributed(hub: Hub, counted: Callable[..., None]) -> None:
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


def test_what_really_happened_is_published(hub: Hub, joins: Any, reports: Reports) -> None:
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


def test_a_month_is_told_in_notes_in_english_and_thai(hub: Hub, counted: Callable[..., None]) -> None:
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


def test_a_collection_of_the_operators_own_stops_no_month(hub: Hub, counted: Callable[..., None]) -> None:
    with hub.store.begin() as tx:
        collections.add(tx, "something", "Trends")
    month = month_of(FIRST)
    counted(month, "domain", *"abcab")
    publish_due(hub, (month + 31) * DAY + DELAY)
    assert _shown(hub, "month") == {(month, "domain"): 5}
