"""Sets of the values and records that some files had so far, small enough for files of many million rows."""

from array import array
from dataclasses import dataclass, field

_PARTS = 256
_FIRST_SLOTS = 64
_EMPTY = 0
_MASK = (1 << 64) - 1


class SeenValues:
    """A set to which values are only added.

    A value is stored as its 64-bit hash, which Python keys differently for each process. Among ten million values, the
    probability that two count as equal is one in 300,000.
    """

    def __init__(self) -> None:
        self._tables = [array("Q", bytes(8 * _FIRST_SLOTS)) for _ in range(_PARTS)]
        self._used = [0] * _PARTS

    def add(self, kind: str, value: str) -> bool:
        """Add a value of a kind; return whether it was new."""
        return self.add_digest(hash((kind, value)) & _MASK)

    def add_digest(self, digest: int) -> bool:
        """Add a value by a 64-bit hash, always of the same hash function; return whether it was new."""
        digest = digest or 1
        # Part and slot are taken from opposite ends of the hash. Each part grows separately, so that copies are small.
        part = digest >> 56
        table = self._tables[part]
        last = len(table) - 1
        slot = digest & last
        while (found := table[slot]) != digest:
            if found == _EMPTY:
                table[slot] = digest
                self._used[part] += 1
                if self._used[part] * 4 > len(table) * 3:
                    self._tables[part] = _grown(table)
                return True
            slot = (slot + 1) & last
        return False

    def __len__(self) -> int:
        return sum(self._used)


@dataclass
class SeenInFiles:
    """The values of the reports that some files had so far, and the ids of their records."""

    values: SeenValues = field(default_factory=SeenValues)
    records: set[str] = field(default_factory=set)


def _grown(table: "array[int]") -> "array[int]":
    """Return a table of twice the size with the same entries."""
    larger = array("Q", bytes(2 * 8 * len(table)))
    last = len(larger) - 1
    for digest in table:
        if digest != _EMPTY:
            slot = digest & last
            while larger[slot] != _EMPTY:
                slot = (slot + 1) & last
            larger[slot] = digest
    return larger
