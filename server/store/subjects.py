"""The reported values, each with a number and a lock.

The number of a value is a digest of its name, so no central counter is needed. If two values have the same digest, the
second takes the next free number.
"""

from collections.abc import Iterable, Set
from functools import partial
from hashlib import blake2b

from sqlalchemy import ARRAY, BigInteger, Text, bindparam, select, text

from server.store.database import fact_versions
from server.store.database.direct import fetch, fetch_all
from server.store.database.engine import FIRST_NAMED, LOCKED, Contended, StoreUnavailable, Tx
from server.store.database.sql import among, chunks, insert_many
from server.store.tables import subjects

_MASK = (1 << 63) - 1


def digest(subject: str) -> int:
    """Return the number of a value, unless another value has taken it."""
    return int.from_bytes(blake2b(subject.encode(), digest_size=8).digest()) & _MASK


def next_number(number: int) -> int:
    """Return the number to try next when another value has this one."""
    return (number + 1) & _MASK


def lock(tx: Tx, wanted: Iterable[str]) -> dict[str, int]:
    """Lock the rows of these values, including new ones, until the transaction ends. Return their numbers by name.

    Lock all known values at once. Waiting for further locks can cause a deadlock, so a transaction that already holds
    values or collections waits only briefly. Raises ``Contended`` if other transactions hold them.
    """
    held: dict[str, int] = tx.info.setdefault(LOCKED, {})
    more = set(wanted) - held.keys()
    if more:
        held |= _lock_soon(tx, more) if held else _lock(tx, more)
    return {name: held[name] for name in wanted}


def locked(tx: Tx) -> Set[str]:
    """Return the values that the transaction has locked."""
    held: dict[str, int] = tx.info.get(LOCKED, {})
    return held.keys()


def _lock_soon(tx: Tx, more: set[str]) -> dict[str, int]:
    if tx.dialect.name == "sqlite":
        return _lock(tx, more)
    before = tx.execute(_PATIENCE, {"patience": _SOON}).scalar_one()
    try:
        locked = _lock(tx, more)
    except StoreUnavailable as error:
        raise Contended("another transaction holds a value that is also needed; try again") from error
    tx.execute(_PATIENCE, {"patience": before})
    return locked


def _lock(tx: Tx, names: set[str]) -> dict[str, int]:
    locked: dict[str, int] = {}
    # A value whose number is taken continues with the next number.
    place = {name: digest(name) for name in names}
    while place:
        taken = _enter(tx, {number: name for name, number in place.items()})
        locked.update((name, number) for name, number in place.items() if taken[number] == name)
        place = {name: next_number(number) for name, number in place.items() if taken[number] != name}
    return locked


def numbers(tx: Tx, wanted: Iterable[str]) -> dict[str, int]:
    """Return by name the numbers of these values, where assigned."""
    held: dict[str, int] = tx.info.get(LOCKED, {})
    names_wanted = set(wanted)
    found = {name: held[name] for name in names_wanted & held.keys()}
    place = {name: digest(name) for name in names_wanted - found.keys()}
    while place:
        taken = names(tx, place.values())
        found.update((name, number) for name, number in place.items() if taken.get(number) == name)
        place = {name: next_number(number) for name, number in place.items() if taken.get(number, name) != name}
    return found


def stored(tx: Tx, wanted: Iterable[str]) -> dict[str, int]:
    """Return by name the numbers of these values, leaving out those without stored data."""
    return numbers(tx, set(wanted) - first_named(tx))


def first_named(tx: Tx) -> Set[str]:
    """Return the values that this transaction was the first to name, and about which it has stored nothing yet."""
    named: set[str] = tx.info.get(FIRST_NAMED, set())
    return named


def note_stored(tx: Tx, names: Iterable[str]) -> None:
    """Record that the transaction has stored data about these values."""
    named: set[str] = tx.info.get(FIRST_NAMED, set())
    named.difference_update(names)


def names(tx: Tx, wanted: Iterable[int]) -> dict[int, str]:
    """Return the names of values by their numbers."""
    found: dict[int, str] = {}
    for chunk in chunks(sorted(set(wanted))):
        found.update((row[0], row[1]) for row in fetch(tx, _NAMES, {"numbers": chunk}))
    return found


def after(tx: Tx, number: int, most: int) -> dict[int, str]:
    """Return at most ``most`` values by number, in ascending order after ``number``."""
    return {row[0]: row[1] for row in tx.execute(_AFTER, {"after": number, "rows": most})}


def _enter(tx: Tx, rows: dict[int, str]) -> dict[int, str]:
    """Lock the rows of these numbers in order, adding missing ones. Return the name at each number."""
    in_order = sorted(rows)
    named: set[str] = tx.info.setdefault(FIRST_NAMED, set())
    if tx.dialect.name == "sqlite":
        # The writer has locked the whole database.
        found = names(tx, in_order)
        missing = {number: rows[number] for number in in_order if number not in found}
        insert_many(tx, subjects, list(missing.items()))
        named |= set(missing.values())
        return found | missing
    locked: dict[int, str] = {}
    for chunk in chunks(in_order):
        adding = (_ADD, {"numbers": chunk, "names": [rows[number] for number in chunk]})
        # The facts as they are once the values are locked.
        added, held = fetch_all(tx, [adding, (_LOCK, {"numbers": chunk})], then=partial(fetch, tx, fact_versions.ALL))
        named |= {row[1] for row in added}
        locked |= {row[0]: row[1] for row in held}
    return locked


# Shorter than the time after which a database looks for deadlocks.
_SOON = "300ms"
_PATIENCE = text(
    "SELECT before FROM (SELECT current_setting('lock_timeout') AS before OFFSET 0) AS present,"
    " LATERAL set_config('lock_timeout', :patience, true)"
)
_AFTER = (
    select(subjects.c.number, subjects.c.subject)
    .where(subjects.c.number > bindparam("after", type_=BigInteger))
    .order_by(subjects.c.number)
    .limit(bindparam("rows"))
)
_NAMES = select(subjects.c.number, subjects.c.subject).where(among(subjects.c.number, "numbers", BigInteger))
_LOCK = _NAMES.order_by(subjects.c.number).with_for_update()
# In number order, so that transactions adding the same values lock in the same order.
_ADD = text(
    "INSERT INTO subjects (number, subject) SELECT number, subject FROM unnest(:numbers, :names)"
    " AS new(number, subject) ORDER BY number ON CONFLICT DO NOTHING RETURNING number, subject"
).bindparams(bindparam("numbers", type_=ARRAY(BigInteger)), bindparam("names", type_=ARRAY(Text)))
