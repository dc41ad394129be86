"""Compaction: removes deleted rows from the database's files as well.

SQLite rewrites the file from the remaining rows, and empties its write-ahead log. PostgreSQL rewrites small tables.
VACUUM frees the space of large ones, which keeps its bytes until other rows are written there.
"""

import logging
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from server.store.database.engine import Store, StoreUnavailable

log = logging.getLogger(__name__)

# Tables up to this size are rewritten under an exclusive lock: a second for each of some hundred MB.
_SMALL = 256 * 1024 * 1024
_TRUNCATING_SECONDS = 30.0
# PostgreSQL's tables that erasures change.
_CHANGED = (
    "objects",
    "ledger_spans",
    "subjects",
    "text_keys",
    "value_index",
    "statuses",
    "reviews",
    "held_ends",
    "delisted",
    "own_values",
    "dead_letters",
    "proposals",
    "frozen_values",
    "jobs",
    "dictionaries",
    "published_ids",
    "retractions",
    "deliveries",
    "runs",
)


class Compaction(NamedTuple):
    """The rewritten tables, and those too large for that, whose free space keeps bytes for a while."""

    rewritten: list[str]
    freed: list[str]


def compact(store: Store, tables: tuple[str, ...] = ()) -> Compaction:
    """Remove deleted rows from the database's files. ``tables`` were changed in addition to the usual ones.

    Raises ``StoreUnavailable`` if this is impossible now. Repeating it is safe.
    """
    with store.alone() as run:
        if store.is_sqlite:
            _rewrite_sqlite(run)
            return Compaction(["all"], [])
        return _rewrite_postgresql(run, sorted({*_CHANGED, *tables}))


def _rewrite_sqlite(run: Callable[[str], list[Any]]) -> None:
    began = time.monotonic()
    # Pages are zeroed before they are reused.
    run("PRAGMA secure_delete=ON")
    run("VACUUM")
    # Readers of an older snapshot prevent the log from being emptied, but none reads for long.
    deadline = time.monotonic() + _TRUNCATING_SECONDS
    while run("PRAGMA wal_checkpoint(TRUNCATE)")[0][0]:
        if time.monotonic() > deadline:
            raise StoreUnavailable("a reader prevents the write-ahead log from being emptied; try again")
        time.sleep(0.1)
    log.info("database-rewritten seconds=%.1f", time.monotonic() - began)


def _rewrite_postgresql(run: Callable[[str], list[Any]], tables: list[str]) -> Compaction:
    rewritten, freed = [], []
    for table in tables:
        for part, size in run(_PARTS.format(table)):
            if size <= _SMALL:
                run(f"VACUUM (FULL) {part}")
                rewritten.append(part)
            else:
                run(f"VACUUM {part}")
                freed.append(part)
    return Compaction(rewritten, freed)


# pg_partition_tree does not include a table without partitions.
_PARTS = (
    "SELECT oid::regclass::text, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r' AND (oid ="
    " to_regclass('{0}') OR oid IN (SELECT relid FROM pg_partition_tree(to_regclass('{0}')) WHERE isleaf)) ORDER BY 1"
)
