"""Which contributions speak of a value or of another object: from a value to its indicators and their sightings.

A contribution goes by its key in the inbox, and so does what it speaks of, where that is the contributor's own. Where
it is a listing of the hub's, that goes by its id.
"""

from collections.abc import Iterable, Mapping, Set
from types import MappingProxyType

from sqlalchemy import select

from schemas import kinds
from server.store.bulk import insert_many
from server.store.lists import any_of, chunks
from server.store.store import Tx
from server.store.tables import mentions


def subject(kind: str, value: str) -> str:
    """Give the name under which a value in its normal form is known here, the same for all forms of one thing."""
    return ":".join(kinds.canonical(kind, value))


def record(
    tx: Tx, pairs: Iterable[tuple[str, str]], known: Mapping[str, Set[str]] = MappingProxyType({})
) -> dict[str, set[str]]:
    """Remember that of each pair the second, a key of the inbox, speaks of the first; repeating it changes nothing.

    ``known`` says of some subjects which keys speak of them by now, so that they need not be asked for. Gives by
    subject all keys that speak of it then, as ``of`` does.
    """
    wanted = sorted(set(pairs))
    there = of(tx, {subject for subject, _ in wanted} - known.keys())
    there |= {subject: set(known[subject]) for subject, _ in wanted if subject in known}
    new = [(subject, object_id) for subject, object_id in wanted if object_id not in there.get(subject, ())]
    insert_many(tx, mentions, new)
    for subject, object_id in new:
        there.setdefault(subject, set()).add(object_id)
    return there


def of(tx: Tx, subjects: Iterable[str]) -> dict[str, set[str]]:
    """Give by subject the keys of the contributions that speak of it."""
    found: dict[str, set[str]] = {}
    columns = select(mentions.c.subject, mentions.c.object_id)
    for chunk in chunks(sorted(set(subjects))):
        for subject, object_id in tx.execute(columns.where(any_of(tx, mentions.c.subject, chunk))):
            found.setdefault(subject, set()).add(object_id)
    return found
