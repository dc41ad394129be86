"""Rice coding: the vectors of the specification and of browsers, and any numbers come back."""

import pytest
from hypothesis import given, settings, strategies as st

from server.features.safe_browsing import rice
from server.features.safe_browsing.rice import encode
from tests.safe_browsing_client import decode_rice
from tests.searches import examples

# The first is in developers.google.com/safe-browsing/reference/Local.Database, the others in Chromium's tests.
VECTORS = [
    (30, b"t\x00\xd2\x97\x1b\xedIt\x00", [0x1D32C508, 0x291BC542, 0xF7A502E5]),
    (30, b"\xf1\x4e\x08\x33\xeb\x16\xa6\x41\x00", [0x1D7D1D75, 0x6A3F3131, 0xF273F40E]),
    (3, b"\x22", [0x30303030, 0x30303031, 0x30303032]),
    (7, b"\x02\x02", [0x30303030, 0x30303031, 0x30303032]),
    (8, b"\x02\x04\x00", [0x30303030, 0x30303031, 0x30303032]),
    (26, b"\xcf\x7d\x00\x00", [0, 0x100003EE]),
]


@pytest.mark.parametrize(("parameter", "data", "numbers"), VECTORS)
def test_the_published_bytes_are_written_and_read(parameter: int, data: bytes, numbers: list[int]) -> None:
    assert rice._differences(numbers, parameter) == data
    assert decode_rice(numbers[0], parameter, len(numbers) - 1, data) == numbers


@given(st.sets(st.integers(0, 2**32 - 1), min_size=1, max_size=300))
@settings(max_examples=examples(1_000), deadline=None)
def test_any_numbers_come_back(numbers: set[int]) -> None:
    coded = encode(sorted(numbers))
    assert 3 <= coded.parameter <= 30
    assert coded.entries == len(numbers) - 1
    assert decode_rice(*coded) == sorted(numbers)


def test_distant_and_dense_numbers_stay_short() -> None:
    numbers = [*range(10_000), 2**32 - 1]
    coded = encode(numbers)
    assert decode_rice(*coded) == numbers
    assert len(coded.data) < 4 * len(numbers)


def test_a_single_number_has_no_data() -> None:
    assert encode([7]) == (7, 3, 0, b"")
