"""``python -m benchmarks`` (``make bench``): every benchmark, one table; ``--large`` goes up to a million objects.

Names choose among them: ``python -m benchmarks taxii``. What stands beside the TAXII server is nginx, where it is
installed (Debian: ``apt-get install nginx-light``).
"""

import sys
from collections.abc import Callable, Iterator

from benchmarks import feeds, fusing, guard, latency, mapping, release, store, taxii
from benchmarks.taxii import postgresql
from server.cli.context import show_table


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
    rows = [row for name, measured in every.items() if name in wanted for row in measured()]
    show_table("Benchmarks", ["what", "ours", "beside", "theirs", "ratio"], rows)


# The benchmarks start processes, which read this file again.
if __name__ == "__main__":
    main()
