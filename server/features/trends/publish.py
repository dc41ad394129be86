"""Publish the figures of a day or a month once it has ended, its rows are aggregated, and a delay has passed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from server.features.trends import counts, figures, money, notes, progress, publications
from server.features.trends.counts import DAY, TOTAL, Cell
from server.features.trends.days import month_of
from server.features.trends.durations import percentile
from server.features.trends.figures import AT_LEAST, Figure, Measure
from server.features.trends.publications import PublishedCell
from server.features.trends.suppression import LEAST_FOR_P95, CountedBy, shown, together
from server.release.hub import Hub
from server.store.database.engine import Tx

# Counted from the end of a day, so that a figure cannot be compared with the one a minute before.
DELAY = 6 * 3_600 * 1_000_000
# Maximum number of days published at once.
_MOST_DAYS = 60
_NOTHING = CountedBy(0, frozenset())

Table = Mapping[Cell, CountedBy]


def publish_due(hub: Hub, folded: int, delay: int = DELAY) -> int:
    """Publish the days, and the months, that ended ``delay`` before ``folded``; return the number of days.

    ``folded`` is the moment up to which all rows are aggregated, in microseconds like the delay.
    """
    done = 0
    while done < _MOST_DAYS:
        with hub.store.read() as tx:
            before = progress.load(tx)
            day = _next_day(tx, before)
            if day is None or (day + 1) * DAY + delay > folded:
                return done
            cells = of_day(tx, day)
            month = month_of(day)
            months = of_month(tx, month, day, cells) if month_of(day + 1) != month else None
        after = {progress.CLOSED_DAY: day} | ({} if months is None else {progress.CLOSED_MONTH: month})
        with hub.store.begin(in_passing=True) as tx:
            if not progress.claim(tx, before, after):
                return done
            publications.publish(tx, "day", cells)
            if months is not None:
                publications.publish(tx, "month", months)
                notes.publish(tx, month)
                counts.forget_contributors(tx, before=month_of(month - 1))
        done += 1
    return done


def _next_day(tx: Tx, before: Mapping[str, int]) -> int | None:
    closed = before.get(progress.CLOSED_DAY)
    return counts.first_day(tx) if closed is None else closed + 1


def of_day(tx: Tx, day: int) -> list[PublishedCell]:
    """Return the public figures of a day."""
    table = _table(tx, day)
    cells: list[PublishedCell] = []
    for figure, dimension, words in _visible(table):
        cells += [
            PublishedCell(day, figure.name, dimension, word, Measure.COUNT, n.number) for word, n in words.items()
        ]
        if figure.is_duration:
            cells += _percentiles(tx, figure, dimension, day, day, day, words)
    return sorted(cells)


@dataclass(slots=True)
class _Rest:
    """The part of a cell that the days of a month hide, and on how many days."""

    parts: list[CountedBy] = field(default_factory=list)

    @property
    def cell(self) -> CountedBy:
        return together(self.parts)._replace(alone=len(self.parts) == 1)


def of_month(tx: Tx, month: int, last: int, of_last: Iterable[PublishedCell]) -> list[PublishedCell]:
    """Return the public figures of a month, whose ``last`` day shows the cells ``of_last``.

    The part that its days hide is added if it is large enough by itself: a month reveals nothing about a day that the
    day hides.
    """
    known: dict[tuple[int, Cell], int] = {
        (cell.day, Cell(cell.figure, cell.dimension, cell.word)): cell.value
        for cell in (*publications.published(tx, "day", month, last), *of_last)
        if cell.measure == Measure.COUNT
    }
    days: dict[Cell, int] = defaultdict(int)
    for (_, cell), number in known.items():
        days[cell] += number
    rests: dict[Cell, _Rest] = defaultdict(_Rest)
    for day in range(month, last + 1):
        for cell, hidden in _table(tx, day).items():
            if (day, cell) not in known and hidden.number:
                rests[cell].parts.append(hidden)
    added = {
        Cell(figure.name, dimension, word): number.number
        for figure, dimension, words in _visible({cell: rest.cell for cell, rest in rests.items()})
        for word, number in words.items()
    }
    counted = _month_cells(tx, month, last, days, rests.keys() - added.keys(), added)
    return sorted([*counted, *money.of_month(tx, month, last)])


def _month_cells(
    tx: Tx, month: int, last: int, days: Mapping[Cell, int], hidden: Iterable[Cell], added: Mapping[Cell, int]
) -> list[PublishedCell]:
    partly = set(hidden)
    cells: list[PublishedCell] = []
    whole: dict[tuple[str, str], dict[str, CountedBy]] = defaultdict(dict)
    for cell in days.keys() | added.keys():
        number = days.get(cell, 0) + added.get(cell, 0)
        cells.append(PublishedCell(month, *cell, AT_LEAST if cell in partly else Measure.COUNT, number))
        if cell not in partly:
            whole[cell.figure, cell.dimension][cell.word] = CountedBy(number, frozenset())
    for (name, dimension), words in whole.items():
        if figures.BY_NAME[name].is_duration:
            cells += _percentiles(tx, figures.BY_NAME[name], dimension, month, last, month, words)
    return cells


def _table(tx: Tx, day: int) -> dict[Cell, CountedBy]:
    """Return the counts of a day for the published figures, with the organisations counted."""
    by = counts.contributors(tx, day)
    tables = sorted({(cell.figure, cell.dimension) for cell in by if figures.BY_NAME[cell.figure].is_public})
    return {
        Cell(figure, dimension, word): CountedBy(number, frozenset(by.get(Cell(figure, dimension, word), ())))
        for figure, dimension in tables
        for (_, word), number in counts.by_day(tx, figure, dimension, day, day).items()
    }


def _visible(table: Table) -> Iterable[tuple[Figure, str, dict[str, CountedBy]]]:
    """Yield the cells that may be shown, by public figure and dimension."""
    words: dict[tuple[str, str], dict[str, CountedBy]] = defaultdict(dict)
    for cell, counted in table.items():
        words[cell.figure, cell.dimension][cell.word] = counted
    for figure in figures.PUBLIC:
        total = words.get((figure.name, TOTAL), {}).get(TOTAL, _NOTHING)
        if total.is_enough:
            yield figure, TOTAL, {TOTAL: total}
        for dimension in figure.dimensions:
            cells = words.get((figure.name, dimension), {})
            yield figure, dimension, {word: cells[word] for word in shown(cells)}


def _percentiles(
    tx: Tx, figure: Figure, dimension: str, first: int, last: int, day: int, words: Mapping[str, CountedBy]
) -> Iterable[PublishedCell]:
    """Yield the percentiles of the cells of a figure, in milliseconds."""
    found = counts.durations(tx, figure.name, dimension, first, last) if words else {}
    for word, counted in words.items():
        for measure, percent in ((Measure.P50, 50), (Measure.P95, 95)):
            seconds = percentile(found.get(word, {}), percent)
            if seconds is not None and (percent == 50 or counted.number >= LEAST_FOR_P95):
                yield PublishedCell(day, figure.name, dimension, word, measure, round(seconds * 1000))
