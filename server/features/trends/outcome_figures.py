"""Outcomes with public totals: the public records, and their contents."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import delete, select

from server.features.trends.tables import trend_open_outcomes
from server.store.database.engine import Tx
from server.store.database.sql import ManyRows, any_of, chunks
from server.store.outcomes.tables import outcome_records


class StatedTotals(NamedTuple):
    """The totals of one public record: items (payments, accounts, messages), people, money."""

    partner: str
    outcome: str
    items: int
    victims: int
    currency: str
    amount: Decimal | None


def note(tx: Tx, are_open: Mapping[str, bool]) -> None:
    """Record which outcomes (by inbox key) are public, and which no longer are."""
    _ADD.run(tx, sorted((key,) for key, is_open in are_open.items() if is_open))
    for chunk in chunks(sorted(key for key, is_open in are_open.items() if not is_open)):
        tx.execute(delete(trend_open_outcomes).where(any_of(tx, trend_open_outcomes.c.key, chunk)))


def stated(tx: Tx, first: int, last: int) -> Iterable[StatedTotals]:
    """Yield the totals of public records for the days from ``first`` to ``last``."""
    r = outcome_records.c
    asked = (
        select(r.partner, r.outcome, r.number, r.victims, r.currency, r.amount)
        .join(trend_open_outcomes, trend_open_outcomes.c.key == r.key)
        .where(r.day >= first, r.day <= last, r.counted)
    )
    for partner, outcome, items, victims, currency, amount in tx.execute(asked):
        money = None if amount is None else Decimal(amount)
        yield StatedTotals(partner, outcome, items or 0, victims or 0, currency, money)


_ADD = ManyRows(
    "INSERT INTO trend_open_outcomes (key) VALUES (?) ON CONFLICT DO NOTHING",
    "INSERT INTO trend_open_outcomes (key) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING",
    ("text",),
)
