"""The statistics of takedown requests on pages: the period that was asked for, and the figures as CSV."""

from collections.abc import Iterator

from flask import Response

from server.features.requests.statistics import USUAL_MONTHS, TakedownFigures, TakedownStatistics
from server.web.shell.lists import asked, csv_line
from server.web.shell.visit import Visit

PERIODS = (1, 3, 6, 12, 24, 36)


def months_of(visit: Visit) -> int:
    """Return the number of months that is asked for."""
    given = asked(visit, "months")
    return next((months for months in PERIODS if str(months) == given), USUAL_MONTHS)


def csv_of(visit: Visit, found: TakedownStatistics) -> Response:
    """Return the figures as CSV."""
    return visit.file(_lines(found), "takedown-statistics.csv", "text/csv; charset=utf-8")


def _lines(found: TakedownStatistics) -> Iterator[bytes]:
    yield csv_line(TakedownFigures._fields)
    for figures in found.figures:
        yield csv_line(figures)
