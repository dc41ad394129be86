"""The values that anybody reported, each under a number, and the lock of each.

The number of a value is a digest of its name, so that nobody hands numbers out; where two values have one digest, the
second takes the next number that is free.
"""

from collections.abc import Iterable
from hashlib import blake2b

from sqlalchemy import ARRAY, BigInteger, Text, bindparam, select, text

from server.store.engine import Tx
from server.store.sql import among, chunks, insert_many
from server.store.tables import subjects

_MASK = (1 << 63) - 1


def digest(subject: str) -> int:
    """Return the number that a value has unless another value took it."""
    return int.from_bytes(blake2b(subject.encode(), digest_size=8).digest()) & _MASK


def lock(tx: Tx, wanted: Iterable[str]) -> dict[str, int]:
    """Lock the rows of these values until the transaction ends, new ones too; return their numbers by name.

    Whoever locks several sets of values, one after the other, can wait for somebody who waits in turn: lock all at
    once, or give up and begin again with the larger set.
    """
    names = set(wanted)
    locked: dict[str, int] = {}
    # A value whose number another value has goes on to the next number.
    place = {name: digest(name) for name in names}
    while place:
        taken = _enter(tx, {number: name for name, number in place.items()})
        locked.update((name, number) for name, number in place.items() if taken[number] == name)
        place = {name: (number + 1) & _MASK for name, number in place.items() if taken[number] != name}
    return locked


def numbers(tx: Tx, wanted: Iterable[str]) -> dict[str, int]:
    """Return by name the numbers of those of these values that have one."""
    found: dict[str, int] = {}
    place = {name: digest(name) for name in set(wanted)}
    while place:
        taken = names(tx, place.values())
        found.update((name, number) for name, number in place.items() if taken.get(number) == name)
        place = {name: (number + 1) & _MASK for name, number in place.items() if taken.get(number, name) != name}
    return found


def names(tx: Tx, wanted: Iterable[int]) -> dict[int, str]:
    """Return the names of values by their numbers."""
    found: dict[int, str] = {}
    for chunk in chunks(sorted(set(wanted))):
        found.update((row[0], row[1]) for row in tx.execute(_NAMES, {"numbers": chunk}))
    return found


def _enter(tx: Tx, rows: dict[int, str]) -> dict[int, str]:
    """Lock the rows of these numbers, in their order, adding those that are missing; return who has each."""
    in_order = sorted(rows)
    if tx.dialect.name == "sqlite":
        # Whoever writes has locked the whole database.
        found = names(tx, in_order)
        missing = {number: rows[number] for number in in_order if number not in found}
        insert_many(tx, subjects, list(missing.items()))
        return found | missing
    for chunk in chunks(in_order):
        tx.execute(_ADD, {"numbers": chunk, "names": [rows[number] for number in chunk]})
    return {row[0]: row[1] for chunk in chunks(in_order) for row in tx.execute(_LOCK, {"numbers": chunk})}


_NAMES = select(subjects.c.number, subjects.c.subject).where(among(subjects.c.number, "numbers", BigInteger))
_LOCK = _NAMES.order_by(subjects.c.number).with_for_update()
# In the order of the numbers, so that two who add the same values wait for each other in one order.
_ADD = text(
    "INSERT INTO subjects (number, subject) SELECT number, subject FROM unnest(:numbers, :names)"
    " AS new(number, subject) ORDER BY number ON CONFLICT DO NOTHING"
).bindparams(bindparam("numbers", type_=ARRAY(BigInteger)), bindparam("names", type_=ARRAY(Text)))
