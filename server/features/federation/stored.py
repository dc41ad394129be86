"""Stored hub reports, and the running count and digest of each stream.

All changes to the table go through ``put`` and ``drop``, which keep the counts exact.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, bindparam, delete, func, insert, select, update

from schemas.hub_report import OPEN
from schemas.tlog.entries import DIGEST_MODULUS, digest_part, digest_text
from server.features.federation.tables import hub_heads, hub_reports, hub_sets
from server.store.database.direct import fetch
from server.store.database.engine import Tx
from server.store.database.sql import ManyRows, among, chunks
from server.store.tables import columns_of

# The states of a hub report.
# It counts; it is empty; the guard holds its entries, but not its protections; it has an unknown version; it waits
# for a review, and nothing of it counts; it counts, and warns at most until a review.
COUNTS, EMPTY, HELD, UNKNOWN_VERSION, WAITS, LIMITED = range(6)

ReportKey = tuple[str, str, str]


class StoredReport(NamedTuple):
    """The newest version of a hub report; ``peer`` delivered it, and is empty for this hub's own.

    ``subject`` is empty where the value is unknown or erased, ``body`` where this hub erased it.
    """

    origin: str
    stream: str
    id: str
    number: int
    subject: str
    body: bytes
    peer: str
    received: int
    state: int


class StreamSet(NamedTuple):
    """The count and the digest of hub reports that are not empty."""

    reports: int = 0
    digest: str = digest_text(0)


def find(tx: Tx, origin: str, stream: str, ids: Iterable[str]) -> dict[str, StoredReport]:
    """Return the stored reports of a stream with these ids."""
    found: dict[str, StoredReport] = {}
    for chunk in chunks(sorted(set(ids))):
        for row in fetch(tx, _BY_ID, {"of_origin": origin, "of_stream": stream, "ids": chunk}):
            found[row[2]] = StoredReport._make(row)
    return found


def subjects_of(tx: Tx, origins: Iterable[str], identity: str, id_: str) -> set[str]:
    """Return the values of the reports with an id in the streams of ``origins``: one, or none."""
    found = (find(tx, origin, stream, [id_]) for origin in origins for stream in (OPEN, identity))
    return {row.subject for of_stream in found for row in of_stream.values() if row.subject}


def held(tx: Tx, origins: Iterable[str], identity: str, ids: Iterable[str]) -> list[StoredReport]:
    """Return the reports with these ids that the guard holds, or that wait for a review or warn until then.

    ``identity`` is this hub's own, which names the direct streams.
    """
    wanted = sorted(set(ids))
    found = (find(tx, origin, stream, wanted) for origin in origins for stream in (OPEN, identity))
    return [row for of_stream in found for row in of_stream.values() if row.state in (HELD, WAITS, LIMITED)]


def of_numbers(tx: Tx, origin: str, streams: Iterable[str], numbers: Iterable[int]) -> dict[int, StoredReport]:
    """Return the stored reports of an origin's streams that have one of these numbers."""
    found: dict[int, StoredReport] = {}
    given = {"of_origin": origin, "streams": sorted(streams)}
    for chunk in chunks(sorted(set(numbers))):
        for row in fetch(tx, _BY_NUMBER, {**given, "numbers": chunk}):
            found[row[3]] = StoredReport._make(row)
    return found


def of_subjects(tx: Tx, subjects: Iterable[str]) -> list[StoredReport]:
    """Return the stored reports of these values, of all origins."""
    return [
        StoredReport._make(row)
        for chunk in chunks(sorted(set(subjects)))
        for row in fetch(tx, _BY_SUBJECT, {"subjects": chunk})
    ]


def between(tx: Tx, origin: str, stream: str, after: str, last: str | None, most: int) -> list[StoredReport]:
    """Return at most ``most`` reports of a stream in the order of their ids, after one id up to another."""
    asked = _IN_ORDER if last is None else _IN_ORDER_UP_TO
    given = {"of_origin": origin, "of_stream": stream, "after": after, "rows": most}
    return [StoredReport._make(row) for row in fetch(tx, asked, given if last is None else {**given, "last": last})]


def put(tx: Tx, reports: Sequence[StoredReport], before: Mapping[ReportKey, StoredReport]) -> None:
    """Store these versions; ``before`` has the stored ones by origin, stream and id."""
    _UPSERT.run(tx, reports)
    _count(tx, reports, (before[key] for key in map(_key, reports) if key in before))


def drop(tx: Tx, reports: Sequence[StoredReport]) -> None:
    """Delete stored reports."""
    statement = delete(hub_reports).where(
        _c.origin == bindparam("of_origin"), _c.stream == bindparam("of_stream"), _c.id == bindparam("of_id")
    )
    if reports:
        tx.execute(
            statement, [dict(zip(("of_origin", "of_stream", "of_id"), report[:3], strict=True)) for report in reports]
        )
        _count(tx, (), reports)


def of_stream(tx: Tx, origin: str, stream: str, up_to: int | None = None) -> StreamSet:
    """Return the count and the digest of a stream's stored reports, without those numbered above ``up_to``."""
    mine = (hub_sets.c.origin == origin, hub_sets.c.stream == stream)
    row = tx.execute(select(hub_sets.c.reports, hub_sets.c.sum).where(*mine)).first()
    reports, total = (0, 0) if row is None else (row.reports, int.from_bytes(row.sum))
    if up_to is not None:
        asked = select(_c.id, _c.number).where(
            _c.origin == origin, _c.stream == stream, _c.number > up_to, _c.state != EMPTY
        )
        for id_, number in tx.execute(asked):
            reports -= 1
            total -= digest_part(id_, str(number))
    return StreamSet(reports, digest_text(total % DIGEST_MODULUS))


def total_of(tx: Tx, origin: str) -> int:
    """Return the number of stored reports of an origin, also empty ones, in all streams."""
    asked = select(func.coalesce(func.sum(hub_sets.c.stored), 0)).where(hub_sets.c.origin == origin)
    return int(tx.execute(asked).scalar_one())


def sizes(tx: Tx) -> dict[str, int]:
    """Return by origin the number of stored reports that are not empty."""
    asked = select(hub_sets.c.origin, func.sum(hub_sets.c.reports)).group_by(hub_sets.c.origin)
    return {row[0]: int(row[1]) for row in tx.execute(asked)}


def of_origin(tx: Tx, origin: str, most: int) -> list[StoredReport]:
    """Return at most ``most`` reports of an origin, in any stream."""
    asked = select(*_COLUMNS).where(_c.origin == origin).order_by(_c.stream, _c.id).limit(most)
    return [StoredReport._make(row) for row in tx.execute(asked)]


def covered_tombstones(tx: Tx, *, before: int, most: int = 1_000) -> list[StoredReport]:
    """Return at most ``most`` empty reports that a completed head covers, received ``before`` (microseconds)."""
    asked = (
        select(*_COLUMNS)
        .join(hub_heads, (hub_heads.c.origin == _c.origin) & (hub_heads.c.stream == _c.stream))
        .where(_c.state == EMPTY, _c.number <= hub_heads.c.completed, _c.received < before, _c.peer != "")
        .limit(most)
    )
    return [StoredReport._make(row) for row in tx.execute(asked)]


def _key(report: StoredReport) -> ReportKey:
    return report[:3]


def _count(tx: Tx, added: Iterable[StoredReport], removed: Iterable[StoredReport]) -> None:
    """Add reports to the sums of their streams, and subtract those removed. Empty ones are not in the digest."""
    changes: dict[tuple[str, str], list[int]] = {}
    for sign, reports in ((1, added), (-1, removed)):
        for report in reports:
            change = changes.setdefault(report[:2], [0, 0, 0])
            change[0] += sign
            if report.state != EMPTY:
                change[1] += sign
                change[2] += sign * digest_part(report.id, str(report.number))
    for (origin, stream), (stored, reports_more, sum_more) in sorted(changes.items()):
        mine = (hub_sets.c.origin == origin, hub_sets.c.stream == stream)
        row = tx.execute(select(hub_sets).where(*mine).with_for_update()).first()
        before = (0, 0, 0) if row is None else (row.stored, row.reports, int.from_bytes(row.sum))
        values = {
            "stored": before[0] + stored,
            "reports": before[1] + reports_more,
            "sum": _bytes(before[2] + sum_more),
        }
        if row is None:
            tx.execute(insert(hub_sets).values(origin=origin, stream=stream, **values))
        else:
            tx.execute(update(hub_sets).where(*mine).values(**values))


def _bytes(total: int) -> bytes:
    return (total % DIGEST_MODULUS).to_bytes(32)


def every(tx: Tx, origin: str, stream: str, most: int = 1_000) -> Iterator[StoredReport]:
    """Yield all reports of a stream in the order of their ids, a batch at a time."""
    after = ""
    while found := between(tx, origin, stream, after, None, most):
        yield from found
        after = found[-1].id


_c = hub_reports.c
_COLUMNS = columns_of(StoredReport, hub_reports)
_OF_ORIGIN = select(*_COLUMNS).where(_c.origin == bindparam("of_origin"))
_OF_STREAM = _OF_ORIGIN.where(_c.stream == bindparam("of_stream"))
_BY_ID = _OF_STREAM.where(among(_c.id, "ids"))
_BY_NUMBER = _OF_ORIGIN.where(among(_c.stream, "streams"), among(_c.number, "numbers", BigInteger))
_BY_SUBJECT = select(*_COLUMNS).where(among(_c.subject, "subjects")).order_by(_c.origin, _c.stream, _c.id)
_IN_ORDER = _OF_STREAM.where(_c.id > bindparam("after")).order_by(_c.id).limit(bindparam("rows"))
_IN_ORDER_UP_TO = _IN_ORDER.where(_c.id <= bindparam("last"))
_INSERT = "INSERT INTO hub_reports (origin, stream, id, number, subject, body, peer, received, state)"
_ON_CONFLICT = (
    " ON CONFLICT (origin, stream, id) DO UPDATE SET number = excluded.number, subject = excluded.subject,"
    " body = excluded.body, peer = excluded.peer, received = excluded.received, state = excluded.state"
)
_UPSERT = ManyRows(
    " ".join((_INSERT, "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", _ON_CONFLICT)),
    " ".join((_INSERT, "SELECT * FROM unnest({arrays})", _ON_CONFLICT)),
    ("text", "text", "text", "bigint", "text", "bytea", "text", "bigint", "smallint"),
)
