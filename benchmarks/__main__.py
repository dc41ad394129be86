"""``python -m benchmarks`` (``make bench``): every benchmark, one table; ``--large`` goes up to a million objects.

Names choose among them: ``python -m benchmarks taxii``. What stands beside the TAXII server is nginx, where it is
installed (Debian: ``apt-get install nginx-light``).
"""

import sys

from benchmarks import feeds, fusing, guard, latency, mapping, release, store, taxii
from benchmarks.taxii import postgresql
from server.cli.context import show_table


def main() -> None:
    """Run what the command line names, everything by default."""
    sizes = (10_000, 1_000_000) if "--large" in sys.argv else (10_000, 100_000)
    every = {"mapping", "fusing", "store", "release", "guard", "taxii", "postgresql", "feeds", "latency"}
    wanted = {name for name in sys.argv[1:] if not name.startswith("--")} or every
    rows: list[list[object]] = []
    if "mapping" in wanted:
        rows += mapping.rows()
    if "fusing" in wanted:
        rows += fusing.rows()
    if "store" in wanted:
        rows += store.rows()
    if "release" in wanted:
        rows += release.rows(sizes[1])
    if "guard" in wanted:
        rows += guard.rows()
    if "taxii" in wanted:
        rows += taxii.rows(sizes)
    if "postgresql" in wanted:
        rows += postgresql.rows()
    if "feeds" in wanted:
        rows += feeds.rows(sizes[1])
    if "latency" in wanted:
        rows += latency.rows()
    show_table("Benchmarks", ["what", "ours", "beside", "theirs", "ratio"], rows)


# The benchmarks start processes, which read this file again.
if __name__ == "__main__":
    main()
