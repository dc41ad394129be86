"""Which personal rooms an object has been in: where its later versions and its revocation have to go as well."""

from collections.abc import Iterable

from sqlalchemy import insert, select

from server.store.lists import any_of, chunks
from server.store.store import Tx
from server.store.tables_of_rules import personal_rooms


def record(tx: Tx, pairs: Iterable[tuple[str, int]]) -> None:
    """Remember that of each pair the first, an object id, entered the collection of that number; repeating is safe."""
    wanted = sorted(set(pairs))
    there = of(tx, {object_id for object_id, _ in wanted})
    new = [(object_id, number) for object_id, number in wanted if number not in there.get(object_id, ())]
    if new:
        tx.execute(insert(personal_rooms), [{"object_id": id_, "collection": number} for id_, number in new])


def of(tx: Tx, ids: Iterable[str]) -> dict[str, set[int]]:
    """Give by object id the numbers of the personal rooms that it has been in."""
    found: dict[str, set[int]] = {}
    for chunk in chunks(sorted(set(ids))):
        asked = select(personal_rooms).where(any_of(tx, personal_rooms.c.object_id, chunk))
        for object_id, number in tx.execute(asked):
            found.setdefault(object_id, set()).add(number)
    return found
