"""Partitions of the tables that grow with the values, on PostgreSQL: an option for very large hubs.

The log is partitioned by time. Each half-year has a partition, and the existing rows become the first one without being
copied. Old partitions seldom change, so they are vacuumed once and can be moved to slower disks. The other tables are
partitioned by a hash of the column that every look-up uses. Statements use the whole table; no other module depends on
the partitions.
"""

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, NamedTuple

from sqlalchemy import text

from server.store.database.engine import Store, Tx
from server.store.database.times import micros, moment, now

_LOG = "objects"
# Half-years of the log made in advance. Few, because each look-up by id searches the index of each partition.
_HALVES = 8
_FEWEST_AHEAD = 4
_PARTS = 16
# Without the audit trail, because sealed rows would move from one partition to another.
_HASHED = {"subjects": "number", "value_index": "subject", "deliveries": "object_id", "statuses": "id"}

TABLES = (_LOG, *_HASHED)


class Partitioned(NamedTuple):
    """A table with its number of partitions, and how many of them are new."""

    table: str
    partitions: int
    new: int


class _Table(NamedTuple):
    """The database's description of a table: everything needed to create its replacement."""

    is_partitioned: bool
    options: str
    indexes: dict[str, str]
    constraints: dict[str, str]
    grants: list[tuple[str, str]]


def partition_all(store: Store) -> list[Partitioned]:
    """Partition each of ``TABLES`` in a transaction of its own, as ``partition`` does. Raises ``ValueError``."""
    done = []
    for table in TABLES:
        with store.begin() as tx:
            done.append(partition(tx, table))
    return done


def partition(tx: Tx, table: str) -> Partitioned:
    """Partition one of ``TABLES``. For a partitioned log, add the coming half-years.

    The table is locked until the transaction ends. A table partitioned by hash is copied. Safe to repeat. Raises
    ``ValueError`` on SQLite.
    """
    if tx.dialect.name == "sqlite":
        raise ValueError(
            "SQLite has no partitions: it holds some millions of values in one file; beyond that, use PostgreSQL"
        )
    from server.store.database import postgresql

    postgresql.take_time(tx)
    _run(tx, f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
    found = _described(tx, table)
    if found.is_partitioned:
        new = _extend(tx, found) if table == _LOG else 0
    elif table == _LOG:
        new = _cut_by_time(tx, found)
    else:
        new = _cut_by_hash(tx, table, found)
    number = tx.execute(_COUNT, {"of_table": table}).scalar_one()
    return Partitioned(table, number, new)


def _cut_by_time(tx: Tx, found: _Table) -> int:
    """Make the log a partition of a new table with its name, and add the coming half-years."""
    last = tx.exec_driver_sql(f"SELECT max(date_added) FROM {_LOG}").scalar()  # noqa: S608 - a name from above
    first, *halves = _halves_after(max(now(), last or 0), _HALVES + 1)
    before = f"{_LOG}_until_{_name(first)}"
    _set_aside(tx, _LOG, before, found)
    _run(tx, f"CREATE TABLE {_LOG} ({_like(before)}) PARTITION BY RANGE (date_added)")
    _constrain(tx, _LOG, found)
    _run(tx, f"ALTER TABLE {_LOG} ATTACH PARTITION {before} FOR VALUES FROM (MINVALUE) TO ({micros(first)})")
    new = 1 + _add_halves(tx, [first, *halves], found.options)
    _index(tx, found)
    return new


def _extend(tx: Tx, found: _Table) -> int:
    """Add half-years if few are left, unless the partition for all later times already has rows."""
    later = f"{_LOG}_later"
    bound = tx.execute(_BOUND, {"of_table": later}).scalar_one_or_none()
    if bound is None or tx.exec_driver_sql(f"SELECT 1 FROM {later} LIMIT 1").first():  # noqa: S608 - a name from above
        return 0
    begin = moment(int(bound.partition("FROM ('")[2].partition("'")[0]))
    if begin > _halves_after(now(), _FEWEST_AHEAD + 1)[-1]:
        return 0
    _run(tx, f"DROP TABLE {later}")
    return _add_halves(tx, [begin, *_halves_after(micros(begin), _HALVES)], found.options) - 1


def _add_halves(tx: Tx, starts: list[datetime], options: str) -> int:
    """Make the partitions between these moments, and one for all later times."""
    for begin, end in pairwise(starts):
        bounds = f"FROM ({micros(begin)}) TO ({micros(end)})"
        _run(tx, f"CREATE TABLE {_LOG}_{_name(begin)} PARTITION OF {_LOG} FOR VALUES {bounds}{options}")
    bounds = f"FROM ({micros(starts[-1])}) TO (MAXVALUE)"
    _run(tx, f"CREATE TABLE {_LOG}_later PARTITION OF {_LOG} FOR VALUES {bounds}{options}")
    return len(starts)


def _cut_by_hash(tx: Tx, table: str, found: _Table) -> int:
    """Copy a table into the partitions of a new table with its name."""
    before = f"{table}_before"
    _set_aside(tx, table, before, found)
    _run(tx, f"CREATE TABLE {table} ({_like(before)}) PARTITION BY HASH ({_HASHED[table]})")
    for number in range(_PARTS):
        bounds = f"WITH (MODULUS {_PARTS}, REMAINDER {number})"
        _run(tx, f"CREATE TABLE {table}_part_{number} PARTITION OF {table} FOR VALUES {bounds}{found.options}")
    _run(tx, f"INSERT INTO {table} SELECT * FROM {before}")  # noqa: S608 - names from above
    _run(tx, f"DROP TABLE {before}")
    _constrain(tx, table, found)
    _index(tx, found)
    _run(tx, f"ANALYZE {table}")
    return _PARTS


def _set_aside(tx: Tx, table: str, name: str, found: _Table) -> None:
    """Rename a table and its indexes."""
    _run(tx, f"ALTER TABLE {table} RENAME TO {name}")
    for number, index in enumerate(found.indexes):
        _run(tx, f"ALTER INDEX {index} RENAME TO {name}_{number}")


def _constrain(tx: Tx, table: str, found: _Table) -> None:
    """Give a new table the keys and rights of the table that it replaces."""
    for name, definition in found.constraints.items():
        _run(tx, f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
    for privilege, role in found.grants:
        _run(tx, f"GRANT {privilege} ON {table} TO {role}")


def _index(tx: Tx, found: _Table) -> None:
    for name, definition in found.indexes.items():
        if name not in found.constraints:
            _run(tx, definition)


def _like(name: str) -> str:
    return f"LIKE {name} INCLUDING DEFAULTS INCLUDING STORAGE INCLUDING COMPRESSION"


def _halves_after(at: int, number: int) -> list[datetime]:
    """Return the beginnings of the next half-years after a moment."""
    begin = moment(at)
    first = begin.year * 2 + (begin.month - 1) // 6 + 1
    return [datetime(half // 2, half % 2 * 6 + 1, 1, tzinfo=UTC) for half in range(first, first + number)]


def _name(begin: datetime) -> str:
    return f"{begin.year}_{1 + begin.month // 7}"


def _described(tx: Tx, table: str) -> _Table:
    kind, options = tx.execute(_KIND, {"of_table": table}).one()
    return _Table(
        kind == "p",
        f" WITH ({options})" if options else "",
        _pairs(tx, _INDEXES, table),
        _pairs(tx, _CONSTRAINTS, table),
        [(privilege, role) for privilege, role in tx.execute(_GRANTS, {"of_table": table})],
    )


def _pairs(tx: Tx, asked: Any, table: str) -> dict[str, str]:
    return {row[0]: row[1] for row in tx.execute(asked, {"of_table": table})}


def _run(tx: Tx, statement: str) -> None:
    tx.exec_driver_sql(statement)


_KIND = text("SELECT relkind, array_to_string(reloptions, ', ') FROM pg_class WHERE oid = CAST(:of_table AS regclass)")
_COUNT = text("SELECT count(*) FROM pg_inherits WHERE inhparent = CAST(:of_table AS regclass)")
_BOUND = text("SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid = to_regclass(:of_table)")
_INDEXES = text(
    "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
    " WHERE indrelid = CAST(:of_table AS regclass) ORDER BY 1"
)
# Keys first; NOT NULL is part of the table itself.
_CONSTRAINTS = text(
    "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE conrelid = CAST(:of_table AS regclass) AND contype IN ('p', 'u', 'f') ORDER BY contype = 'f', conname"
)
_GRANTS = text(
    "SELECT privilege_type, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END"
    " FROM pg_class, aclexplode(relacl) WHERE oid = CAST(:of_table AS regclass) AND grantee <> relowner"
)
