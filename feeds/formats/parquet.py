"""Parquet tables; reading them requires the extra ``parquet``."""

import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from itertools import chain, islice
from typing import IO, TYPE_CHECKING, Any, ClassVar, NamedTuple

import orjson

from feeds.errors import UnreadableFile
from feeds.format import Example, Format, Head
from feeds.readers import parquet_cells, report_objects
from feeds.readers.columns.roles import Header
from feeds.readers.columns.values_in_cells import SAMPLE
from feeds.readers.columns.vocabulary import is_known_column, is_subject_column
from feeds.readers.rows import Note, Row, Unreadable, number_text, shown_name
from feeds.readers.source import Source
from feeds.readers.table import columns_under

if TYPE_CHECKING:
    import polars

_MAGIC = b"PAR1"
_LARGEST = 4 << 30


class ParquetTable(NamedTuple):
    """An open table: its flat columns, its nested ones (lists or objects), and the process that reads it."""

    names: list[str]
    nested: list[str]
    process: subprocess.Popen[bytes]

    def rows(self, names: Sequence[str]) -> Iterator[list[str]]:
        """Yield the cells of the columns called ``names``, as texts; once. Raises ``UnreadableFile``."""
        wanted, cells = _pipes(self.process)
        wanted.write(orjson.dumps(list(names)) + b"\n")
        wanted.close()
        for line in cells:
            yield list(map(_text, orjson.loads(line)))
        if self.process.wait():
            raise _damaged()


@contextmanager
def open_table(path: str) -> Iterator[ParquetTable]:
    """Open the table in a file. Raises ``UnreadableFile``, also if the extra ``parquet`` is not installed."""
    command = [sys.executable, "-P", "-m", parquet_cells.__name__, path]
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nowhere) as process:  # noqa: S603 - ourselves
        try:
            names = _pipes(process)[1].readline()
            if not names and process.wait() == parquet_cells.NOT_INSTALLED:
                raise UnreadableFile(
                    "Parquet files need the extra parquet (pip install 'scamfeed[parquet]'); or save it as CSV"
                )
            if not names:
                raise _damaged()
            flat, nested = orjson.loads(names)
            yield ParquetTable(flat, nested, process)
        finally:
            process.kill()


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None:
        raise ValueError("a process without pipes")
    return process.stdin, process.stdout


def _text(cell: str | float) -> str:
    if isinstance(cell, str):
        return cell
    return number_text(repr(cell)) if isinstance(cell, float) else report_objects.text(cell)


def _damaged() -> UnreadableFile:
    return UnreadableFile("the Parquet file is damaged, or cut off, or needs too much memory: fetch it again")


class Parquet(Format):
    """A Parquet file, read piece by piece; columns that reports do not have are not unpacked."""

    name: ClassVar[str] = "parquet"
    endings: ClassVar[tuple[str, ...]] = ("parquet", "pq")
    binary: ClassVar[bool] = True

    def score(self, head: Head) -> float:
        """Return 1 for the format's first bytes."""
        return 1 if head.magic.startswith(_MAGIC) else 0

    def read(self, source: Source, path: str = "") -> Iterator[Row | Unreadable]:
        if not source.head.startswith(_MAGIC):
            raise UnreadableFile("this is not a Parquet file: set another format, or none for automatic recognition")
        with source.spooled(_LARGEST) as file, open_table(file.name) as table:
            # Other columns are listed, but not read.
            names = list(filter(is_known_column, table.names))
            if not any(map(is_subject_column, names)) and source.kind:
                names = list(table.names)
            rows = table.rows(names or table.names[:1])
            sample = list(islice(rows, SAMPLE))
            columns = columns_under(Header(list(names or table.names[:1])), sample, source.kind)
            others = [*(name for name in table.names if name not in names), *table.nested]
            columns.note(Note("column", shown_name(name, place)) for place, name in enumerate(others))
            for number, cells in enumerate(chain(sample, rows), 1):
                yield from columns.rows(number, cells)

    def examples(self) -> Iterable[Example]:
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
