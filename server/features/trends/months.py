"""The published figures of a month, beside the month before, the year before, and the twelve months up to it."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from server.features.trends import progress, publications, query
from server.features.trends.days import EPOCH, month_of
from server.features.trends.figures import OBJECTIONS, OUTCOMES, PROVIDER_ANSWERS, REPORTS, Dimension
from server.features.trends.query import FigureRow, Range
from server.store.database.engine import Tx

YEAR = 12
RANKED = (Dimension.SCAM_TYPE, Dimension.CHANNEL, Dimension.KIND, Dimension.RAIL, Dimension.COUNTRY)
IN_TIME = "in-time"
# All figures in all, and these by words.
_READ: tuple[tuple[str | None, str], ...] = (
    (None, ""),
    (OUTCOMES.name, Dimension.OUTCOME),
    (OUTCOMES.name, Dimension.CURRENCY),
    (OBJECTIONS.name, Dimension.TIMELINESS),
    (PROVIDER_ANSWERS.name, Dimension.TIMELINESS),
    *((REPORTS.name, dimension) for dimension in RANKED),
)


class MonthUnpublished(Exception):
    """No figures of the month are published: it is not over, or before the first; ``newest`` is the last that is."""

    def __init__(self, month: str, newest: str | None, *, is_early: bool) -> None:
        """Name the month, and the newest that is published."""
        self.month, self.newest, self.is_early = month, newest, is_early
        then = f"the newest published month is {newest}" if newest else "no month is published yet"
        why = "it is before the first published month" if is_early else "a month is published six hours after its end"
        super().__init__(f"{month}: not published: {why}; {then}")


class Compared(NamedTuple):
    """A figure of the month, the month before and the same month a year before; None for one that is not shown."""

    now: FigureRow | None
    before: FigureRow | None
    year_before: FigureRow | None


class MonthFigures:
    """The published figures of thirteen months up to ``month``, and which months are ``known``: published at all.

    ``is_sum``: the figures are those of quarters or years, added up from months; they have no percentiles and no axis.
    """

    def __init__(
        self,
        month: str,
        known: Sequence[str],
        rows: Iterable[FigureRow],
        others: tuple[str, str] | None = None,
        *,
        is_sum: bool = False,
    ) -> None:
        """Take the rows of these months; ``others`` are the periods that it is compared with, if not months."""
        self.month, self.known, self.is_sum = month, known, is_sum
        self.before, self.year_before = others or (earlier(month, 1), earlier(month, YEAR))
        self.axis = [] if is_sum else [earlier(month, back) for back in range(YEAR - 1, -1, -1)]
        self.rows = list(rows)
        self._rows = {(row.period, row.figure, row.dimension, row.word): row for row in self.rows}

    def row(self, month: str, figure: str, dimension: str = "", word: str = "") -> FigureRow | None:
        """Return a figure of a month, None if it is not shown."""
        return self._rows.get((month, figure, dimension, word))

    def compared(self, figure: str, dimension: str = "", word: str = "") -> Compared:
        """Return a figure of the month with its earlier values."""
        return Compared(*(self.row(at, figure, dimension, word) for at in (self.month, self.before, self.year_before)))

    def over_the_year(self, figure: str, dimension: str = "", word: str = "") -> list[tuple[str, FigureRow | None]]:
        """Return a figure in each of the twelve months."""
        return [(month, self.row(month, figure, dimension, word)) for month in self.axis]

    def words(self, figure: str, dimension: str, months: Iterable[str] | None = None) -> list[str]:
        """Return the words of a dimension that have a figure in the month, or in one of ``months``; sorted."""
        wanted = {self.month} if months is None else set(months)
        return sorted({key[3] for key in self._rows if key[0] in wanted and key[1:3] == (figure, dimension)})


def published_months(tx: Tx) -> list[str]:
    """Return the published months, the newest first: also those between of which no figure is shown."""
    first, last = publications.first_and_last_month(tx)
    if first is None or last is None:
        return []
    found = [max(last, progress.load(tx).get(progress.CLOSED_MONTH, last))]
    while found[-1] > first and len(found) < query.MOST_MONTHS:
        found.append(month_of(found[-1] - 1))
    return [query.text_of(day, "month") for day in found]


def of_month(tx: Tx, month: str) -> MonthFigures:
    """Return the figures of a published month, as "2026-10". Raises ``MonthUnpublished``."""
    known = published_months(tx)
    if month not in known:
        raise MonthUnpublished(month, known[0] if known else None, is_early=bool(known) and month < known[-1])
    return MonthFigures(month, known, rows_of(tx, earlier(month, YEAR), month))


def rows_of(tx: Tx, first: str, last: str) -> list[FigureRow]:
    """Return the published figures that pages show, of the months from one to another."""
    asked = Range(_first_day(first), _first_day(last), "month")
    return [row for figure, dimension in _READ for row in query.published(tx, asked, figure, dimension)]


def earlier(month: str, months: int) -> str:
    """Return the month that is so many before."""
    year, number = (int(part) for part in month.split("-"))
    years, number = divmod(year * 12 + number - 1 - months, 12)
    return f"{years:04}-{number + 1:02}"


def _first_day(month: str) -> int:
    return (date.fromisoformat(f"{month}-01") - EPOCH).days
