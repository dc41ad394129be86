"""The values that anybody reported, each under a number, and the lock of each.

The number of a value is a digest of its name, so that nobody hands numbers out; where two values have one digest, the
second takes the next number that is free.
"""

from collections.abc import Iterable, Set
from hashlib import blake2b

from sqlalchemy import ARRAY, BigInteger, Text, bindparam, select, text

from server.store.database.direct import fetch
from server.store.database.engine import FIRST_NAMED, LOCKED, Contended, StoreUnavailable, Tx
from server.store.database.sql import among, chunks, insert_many
from server.store.tables import subjects

_MASK = (1 << 63) - 1


def digest(subject: str) -> int:
    """Return the number that a value has unless another value took it."""
    return int.from_bytes(blake2b(subject.encode(), digest_size=8).digest()) & _MASK


def next_number(number: int) -> int:
    """Return the number that a value tries next where another value has this one."""
    return (number + 1) & _MASK


def lock(tx: Tx, wanted: Iterable[str]) -> dict[str, int]:
    """Lock the rows of these values until the transaction ends, new ones too; return their numbers by name.

    All that are known should be locked at once. Whoever has locked some and waits for others can wait for somebody who
    waits in turn, so that a transaction that has locked values or collections already does not wait long for more.
    Raises ``Contended`` where others hold them.
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
        raise Contended("others hold a value that is concerned too; try again") from error
    tx.execute(_PATIENCE, {"patience": before})
    return locked


def _lock(tx: Tx, names: set[str]) -> dict[str, int]:
    locked: dict[str, int] = {}
    # A value whose number another value has goes on to the next number.
    place = {name: digest(name) for name in names}
    while place:
        taken = _enter(tx, {number: name for name, number in place.items()})
        locked.update((name, number) for name, number in place.items() if taken[number] == name)
        place = {name: next_number(number) for name, number in place.items() if taken[number] != name}
    return locked


def numbers(tx: Tx, wanted: Iterable[str]) -> dict[str, int]:
    """Return by name the numbers of those of these values that have one."""
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
    """Return by name the numbers of those of these values of which anything may be stored."""
    return numbers(tx, set(wanted) - first_named(tx))


def first_named(tx: Tx) -> Set[str]:
    """Return the values that nobody named before this transaction, of which it has stored nothing yet."""
    named: set[str] = tx.info.get(FIRST_NAMED, set())
    return named


def note_stored(tx: Tx, names: Iterable[str]) -> None:
    """Note that the transaction has stored something of these values."""
    named: set[str] = tx.info.get(FIRST_NAMED, set())
    named.difference_update(names)


def names(tx: Tx, wanted: Iterable[int]) -> dict[int, str]:
    """Return the names of values by their numbers."""
    found: dict[int, str] = {}
    for chunk in chunks(sorted(set(wanted))):
        found.update((row[0], row[1]) for row in fetch(tx, _NAMES, {"numbers": chunk}))
    return found


def after(tx: Tx, number: int, most: int) -> dict[int, str]:
    """Return at most so many values by their numbers, in the order of these, from after ``number`` on."""
    return {row[0]: row[1] for row in tx.execute(_AFTER, {"after": number, "rows": most})}


def _enter(tx: Tx, rows: dict[int, str]) -> dict[int, str]:
    """Lock the rows of these numbers, in their order, adding those that are missing; return who has each."""
    in_order = sorted(rows)
    named: set[str] = tx.info.setdefault(FIRST_NAMED, set())
    if tx.dialect.name == "sqlite":
        # Whoever writes has locked the whole database.
        found = names(tx, in_order)
        missing = {number: rows[number] for number in in_order if number not in found}
        insert_many(tx, subjects, list(missing.items()))
        named |= set(missing.values())
        return found | missing
    added: dict[int, str] = {}
    for chunk in chunks(in_order):
        new = fetch(tx, _ADD, {"numbers": chunk, "names": [rows[number] for number in chunk]})
        added.update((row[0], row[1]) for row in new)
    named |= set(added.values())
    # What it has added is its own until it ends.
    others = [number for number in in_order if number not in added]
    found = {row[0]: row[1] for chunk in chunks(others) for row in fetch(tx, _LOCK, {"numbers": chunk})}
    return added | found


# Shorter than a database waits before it looks for transactions that wait for each other.
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
# In the order of the numbers, so that two who add the same values wait for each other in one order.
_ADD = text(
    "INSERT INTO subjects (number, subject) SELECT number, subject FROM unnest(:numbers, :names)"
    " AS new(number, subject) ORDER BY number ON CONFLICT DO NOTHING RETURNING number, subject"
).bindparams(bindparam("numbers", type_=ARRAY(BigInteger)), bindparam("names", type_=ARRAY(Text)))
