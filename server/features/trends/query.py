"""Queries for figures: all of them, exact, for the operator; and the published ones, for anybody."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Literal, NamedTuple

from schemas.fields import plain_amount
from server.features.trends import counts, durations, figures, progress, publications
from server.features.trends.counts import TOTAL
from server.features.trends.days import EPOCH as _EPOCH, month_of
from server.features.trends.figures import AT_LEAST, Dimension, Figure, Measure
from server.store.database.engine import Tx
from server.store.outcomes import totals
from server.store.outcomes.totals import DayTotals

By = Literal["day", "month"]
COLUMNS = (
    *("period", "figure", "dimension", "word", "count", "at_least", "p50_seconds", "p95_seconds"),
    *("items", "victims", "amount"),
)
# The longest range of one query.
MOST_DAYS, MOST_MONTHS = 92, 60
MOST_ROWS = 20_000
_DAYS, _MONTHS = 31, 12


class FigureRow(NamedTuple):
    """A figure of a period by one word of a dimension, both empty for the total; ``at_least``: a part is omitted.

    The percentiles are of durations, in seconds. ``items`` (payments, accounts, messages), ``victims`` and ``amount``
    are of outcomes; the word of an amount has its currency.
    """

    period: str
    figure: str
    dimension: str
    word: str
    number: int
    at_least: bool = False
    p50_seconds: float | None = None
    p95_seconds: float | None = None
    items: int | None = None
    victims: int | None = None
    amount: str | None = None

    def shown(self) -> dict[str, object]:
        """Return it as JSON, by the names of the columns."""
        return dict(zip(COLUMNS, self, strict=True))


class Range(NamedTuple):
    """The first and the last day of the requested range, in days since the epoch, and the period of each row."""

    first: int
    last: int
    by: By


def range_of(first: date | None, last: date | None, by: By, today: date) -> Range:
    """Return the requested range: by default the month or year up to today.

    A range of months has whole months. A range that is too long is cut to its last days; if its days are invalid, it is
    empty.
    """
    end = max(0, min(day_of(last or today), day_of(today)))
    begin = max(0, day_of(first)) if first is not None else _default(end, by)
    if by == "month":
        end = month_of(month_of(end) + 31) - 1
    most = MOST_DAYS if by == "day" else MOST_MONTHS * 31
    begin = max(begin, end - most + 1)
    return Range(month_of(begin) if by == "month" else begin, end, by)


def _default(end: int, by: By) -> int:
    if by == "day":
        return end - _DAYS + 1
    begin = month_of(end)
    for _ in range(_MONTHS - 1):
        begin = month_of(begin - 1)
    return begin


def day_of(moment: date) -> int:
    """Return a day since the epoch."""
    return moment.toordinal() - _EPOCH.toordinal()


def text_of(day: int, by: By) -> str:
    """Return a day, or its month, as text."""
    found = _EPOCH + timedelta(days=day)
    return found.isoformat() if by == "day" else found.isoformat()[:7]


def published(tx: Tx, asked: Range, figure: str | None = None, dimension: str | None = None) -> list[FigureRow]:
    """Return the published figures of a range, the same for every reader."""
    found = publications.published(tx, asked.by, asked.first, asked.last, figure, dimension)
    rows: dict[tuple[int, str, str, str], dict[str, int]] = defaultdict(dict)
    for cell in found:
        rows[cell[:4]][cell.measure] = cell.value
    return [
        FigureRow(
            text_of(day, asked.by),
            name,
            dimension_,
            word,
            values.get(Measure.COUNT, values.get(AT_LEAST, 0)),
            AT_LEAST in values,
            _seconds(values.get(Measure.P50)),
            _seconds(values.get(Measure.P95)),
            values.get(Measure.ITEMS),
            values.get(Measure.VICTIMS),
            str(values[Measure.AMOUNT]) if Measure.AMOUNT in values else None,
        )
        for (day, name, dimension_, word), values in rows.items()
    ]


def closed_up_to(tx: Tx, by: By) -> str | None:
    """Return the last published day, or month; None before the first."""
    closed = progress.load(tx).get(progress.CLOSED_DAY if by == "day" else progress.CLOSED_MONTH)
    return None if closed is None else text_of(closed, by)


def exact(tx: Tx, asked: Range, figure: str | None = None, dimension: str | None = None) -> list[FigureRow]:
    """Return all figures of a range as they were counted, only for the operator."""
    rows: list[FigureRow] = []
    for known in figures.ALL:
        if figure in (None, known.name):
            for name in (TOTAL, *known.dimensions):
                if dimension not in (None, name):
                    continue
                if known is figures.OUTCOMES:
                    rows += _stated(tx, asked, name)
                else:
                    rows += _stock(tx, asked, known, name) if known.is_stock else _flow(tx, asked, known, name)
    return sorted(rows, key=lambda row: row[:4])


def _flow(tx: Tx, asked: Range, figure: Figure, dimension: str) -> Iterable[FigureRow]:
    """Yield the count of a figure in each period."""
    sums: dict[tuple[int, str], int] = defaultdict(int)
    for (day, word), number in counts.by_day(tx, figure.name, dimension, asked.first, asked.last).items():
        sums[_period(day, asked.by), word] += number
    buckets: dict[tuple[int, str], list[Mapping[int, int]]] = defaultdict(list)
    if figure.is_duration:
        of_days = counts.durations_by_day(tx, figure.name, dimension, asked.first, asked.last)
        for (day, word), found in of_days.items():
            buckets[_period(day, asked.by), word].append(found)
    for (period, word), number in sums.items():
        if number:
            merged = durations.merged(buckets.get((period, word), ()))
            p50, p95 = (durations.percentile(merged, percent) for percent in (50, 95))
            yield FigureRow(
                text_of(period, asked.by), figure.name, dimension, word, number, False, _short(p50), _short(p95)
            )


def _stated(tx: Tx, asked: Range, dimension: str) -> Iterable[FigureRow]:
    """Yield the totals stated by outcomes in each period, by outcome, or by outcome and currency."""
    sums: dict[tuple[str, str], list[DayTotals]] = defaultdict(list)
    if dimension:
        for of_day in totals.totals(tx, since=_date(asked.first), until=_date(asked.last)):
            word = of_day.outcome if dimension == Dimension.OUTCOME else f"{of_day.outcome} {of_day.currency}"
            if of_day.currency or dimension == Dimension.OUTCOME:
                sums[text_of(_period(day_of(of_day.day), asked.by), asked.by), word].append(of_day)
    for (period, word), found in sums.items():
        records, items, victims = (
            sum(part) for part in zip(*((t.records, t.number, t.victims) for t in found), strict=True)
        )
        amount = plain_amount(totals.added(t.amount for t in found)) if dimension == Dimension.CURRENCY else None
        yield FigureRow(
            period, figures.OUTCOMES.name, dimension, word, records, items=items, victims=victims, amount=amount
        )


def _date(day: int) -> date:
    return _EPOCH + timedelta(days=day)


def _stock(tx: Tx, asked: Range, figure: Figure, dimension: str) -> Iterable[FigureRow]:
    """Yield the number at the end of each period."""
    standing = defaultdict(int, counts.sums(tx, figure.name, dimension, 0, asked.first - 1))
    changes: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for (day, word), number in counts.by_day(tx, figure.name, dimension, asked.first, asked.last).items():
        changes[day].append((word, number))
    for day in range(asked.first, asked.last + 1):
        for word, number in changes.get(day, ()):
            standing[word] += number
        if day == asked.last or _period(day + 1, asked.by) != _period(day, asked.by):
            period = text_of(_period(day, asked.by), asked.by)
            yield from (
                FigureRow(period, figure.name, dimension, word, number) for word, number in standing.items() if number
            )


def _period(day: int, by: By) -> int:
    return day if by == "day" else month_of(day)


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _short(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
