"""The listed pages of hosts: URLs listed in a reader's collections, found by their host.

The log stores the number of the host, a digest, with each listing of a URL. Only the newest few pages of a host are
read. Listings in other collections are not touched.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import orjson
from sqlalchemy import ARRAY, BigInteger, Integer, bindparam, text

from schemas.site import host_of_page
from server.store import subjects
from server.store.database.engine import Tx
from server.store.objects import bodies

# Pages read per host and collection, plus one to detect more.
MOST_PAGES = 10


class HostPage(NamedTuple):
    """A page of a host: its URL, the number of the log that lists it, and the stored listing."""

    url: str
    log: int
    body: bytes


class HostPages(NamedTuple):
    """The newest listed pages of a host without duplicates; ``more``: there are others."""

    pages: Sequence[HostPage]
    more: bool


def number_of(name: str) -> int | None:
    """Return the number of a value's host from the value's name, or None if the value is not a page."""
    host = host_of_page(name)
    return None if host is None else number_of_host(host)


def number_of_host(host: str) -> int:
    """Return the number of a host."""
    return subjects.digest(f"host:{host}")


def newest(tx: Tx, hosts: Iterable[str], parts: Mapping[int, int]) -> dict[str, HostPages]:
    """Return by host its newest pages in these logs; ``parts`` are the bits of the readable variants."""
    by_number = {number_of_host(host): host for host in hosts}
    if not by_number or not parts:
        return {}
    if tx.dialect.name == "sqlite":
        given = {name: orjson.dumps(list(each)).decode() for name, each in (("hosts", by_number), ("logs", parts))}
        found = tx.execute(_ON_SQLITE, given)
    else:
        found = tx.execute(_ON_POSTGRESQL, {"hosts": list(by_number), "logs": list(parts)})
    rows: dict[str, list[_Row]] = {}
    for columns in found:
        row = _Row._make(columns)
        host = by_number[row.host]
        # Two hosts may have the same number.
        if row.latest & parts[row.log] and row.subject and host_of_page(row.subject) == host:
            rows.setdefault(host, []).append(row)
    return {host: _pages(tx, of_host) for host, of_host in rows.items()}


class _Row(NamedTuple):
    host: int
    log: int
    date_added: int
    latest: int
    body: bytes
    subject: str | None


def _pages(tx: Tx, rows: Iterable[_Row]) -> HostPages:
    unpack = bodies.of(tx).first
    pages: dict[str, HostPage] = {}
    read: Counter[int] = Counter()
    for row in sorted(rows, key=lambda row: -row.date_added):
        read[row.log] += 1
        url = (row.subject or "").removeprefix("url:")
        pages.setdefault(url, HostPage(url, row.log, row.body))
    chosen = [page._replace(body=unpack(tx, page.body)) for page in [*pages.values()][:MOST_PAGES]]
    return HostPages(chosen, len(pages) > MOST_PAGES or any(count > MOST_PAGES for count in read.values()))


_COLUMNS = (
    "objects.host, objects.collection, objects.date_added, objects.latest, objects.body,"
    " (SELECT subjects.subject FROM subjects WHERE subjects.number = objects.value) AS subject"
)
_NEWEST = (
    "FROM objects WHERE host = asked.value AND collection = readable.value AND latest > 0 AND NOT revoked"
    f" ORDER BY date_added DESC LIMIT {MOST_PAGES + 1}"
)
_ON_SQLITE = text(
    f"SELECT {_COLUMNS} FROM json_each(:hosts) AS asked CROSS JOIN json_each(:logs) AS readable"  # noqa: S608
    " CROSS JOIN objects ON objects.collection = readable.value AND objects.host = asked.value"
    f" AND objects.date_added IN (SELECT date_added {_NEWEST})"
)
_ON_POSTGRESQL = text(
    f"SELECT {_COLUMNS} FROM unnest(:hosts) AS asked(value) CROSS JOIN unnest(:logs) AS readable(value)"  # noqa: S608
    f" CROSS JOIN LATERAL (SELECT host, collection, date_added, latest, body, value {_NEWEST}) AS objects"
).bindparams(bindparam("hosts", type_=ARRAY(BigInteger)), bindparam("logs", type_=ARRAY(Integer)))
