"""Read a register of telephone numbers: which ranges were assigned again, and when."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from schemas import timestamp
from schemas.errors import Rejected

# Maximum number of rows of a file, and of its bytes.
MOST_RANGES, MOST_BYTES = 10_000, 1 << 20
_COLUMNS = {"range", "assigned"}
_RANGE = re.compile(r"\+[1-9][0-9]{3,14}")


class AssignedRange(NamedTuple):
    """The numbers that begin so (``+66812``), and when they were last assigned."""

    beginning: str
    assigned: datetime


def read_ranges(text: str) -> list[AssignedRange]:
    """Return the ranges of a CSV text with the columns ``range`` and ``assigned``.

    A wrong row refuses the file: nothing may be done by half a register. Raises ``Rejected``, which names the line.
    """
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        if set(rows.fieldnames or ()) != _COLUMNS:
            raise Rejected("no-register", "the first line has to name the columns range and assigned, and no others")
        found = [_range(rows.line_num, row) for row in rows]
    except csv.Error as error:
        raise Rejected("no-register", f"line {rows.line_num}: it is no CSV ({error})") from None
    if not 0 < len(found) <= MOST_RANGES:
        raise Rejected("no-register", f"the file has {len(found)} ranges: send 1 to {MOST_RANGES}")
    return found


def times_of(ranges: list[AssignedRange], numbers: Iterator[str]) -> dict[str, datetime]:
    """Return for each number within a range when that was assigned: the smallest range counts, then the latest."""
    times: dict[str, datetime] = {}
    for one in ranges:
        times[one.beginning] = max(one.assigned, times.get(one.beginning, one.assigned))
    lengths = sorted({len(beginning) for beginning in times}, reverse=True)
    within = ((number, next((number[:n] for n in lengths if number[:n] in times), "")) for number in numbers)
    return {number: times[beginning] for number, beginning in within if beginning}


def _range(line: int, row: dict[str, str | None]) -> AssignedRange:
    if None in row:
        raise Rejected("no-register", f"line {line}: it has more cells than the first line")
    beginning, given = (row["range"] or "").strip(), (row["assigned"] or "").strip()
    if not _RANGE.fullmatch(beginning):
        raise Rejected("no-register", f"line {line}: a range is + and the first 4 to 15 digits of its numbers")
    try:
        assigned = timestamp.parse(given)
    except Rejected as refusal:
        raise Rejected("no-register", f"line {line}: assigned: {refusal.message}") from None
    if assigned > timestamp.now():
        raise Rejected("no-register", f"line {line}: assigned is in the future, so every report would be older")
    return AssignedRange(beginning, assigned)
