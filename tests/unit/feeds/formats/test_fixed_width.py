"""Reports of mainframes whose line of dashes is missing, or far below."""

from io import BytesIO

import pytest

from feeds import formats


@pytest.mark.parametrize("below", ["", "BANK   ACCOUNT NO\n-----  -------------\nKBANK  123-4-56789-0\n"])
def test_each_line_above_the_dashes_is_a_row_in_its_place(below: str) -> None:
    above = "".join(f"x{number}.example.com\n" for number in range(50))
    rows = [row.line for row in formats.read(BytesIO(f"{above}{below}".encode()), format="fixed-width")]
    assert rows[:50] == [*range(1, 51)]
    assert rows == sorted(rows)
