"""Parquet tables; reading them takes the extra ``parquet``."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from io import BytesIO
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, ClassVar

from feeds.errors import UnreadableFile
from feeds.format import Example, Format, Head
from feeds.readers import parquet
from feeds.readers.columns.columns import Columns
from feeds.readers.columns.guessing import SAMPLE
from feeds.readers.columns.notes import Note, shown_name
from feeds.readers.rows import Row, Unreadable
from feeds.readers.source import Source
from feeds.readers.table import columns_under

if TYPE_CHECKING:
    import polars

_MAGIC = b"PAR1"
_LARGEST = 4 << 30


class Parquet(Format):
    """A Parquet file, read piece by piece; columns that no report has are not unpacked."""

    name: ClassVar[str] = "parquet"
    endings: ClassVar[tuple[str, ...]] = ("parquet", "pq")
    binary: ClassVar[bool] = True

    def score(self, head: Head) -> float:
        """Return 1 for the format's first bytes."""
        return 1 if head.magic.startswith(_MAGIC) else 0

    def read(self, source: Source, path: str = "") -> Iterator[Row | Unreadable]:
        """Yield the rows of the table."""
        if not source.head.startswith(_MAGIC):
            raise UnreadableFile("this is no Parquet file: name another format, or none to have it recognised")
        with source.spooled(_LARGEST) as file, parquet.open_table(file.name) as table:
            # Others are named, and not read.
            names = [name for name in table.names if Columns([name]).known]
            if not Columns(names).names_subject and source.kind:
                names = list(table.names)
            rows = table.rows(names or table.names[:1])
            sample = list(islice(rows, SAMPLE))
            columns = columns_under(names or table.names[:1], sample, source.kind)
            others = [*(name for name in table.names if name not in names), *table.nested]
            columns.note(Note("column", shown_name(name, place)) for place, name in enumerate(others))
            for number, cells in enumerate(chain(sample, rows), 1):
                yield from columns.rows(number, cells)

    def examples(self) -> Iterable[Example]:
        """Yield small tables, where the library that writes them is installed."""
        try:
            import polars
        except ImportError:
            return
        moment = datetime(2026, 1, 1, 8, tzinfo=UTC)
        table: dict[str, list[Any]] = {
            "value": ["a.example.com", None, "b.example.com"],
            "kind": ["domain", "domain", None],
            "confidence": [85.0, None, 40.0],
            "first_seen": [moment, None, None],
            "victim": ["X", "Y", "Z"],
            "tags": [["x"], [], None],
        }
        first = {"value": "a.example.com", "kind": "domain", "confidence": "85"}
        yield Example(
            _written(polars.DataFrame(table)),
            [
                first | {"first_seen": "2026-01-01T08:00:00+00:00"},
                {"value": "b.example.com", "confidence": "40"},
            ],
            ("no-value",),
        )
        numbers = polars.DataFrame({"account_number": [1234567890.0, 1.5e17], "bank": ["KBANK", "KBANK"]})
        account = {"account_number": "1234567890", "bank": "KBANK", "kind": "bank-account"}
        yield Example(_written(numbers), [account], ("digits-lost",))
        yield Example(_written(polars.DataFrame({"bank": ["X"], "name": ["Y"]})), [], ("no-value-column",))


def _written(table: "polars.DataFrame") -> bytes:
    out = BytesIO()
    table.write_parquet(out)
    return out.getvalue()
