"""``python -m benchmarks`` (``make bench``): every benchmark, each figure as it is measured.

Names choose among them: ``python -m benchmarks taxii``; ``--large`` goes up to a million objects. Beside the
TAXII server stands nginx, where it is installed (Debian: ``apt-get install nginx-light``). A part that fails says so,
the others go on, and the exit status is 1.
"""

import sys
import traceback
from collections.abc import Callable, Iterator, Sequence

from benchmarks import feeds, fusing, guard, latency, mapping, release, store, taxii
from benchmarks.taxii import postgresql

_COLUMNS = ("what", "ours", "beside", "theirs", "ratio")
_LINE = "{:<84} {:>12}  {:<42} {:>12} {:>8}"


def main() -> None:
    """Run what the command line names, everything by default."""
    sizes = (10_000, 1_000_000) if "--large" in sys.argv else (10_000, 100_000)
    every: dict[str, Callable[[], Iterator[list[object]]]] = {
        "mapping": mapping.rows,
        "fusing": fusing.rows,
        "store": store.rows,
        "release": lambda: release.rows(sizes[1]),
        "guard": guard.rows,
        "taxii": lambda: taxii.rows(sizes),
        "postgresql": postgresql.rows,
        "feeds": lambda: feeds.rows(sizes[1]),
        "latency": latency.rows,
    }
    wanted = {name for name in sys.argv[1:] if not name.startswith("--")} or every.keys()
    if unknown := wanted - every.keys():
        sys.exit(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(every)}")
    _show(_COLUMNS)
    failed = [name for name, measure in every.items() if name in wanted and not _measured(name, measure)]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def _measured(name: str, measure: Callable[[], Iterator[list[object]]]) -> bool:
    """Show the figures of one benchmark; tell whether it came to its end."""
    try:
        for row in measure():
            _show(row)
    except Exception:  # noqa: BLE001 - whatever went wrong in one, what the others measure is wanted too
        traceback.print_exc()
        _show((f"{name}: FAILED, see above", "", "", "", ""))
        return False
    return True


def _show(row: Sequence[object]) -> None:
    cells = [f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row]
    print(_LINE.format(*cells).rstrip(), flush=True)


# The benchmarks start processes, which read this file again.
if __name__ == "__main__":
    main()
