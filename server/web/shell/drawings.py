"""The drawing of a chart as SVG: as wide as its place on a page, or of a fixed width on paper."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from markupsafe import Markup

from server.web.shell.charts import Chart, ChartCell
from server.web.shell.languages import Language

_HEIGHT, _TOP, _FOOT = 190, 12, 36
_SCALE = 66
_TICKS = 4
# The axis of durations, in seconds.
_POWERS = (1, 10, 60, 600, 3_600, 6 * 3_600, 86_400, 7 * 86_400, 30 * 86_400, 365 * 86_400)


class Drawing(NamedTuple):
    """The numbers beside the axis, and the area with the marks, which takes the rest of the width."""

    scale: Markup
    area: Markup


class _Axis(NamedTuple):
    """The values with a line, and how high a value is drawn, from 0 to 1."""

    ticks: Sequence[float]
    is_log: bool

    def share(self, value: float) -> float:
        low, high = self.ticks[0], self.ticks[-1]
        if self.is_log:
            value, low, high = (math.log(max(each, _POWERS[0])) for each in (value, low, high))
        return min(1.0, max(0.0, (value - low) / (high - low)))

    def y(self, value: float) -> float:
        return round(_HEIGHT - _FOOT - self.share(value) * (_HEIGHT - _FOOT - _TOP), 1)


def draw(chart: Chart, language: Language) -> Drawing:
    """Draw a chart of which at least one cell is shown, for a page."""
    axis = _axis(chart)
    scale = Markup('<svg class="scale" width="{}" height="{}" aria-hidden="true" focusable="false">{}</svg>').format(
        _SCALE, _HEIGHT, Markup().join(_numbers(chart, axis, language))
    )
    area = Markup('<svg class="area" height="{}" role="img" aria-labelledby="{}-title">{}</svg>').format(
        _HEIGHT, chart.anchor, Markup().join(_marks(chart, axis, None))
    )
    return Drawing(scale, area)


def draw_on_paper(chart: Chart, language: Language, width: int, style: str) -> str:
    """Draw a chart of which at least one cell is shown as one picture, with the rules of a style sheet."""
    axis = _axis(chart)
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" width="{}" height="{}"><style>{}</style>{}'
        '<g transform="translate({} 0)">{}</g></svg>'
    ).format(
        *(width, _HEIGHT, Markup(style), Markup().join(_numbers(chart, axis, language)), _SCALE),  # noqa: S704
        Markup().join(_marks(chart, axis, width - _SCALE)),
    )


def _axis(chart: Chart) -> _Axis:
    if chart.measure == "seconds":
        low, high = min(chart.values), max(chart.values)
        first = max(at for at, power in enumerate(_POWERS) if power <= low or at == 0)
        last = min(at for at, power in enumerate(_POWERS) if power >= high or at == len(_POWERS) - 1)
        return _Axis(_POWERS[first : max(last, first + 1) + 1], is_log=True)
    most = max(1.0, *chart.values)
    size = 10 ** math.floor(math.log10(most / _TICKS)) if most > _TICKS else 1
    step = next(size * factor for factor in (1, 2, 5, 10) if most <= size * factor * _TICKS)
    return _Axis([step * number for number in range(math.ceil(most / step) + 1)], is_log=False)


def _numbers(chart: Chart, axis: _Axis, language: Language) -> Iterator[Markup]:
    for tick in axis.ticks:
        text = language.measured(tick) if chart.measure == "seconds" else language.compact(tick)
        yield Markup('<text class="number" x="{}" y="{}">{}</text>').format(_SCALE - 8, axis.y(tick) + 4, text)


def _marks(chart: Chart, axis: _Axis, width: float | None) -> Iterator[Markup]:
    """Yield lines, marks and months; places along the axis are shares of the width, or numbers where it is given."""

    def x(share: float) -> str:
        return f"{share * 100:.2f}%" if width is None else f"{share * width:.1f}"

    count, base = len(chart.rows), axis.y(axis.ticks[0])
    for tick in axis.ticks:
        line = Markup('<line class="grid" x1="0" x2="{}" y1="{}" y2="{}"/>')
        yield line.format(x(1), axis.y(tick), axis.y(tick))
    for at, row in enumerate(chart.rows):
        middle = (at + 0.5) / count
        # A narrow screen shows every second name.
        name = Markup('<text class="month{}" x="{}" y="{}">{}</text>')
        yield name.format("" if (count - at) % 2 else " between", x(middle), base + 17, row.short)
        if row.below:
            yield Markup('<text class="month" x="{}" y="{}">{}</text>').format(x(middle), base + 32, row.below)
        if not row.is_missing and not any(row.cells):
            yield Markup('<text class="month" x="{}" y="{}">–</text>').format(x(middle), base - 5)
        if chart.form == "bars":
            yield from _bars(chart, axis, at, x(at / count + 0.18 / count), x(0.64 / count))
    if chart.form == "lines":
        for number in range(len(chart.series)):
            yield from _line(chart, axis, number, [x((at + 0.5) / count) for at in range(count)])


def _bars(chart: Chart, axis: _Axis, at: int, x: str, width: str) -> Iterator[Markup]:
    row, base = chart.rows[at], axis.y(axis.ticks[0])
    for cell in row.cells[:1]:
        if cell is not None:
            top = min(axis.y(cell.value), base - 1)
            yield Markup('<rect class="s1" x="{}" y="{}" width="{}" height="{:.1f}"><title>{}</title></rect>').format(
                x, top, width, base - top, f"{row.label}: {cell.text}"
            )


def _line(chart: Chart, axis: _Axis, number: int, places: Sequence[str]) -> Iterator[Markup]:
    """Yield a series: a month without a figure is a gap."""
    cells: list[ChartCell | None] = [row.cells[number] for row in chart.rows]
    for (at, left), (_, right) in pairwise(enumerate(cells)):
        if left is not None and right is not None:
            yield Markup('<line class="s{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
                number + 1, places[at], axis.y(left.value), places[at + 1], axis.y(right.value)
            )
    for at, cell in enumerate(cells):
        if cell is not None:
            yield Markup('<circle class="s{}" cx="{}" cy="{}" r="3.5"><title>{}</title></circle>').format(
                *(number + 1, places[at], axis.y(cell.value)),
                f"{chart.rows[at].label}, {chart.series[number]}: {cell.text}",
            )
