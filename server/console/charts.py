"""Charts: what each shows as a table, from which the browser draws it; the macro is in ``templates/charts.html``."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

# Colours that the style sheet tells apart; a chart has no more series.
MOST_SERIES = 6


class ChartCell(NamedTuple):
    """A number of a chart, and how it is written in the reader's language."""

    value: float
    text: str


class ChartRow(NamedTuple):
    """A place on the axis, its short form for the axis, and a cell for each series; None for what is not shown.

    ``note`` stands in the table alone, in the column that the chart's ``note`` heads.
    """

    label: str
    short: str
    cells: Sequence[ChartCell | None]
    note: str = ""


class Chart(NamedTuple):
    """A chart in the reader's language; all its texts are translated, ``anchor`` is unique on the page.

    ``measure``: seconds are written as durations on the axis. ``csv`` is the address of the same figures.
    """

    anchor: str
    title: str
    meaning: str
    unit: str
    series: Sequence[str]
    rows: Sequence[ChartRow]
    csv: str = ""
    form: Literal["bars", "lines"] = "lines"
    measure: Literal["number", "seconds"] = "number"
    note: str = ""
