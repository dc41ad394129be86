"""Which cells of a table anybody may see, so that nobody learns what few organisations reported.

A cell is shown if enough was counted by enough organisations. Of the cells that are not, the total tells no more than
the sum: so there are always two or more of them, and their sum, too, is of enough by enough organisations.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

LEAST = 5
LEAST_ORGANISATIONS = 3
# A percentile at the end of few durations is one of them.
LEAST_FOR_P95 = 20


class CountedBy(NamedTuple):
    """The count of a cell, and the organisations that it comes from; ``alone`` where it is all that a total hides."""

    number: int
    organisations: frozenset[str]
    alone: bool = False

    @property
    def is_enough(self) -> bool:
        """Return whether it may be shown by itself."""
        return not self.alone and self.number >= LEAST and len(self.organisations) >= LEAST_ORGANISATIONS


def shown(cells: Mapping[str, CountedBy]) -> set[str]:
    """Return the words of a dimension whose cells may be shown beside the total."""
    counted = {word: cell for word, cell in cells.items() if cell.number}
    visible = {word for word, cell in counted.items() if cell.is_enough}
    while visible and len(visible) < len(counted):
        hidden = [counted[word] for word in counted.keys() - visible]
        if len(hidden) > 1 and together(hidden).is_enough:
            break
        # The smallest tells least; of equal ones always the same.
        visible.remove(min(visible, key=lambda word: (counted[word].number, word)))
    return visible


def together(cells: Iterable[CountedBy]) -> CountedBy:
    """Return several cells as one."""
    found = list(cells)
    return CountedBy(sum(cell.number for cell in found), frozenset().union(*(cell.organisations for cell in found)))


def hides_the_largest(parts: Iterable[int]) -> bool:
    """Return whether the second of those who added up an amount learns the first one's part by a tenth at best."""
    ordered = sorted(parts, reverse=True)
    return len(ordered) >= LEAST_ORGANISATIONS and sum(ordered[2:]) * 10 >= ordered[0]


def rounded(amount: int) -> int:
    """Return an amount rounded down to two digits."""
    unit: int = 10 ** max(0, len(str(abs(amount))) - 2)
    return amount // unit * unit
