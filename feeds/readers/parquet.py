"""Parquet tables as cells, read in a child process, so that a damaged file cannot crash the program.

``python -m feeds.readers.parquet FILE`` writes the names of the flat and the nested columns, reads the names of the
wanted ones, and writes their cells row by row, all as JSON lines.
"""

import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import IO, NamedTuple

import orjson

from feeds.errors import UnreadableFile
from feeds.readers import report_objects
from feeds.readers.cells import number_text

_BATCH = 50_000
_LARGEST_MEMORY = 4 << 30
_NOT_INSTALLED = 3


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
            yield orjson.loads(line)
        if self.process.wait():
            raise _damaged()


@contextmanager
def open_table(path: str) -> Iterator[ParquetTable]:
    """Open the table in a file. Raises ``UnreadableFile``, also where the extra ``parquet`` is not installed."""
    command = [sys.executable, "-m", "feeds.readers.parquet", path]
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nowhere) as process:  # noqa: S603 - ourselves
        try:
            names = _pipes(process)[1].readline()
            if not names and process.wait() == _NOT_INSTALLED:
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


def _damaged() -> UnreadableFile:
    return UnreadableFile("the Parquet file is damaged, or cut off, or needs too much memory: fetch it again")


def main(path: str) -> int:
    """Write the columns of the table at ``path`` that the standard input names to the standard output."""
    try:
        import polars
    except ImportError:
        return _NOT_INSTALLED
    resource.setrlimit(resource.RLIMIT_AS, (_LARGEST_MEMORY, _LARGEST_MEMORY))
    table = polars.scan_parquet(path, glob=False)
    schema = table.collect_schema().items()
    names = [[name for name, kind in schema if kind.is_nested() is nested] for nested in (False, True)]
    length = int(table.select(polars.len()).collect().item())
    out = sys.stdout.buffer
    out.write(orjson.dumps(names) + b"\n")
    out.flush()
    wanted = table.select(orjson.loads(sys.stdin.buffer.readline()))
    # polars unpacks slices up to their end only; its batches are whole row groups, of any size.
    for start in range(0, length, _BATCH):
        for cells in wanted.slice(start, _BATCH).collect(engine="streaming").iter_rows():
            out.write(orjson.dumps(list(map(_text, cells))) + b"\n")
    out.flush()
    return 0


def _text(cell: object) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, float):
        return number_text(repr(cell))
    if isinstance(cell, date):  # datetime is one too
        return cell.isoformat()
    if cell is None or isinstance(cell, bytes):
        return ""
    return report_objects.text(cell) or str(cell)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
