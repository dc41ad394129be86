"""Money and people: exact for the operator; published monthly, with enough organisations."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from schemas import timestamp
from schemas.partner import Partner
from server.features.trends import query
from server.features.trends.counts import DAY
from server.features.trends.days import month_of
from server.features.trends.fold import fold_all
from server.features.trends.publish import DELAY, publish_due
from server.features.trends.query import Range
from server.features.trends.suppression import hides_the_largest
from server.release.hub import Hub
from server.store import collections, log
from server.store.database.times import now

Row = dict[str, Any]


@pytest.fixture
def states(hub: Hub, joins: Any, reports: Any, records_of: Any) -> Callable[..., None]:
    """Let partners that read a listing state totals."""
    members: list[Partner] = [joins(f"Reader {number}", "platform", ["takedown"]) for number in range(4)]
    reports(members[0])
    with hub.store.read() as tx:
        [listing] = log.latest_of_type(tx, collections.get(tx, "takedown"), "indicator", 5)
    moments = (datetime.now(UTC) + timedelta(milliseconds=number) for number in count())

    def state(by: int, outcome: str, **columns: str) -> None:
        said = {"of": listing, "outcome": outcome, "reported_at": timestamp.text(next(moments)), **columns}
        records_of(members[by], "outcome", **said)

    return state


def _rows(hub: Hub, figure: str = "outcomes", *, exact: bool) -> list[Row]:
    month = month_of(query.day_of(datetime.now(UTC).date()))
    asked = Range(month, month_of(month + 31) - 1, "month")
    fold_all(hub)
    while publish_due(hub, (month + 40) * DAY + DELAY):
        pass
    with hub.store.read() as tx:
        found = (query.exact if exact else query.published)(tx, asked, figure)
    return [row.shown() for row in found]


def test_totals_are_exact_for_the_operator_and_counted_once(hub: Hub, states: Callable[..., None]) -> None:
    for amount in ("1000", "1234.50"):
        states(0, "declined", count="2", victims="1", amount=amount, currency="THB", reference="case 1")
    states(1, "held", count="1", amount="99", currency="USD")
    found = {(row["dimension"], row["word"]): row for row in _rows(hub, exact=True)}
    assert found["outcome", "declined"]["items"] == 2
    assert found["outcome", "declined"]["victims"] == 1
    assert found["currency", "declined THB"]["amount"] == "1234.5"
    assert found["currency", "held USD"]["amount"] == "99"


def test_money_of_enough_partners_is_published_in_two_digits(hub: Hub, states: Callable[..., None]) -> None:
    for number in range(8):
        states(
            number % 4, "declined", count="3", victims="2", amount="12345", currency="THB", reference=f"case {number}"
        )
    states(0, "returned", count="7", amount="12345", currency="THB", reference="alone")
    found = {(row["dimension"], row["word"]): row for row in _rows(hub, exact=False)}
    assert found.keys() == {("outcome", "declined"), ("currency", "declined THB")}
    assert found["outcome", "declined"]["items"] == 24
    assert found["outcome", "declined"]["victims"] == 16
    assert found["currency", "declined THB"]["amount"] == "98000"


def test_limited_totals_are_in_no_published_figure(hub: Hub, states: Callable[..., None]) -> None:
    for number in range(8):
        states(
            number % 4, "declined", count="3", victims="2", amount="12345", currency="THB", reference=f"case {number}"
        )
    states(1, "declined", count="500", amount="900000", currency="THB", reference="quiet", tlp="red")
    found = {(row["dimension"], row["word"]): row for row in _rows(hub, exact=False)}
    assert found["outcome", "declined"]["items"] == 24
    assert found["currency", "declined THB"]["amount"] == "98000"


def test_people_stated_by_one_partner_are_not_published(hub: Hub, states: Callable[..., None]) -> None:
    for number in range(8):
        states(number % 4, "declined", count="3", victims="1", reference=f"case {number}")
    states(3, "declined", count="999999999", victims="90", reference="invented")
    found = {(row["dimension"], row["word"]): row for row in _rows(hub, exact=False)}
    assert found["outcome", "declined"]["count"] == 9
    assert (found["outcome", "declined"]["items"], found["outcome", "declined"]["victims"]) == (None, None)


def test_remainder_of_an_outcome_reveals_no_small_cell(hub: Hub, states: Callable[..., None]) -> None:
    for number in range(8):
        states(number % 4, "declined", count="3", amount="12345", currency="THB", reference=f"case {number}")
    states(0, "declined", count="3", reference="without an amount")
    found = {(row["dimension"], row["word"]): row for row in _rows(hub, exact=False)}
    assert found.keys() == {("outcome", "declined")}


def test_amount_stated_by_one_partner_is_not_published() -> None:
    assert not hides_the_largest([1_000_000, 10, 10])
    assert not hides_the_largest([10, 10])
    assert hides_the_largest([100, 90, 10])


def test_a_month_that_has_not_begun_has_nothing(hub: Hub) -> None:
    assert now() > 0
    with hub.store.read() as tx:
        assert query.exact(tx, Range(query.day_of(date(2000, 1, 1)), query.day_of(date(2000, 1, 31)), "day")) == []
