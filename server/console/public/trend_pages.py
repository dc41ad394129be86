"""The figures for anybody: three of the last published month on the first page, and those of a year on ``/trends``."""

from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from flask import Response

from server.console.visit import Visit
from server.release.trends import query
from server.release.trends.figures import OUTCOMES, PUBLIC, Dimension
from server.release.trends.query import FigureRow
from server.store import StoreUnavailable
from server.store.database.times import micros

_STAGES = ("report-to-listing", "listing-to-read", "listing-to-action")
_FAIRNESS = ("delisting-to-all", "wrong-listed-for")


class Amount(NamedTuple):
    """Money of one outcome in one currency."""

    outcome: str
    amount: float
    currency: str


def headlines(visit: Visit) -> dict[str, Any] | None:
    """Return the three figures of the last published month; None before the first, and while the store is away."""
    try:
        rows = _published(visit)
    except StoreUnavailable:
        return None
    if not rows:
        return None
    month = max(row.period for row in rows)
    of_month = [row for row in rows if row.period == month]
    totals = {row.figure: row for row in of_month if not row.dimension}
    outcomes = [row for row in of_month if row.figure == "outcomes"]
    return {
        "month": _moment(month),
        "stages": [totals[name] for name in _STAGES if name in totals],
        "money": [_amount(row) for row in outcomes if row.dimension == Dimension.CURRENCY and row.amount],
        "people": [row for row in outcomes if row.dimension == Dimension.OUTCOME and row.victims],
        "wrong": totals.get("wrong"),
        "fairness": [totals[name] for name in _FAIRNESS if name in totals],
    }


def show(visit: Visit) -> Response:
    """Show each figure of a year by month, with its meaning, and where the rest is to be had."""
    rows = [row for row in _published(visit) if not row.dimension]
    months = sorted({row.period for row in rows}, reverse=True)
    cells = {(row.figure, row.period): row for row in rows}
    named = [figure for figure in PUBLIC if any(row.figure == figure.name for row in rows)]
    shown = [(month, _moment(month)) for month in months]
    return visit.page("public/trends.html", figures=named, months=shown, cells=cells)


def _published(visit: Visit) -> list[FigureRow]:
    """Return what is published of the last twelve months in all, and of money and people; as of up to a minute ago."""

    def read() -> list[FigureRow]:
        asked = query.range_of(None, None, "month", datetime.now(UTC).date())
        with visit.site.hub.store.read() as tx:
            return [*query.published(tx, asked, None, ""), *query.published(tx, asked, OUTCOMES.name)]

    return visit.site.figures.rows(read)


def _amount(row: FigureRow) -> Amount:
    outcome, _, currency = row.word.rpartition(" ")
    return Amount(outcome, float(row.amount or 0), currency)


def _moment(month: str) -> int:
    """Return the first noon of a month, which is in it in every time zone."""
    first = date.fromisoformat(f"{month}-01")
    return micros(datetime(first.year, first.month, 1, 12, tzinfo=UTC))
