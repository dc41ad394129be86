"""``python -m benchmarks`` (``make bench``): every benchmark, each figure as it is measured.

Names choose among them: ``python -m benchmarks taxii``; ``--large`` goes up to a million objects. The release engine is
measured by ``release --values 10000,300000 --database sqlite --partners 3000 --statements``, all of them optional:
hubs of so many values, on one database, with so many partners more, and the statements named. ``scale --values
1000000,10000000 --url postgresql+psycopg://…`` takes hours, and is measured only where it is named. Beside the TAXII
server stands nginx, where it is installed (Debian: ``apt-get install nginx-light``). A part that fails says so,
the others go on, and the exit status is 1.
"""

import argparse
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence

from benchmarks import (
    feeds,
    fusing,
    guard,
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
    taxii,
    trends,
)
from benchmarks.release import indicators
from benchmarks.storm import far
from benchmarks.taxii import postgresql

# Takes hours: measured where it is named, only.
_HOURS = "scale"
_COLUMNS = ("what", "ours", "beside", "theirs", "ratio")
_LINE = "{:<84} {:>12}  {:<42} {:>12} {:>8}"


def main() -> None:
    """Run what the command line names, everything by default."""
    options = _options()
    indicators.plain = options.plain
    sizes = (10_000, 1_000_000) if options.large else (10_000, 100_000)
    every: dict[str, Callable[[], Iterator[list[object]]]] = {
        "mapping": mapping.rows,
        "fusing": fusing.rows,
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
        "ledger": lambda: ledger.rows((options.values or (2_000,))[0], options.database or release.DATABASES),
        "lookups": lambda: lookups.rows(options.values or sizes),
        "match": lambda: match.rows(options.values or (200_000,)),
        "mirror": lambda: mirror.rows(options.values or sizes),
        "pages": lambda: pages.rows(options.values or sizes),
        "large": lambda: large.rows(options.values or sizes[1:], options.database or release.DATABASES),
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
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure; everything where none is named."
    )
    parser.add_argument("names", nargs="*")
    parser.add_argument("--large", action="store_true", help="up to a million objects")
    parser.add_argument("--values", type=_numbers, help="release, large, scale: sizes of the hub, 10000,300000")
    parser.add_argument("--url", help="scale: a database that is kept, to go on with it later")
    parser.add_argument(
        "--database", action="append", choices=release.DATABASES, help="release, large: on this database"
    )
    parser.add_argument("--partners", type=int, default=0, help="release: partners more that say nothing")
    parser.add_argument("--plain", action="store_true", help="release: domains in one form, instead of a mixture")
    parser.add_argument("--statements", action="store_true", help="release: name the SQL statements")
    parser.add_argument("--reports", help="guard: another folder of reports")
    return parser.parse_args()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(sorted(int(each.replace("_", "")) for each in text.split(",")))


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
