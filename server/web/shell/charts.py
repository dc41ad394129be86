"""Charts and ranked bars: what each shows; the macros that write them are in ``templates/charts.html``."""

from collections.abc import Sequence
from typing import Literal, NamedTuple


class ChartCell(NamedTuple):
    """A number of a chart, and how it is written in the reader's language."""

    value: float
    text: str


class ChartRow(NamedTuple):
    """A place on the axis, its short form for the axis, and a cell for each series; None for a value that is not shown.

    ``below`` is under the short form, as the year of a month. ``is_missing``: there is no figure, rather than one that
    is not shown. ``note`` is in the table alone, in the column that the chart's ``note`` heads.
    """

    label: str
    short: str
    cells: Sequence[ChartCell | None]
    note: str = ""
    below: str = ""
    is_missing: bool = False


class Chart(NamedTuple):
    """A chart in the reader's language; all its texts are translated, ``anchor`` is unique on the page.

    The axis has a place for each of the ``rows``. Bars have one series, lines at most two. ``measure``: seconds have an
    axis of powers. ``csv`` is the address of the same figures.
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

    @property
    def values(self) -> list[float]:
        """The numbers of all cells that are shown."""
        return [cell.value for row in self.rows for cell in row.cells if cell is not None]


class RankedBar(NamedTuple):
    """A word, its number as written, how much of the largest number it is, and the change since the period before."""

    label: str
    text: str
    share: float
    change: str


class Ranking(NamedTuple):
    """Words of one dimension by their numbers, the largest first, in the reader's language."""

    anchor: str
    title: str
    meaning: str
    columns: tuple[str, str, str]
    bars: Sequence[RankedBar]
    csv: str = ""
