"""The published figures of the last twelve months, as charts and as the three figures of the first page."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

from markupsafe import Markup

from server.console.charts import MOST_SERIES, Chart, ChartCell, ChartRow
from server.console.languages import Language
from server.console.public import figure_words
from server.console.visit import Visit
from server.console.words import label, mark
from server.release.trends import query
from server.release.trends.figures import BY_NAME, OBJECTIONS, OUTCOMES, PUBLIC, REPORTS, Dimension, Figure
from server.release.trends.query import FigureRow
from server.store.database.times import micros

_STAGES = ("report-to-listing", "listing-to-read", "listing-to-action")
_CHARTED = (Dimension.KIND, Dimension.SCAM_TYPE, Dimension.CHANNEL, Dimension.RAIL, Dimension.COUNTRY)
_IN_TIME = "in-time"
# The outcomes that the first page begins with.
_OUTCOMES = ("held", "returned", "declined", "warned", "customer-stopped")

_A_MONTH = mark("number a month")
_HOW_LONG = mark("how long it took")
_HALF = mark("half of them within")
_MOST = mark("95 of 100 within")
_NUMBER = mark("How many")
_OR_MORE = mark("%(number)s or more")


class Amount(NamedTuple):
    """Money of one outcome in one currency."""

    outcome: str
    amount: float
    currency: str


class InTime(NamedTuple):
    """The numbers of objections that were decided in time, and in all; None for what is not shown."""

    number: int | None
    all: int | None


class Headlines(NamedTuple):
    """The three figures of a month: how soon, money and people, fairness. A stage without a row is not shown."""

    month: int
    stages: Sequence[tuple[str, FigureRow | None]]
    money: Sequence[Amount]
    people: Sequence[FigureRow]
    wrong: FigureRow | None
    until_all_knew: FigureRow | None
    objections: InTime


def headlines(visit: Visit) -> Headlines | None:
    """Return the three figures of the last published month; None before the first. Raises ``StoreUnavailable``."""
    rows = _published(visit)
    if not rows:
        return None
    month = max(row.period for row in rows)
    of_month = [row for row in rows if row.period == month]
    totals = {row.figure: row for row in of_month if not row.dimension}
    outcomes = [row for row in of_month if row.figure == OUTCOMES.name]
    in_time = [row for row in of_month if row.figure == OBJECTIONS.name and row.word == _IN_TIME]
    return Headlines(
        moment_of(month),
        [(name, totals.get(name)) for name in _STAGES],
        sorted(
            map(_amount, (row for row in outcomes if row.dimension == Dimension.CURRENCY and row.amount)), key=_place
        ),
        sorted((row for row in outcomes if row.dimension == Dimension.OUTCOME and row.victims), key=_place),
        totals.get("wrong"),
        totals.get("delisting-to-all"),
        InTime(
            in_time[0].number if in_time else None,
            totals[OBJECTIONS.name].number if OBJECTIONS.name in totals else None,
        ),
    )


def report_charts(visit: Visit) -> list[Markup]:
    """Return the charts of what was reported: in all, and by each dimension, in the reader's language."""
    language = visit.language

    def draw() -> list[Chart]:
        rows = [row for row in _published(visit) if row.figure == REPORTS.name]
        total = total_chart(visit, REPORTS, [row for row in rows if not row.dimension])
        by = [_by(visit, language, dimension, [r for r in rows if r.dimension == dimension]) for dimension in _CHARTED]
        return [total, *by]

    return _written(visit, "reports", draw)


def total_charts(visit: Visit) -> list[Markup]:
    """Return a chart of each figure in all, in the reader's language; of money and people there is none."""

    def draw() -> list[Chart]:
        rows = [row for row in _published(visit) if not row.dimension]
        found = {figure.name: [row for row in rows if row.figure == figure.name] for figure in PUBLIC}
        return [total_chart(visit, BY_NAME[name], of_figure) for name, of_figure in found.items() if of_figure]

    return _written(visit, "totals", draw)


def _written(visit: Visit, name: str, draw: Callable[[], list[Chart]]) -> list[Markup]:
    """Return charts as they are written into a page, which takes longer than the rest of it, once a minute."""

    def write() -> list[Markup]:
        template = visit.site.environments[visit.language.code].get_template("charts.html")
        return [template.module.chart(chart) for chart in draw()]  # type: ignore[attr-defined]  # a macro

    return visit.site.figures.of(f"{name} {visit.language.code}", write)


def moment_of(month: str) -> int:
    """Return the first noon of a month, which is in it in every time zone."""
    first = date.fromisoformat(f"{month}-01")
    return micros(datetime(first.year, first.month, 1, 12, tzinfo=UTC))


def _published(visit: Visit) -> list[FigureRow]:
    """Return what the pages show of the last twelve months, as of up to a minute ago. Raises ``StoreUnavailable``."""

    def read() -> list[FigureRow]:
        asked = query.range_of(None, None, "month", datetime.now(UTC).date())
        wanted = [(None, ""), (OUTCOMES.name, None), (OBJECTIONS.name, Dimension.TIMELINESS)]
        with visit.site.hub.store.read() as tx:
            return [
                row
                for figure, dimension in (*wanted, *((REPORTS.name, dimension) for dimension in _CHARTED))
                for row in query.published(tx, asked, figure, dimension)
            ]

    return visit.site.figures.of("published", read)


def total_chart(visit: Visit, figure: Figure, rows: Sequence[FigureRow]) -> Chart:
    """Return the chart of a figure in all: bars of its number, or lines of how long it took."""
    language = visit.language
    by_month = {row.period: row for row in rows}
    drawn = []
    for month in sorted(by_month):
        row = by_month[month]
        count = _count(language, row)
        if figure.is_duration:
            cells = [_duration(language, row.p50_seconds), _duration(language, row.p95_seconds)]
            drawn.append(_row(language, month, cells)._replace(note=count.text))
        else:
            drawn.append(_row(language, month, [count]))
    names = (_HALF, _MOST) if figure.is_duration else (_NUMBER,)
    return Chart(
        anchor=f"figure-{figure.name}",
        title=language.text(figure_words.TITLES.get(figure.name) or label(figure.name)),
        meaning=language.text(figure_words.MEANINGS[figure.name]),
        unit=language.text(_HOW_LONG if figure.is_duration else _A_MONTH),
        series=[language.text(name) for name in names],
        rows=drawn,
        csv=visit.address(f"/api/trends.csv?by=month&figure={figure.name}&dimension="),
        form="lines" if figure.is_duration else "bars",
        measure="seconds" if figure.is_duration else "number",
        note=language.text(_NUMBER) if figure.is_duration else "",
    )


def _by(visit: Visit, language: Language, dimension: Dimension, rows: Sequence[FigureRow]) -> Chart:
    """Return the chart of reports by the words of a dimension that stand for the most of the year."""
    sums: dict[str, int] = {}
    for row in rows:
        sums[row.word] = sums.get(row.word, 0) + row.number
    chosen = sorted(sums, key=lambda word: (-sums[word], word))[:MOST_SERIES]
    cells = {(row.period, row.word): _count(language, row) for row in rows}
    months = sorted({row.period for row in rows})
    return Chart(
        anchor=f"reports-{dimension}",
        title=language.text(figure_words.DIMENSIONS[dimension]),
        meaning=language.text(_BY_MEANINGS[dimension]),
        unit=language.text(_A_MONTH),
        series=[figure_words.name_of(language, dimension, word) for word in chosen],
        rows=[_row(language, month, [cells.get((month, word)) for word in chosen]) for month in months],
        csv=visit.address(f"/api/trends.csv?by=month&figure={REPORTS.name}&dimension={dimension}"),
    )


_BY_MEANINGS = {
    Dimension.KIND: mark("Newly reported values by what they are; the six most frequent of the year."),
    Dimension.SCAM_TYPE: mark("Newly reported values by what the scam pretended; the six most frequent of the year."),
    Dimension.CHANNEL: mark("Newly reported values by where the victim was met; the six most frequent of the year."),
    Dimension.RAIL: mark("Newly reported values by how money was to be paid; the six most frequent of the year."),
    Dimension.COUNTRY: mark(
        "Newly reported values by the countries that the reports name; the six most frequent of the year. A report may"
        " name several."
    ),
}


def _row(language: Language, month: str, cells: Sequence[ChartCell | None]) -> ChartRow:
    moment = moment_of(month)
    return ChartRow(language.month(moment), language.short_month(moment), cells)


def _count(language: Language, row: FigureRow) -> ChartCell:
    number = language.number(row.number)
    text = language.text(_OR_MORE) % {"number": number} if row.at_least else number
    return ChartCell(row.number, text)


def _duration(language: Language, seconds: float | None) -> ChartCell | None:
    return None if seconds is None else ChartCell(seconds, language.duration(seconds))


def _place(shown: Amount | FigureRow) -> tuple[int, str]:
    """Return the place of an outcome on the first page."""
    outcome = shown.outcome if isinstance(shown, Amount) else shown.word
    return (_OUTCOMES.index(outcome) if outcome in _OUTCOMES else len(_OUTCOMES)), outcome


def _amount(row: FigureRow) -> Amount:
    outcome, _, currency = row.word.rpartition(" ")
    return Amount(outcome, float(row.amount or 0), currency)
