"""Small charts that the server draws as SVG: a page has them without a script, and a table has the same numbers."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

# The drawing's own units; the page stretches it to its place.
WIDTH, HEIGHT = 240.0, 60.0
_GAP = 0.18


class SmallSeries(NamedTuple):
    """A series: its name, its values from left to right (None: not known), and how each is written."""

    name: str
    values: Sequence[float | None]
    texts: Sequence[str]


class Bar(NamedTuple):
    """A bar of the drawing: its place and size, and the number of its series, from 1."""

    x: float
    y: float
    width: float
    height: float
    series: int


class SmallChart(NamedTuple):
    """A chart in the reader's language: ``now`` is what counts most, ``labels`` are the places on the axis.

    ``most`` writes the greatest value, which the drawing reaches. ``anchor`` is unique on the page. ``is_log``: heights
    are logarithms, so that one great value does not flatten the others; for a single series of bars, or lines.
    """

    anchor: str
    title: str
    now: str
    meaning: str
    labels: Sequence[str]
    series: Sequence[SmallSeries]
    most: str
    form: Literal["bars", "lines"] = "bars"
    place: str = ""
    is_log: bool = False

    @property
    def bars(self) -> list[Bar]:
        """The bars of all series, one on the other."""
        greatest = max([1.0, *map(sum, zip(*(map(self._size, each.values) for each in self.series), strict=True))])
        step = WIDTH / max(1, len(self.labels))
        found = []
        for place in range(len(self.labels)):
            below = 0.0
            for number, each in enumerate(self.series, 1):
                height = self._size(each.values[place]) / greatest * HEIGHT
                if height:
                    below += max(height, 0.8)
                    left = step * (place + _GAP / 2)
                    found.append(
                        Bar(_short(left), _short(HEIGHT - below), _short(step * (1 - _GAP)), _short(height), number)
                    )
        return found

    @property
    def lines(self) -> list[tuple[int, str]]:
        """The lines, as the number of the series and the points; a value that is not known interrupts a line."""
        greatest = max([0.001, *(self._size(value) for each in self.series for value in each.values)])
        step = WIDTH / max(1, len(self.labels))
        found = []
        for number, each in enumerate(self.series, 1):
            points: list[str] = []
            for place, value in enumerate([*each.values, None]):
                if value is not None:
                    # A line at zero stays above the axis.
                    y = HEIGHT - 1 - self._size(value) / greatest * (HEIGHT - 2)
                    points.append(f"{_short(step * (place + 0.5))},{_short(y)}")
                elif points:
                    # A point alone would have no length, and would not be seen.
                    found.append((number, " ".join(points if len(points) > 1 else [*points, _beside(points[0])])))
                    points = []
        return found

    def _size(self, value: float | None) -> float:
        """Return how high a value is drawn, before it is scaled."""
        return math.log1p(_number(value)) if self.is_log else _number(value)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known or all is zero."""
        return not any(value for each in self.series for value in each.values)


def _number(value: float | None) -> float:
    return value or 0.0


def _short(number: float) -> float:
    return round(number, 1)


def _beside(point: str) -> str:
    x, _, y = point.partition(",")
    return f"{_short(float(x) + 2)},{y}"
