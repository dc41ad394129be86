"""The cells of a table that may be public, so that it does not reveal the reports of a few organisations.

A cell is shown if its count and its number of organisations are large enough. From the total, readers can compute the
sum of the hidden cells. So at least two cells are hidden, and their sum has to be large enough, too.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

LEAST = 5
LEAST_ORGANISATIONS = 3
# An extreme percentile of few durations is one of the durations.
LEAST_FOR_P95 = 20


class CountedBy(NamedTuple):
    """The count of a cell, and its organisations; ``alone`` if it is the only cell that a total hides."""

    number: int
    organisations: frozenset[str]
    alone: bool = False

    @property
    def is_enough(self) -> bool:
        """Return whether it may be shown by itself."""
        return not self.alone and self.number >= LEAST and len(self.organisations) >= LEAST_ORGANISATIONS


def shown(cells: Mapping[str, CountedBy]) -> set[str]:
    """Return the words of a dimension whose cells may be shown with the total."""
    counted = {word: cell for word, cell in cells.items() if cell.number}
    visible = {word for word, cell in counted.items() if cell.is_enough}
    while visible and len(visible) < len(counted):
        hidden = [counted[word] for word in counted.keys() - visible]
        if len(hidden) > 1 and together(hidden).is_enough:
            break
        # The smallest reveals least; of equal ones always take the same.
        visible.remove(min(visible, key=lambda word: (counted[word].number, word)))
    return visible


def together(cells: Iterable[CountedBy]) -> CountedBy:
    """Return several cells as one."""
    found = list(cells)
    return CountedBy(sum(cell.number for cell in found), frozenset().union(*(cell.organisations for cell in found)))


def hides_the_largest(parts: Iterable[int]) -> bool:
    """Return whether the second largest contributor to an amount can estimate the largest to no better than a tenth."""
    ordered = sorted(parts, reverse=True)
    return len(ordered) >= LEAST_ORGANISATIONS and sum(ordered[2:]) * 10 >= ordered[0]


def rounded(amount: int) -> int:
    """Return an amount rounded down to two digits."""
    unit: int = 10 ** max(0, len(str(abs(amount))) - 2)
    return amount // unit * unit
