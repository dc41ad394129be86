"""The pulse of the hub: reports, release times, refused requests and the age of open work, counted within bounds."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, Table, bindparam, func, select
from sqlalchemy.sql.elements import ColumnElement

from server.features.objections.tables import objections
from server.features.requests.records import UNANSWERED
from server.features.requests.tables import requests
from server.features.trends import query
from server.features.trends.counts import DAY
from server.features.trends.figures import TO_LISTING
from server.features.trends.query import Range
from server.store import collections
from server.store.database.engine import Tx
from server.store.objects.object_ids import pack
from server.store.release_tables import reviews
from server.store.tables import audit, objects

HOUR = 3_600 * 1_000_000
HOURS, DAYS = 24, 14
# The limits of a count: of reports in an hour, of a queue's items of one age, and rows of the audit trail.
MOST_AN_HOUR, MOST_OF_AN_AGE, MOST_ENTRIES = 10_000, 1_000, 50_000
# The ages of open work, in hours: from, and before.
AGES: tuple[tuple[int, int | None], ...] = ((0, 4), (4, 24), (24, 72), (72, 168), (168, None))
_QUEUES = ("reviews", "objections", "requests")


class Pulse(NamedTuple):
    """The numbers by hour, by day and by age, the oldest first; ``since`` is the hour of the first.

    ``errors_since`` is the moment from which all requests were counted, if there were too many for the whole time.
    """

    since: int
    reports: Sequence[int]
    refused: Sequence[int]
    failed: Sequence[int]
    errors_since: int | None
    days: Sequence[int]
    half: Sequence[float | None]
    most: Sequence[float | None]
    ages: dict[str, Sequence[int]]


def read(tx: Tx, moment: int) -> Pulse:
    """Count the last hours and days up to ``moment``; each query reads a bounded number of rows of an index."""
    first = moment // HOUR - HOURS + 1
    refused, failed, errors_since = _errors(tx, first)
    today = moment // DAY
    days = range(today - DAYS + 1, today + 1)
    times = {row.period: row for row in query.exact(tx, Range(days[0], today, "day"), TO_LISTING.name, "")}
    rows = [times.get(query.text_of(day, "day")) for day in days]
    return Pulse(
        first * HOUR,
        _reports(tx, first),
        refused,
        failed,
        errors_since,
        [day * DAY for day in days],
        [row.p50_seconds if row else None for row in rows],
        [row.p95_seconds if row else None for row in rows],
        {name: _ages(tx, name, moment) for name in _QUEUES},
    )


def _reports(tx: Tx, first: int) -> list[int]:
    """Return the number of contributed indicators in each hour."""
    inboxes = [found.log for found in collections.all_collections(tx) if found.kind == "inbox"]
    return [
        sum(
            tx.execute(_REPORTS, {"of_log": log, "from": hour * HOUR, "before": (hour + 1) * HOUR}).scalar_one()
            for log in inboxes
        )
        for hour in range(first, first + HOURS)
    ]


def _errors(tx: Tx, first: int) -> tuple[list[int], list[int], int | None]:
    """Return by hour the refused requests and those that failed here, of the last entries of the audit trail."""
    sums: dict[tuple[int, bool], int] = defaultdict(int)
    seen, oldest = 0, None
    for at, status, number in tx.execute(_ENTRIES, {"from": first * HOUR}):
        seen, oldest = seen + 1, at
        if status >= 400:
            sums[at // HOUR, status >= 500] += number
    refused, failed = ([sums[hour, is_ours] for hour in range(first, first + HOURS)] for is_ours in (False, True))
    return refused, failed, oldest if seen == MOST_ENTRIES else None


def _ages(tx: Tx, name: str, moment: int) -> list[int]:
    """Return how many items of a queue are of each age."""
    table, opened, is_open = _OPEN[name]
    found = []
    for least, most in AGES:
        asked = select(opened).select_from(table).where(*is_open, opened <= moment - least * HOUR)
        if most is not None:
            asked = asked.where(opened > moment - most * HOUR)
        counted = select(func.count()).select_from(asked.limit(MOST_OF_AN_AGE).subquery())
        found.append(int(tx.execute(counted).scalar_one()))
    return found


_OPEN: dict[str, tuple[Table, ColumnElement[int], tuple[ColumnElement[bool], ...]]] = {
    "reviews": (reviews, reviews.c.opened, (reviews.c.state == "open",)),
    "objections": (objections, objections.c.received, (objections.c.answer.is_(None), objections.c.listed)),
    "requests": (requests, requests.c.opened, (requests.c.state.in_(UNANSWERED),)),
}
_o = objects.c
_REPORTS = select(func.count()).select_from(
    select(_o.date_added)
    .where(
        _o.collection == bindparam("of_log"),
        _o.date_added >= bindparam("from", type_=BigInteger),
        _o.date_added < bindparam("before", type_=BigInteger),
        _o.type == pack("indicator--0", "indicator").type,
        _o.latest > 0,
    )
    .limit(MOST_AN_HOUR)
    .subquery()
)
_ENTRIES = (
    select(audit.c.first, audit.c.status, audit.c.requests)
    .where(audit.c.first >= bindparam("from", type_=BigInteger))
    .order_by(audit.c.first.desc())
    .limit(MOST_ENTRIES)
)
