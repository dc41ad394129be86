"""The ends of the logs, locked while a transaction appends, and the places assigned to new rows."""

from collections import Counter
from collections.abc import Callable, Set
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Integer, func, literal_column, select

from server.store.collections import UnknownCollection
from server.store.database.direct import fetch_all
from server.store.database.engine import HAS_TIMELINES, Tx
from server.store.database.sql import CLOCK, TIMELINE, ManyRows, among, database_time
from server.store.database.times import now
from server.store.objects import seen_dates
from server.store.tables import collections, dictionaries

# The clocks of two database servers differ by less than this.
CLOCK_DIFFERENCE = 60_000_000


class LogEnd(NamedTuple):
    """The end of a log: the last ``date_added`` that was seen, the earliest next one, and the database's timeline.

    ``dictionary`` is when the newest dictionary for bodies in the database was made, 0 for none. ``variants`` are the
    collections sharing the log: the number and the last ``date_added`` of each, by its bit.
    """

    last: int
    moment: int
    timeline: int
    variants: dict[int, tuple[int, int]]
    dictionary: int = 0


def allocate(last: int, count: int, moment: int) -> tuple[int, int]:
    """Choose ``count`` consecutive microseconds after ``last``, not before ``moment``, that end on a millisecond.

    ``moment`` is of the database's clock, on which all nodes agree.
    """
    end = -(-(max(moment, last + 1) + count - 1) // 1000) * 1000
    return end - count + 1, end


def lock(tx: Tx, logs: set[int], then: Callable[[], object] = lambda: None) -> dict[int, LogEnd]:
    """Lock logs for appending until the transaction ends. The reads of ``then`` are sent with it (``fetch_all``).

    The next ``date_added`` is later than any that this process has seen. After a change of the timeline it is later
    than the clock of any server would have assigned: the database's or this node's, whichever is ahead. The last rows
    of the previous server, which a reader may have read, may be lost.
    """
    by_clock = bool(tx.info.get(HAS_TIMELINES))
    [found] = fetch_all(tx, [(_LOCK_BY_CLOCK if by_clock else _LOCK, {"logs": sorted(logs)})], then)
    of_log: dict[int, list[Any]] = {}
    for row in found:
        of_log.setdefault(row[1], []).append(row)
    if of_log.keys() != logs:
        raise UnknownCollection("the collection no longer exists")
    moment = 0
    if not by_clock:
        moment = now() if tx.dialect.name == "sqlite" else database_time(tx)
    ends = {}
    for log, variants in of_log.items():
        last = seen_dates.note(tx, log, max(row[3] for row in variants))
        begin, timeline = moment, max(row[4] for row in variants)
        if by_clock:
            timeline, befores = variants[0][7], {row[4] for row in variants}
            begin = max(row[6] for row in variants)
            if befores - {0, timeline}:
                begin = max(begin, now(), last) + CLOCK_DIFFERENCE
        of_parts = {row[2]: (row[0], row[3]) for row in variants}
        ends[log] = LogEnd(last, begin, timeline, of_parts, variants[0][5])
    return ends


def numbers(locked: dict[int, LogEnd]) -> dict[tuple[int, int], int]:
    """Return the numbers of the collections with these logs, by log and variant."""
    return {(log, part): number for log, end in locked.items() for part, (number, _) in end.variants.items()}


def write(
    tx: Tx,
    locked: dict[int, LogEnd],
    last: dict[int, int],
    gained: Counter[tuple[int, int]],
    grown: Set[tuple[int, int]],
) -> None:
    """Write the ends and counts of the collections: ``last`` places by log, and gains by log and variant."""
    for log, date_added in last.items():
        seen_dates.note(tx, log, date_added)
    changed = [
        (last[log] if (log, part) in grown else before, end.timeline, gained[log, part], number)
        for log, end in locked.items()
        if log in last or any(gained[log, part] for part in end.variants)
        for part, (number, before) in end.variants.items()
    ]
    _END.run(tx, changed)


# These run with every POST, so they are built once.
_c = collections.c
# A writer needs the newest dictionary in the same step.
_DICTIONARY = func.coalesce(select(func.max(dictionaries.c.made)).scalar_subquery(), 0)
_LOCK = (
    select(_c.number, _c.log, _c.part, _c.last_added, _c.timeline, _DICTIONARY)
    .where(among(_c.log, "logs", Integer))
    .order_by(_c.kind != "inbox", _c.number)
    # The lock allows other transactions to add rows that refer to a collection.
    .with_for_update(key_share=True)
)
_LOCK_BY_CLOCK = _LOCK.add_columns(literal_column(CLOCK, BigInteger), literal_column(TIMELINE, Integer))
_END = ManyRows(
    "UPDATE collections SET last_added = ?, timeline = ?, objects = objects + ? WHERE number = ?",
    "UPDATE collections SET last_added = new.last_added, timeline = new.timeline,"
    " objects = collections.objects + new.gained FROM unnest({arrays}) AS new(last_added, timeline, gained, number)"
    " WHERE collections.number = new.number",
    ("bigint", "integer", "bigint", "integer"),
)
