"""Duplicates: a set of the values of millions of rows, in about fifteen bytes each."""

from array import array

_PARTS = 256
_FIRST_SLOTS = 64
_EMPTY = 0
_MASK = (1 << 64) - 1


class SeenValues:
    """A set to which values are only added.

    A value is stored as its 64-bit hash, which Python keys anew for each process: of ten million values, two are
    taken for equal with a probability of one in 300,000.
    """

    def __init__(self) -> None:
        """Create an empty set."""
        self._tables = [array("Q", bytes(8 * _FIRST_SLOTS)) for _ in range(_PARTS)]
        self._used = [0] * _PARTS

    def add(self, kind: str, value: str) -> bool:
        """Add a value of a kind; return whether it was new."""
        return self.add_digest(hash((kind, value)) & _MASK)

    def add_digest(self, digest: int) -> bool:
        """Add a value by a 64-bit hash of it, the same hash function for the whole set; return whether it was new."""
        digest = digest or 1
        # Part and slot come from opposite ends of the hash. Each part grows by itself, so that copies are small.
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
        """Return the number of values."""
        return sum(self._used)


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
