"""The inbox: what partners contribute, each under a key of its own, and the status of each of their requests."""

from collections.abc import Iterable, Sequence

from sqlalchemy import bindparam, delete, insert, select

from server.store import log
from server.store.collections import Collection, get
from server.store.engine import Tx
from server.store.item import Item
from server.store.tables import statuses
from server.store.times import now

_ALIAS = "inbox"


def key(space: int, object_id: str) -> str:
    """Give the key of an object of a partner's, by the partner's space."""
    return f"{space}/{object_id}"


def object_id(key: str) -> str:
    """Give the id that the object of a key has; what is no key, as a listing's id, is an id already."""
    return key.rpartition("/")[2]


def space(key: str) -> int:
    """Give the space that a key is of."""
    return int(key.partition("/")[0])


def is_key(key: str) -> bool:
    """Tell whether something is the key of a contribution, not the id of what the hub itself publishes."""
    return "/" in key


def latest(tx: Tx, keys: Iterable[str], within: Collection | None = None) -> dict[str, Item]:
    """Find the newest version of each object that the inbox has under these keys, by key, under its own id."""
    found = log.latest(tx, within or get(tx, _ALIAS), keys)
    return {each: item._replace(id=object_id(each)) for each, item in found.items()}


def of_partner(tx: Tx, space: int, ids: Iterable[str]) -> dict[str, Item]:
    """Find the newest version of each of ``ids`` that the partner of a space contributed, by id."""
    return {item.id: item for item in latest(tx, (key(space, each) for each in ids)).values()}


def append(tx: Tx, into: Collection, kept: Sequence[tuple[str, Item]]) -> None:
    """Add object versions to the inbox, each under its key."""
    log.append(tx, into, [item._replace(id=key) for key, item in kept])


def save_status(tx: Tx, api_root: str, status_id: str, partner: str, body: bytes) -> None:
    """Keep a status resource, in place of an earlier state of the same status."""
    mine = {"of_root": api_root, "of_id": status_id, "of_partner": partner}
    tx.execute(_FORGET_STATUS, mine)
    tx.execute(
        _KEEP_STATUS, {"api_root": api_root, "id": status_id, "partner": partner, "created": now(), "body": body}
    )


def load_status(tx: Tx, api_root: str, status_id: str, partner: str) -> bytes | None:
    """Give a status resource to the partner it is for; to any other there is none."""
    mine = {"of_root": api_root, "of_id": status_id, "of_partner": partner}
    body: bytes | None = tx.execute(_LOAD_STATUS, mine).scalar()
    return body


def forget_statuses(tx: Tx, *, before: int, most: int = 500) -> int:
    """Remove statuses of requests made ``before`` (microseconds), at most so many at once, and say how many."""
    old = select(statuses.c.id).where(statuses.c.created < before).limit(most)
    return tx.execute(delete(statuses).where(statuses.c.id.in_(old.scalar_subquery()))).rowcount


# Asked with every POST, so put together once.
_STATUS = (
    statuses.c.api_root == bindparam("of_root"),
    statuses.c.id == bindparam("of_id"),
    statuses.c.partner == bindparam("of_partner"),
)
_FORGET_STATUS = delete(statuses).where(*_STATUS)
_KEEP_STATUS = insert(statuses)
_LOAD_STATUS = select(statuses.c.body).where(*_STATUS)
