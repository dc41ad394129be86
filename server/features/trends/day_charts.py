"""The exact figures of the last thirty days, for operators, as small charts."""

from collections.abc import Sequence
from datetime import date, timedelta

from server.features.trends import figure_words, query
from server.features.trends.days import EPOCH
from server.features.trends.figures import BY_NAME, Figure
from server.features.trends.query import FigureRow, Range
from server.store.database.engine import Tx
from server.web.shell.languages import Language
from server.web.shell.small_charts import SmallChart, SmallSeries
from server.web.shell.words import mark

DAYS = 30
_DAY = 86_400 * 1_000_000
_IN_ALL = mark("%(count)s in 30 days")
_MEDIAN, _P95 = mark("median"), mark("95th percentile")
_LAST_MEDIAN = mark("median %(time)s")
_NUMBER, _PLACE = mark("Number"), mark("Day")


def day_charts(tx: Tx, language: Language, today: date, *, is_log: bool) -> list[SmallChart]:
    """Return a chart of each figure that has counted something in these days."""
    last = query.day_of(today)
    days = range(last - DAYS + 1, last + 1)
    found = []
    for name in figure_words.MEANINGS:
        rows = {row.period: row for row in query.exact(tx, Range(days[0], last, "day"), name, "")}
        by_day = [rows.get((EPOCH + timedelta(days=day)).isoformat()) for day in days]
        if rows:
            labels = [language.day(day * _DAY + _DAY // 2) for day in days]
            found.append(_chart(language, BY_NAME[name], by_day, labels, is_log=is_log))
    return found


def _chart(
    language: Language, figure: Figure, rows: Sequence[FigureRow | None], labels: Sequence[str], *, is_log: bool
) -> SmallChart:
    if figure.is_duration:
        half, most = ([None if row is None else getattr(row, name) for row in rows] for name in _SECONDS)
        series = [_times(language, _MEDIAN, half), _times(language, _P95, most)]
        known = [seconds for seconds in half if seconds is not None]
        now = language.text(_LAST_MEDIAN) % {"time": language.duration(known[-1])} if known else ""
        greatest = language.duration(max((seconds for seconds in (*half, *most) if seconds is not None), default=0))
    else:
        numbers = [0 if row is None else row.number for row in rows]
        series = [SmallSeries(language.text(_NUMBER), numbers, [language.number(number) for number in numbers])]
        now = language.text(_IN_ALL) % {"count": language.number(sum(numbers))}
        greatest = language.number(max(numbers))
    return SmallChart(
        f"days-{figure.name}",
        language.text(figure_words.title_of(figure.name)),
        now,
        language.text(figure_words.MEANINGS[figure.name]),
        labels,
        series,
        greatest,
        form="lines" if figure.is_duration else "bars",
        place=language.text(_PLACE),
        is_log=is_log,
    )


_SECONDS = ("p50_seconds", "p95_seconds")


def _times(language: Language, name: str, values: Sequence[float | None]) -> SmallSeries:
    texts = ["–" if value is None else language.duration(value) for value in values]
    return SmallSeries(language.text(name), values, texts)
