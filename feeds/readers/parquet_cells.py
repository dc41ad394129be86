"""The process that reads a Parquet file: ``python -m`` this module, which loads nothing else of the project."""

import math
import resource
import sys
from datetime import date

import orjson

# The exit status if the extra ``parquet`` is not installed.
NOT_INSTALLED = 3
_BATCH = 50_000
_LARGEST_MEMORY = 4 << 30
_LARGEST_INTEGER = 1 << 63


def main(path: str) -> int:
    """Write the columns named on standard input of the table at ``path`` to standard output."""
    try:
        import polars
    except ImportError:
        return NOT_INSTALLED
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
            out.write(orjson.dumps(list(map(_cell, cells))) + b"\n")
    out.flush()
    return 0


def _cell(cell: object) -> str | float:
    """Return a cell as JSON has it: a number that JSON cannot have, and anything else, as text."""
    if isinstance(cell, str):
        return cell
    if cell is None or isinstance(cell, bytes):
        return ""
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else repr(cell)
    if isinstance(cell, int) and abs(cell) < _LARGEST_INTEGER:
        return cell
    if isinstance(cell, date):  # datetime is one too
        return cell.isoformat()
    return str(cell)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
