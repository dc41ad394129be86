"""The published figures on public pages: the three figures of the first page, a month in words, and its charts."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from markupsafe import Markup

from server.features.trends import figure_words, month_charts, month_content, months, periods
from server.features.trends.figures import LISTED, OBJECTIONS, OUTCOMES, REPORTS, TO_ALL, WRONG, Dimension
from server.features.trends.month_content import MonthContent
from server.features.trends.months import IN_TIME, MonthFigures
from server.features.trends.query import FigureRow
from server.web.shell.charts import Chart, Ranking
from server.web.shell.visit import Visit
from server.web.shell.words import mark

NO_MONTH = mark("No figures of this month are published. Choose another month.")
_STAGES = ("report-to-listing", "listing-to-read", "listing-to-action")
# The outcomes that the first page begins with.
_OUTCOMES = ("held", "returned", "declined", "warned", "customer-stopped")


class Amount(NamedTuple):
    """Money of one outcome in one currency."""

    outcome: str
    amount: float
    currency: str


class InTime(NamedTuple):
    """The numbers of objections that were decided in time, and in all; None for a figure that is not shown."""

    number: int | None
    all: int | None


class Headlines(NamedTuple):
    """The three figures of a month: how soon, money and people, fairness. A stage without a row is not shown."""

    month: int
    stages: Sequence[tuple[str, FigureRow | None]]
    money: Sequence[Amount]
    people: Sequence[FigureRow]
    wrong: FigureRow | None
    listed: FigureRow | None
    until_all_knew: FigureRow | None
    objections: InTime


class MonthPage(NamedTuple):
    """A month as a page shows it: its content, its ranked bars and the charts of the twelve months up to it."""

    content: MonthContent
    rankings: Sequence[Markup]
    charts: Sequence[Markup]


def published_months(visit: Visit) -> list[str]:
    """Return the published months, the newest first, as of up to a minute ago. Raises ``StoreUnavailable``."""

    def read() -> list[str]:
        with visit.site.hub.store.read() as tx:
            return months.published_months(tx)

    return visit.site.figures.of("months", read)


def figures_of(visit: Visit, month: str) -> MonthFigures:
    """Return the figures of a month, quarter or year. Raises ``MonthUnpublished`` and ``StoreUnavailable``."""

    def read() -> MonthFigures:
        with visit.site.hub.store.read() as tx:
            return periods.of_period(tx, month) if periods.is_period(month) else months.of_month(tx, month)

    return visit.site.figures.of(f"figures {month}", read)


def headlines(visit: Visit) -> Headlines | None:
    """Return the three figures of the last published month; None before the first. Raises ``StoreUnavailable``."""
    known = published_months(visit)
    if not known:
        return None
    month, figures = known[0], figures_of(visit, known[0])
    money = [
        figures.row(month, OUTCOMES.name, Dimension.CURRENCY, word) for word in _words(figures, Dimension.CURRENCY)
    ]
    people = [figures.row(month, OUTCOMES.name, Dimension.OUTCOME, word) for word in _words(figures, Dimension.OUTCOME)]
    in_time = figures.row(month, OBJECTIONS.name, Dimension.TIMELINESS, IN_TIME)
    objections = figures.row(month, OBJECTIONS.name)
    return Headlines(
        figure_words.moment_of(month),
        [(name, figures.row(month, name)) for name in _STAGES],
        sorted((_amount(row) for row in money if row and row.amount), key=_place),
        sorted((row for row in people if row and row.victims), key=_place),
        figures.row(month, WRONG.name),
        figures.row(month, LISTED.name),
        figures.row(month, TO_ALL.name),
        InTime(in_time and in_time.number, objections and objections.number),
    )


def report_charts(visit: Visit) -> list[Markup]:
    """Return the chart of reported values over a year, and their ranked bars, of the last published month."""
    known = published_months(visit)
    if not known:
        return []
    return [*_charts(visit, known[0], "reports")[:1], *_rankings(visit, known[0])]


def month_page(visit: Visit, month: str) -> MonthPage:
    """Return a published month, quarter or year for a page. Raises ``MonthUnpublished`` and ``StoreUnavailable``."""
    return MonthPage(_content(visit, month), _rankings(visit, month), _charts(visit, periods.last_month(month), "all"))


def _content(visit: Visit, month: str) -> MonthContent:
    def address(dimension: str) -> str:
        return visit.address(f"/api/trends.csv?by=month&figure={REPORTS.name}&dimension={dimension}")

    def write() -> MonthContent:
        return month_content.content_of(figures_of(visit, month), visit.language, address)

    return visit.site.figures.of(f"content {month} {visit.language.code}", write)


def _rankings(visit: Visit, month: str) -> list[Markup]:
    return _written(visit, f"rankings {month}", "ranking", lambda: _content(visit, month).rankings)


def _charts(visit: Visit, month: str, which: str) -> list[Markup]:
    def draw() -> list[Chart]:
        figures = figures_of(visit, month)
        only = (REPORTS,) if which == "reports" else None
        return month_charts.charts_of(figures, visit.language, visit.address, only)

    return _written(visit, f"{which} {month}", "chart", draw)


def _written(visit: Visit, name: str, macro: str, draw: Callable[[], Sequence[Chart | Ranking]]) -> list[Markup]:
    """Return charts as they are written into a page, which takes longer than the rest of it, once a minute."""

    def write() -> list[Markup]:
        template = visit.site.environments[visit.language.code].get_template("charts.html")
        written: Callable[[Chart | Ranking], Markup] = getattr(template.module, macro)
        return [written(chart) for chart in draw()]

    return visit.site.figures.of(f"{name} {visit.language.code}", write)


def _words(figures: MonthFigures, dimension: Dimension) -> list[str]:
    return figures.words(OUTCOMES.name, dimension)


def _place(shown: Amount | FigureRow) -> tuple[int, str]:
    """Return the place of an outcome on the first page."""
    outcome = shown.outcome if isinstance(shown, Amount) else shown.word
    return (_OUTCOMES.index(outcome) if outcome in _OUTCOMES else len(_OUTCOMES)), outcome


def _amount(row: FigureRow) -> Amount:
    outcome, _, currency = row.word.rpartition(" ")
    return Amount(outcome, float(row.amount or 0), currency)
