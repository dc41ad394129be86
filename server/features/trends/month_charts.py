"""The charts of twelve months: a place for each month, also for one without a figure."""

from collections.abc import Callable, Sequence

from server.features.trends import figure_words
from server.features.trends.figures import OUTCOMES, PUBLIC, Dimension, Figure
from server.features.trends.month_content import MONEY, MONEY_WORDS, PEOPLE, PEOPLE_WORDS
from server.features.trends.months import MonthFigures
from server.features.trends.query import FigureRow
from server.web.shell.charts import Chart, ChartCell, ChartRow
from server.web.shell.languages import Language
from server.web.shell.words import mark

# Currencies of one outcome that have a chart; the CSV has all.
_MOST_CURRENCIES = 3

_A_MONTH = mark("per month")
_HOW_LONG = mark("time taken (logarithmic scale)")
_MEDIAN, _P95 = mark("median"), mark("95th percentile")
_NUMBER = mark("Number")
_OR_MORE = mark("%(number)s or more")
_MONEY_UNIT = mark("%(currency)s per month, rounded down")
_MONEY_MEANING = mark("As partners stated it. Other outcomes may be about the same money: do not add them up.")
_PEOPLE_MEANING = mark("As partners stated it. One person may be counted for several outcomes.")
_PEOPLE_UNIT = mark("people per month")

_Cells = Callable[[FigureRow], Sequence[ChartCell | None]]


def charts_of(
    figures: MonthFigures, language: Language, address: Callable[[str], str], only: Sequence[Figure] | None = None
) -> list[Chart]:
    """Return the charts up to a month: of money, people and each figure that is shown; or of ``only`` these."""
    charts = [] if only is not None else [*_money(figures, language, address), *_people(figures, language, address)]
    for figure in only or PUBLIC:
        rows = figures.over_the_year(figure.name)
        if any(row for _, row in rows):
            charts.append(total_chart(figure, rows, figures.known, language, address))
    return charts


def total_chart(
    figure: Figure,
    rows: Sequence[tuple[str, FigureRow | None]],
    known: Sequence[str],
    language: Language,
    address: Callable[[str], str] | None = None,
) -> Chart:
    """Return the chart of a figure in all: bars of its number, or lines of how long it took."""

    def cells(row: FigureRow) -> Sequence[ChartCell | None]:
        if figure.is_duration:
            return [_duration(language, row.p50_seconds), _duration(language, row.p95_seconds)]
        return [_count(language, row)]

    drawn = _rows(language, rows, known, cells, 2 if figure.is_duration else 1)
    if figure.is_duration:
        notes = ["" if row is None else _count(language, row).text for _, row in rows]
        drawn = [row._replace(note=note) for row, note in zip(drawn, notes, strict=True)]
    names = (_MEDIAN, _P95) if figure.is_duration else (_NUMBER,)
    return Chart(
        anchor=f"figure-{figure.name}",
        title=language.text(figure_words.title_of(figure.name)),
        meaning=language.text(figure_words.MEANINGS[figure.name]),
        unit=language.text(_HOW_LONG if figure.is_duration else _A_MONTH),
        series=[language.text(name) for name in names],
        rows=drawn,
        csv=address(f"/api/trends.csv?by=month&figure={figure.name}&dimension=") if address else "",
        form="lines" if figure.is_duration else "bars",
        measure="seconds" if figure.is_duration else "number",
        note=language.text(_NUMBER) if figure.is_duration else "",
    )


def _money(figures: MonthFigures, language: Language, address: Callable[[str], str]) -> list[Chart]:
    words = figures.words(OUTCOMES.name, Dimension.CURRENCY, figures.axis)
    charts = []
    for outcome in MONEY:
        for word in [word for word in words if word.startswith(f"{outcome} ")][:_MOST_CURRENCIES]:
            currency = word.rpartition(" ")[2]
            charts.append(_stated(figures, language, address, Dimension.CURRENCY, word, MONEY_WORDS[outcome], currency))
    return charts


def _people(figures: MonthFigures, language: Language, address: Callable[[str], str]) -> list[Chart]:
    found = [_stated(figures, language, address, Dimension.OUTCOME, word, PEOPLE_WORDS[word], "") for word in PEOPLE]
    return [chart for chart in found if chart.values]


def _stated(
    figures: MonthFigures,
    language: Language,
    address: Callable[[str], str],
    dimension: Dimension,
    word: str,
    title: str,
    currency: str,
) -> Chart:
    """Return the chart of the money of an outcome in a ``currency``, or of its people."""

    def cells(row: FigureRow) -> Sequence[ChartCell | None]:
        if currency:
            amount = float(row.amount or 0)
            return [ChartCell(amount, language.whole_amount(amount, currency)) if row.amount else None]
        return [ChartCell(row.victims, language.number(row.victims)) if row.victims else None]

    unit = language.text(_MONEY_UNIT) % {"currency": currency} if currency else language.text(_PEOPLE_UNIT)
    return Chart(
        anchor=f"outcome-{word.replace(' ', '-')}",
        title=language.text(title),
        meaning=language.text(_MONEY_MEANING if currency else _PEOPLE_MEANING),
        unit=unit,
        series=[currency or language.text(_PEOPLE_UNIT)],
        rows=_rows(language, figures.over_the_year(OUTCOMES.name, dimension, word), figures.known, cells, 1),
        csv=address(f"/api/trends.csv?by=month&figure={OUTCOMES.name}&dimension={dimension}"),
        form="bars",
    )


def _rows(
    language: Language, rows: Sequence[tuple[str, FigureRow | None]], known: Sequence[str], cells: _Cells, series: int
) -> list[ChartRow]:
    """Return a place for each month; the first and each January have their year below.

    A first December has none: its year would touch that of January.
    """
    drawn = []
    for at, (month, row) in enumerate(rows):
        moment = figure_words.moment_of(month)
        year = language.year(moment) if month.endswith("-01") or (at == 0 and not month.endswith("-12")) else ""
        found = [None] * series if row is None else cells(row)
        is_missing = month not in known
        drawn.append(
            ChartRow(language.month(moment), language.short_month(moment), found, below=year, is_missing=is_missing)
        )
    return drawn


def _count(language: Language, row: FigureRow) -> ChartCell:
    number = language.number(row.number)
    text = language.text(_OR_MORE) % {"number": number} if row.at_least else number
    return ChartCell(row.number, text)


def _duration(language: Language, seconds: float | None) -> ChartCell | None:
    return None if seconds is None else ChartCell(seconds, language.measured(seconds))
