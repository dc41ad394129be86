"""Rice-Golomb coding of sorted 32-bit numbers, as Safe Browsing v5 sends them."""

from collections.abc import Sequence
from typing import NamedTuple

# The parameters that clients accept.
_LEAST, _MOST = 3, 30
# Bits are written out when there are this many, because a long number is slow to extend.
_WRITTEN = 512


class CodedNumbers(NamedTuple):
    """The first of the numbers, and the coded differences to each next one."""

    first: int
    parameter: int
    entries: int
    data: bytes


def encode(numbers: Sequence[int]) -> CodedNumbers:
    """Code at least one number; the numbers ascend and none occurs twice."""
    first, count = numbers[0], len(numbers) - 1
    if not count:
        return CodedNumbers(first, _LEAST, 0, b"")
    # The quotient is below two on average.
    parameter = max(_LEAST, min(_MOST, ((numbers[-1] - first) // count).bit_length() - 1))
    return CodedNumbers(first, parameter, count, _differences(numbers, parameter))


def _differences(numbers: Sequence[int], parameter: int) -> bytes:
    """Return for each difference the quotient as ones and a zero, then the remainder, from the lowest bit on."""
    written, bits, held = bytearray(), 0, 0
    mask, before = (1 << parameter) - 1, numbers[0]
    for number in numbers[1:]:
        difference, before = number - before, number
        quotient = difference >> parameter
        bits |= ((1 << quotient) - 1 | (difference & mask) << quotient + 1) << held
        held += quotient + 1 + parameter
        if held >= _WRITTEN:
            whole = held // 8
            written += (bits & (1 << 8 * whole) - 1).to_bytes(whole, "little")
            bits >>= 8 * whole
            held -= 8 * whole
    return bytes(written + bits.to_bytes(-(-held // 8), "little"))
