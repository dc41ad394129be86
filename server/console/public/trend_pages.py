"""The page ``/trends``: every published figure of a year, as a chart and as a table."""

from flask import Response

from server.console.public.published_figures import total_charts
from server.console.visit import Visit


def show(visit: Visit) -> Response:
    """Show each figure of a year by month, with its meaning, and where the rest is to be had."""
    return visit.page("public/trends.html", charts=total_charts(visit))
