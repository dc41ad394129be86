"""Refused rows by part and reason, and their proposals."""

import pytest

from feeds.mapping.not_read import FIRST, RefusedRows
from feeds.mapping.rows import Reject
from server.release.results import Result


def refused(file: str = "a.csv", line: int = 1, reason: str = "value-form", part: str = "") -> Reject:
    return Reject(file, line, "x", None, reason, "why", part=part)


@pytest.mark.parametrize("of_many", [False, True])
@pytest.mark.parametrize(
    ("file", "part", "proposal"),
    [
        ("a.xlsx", "Old", "--format excel:Old"),
        ("A.XLSM", "Old list", "--format 'excel:Old list'"),
        ("a.ods", "Old", None),
        ("a.zip", "b.xlsx: Old", None),
    ],
)
def test_only_a_sheet_that_can_be_selected_is_proposed(
    file: str, part: str, proposal: str | None, of_many: bool
) -> None:
    rows = RefusedRows(of_many=of_many)
    rows.add(refused(file, 0, "hidden-sheet", part))
    (found,) = rows.unread()
    assert found.part == (f"{file}: {part}" if of_many else part)
    assert (found.proposal and str(found.proposal)) == proposal


def test_rows_are_grouped_and_the_first_are_kept() -> None:
    rows = RefusedRows()
    for line in range(1, 21):
        rows.add(refused(line=line))
    rows.add(refused(line=21)._replace(result=Result.HELD))
    (found,) = rows.unread()
    assert (found.rows, found.lines, len(rows.first)) == (20, (1, 2, 3), FIRST)
