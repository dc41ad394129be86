"""Look-ups by value: the listings of values that one reader may know of.

A value that is listed for others alone takes the same steps in the same indexes as one that nobody ever named: what is
asked for are the value and the reader's own collections together, so that no row of anybody else is touched.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ARRAY, BigInteger, Integer, bindparam, or_, select, text

from server.store import subjects
from server.store.database.engine import Tx
from server.store.objects import bodies
from server.store.objects.parts import PLAIN
from server.store.tables import collections, grants


class ReadableLog(NamedTuple):
    """The alias by which a reader knows a log, and the bit there of the variant that it reads."""

    alias: str
    part: int


class ListedBody(NamedTuple):
    """The collection that lists a value, by its alias, and the indicator as it is stored."""

    collection: str
    body: bytes


def readable_logs(tx: Tx, partner: str) -> dict[int, ReadableLog]:
    """Return by number the logs in which a partner may look up values: all that release fills, and its own.

    Of a collection and its full variant the first stands for both.
    """
    return _by_log(tx.execute(_READABLE, {"of_partner": partner}))


def public_logs(tx: Tx, alias: str) -> dict[int, ReadableLog]:
    """Return the log of the released collection of that alias, none where there is none."""
    return _by_log(tx.execute(_PUBLIC, {"of_alias": alias}))


def listed(tx: Tx, names: Sequence[str], logs: Mapping[int, ReadableLog]) -> dict[str, list[ListedBody]]:
    """Return by name of value the indicators that list it in these logs and are not revoked; their ends may be past."""
    if not logs:
        return {}
    found: dict[str, list[ListedBody]] = {}
    place = {subjects.digest(name): name for name in names}
    # Two names that have one digest: each is asked about by itself.
    apart = [name for name in names if place[subjects.digest(name)] != name]
    while place:
        place = _listed_at(tx, place, logs, found)
    for name in dict.fromkeys(apart):
        found |= listed(tx, [name], logs)
    return found


def _listed_at(
    tx: Tx, place: Mapping[int, str], logs: Mapping[int, ReadableLog], found: dict[str, list[ListedBody]]
) -> dict[int, str]:
    """Add what lists the values at these numbers to ``found``; return those that may be at the number after theirs.

    A value whose number another value had is at the next that was free. Whose a number is, is read where something is
    found at it alone; whether the next one is taken, in an index that says no more, for every value.
    """
    unpack = bodies.of(tx).first
    following = {subjects.next_number(number): name for number, name in place.items()}
    known = list(logs)
    if tx.dialect.name == "sqlite" and len(place) == 1:
        # Most look-ups ask about one value, and a list of one takes a third of their time in the database.
        ((number, after_it),) = zip(place, following, strict=True)
        rows = tx.execute(_ONE_ON_SQLITE, {"number": number, "after": after_it, "logs": tuple(known)})
    elif tx.dialect.name == "sqlite":
        numbers, after = (orjson.dumps(sorted(wanted)).decode() for wanted in (place, following))
        rows = tx.execute(_ON_SQLITE, {"numbers": numbers, "after": after, "logs": tuple(known)})
    else:
        rows = tx.execute(_ON_POSTGRESQL, {"numbers": list(place), "after": list(following), "logs": known})
    taken: list[int] = []
    row: Any
    for row in rows:
        number, subject, log, latest, body = row
        if latest == _TAKEN:
            taken.append(number)
        elif subject == (name := place[number]) and latest & logs[log].part:
            found.setdefault(name, []).append(ListedBody(logs[log].alias, unpack(tx, body)))
    return {number: name for number in taken if (name := following[number]) not in found}


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
# In place of the marks of a row: whether the next number is taken.
_TAKEN = 0
# Every value has a row here, so that one that is known to others alone is told from none by nothing.
_LISTED = (
    "SELECT asked.value, CASE WHEN objects.collection IS NOT NULL THEN"  # noqa: S608 - constants
    " (SELECT subjects.subject FROM subjects WHERE subjects.number = objects.value) END,"
    " objects.collection, objects.latest, objects.body FROM {asked}"
    " LEFT JOIN objects ON objects.value = asked.value AND objects.collection IN {logs}"
    " AND objects.latest > 0 AND NOT objects.revoked"
    f" UNION ALL SELECT subjects.number, NULL, NULL, {_TAKEN}, NULL FROM subjects"
    " WHERE subjects.number IN {after}"
)
_ON_SQLITE = text(
    _LISTED.format(asked="json_each(:numbers) AS asked", logs=":logs", after="(SELECT value FROM json_each(:after))")
).bindparams(bindparam("logs", expanding=True))
_ONE_ON_SQLITE = text(
    _LISTED.format(asked="(SELECT :number AS value) AS asked", logs=":logs", after="(:after)")
).bindparams(bindparam("logs", expanding=True))
_ON_POSTGRESQL = text(
    _LISTED.format(
        asked="unnest(:numbers) AS asked(value)", logs="(SELECT unnest(:logs))", after="(SELECT unnest(:after))"
    )
).bindparams(
    *(bindparam(name, type_=ARRAY(BigInteger)) for name in ("numbers", "after")),
    bindparam("logs", type_=ARRAY(Integer)),
)
