"""``python -m benchmarks`` (``make bench``): run every benchmark, and print each figure once it is measured.

Arguments select benchmarks: ``python -m benchmarks taxii``; ``--large`` goes up to a million objects. ``release``
measures the release engine: ``release --values 10000,300000 --database sqlite --partners 3000 --statements``. All its
options may be left out. They set the sizes of the hub, the database, the number of idle partners, and the listing of
statements. ``federation --reports 20000`` exchanges so many hub reports. ``scale --values 1000000,10000000 --url
postgresql+psycopg://…`` takes hours, and runs only if it is selected. The TAXII server is compared with nginx if that
is installed (Debian: ``apt-get install nginx-light``). If a benchmark fails, an error is printed, the others still run,
and the exit status is 1.
"""

import argparse
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence

from benchmarks import (
    erasure,
    federation,
    feeds,
    fusing,
    guard,
    incidents,
    large,
    latency,
    ledger,
    lookups,
    mapping,
    match,
    mirror,
    pages,
    release,
    scale,
    store,
    streams,
    taxii,
    trends,
)
from benchmarks.release import indicators
from benchmarks.storm import far
from benchmarks.taxii import postgresql

# Takes hours: runs only if it is selected.
_HOURS = "scale"
_COLUMNS = ("what", "ours", "beside", "theirs", "ratio")
_LINE = "{:<84} {:>12}  {:<42} {:>12} {:>8}"


def main() -> None:
    """Run the selected benchmarks, by default all."""
    options = _options()
    indicators.plain = options.plain
    sizes = (10_000, 1_000_000) if options.large else (10_000, 100_000)
    every: dict[str, Callable[[], Iterator[list[object]]]] = {
        "mapping": mapping.rows,
        "fusing": fusing.rows,
        "federation": lambda: federation.rows(options.hub_reports),
        "store": store.rows,
        "release": lambda: release.rows(
            options.values or sizes, options.database or release.DATABASES, options.partners, listed=options.statements
        ),
        "far": far.rows,
        "guard": guard.rows,
        "taxii": lambda: taxii.rows(sizes),
        "postgresql": postgresql.rows,
        "feeds": lambda: feeds.rows(sizes[1]),
        "latency": latency.rows,
        "streams": streams.rows,
        "ledger": lambda: ledger.rows((options.values or (2_000,))[0], options.database or release.DATABASES),
        "lookups": lambda: lookups.rows(options.values or sizes),
        "match": lambda: match.rows(options.values or (200_000,)),
        "mirror": lambda: mirror.rows(options.values or sizes),
        "pages": lambda: pages.rows(options.values or sizes),
        "large": lambda: large.rows(options.values or sizes[1:], options.database or release.DATABASES),
        "incidents": lambda: incidents.rows(options.values or (100_000,), options.database or release.DATABASES),
        "erasure": lambda: erasure.rows(options.values or (5_000, 50_000), options.database or release.DATABASES),
        "trends": lambda: trends.rows(options.values or sizes),
        _HOURS: lambda: scale.rows(options.values or (1_000_000,), options.url),
    }
    wanted = set(options.names) or every.keys() - {_HOURS}
    if unknown := wanted - every.keys():
        sys.exit(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(every)}")
    _show(_COLUMNS)
    failed = [name for name, measure in every.items() if name in wanted and not _measured(name, measure)]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Run benchmarks, by default all.")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--large", action="store_true", help="up to a million objects")
    parser.add_argument(
        "--values", type=_numbers, help="release, large, incidents, scale: sizes of the hub, 10000,300000"
    )
    parser.add_argument("--url", help="scale: a database that is kept, so that a later run continues")
    parser.add_argument(
        "--database", action="append", choices=release.DATABASES, help="release, large, incidents: on this database"
    )
    parser.add_argument("--partners", type=int, default=0, help="release: number of additional idle partners")
    parser.add_argument("--plain", action="store_true", help="release: domains in one form instead of a mixture")
    parser.add_argument("--statements", action="store_true", help="release: list the SQL statements")
    parser.add_argument(
        "--reports", help="federation: number of hub reports, 2000; guard: read reports from this folder"
    )
    options = parser.parse_args()
    options.hub_reports = int(options.reports) if (options.reports or "").isdecimal() else federation.REPORTS
    return options


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(sorted(int(each.replace("_", "")) for each in text.split(",")))


def _measured(name: str, measure: Callable[[], Iterator[list[object]]]) -> bool:
    """Show the figures of one benchmark; return whether it completed."""
    try:
        for row in measure():
            _show(row)
    except Exception:  # noqa: BLE001 - after any error in one benchmark the others still run
        traceback.print_exc()
        _show((f"{name}: FAILED, see above", "", "", "", ""))
        return False
    return True


def _show(row: Sequence[object]) -> None:
    cells = [f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row]
    print(_LINE.format(*cells).rstrip(), flush=True)


# The benchmarks start processes, which import this module again.
if __name__ == "__main__":
    main()
