"""Each partner's private collections, and which objects have been in them."""

import hashlib
import re
import secrets
from collections.abc import Iterable
from typing import Literal

from sqlalchemy import bindparam, insert, select

from server.store.collections import COLUMNS, Collection, CollectionExists, add, grant
from server.store.engine import Tx
from server.store.release_tables import private_objects
from server.store.sql import any_of, chunks
from server.store.tables import collections

PrivateUse = Literal["for", "outcomes"]

_SAYS: dict[PrivateUse, tuple[str, str]] = {
    "for": ("For {}", "What reaches this partner alone, by the limits that contributors set."),
    "outcomes": ("Outcomes of {}", "What became of what this partner contributed."),
}
_PLAIN = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_OTHER = re.compile(r"[^a-z0-9]+")


def find(tx: Tx, partner: str, use: PrivateUse) -> Collection | None:
    """Find a partner's own collection, None where it was not needed yet."""
    row = tx.execute(_OWN, {"of_partner": partner, "for_use": use}).first()
    if row is None:
        return None
    [*columns] = row
    return Collection(*columns)


def find_or_add(tx: Tx, partner: str, use: PrivateUse) -> Collection:
    """Give a partner's own collection, which nobody else reads; it is made when it is first needed."""
    return find(tx, partner, use) or _made(tx, partner, use)


def _made(tx: Tx, partner: str, use: PrivateUse) -> Collection:
    title, description = _SAYS[use]
    names = _readable(partner, use), title.format(partner)
    try:
        made = add(tx, *names, kind="private", description=description, owner=partner, use=use)
    except CollectionExists:
        # Another collection looks like this one: they are told apart by a word that nobody chooses.
        word = secrets.token_hex(6)
        alias, title = f"{names[0]}-{word}", f"{names[1]} ({word})"
        made = add(tx, alias, title, kind="private", description=description, owner=partner, use=use)
    grant(tx, partner, made, read=True)
    return made


def _readable(partner: str, use: PrivateUse) -> str:
    """Give an alias that a person reads: the partner's name, with a part of its hash where that is not all of it."""
    if _PLAIN.fullmatch(partner) and len(partner) <= 60:
        return f"{use}-{partner}"
    digest = hashlib.sha256(partner.encode()).hexdigest()[:8]
    return "-".join(filter(None, (use, _OTHER.sub("-", partner.lower()).strip("-")[:40].strip("-"), digest)))


_OWN = select(*COLUMNS).where(collections.c.owner == bindparam("of_partner"), collections.c.use == bindparam("for_use"))


def record_objects(tx: Tx, pairs: Iterable[tuple[str, int]]) -> None:
    """Remember that of each pair the first, an object id, entered the collection of that number; repeating is safe."""
    wanted = sorted(set(pairs))
    there = of_objects(tx, {object_id for object_id, _ in wanted})
    new = [(object_id, number) for object_id, number in wanted if number not in there.get(object_id, ())]
    if new:
        tx.execute(insert(private_objects), [{"object_id": id_, "collection": number} for id_, number in new])


def of_objects(tx: Tx, ids: Iterable[str]) -> dict[str, set[int]]:
    """Give by object id the numbers of the personal rooms that it has been in."""
    found: dict[str, set[int]] = {}
    for chunk in chunks(sorted(set(ids))):
        asked = select(private_objects).where(any_of(tx, private_objects.c.object_id, chunk))
        for object_id, number in tx.execute(asked):
            found.setdefault(object_id, set()).add(number)
    return found
