"""The pages of figures: the published ones, all of them for operators, and the quality of a partner's reports."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from flask import Response

from server.features.trends import periods, quality, query
from server.features.trends.day_charts import day_charts
from server.features.trends.figure_words import MEANINGS, month_name
from server.features.trends.figures import BY_NAME
from server.features.trends.month_charts import total_chart
from server.features.trends.months import YEAR, MonthUnpublished, earlier
from server.features.trends.published_figures import NO_MONTH, month_page, published_months
from server.features.trends.quality import LEAST_OTHERS, LEAST_VOLUME
from server.features.trends.query import FigureRow, Range
from server.operations.rights import ANYBODY, PARTNERS, VIEWERS
from server.web.shell.charts import Chart
from server.web.shell.forms import own_partner
from server.web.shell.lists import asked as chosen
from server.web.shell.routes import HUB, RECORDS, Route, Tab
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import Translatable, mark

_MOST_SOURCES = 300
_VIEWS: Mapping[str, Translatable] = {"days": mark("Last 30 days"), "log": mark("Last 30 days, logarithmic")}


class QualityMeasure(NamedTuple):
    """A measure by its name: its title, its meaning, and whether it is a share, a number or a time in seconds."""

    name: str
    title: Translatable
    meaning: Translatable
    form: str


MEASURES: tuple[QualityMeasure, ...] = (
    QualityMeasure("volume", mark("Values reported"), mark("for the first time, and without limits"), "number"),
    QualityMeasure("exclusive", mark("Only by us"), mark("share that no other organisation has reported"), "share"),
    QualityMeasure("first", mark("First by us"), mark("share that we reported before all others"), "share"),
    QualityMeasure("delay", mark("Behind the first"), mark("of the rest, half of them within"), "time"),
    QualityMeasure("precision", mark("Right"), mark("share of our judged reports that proved right"), "share"),
    QualityMeasure(
        "coverage", mark("Known before the loss"), mark("share of the known cases that we covered"), "share"
    ),
    QualityMeasure(
        "seen_after_end", mark("Seen after their end"), mark("sightings of our values after the end we gave"), "number"
    ),
)


def show_quality(visit: Visit) -> Response:
    """Show the measures of each kind, next to the medians of others if enough organisations have them."""
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        found = quality.beside_others(tx, partner.counts_as)
    rows = [
        (
            measure,
            [
                {
                    "own": getattr(beside.own, measure.name),
                    "median": beside.median.get(measure.name),
                    "judged": beside.own.judged,
                }
                for beside in found
            ],
        )
        for measure in MEASURES
    ]
    return visit.page(
        "partner/quality.html",
        kinds=found,
        rows=rows,
        has_medians=any(beside.median for beside in found),
        least_others=LEAST_OTHERS,
        least_volume=LEAST_VOLUME,
    )


def show_figures(visit: Visit) -> Response:
    """Show the exact figures by month or by day, and the quality of each source over twelve months."""
    show = chosen(visit, "show")
    show = show if show in _VIEWS else ""
    with visit.site.hub.store.read() as tx:
        today = datetime.now(UTC).date()
        asked = query.range_of(None, None, "month", today)
        days = day_charts(tx, visit.language, today, is_log=show == "log") if show else []
        rows = [] if show else [row for name in MEANINGS for row in query.exact(tx, asked, name, "")]
        sources = quality.of_all(tx, asked.first, asked.last)
    sources.sort(key=lambda source: -source.volume)
    return visit.page(
        "operator/figures.html",
        charts=_month_charts(visit, rows, asked) if rows else [],
        days=days,
        sources=sources[:_MOST_SOURCES],
        show=show,
        views=_VIEWS,
    )


def _month_charts(visit: Visit, rows: Sequence[FigureRow], asked: Range) -> list[Chart]:
    """Return a chart of each figure that has counted something in twelve months."""
    months = [earlier(query.text_of(asked.last, "month"), back) for back in range(YEAR - 1, -1, -1)]
    known = [month for month in months if month >= min(row.period for row in rows)]
    by_place = {(row.figure, row.period): row for row in rows}
    return [
        total_chart(BY_NAME[name], [(month, _exact(by_place, name, month)) for month in months], known, visit.language)
        for name in MEANINGS
        if any(figure == name for figure, _ in by_place)
    ]


def _exact(rows: Mapping[tuple[str, str], FigureRow], figure: str, month: str) -> FigureRow | None:
    """Return an exact figure of a month: nothing was counted where there is no row."""
    found = rows.get((figure, month))
    return FigureRow(month, figure, "", "", 0) if found is None and not BY_NAME[figure].is_duration else found


def show_trends(visit: Visit) -> Response:
    """Show a published month, quarter or year beside those before, and the year up to it. Raises ``PageRefused``."""
    known = published_months(visit)
    month = visit.request.args.get("month") or (known[0] if known else "")
    if not month:
        return visit.page("public/trends.html", shown=None)
    if not known:
        raise PageRefused(404, NO_MONTH)
    try:
        shown = month_page(visit, month)
    except MonthUnpublished:
        raise PageRefused(404, NO_MONTH) from None
    is_month = not periods.is_period(month)
    return visit.page(
        "public/trends.html",
        shown=shown,
        groups=[
            (title, [(code, month_name(visit.language, code)) for code in codes]) for title, codes in _offered(known)
        ],
        last_month=month_name(visit.language, periods.last_month(month)),
        has_report=is_month and visit.site.settings.public_report,
    )


def _offered(known: Sequence[str]) -> list[tuple[Translatable, list[str]]]:
    """Return the groups of periods that have something to choose."""
    complete = periods.complete(known)
    quarters = [code for code in complete if "Q" in code]
    years = [code for code in complete if "Q" not in code]
    groups = ((mark("Months"), list(known)), (mark("Quarters"), quarters), (mark("Years"), years))
    return [group for group in groups if group[1]]


ROUTES = (
    Route("/partner/quality", PARTNERS, show_quality, tab=Tab(RECORDS, 9, mark("Quality"))),
    Route("/console/figures", VIEWERS, show_figures, tab=Tab(HUB, 2, mark("Figures"))),
    Route("/trends", ANYBODY, show_trends),
)
