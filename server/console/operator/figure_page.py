"""The page of figures for operators: all of them, exact, and how good each source is."""

from datetime import UTC, datetime

from flask import Response

from server.console.public.figure_words import MEANINGS
from server.console.public.published_figures import total_chart
from server.console.visit import Visit
from server.release.trends import quality, query
from server.release.trends.figures import BY_NAME

_MOST_SOURCES = 300


def show(visit: Visit) -> Response:
    """Show the figures of the last twelve months as they were counted, and the quality of each source."""
    with visit.site.hub.store.read() as tx:
        asked = query.range_of(None, None, "month", datetime.now(UTC).date())
        rows = [row for name in MEANINGS for row in query.exact(tx, asked, name, "")]
        sources = quality.of_all(tx, asked.first, asked.last)
    charts = [
        total_chart(visit, BY_NAME[name], of_figure)._replace(csv="")
        for name in MEANINGS
        if (of_figure := [row for row in rows if row.figure == name])
    ]
    sources.sort(key=lambda source: -source.volume)
    return visit.page("operator/figures.html", charts=charts, sources=sources[:_MOST_SOURCES])
