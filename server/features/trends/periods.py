"""Quarters and years, as sums of the published figures of their months: "2026-Q3", "2026"."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from server.features.trends import months
from server.features.trends.months import MonthFigures, MonthUnpublished, earlier
from server.features.trends.query import FigureRow
from server.store.database.engine import Tx

_PERIOD = re.compile(r"([0-9]{4})(?:-Q([1-4]))?", re.ASCII)
_QUARTER, _YEAR = 3, 12


def is_period(code: str) -> bool:
    """Return whether this is the code of a quarter or a year."""
    return _PERIOD.fullmatch(code) is not None


def last_month(code: str) -> str:
    """Return the last month of a quarter or a year; a month is its own."""
    found = _PERIOD.fullmatch(code)
    return code if found is None else f"{found[1]}-{int(found[2] or 4) * _QUARTER:02}"


def months_of(code: str) -> list[str]:
    """Return the months of a quarter or a year, the last first."""
    last = last_month(code)
    return [earlier(last, back) for back in range(_QUARTER if "Q" in code else _YEAR)]


def complete(known: Sequence[str]) -> list[str]:
    """Return the quarters and then the years all of whose months are published, each the newest first."""
    quarters = {f"{month[:4]}-Q{(int(month[5:]) + 2) // _QUARTER}": None for month in known}
    years = {month[:4]: None for month in known}
    return [code for code in (*quarters, *years) if set(months_of(code)) <= set(known)]


def of_period(tx: Tx, code: str) -> MonthFigures:
    """Return the figures of a complete quarter or year, beside the ones before. Raises ``MonthUnpublished``."""
    known = complete(months.published_months(tx))
    if code not in known:
        raise MonthUnpublished(code, known[0] if known else None, is_early=False)
    before, year_before = _before(code), _year_before(code)
    spans = [span for span in (code, before, year_before) if span in known]
    rows = months.rows_of(tx, months_of(spans[-1])[-1], last_month(code))
    of_month: dict[str, list[FigureRow]] = defaultdict(list)
    for row in rows:
        of_month[row.period].append(row)
    summed = [row for span in spans for row in _sums(span, [of_month[month] for month in months_of(span)])]
    return MonthFigures(code, known, summed, (before, year_before), is_sum=True)


def _before(code: str) -> str:
    return _named(earlier(months_of(code)[-1], 1), code)


def _year_before(code: str) -> str:
    """Return the same quarter a year before; of a year, the one before the last."""
    return _named(earlier(last_month(code), _YEAR if "Q" in code else 2 * _YEAR), code)


def _named(last: str, code: str) -> str:
    return f"{last[:4]}-Q{int(last[5:]) // _QUARTER}" if "Q" in code else last[:4]


def _sums(period: str, of_months: Sequence[Iterable[FigureRow]]) -> list[FigureRow]:
    """Add up the figures of a period. "At least" where a part is omitted, or a figure of a month is not shown.

    Percentiles cannot be added up, and are left out.
    """
    found: dict[tuple[str, str, str], list[FigureRow]] = defaultdict(list)
    for rows in of_months:
        for row in rows:
            found[row[1:4]].append(row)
    return [
        FigureRow(
            period,
            *name,
            sum(row.number for row in rows),
            len(rows) < len(of_months) or any(row.at_least for row in rows),
            items=_sum(row.items for row in rows),
            victims=_sum(row.victims for row in rows),
            amount=_total(row.amount for row in rows),
        )
        for name, rows in found.items()
    ]


def _sum(parts: Iterable[int | None]) -> int | None:
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


def _total(amounts: Iterable[str | None]) -> str | None:
    """Add up published amounts, which are whole."""
    found = _sum(None if amount is None else int(amount) for amount in amounts)
    return None if found is None else str(found)
