"""The values that partners of the demonstration report: made up, or reserved for examples."""

import csv
import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from schemas import kinds
from schemas.errors import Rejected
from server.store import value_index

_EXAMPLE_NUMBERS = Path(__file__).parent / "reports" / "telecom-example-numbers.csv.gz"


class ReportedThing(NamedTuple):
    """A reported value, with the other properties of the report."""

    kind: str
    value: str
    columns: dict[str, str]

    @property
    def subject(self) -> str:
        """Return the name of the value in the value index."""
        return value_index.subject_of(self.kind, self.value)


def normal(kind: str, value: str, columns: dict[str, str]) -> ReportedThing:
    """Return a value in its normal form."""
    found = kinds.get(kind)
    given = {name: text for name, text in columns.items() if name in found.columns}
    return ReportedThing(kind, found.normalise(value, given).value, columns)


def example_numbers() -> list[str]:
    """Return example numbers of many countries, which no person has."""
    with gzip.open(_EXAMPLE_NUMBERS, "rt", encoding="utf-8") as stream:
        return list(_usable(row["e164"] for row in csv.DictReader(stream) if row["type"] == "mobile"))


def _usable(numbers: Iterable[str]) -> Iterator[str]:
    for number in numbers:
        try:
            kinds.get("phone").normalise(number, {})
        except Rejected:
            continue
        yield number
