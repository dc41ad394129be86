"""The values had so far, of millions of rows, in some fifteen bytes each."""

from array import array

_PARTS = 256
_FIRST_SLOTS = 64
# A slot holds what is not 0.
_EMPTY = 0
_MASK = (1 << 64) - 1


class Seen:
    """A set of values that are only ever added.

    A value is kept as its 64-bit hash, which Python keys anew for each process: of ten million values, two are taken
    for the same with a chance of one in 300,000.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._tables = [array("Q", bytes(8 * _FIRST_SLOTS)) for _ in range(_PARTS)]
        self._used = [0] * _PARTS

    def add(self, kind: str, value: str) -> bool:
        """Add a value of a kind, and tell whether it was new."""
        return self.add_digest(hash((kind, value)) & _MASK)

    def add_digest(self, digest: int) -> bool:
        """Add a value by a 64-bit hash of it, of one sort in one set, and tell whether it was new."""
        digest = digest or 1
        # Part and slot by other ends of the hash; each part grows by itself, so that little is held twice meanwhile.
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
        """Count the values."""
        return sum(self._used)


def _grown(table: "array[int]") -> "array[int]":
    """Give a table of twice the size with the same in it."""
    larger = array("Q", bytes(2 * 8 * len(table)))
    last = len(larger) - 1
    for digest in table:
        if digest != _EMPTY:
            slot = digest & last
            while larger[slot] != _EMPTY:
                slot = (slot + 1) & last
            larger[slot] = digest
    return larger
