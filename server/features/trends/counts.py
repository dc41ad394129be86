"""The counters: daily figures, figures by organisation, durations, and each organisation's contributions."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Table, delete, func, select

from server.features.trends.durations import bucket_of
from server.features.trends.tables import source_counts, trend_contributors, trend_counts, trend_durations
from server.store.database.engine import Tx
from server.store.database.sql import ManyRows

# Words by dimension.
Words = Mapping[Any, tuple[str, ...]]
DAY = 86_400 * 1_000_000
TOTAL = ""
# The cases of a kind from all sources, each of which covers some.
ALL_SOURCES = ""
# Delay of an organisation behind the first, as a duration: the dimension is the organisation, the word the kind.
DELAY = "source-delay"


class Cell(NamedTuple):
    """A figure's place in a table: the dimension and its word; both empty for the total."""

    figure: str
    dimension: str = TOTAL
    word: str = TOTAL


@dataclass(slots=True)
class FigureTally:
    """The counts that one step adds to the counters.

    Equal events are merged first, and counted under their words at the end: most events of a step are equal to others.
    """

    events: Counter[tuple[str, int, tuple[Any, ...], tuple[str, ...]]] = field(default_factory=Counter)
    durations: Counter[tuple[str, str, int, str, int]] = field(default_factory=Counter)
    sources: Counter[tuple[str, str, int, str]] = field(default_factory=Counter)

    def count(self, figure: str, at: int, words: Words, by: Iterable[str] = (), number: int = 1) -> None:
        """Count an event at a moment (microseconds), in total, under its words, and for these organisations."""
        self.events[figure, at // DAY, tuple(words.items()), tuple(by)] += number

    def time(
        self,
        figure: str,
        at: int,
        micros: int,
        words: Words,
        by: Iterable[str] = (),
        number: int = 1,
    ) -> None:
        """Count a duration (microseconds) that ended at a moment, ``number`` times."""
        day, bucket = at // DAY, bucket_of(max(0, micros))
        for dimension, word in _cells(words):
            self.durations[figure, dimension, day, word, bucket] += number
        self.count(figure, at, words, by, number)

    def delay(self, organisation: str, kind: str, month: int, micros: int) -> None:
        """Count the delay (microseconds) of an organisation's report after the first one of the value."""
        self.durations[DELAY, organisation, month, kind, bucket_of(micros)] += 1

    def source(self, organisation: str, kind: str, month: int, figure: str, number: int = 1) -> None:
        """Count an organisation's contribution in the month (its first day) of its report."""
        self.sources[organisation, kind, month, figure] += number

    def write(self, tx: Tx) -> None:
        """Add the tally to the stored counters."""
        counts, contributors = Counter[tuple[Any, ...]](), Counter[tuple[Any, ...]]()
        for (figure, day, words, organisations), number in self.events.items():
            for dimension, word in _cells(dict(words)):
                counts[figure, dimension, day, word] += number
                for organisation in organisations:
                    contributors[day, figure, dimension, word, organisation] += number
        for statement, counter in (
            (_COUNTS, counts),
            (_CONTRIBUTORS, contributors),
            (_DURATIONS, self.durations),
            (_SOURCES, self.sources),
        ):
            statement.run(tx, [(*key, number) for key, number in sorted(counter.items()) if number])


def _cells(words: Words) -> Iterable[tuple[str, str]]:
    yield TOTAL, TOTAL
    for dimension, found in words.items():
        for word in found:
            yield dimension, word


def by_day(tx: Tx, figure: str, dimension: str, first: int, last: int) -> dict[tuple[int, str], int]:
    """Return by day and word the counts of a figure from the ``first`` day to the ``last``."""
    c = trend_counts.c
    asked = select(c.day, c.word, c.count).where(
        c.figure == figure, c.dimension == dimension, c.day >= first, c.day <= last
    )
    return {(day, word): int(number) for day, word, number in tx.execute(asked)}


def sums(tx: Tx, figure: str, dimension: str, first: int, last: int) -> dict[str, int]:
    """Return by word the counts of a figure from the ``first`` day to the ``last``, both included."""
    c = trend_counts.c
    asked = select(c.word, func.sum(c.count)).where(
        c.figure == figure, c.dimension == dimension, c.day >= first, c.day <= last
    )
    return {word: int(number) for word, number in tx.execute(asked.group_by(c.word))}


def durations(tx: Tx, figure: str, dimension: str, first: int, last: int) -> dict[str, dict[int, int]]:
    """Return by word the durations of these days, in buckets."""
    d = trend_durations.c
    asked = select(d.word, d.bucket, func.sum(d.count)).where(
        d.figure == figure, d.dimension == dimension, d.day >= first, d.day <= last
    )
    found: dict[str, dict[int, int]] = {}
    for word, bucket, number in tx.execute(asked.group_by(d.word, d.bucket)):
        found.setdefault(word, {})[bucket] = int(number)
    return found


def durations_by_day(
    tx: Tx, figure: str, dimension: str, first: int, last: int
) -> dict[tuple[int, str], dict[int, int]]:
    """Return by day and word the durations of these days, in buckets."""
    d = trend_durations.c
    asked = select(d.day, d.word, d.bucket, d.count).where(
        d.figure == figure, d.dimension == dimension, d.day >= first, d.day <= last
    )
    found: dict[tuple[int, str], dict[int, int]] = {}
    for day, word, bucket, number in tx.execute(asked):
        found.setdefault((day, word), {})[bucket] = int(number)
    return found


def contributors(tx: Tx, day: int) -> dict[Cell, dict[str, int]]:
    """Return by cell the number that each organisation added on a day."""
    c = trend_contributors.c
    found: dict[Cell, dict[str, int]] = {}
    asked = select(c.figure, c.dimension, c.word, c.organisation, c.count).where(c.day == day)
    for figure, dimension, word, organisation, number in tx.execute(asked):
        found.setdefault(Cell(figure, dimension, word), {})[organisation] = int(number)
    return found


def forget_contributors(tx: Tx, *, before: int) -> int:
    """Remove the contributors of days ``before`` this one, and return the number of rows."""
    return tx.execute(delete(trend_contributors).where(trend_contributors.c.day < before)).rowcount


def first_day(tx: Tx) -> int | None:
    """Return the first day with counts by organisation, or None."""
    found: int | None = tx.execute(select(func.min(trend_contributors.c.day))).scalar()
    return found


def of_sources(tx: Tx, first: int, last: int) -> dict[tuple[str, str], dict[str, int]]:
    """Return by organisation and kind the counts for the months from ``first`` to ``last``."""
    s = source_counts.c
    asked = select(s.organisation, s.kind, s.figure, func.sum(s.count)).where(s.month >= first, s.month <= last)
    found: dict[tuple[str, str], dict[str, int]] = {}
    for organisation, kind, figure, number in tx.execute(asked.group_by(s.organisation, s.kind, s.figure)):
        found.setdefault((organisation, kind), {})[figure] = int(number)
    return found


def _adding(table: Table) -> ManyRows:
    """Return the statement that adds numbers to the rows of a table, whose last column is the count."""
    names = [column.name for column in table.columns]
    types = [
        {"INTEGER": "integer", "BIGINT": "bigint", "SMALLINT": "smallint"}.get(str(c.type), "text")
        for c in table.columns
    ]
    into = " ".join(("INSERT INTO", table.name, "(", ", ".join(names), ")"))
    added = f"ON CONFLICT ({', '.join(names[:-1])}) DO UPDATE SET count = {table.name}.count + excluded.count"
    marks = ", ".join("?" for _ in names)
    on_sqlite, on_postgresql = (into, "VALUES (", marks, ")", added), (into, "SELECT * FROM unnest({arrays})", added)
    return ManyRows(" ".join(on_sqlite), " ".join(on_postgresql), types)


_COUNTS = _adding(trend_counts)
_CONTRIBUTORS = _adding(trend_contributors)
_DURATIONS = _adding(trend_durations)
_SOURCES = _adding(source_counts)
