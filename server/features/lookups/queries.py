"""Look-ups by value: the listings of values that one reader may see.

A value that is listed only for other readers takes the same steps in the same indexes as an unknown value. The query
asks for the value together with the reader's own collections, so no row of another reader is touched.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ARRAY, BigInteger, Integer, TextClause, bindparam, or_, select, text

from server.store import subjects
from server.store.database.engine import Tx
from server.store.item import PLAIN
from server.store.objects import bodies, host_pages
from server.store.tables import collections, grants


class ReadableLog(NamedTuple):
    """The alias that a reader uses for a log, and the bit of the variant that it reads."""

    alias: str
    part: int


class ListedBody(NamedTuple):
    """The alias of the collection that lists a value, and the stored indicator."""

    collection: str
    body: bytes


def readable_logs(tx: Tx, partner: str) -> dict[int, ReadableLog]:
    """Return by number the logs in which a partner may look up values: all released collections, and its own.

    The first of a collection and its full variant represents both.
    """
    return _by_log(tx.execute(_READABLE, {"of_partner": partner}))


def public_logs(tx: Tx, alias: str) -> dict[int, ReadableLog]:
    """Return the log of the released collection with that alias, or nothing."""
    return _by_log(tx.execute(_PUBLIC, {"of_alias": alias}))


class PagesOfHost(NamedTuple):
    """The newest pages of a host in a reader's collections, by URL; ``more``: there are others."""

    pages: dict[str, ListedBody]
    more: bool


class ListedValues(NamedTuple):
    """The listings in a reader's collections: indicators by value name, and the newest pages by host."""

    bodies: dict[str, list[ListedBody]]
    pages: dict[str, PagesOfHost]


def known(tx: Tx, names: Sequence[str], hosts: Sequence[str], logs: Mapping[int, ReadableLog]) -> ListedValues:
    """Return the unrevoked listings of values in these logs, by name, and those of pages by host.

    The listings may have expired.
    """
    found = ListedValues({}, {})
    if not logs:
        return found
    place = {subjects.digest(name): name for name in names}
    # Names with the same digest are looked up separately.
    apart = [name for name in names if place[subjects.digest(name)] != name]
    by_number = {host_pages.number_of_host(host): host for host in hosts}
    with_pages: list[str] = []
    while place:
        place = _listed_at(tx, place, by_number, logs, found.bodies, with_pages)
        by_number = {}
    for name in dict.fromkeys(apart):
        found.bodies.update(known(tx, [name], (), logs).bodies)
    if with_pages:
        parts = {number: log.part for number, log in logs.items()}
        for host, of_host in host_pages.newest(tx, with_pages, parts).items():
            listed = {page.url: ListedBody(logs[page.log].alias, page.body) for page in of_host.pages}
            found.pages[host] = PagesOfHost(listed, of_host.more)
    return found


def _listed_at(
    tx: Tx,
    place: Mapping[int, str],
    hosts: Mapping[int, str],
    logs: Mapping[int, ReadableLog],
    found: dict[str, list[ListedBody]],
    with_pages: list[str],
) -> dict[int, str]:
    """Add the listings of the values at these numbers to ``found``. Return values that may be at the next number.

    A value whose number was taken is at the next free one. The owner of a number is read only if a listing is found
    there. Whether the next number is taken is always read, from an index without further information. Hosts with listed
    pages are added to ``with_pages``.
    """
    unpack = bodies.of(tx).first
    following = {subjects.next_number(number): name for number, name in place.items()}
    taken: list[int] = []
    row: Any
    for row in _rows(tx, place, following, hosts, list(logs)):
        number, subject, log, latest, body = row
        if latest == _TAKEN:
            taken.append(number)
        elif latest == _HAS_PAGES:
            with_pages.append(hosts[number])
        elif subject == (name := place[number]) and latest & logs[log].part:
            found.setdefault(name, []).append(ListedBody(logs[log].alias, unpack(tx, body)))
    return {number: name for number in taken if (name := following[number]) not in found}


def _rows(
    tx: Tx, place: Iterable[int], following: Iterable[int], hosts: Iterable[int], logs: Sequence[int]
) -> Iterable[Any]:
    given: dict[str, Any]
    if tx.dialect.name != "sqlite":
        given = {"numbers": list(place), "after": list(following), "hosts": list(hosts), "logs": logs}
        return tx.execute(_ON_POSTGRESQL, given)
    numbers, after, of_hosts = sorted(place), sorted(following), list(hosts)
    if len(numbers) <= _FEW and len(of_hosts) <= 1:
        # Most look-ups ask for one value, and a list in JSON would take half of their database time.
        names = (*_NUMBERS[: len(numbers)], *_AFTER[: len(after)], *_HOST[: len(of_hosts)])
        given = dict(zip(names, (*numbers, *after, *of_hosts), strict=True))
        return tx.execute(_FEW_ON_SQLITE[len(numbers), len(of_hosts)], {**given, "logs": tuple(logs)})
    lists = {"numbers": numbers, "after": after, "hosts": of_hosts}
    given = {name: orjson.dumps(each).decode() for name, each in lists.items()}
    return tx.execute(_ON_SQLITE, {**given, "logs": tuple(logs)})


def _by_log(rows: Iterable[Any]) -> dict[int, ReadableLog]:
    logs: dict[int, ReadableLog] = {}
    for log, part, alias in rows:
        if part == PLAIN or log not in logs:
            logs[log] = ReadableLog(alias, part)
    return logs


_c = collections.c
_LOGS = select(_c.log, _c.part, _c.alias)
_READABLE = (
    _LOGS.join_from(grants, collections)
    .where(grants.c.partner == bindparam("of_partner"), grants.c.can_read)
    .where(or_(_c.kind == "released", _c.use == "for", _c.use == "accounts"))
)
_PUBLIC = _LOGS.where(_c.alias == bindparam("of_alias"), _c.kind == "released")
# Special values in place of a row's marks: the next number is taken, or a host has listed pages.
_TAKEN, _HAS_PAGES = 0, -1
# Every value gets a row, so that values known only to others cannot be told from unknown ones.
_LISTED = (
    "SELECT asked.value, CASE WHEN objects.collection IS NOT NULL THEN"  # noqa: S608 - constants
    " (SELECT subjects.subject FROM subjects WHERE subjects.number = objects.value) END,"
    " objects.collection, objects.latest, objects.body FROM {asked}"
    " LEFT JOIN objects ON objects.value = asked.value AND objects.collection IN {logs}"
    " AND objects.latest > 0 AND NOT objects.revoked"
    f" UNION ALL SELECT subjects.number, NULL, NULL, {_TAKEN}, NULL FROM subjects"
    " WHERE subjects.number IN {after}"
)
_PAGES = (
    f" UNION ALL SELECT hosts.value, NULL, NULL, {_HAS_PAGES}, NULL FROM {{hosts}} WHERE EXISTS"  # noqa: S608
    " (SELECT 1 FROM objects WHERE host = hosts.value AND collection IN {logs} AND latest > 0 AND NOT revoked)"
)
_ON_SQLITE = text(
    (_LISTED + _PAGES).format(
        asked="json_each(:numbers) AS asked",
        logs=":logs",
        after="(SELECT value FROM json_each(:after))",
        hosts="json_each(:hosts) AS hosts",
    )
).bindparams(bindparam("logs", expanding=True))
# A value and its parent domains are seldom more.
_FEW = 5
_NUMBERS, _AFTER, _HOST = ([f"{name}_{place}" for place in range(_FEW)] for name in ("number", "after", "host"))


def _few_on_sqlite(many: int, hosts: int) -> TextClause:
    values = ", ".join(f"(:{name})" for name in _NUMBERS[:many])
    # A single value is found faster with another statement.
    several = f"(SELECT column1 AS value FROM (VALUES {values})) AS asked"  # noqa: S608 - names of parameters
    after = ", ".join(f":{name}" for name in _AFTER[:many])
    statement = (_LISTED + _PAGES * hosts).format(
        asked=several if many > 1 else f"(SELECT :{_NUMBERS[0]} AS value) AS asked",
        logs=":logs",
        after=f"({after})",
        hosts=f"(SELECT :{_HOST[0]} AS value) AS hosts",
    )
    return text(statement).bindparams(bindparam("logs", expanding=True))


_FEW_ON_SQLITE = {(many, hosts): _few_on_sqlite(many, hosts) for many in range(1, _FEW + 1) for hosts in (0, 1)}
_ON_POSTGRESQL = text(
    (_LISTED + _PAGES).format(
        asked="unnest(:numbers) AS asked(value)",
        logs="(SELECT unnest(:logs))",
        after="(SELECT unnest(:after))",
        hosts="unnest(:hosts) AS hosts(value)",
    )
).bindparams(
    *(bindparam(name, type_=ARRAY(BigInteger)) for name in ("numbers", "after", "hosts")),
    bindparam("logs", type_=ARRAY(Integer)),
)
