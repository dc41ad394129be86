"""The inbox: what partners contribute, each in a space of its own.

An object is kept under a key: the number of the partner's space, a slash, and the id that the partner gave it. So two
partners may use one id, and nothing that one sends meets what the other sent.
"""

from collections.abc import Iterable, Sequence

from server.store import log
from server.store.collections import Collection, get
from server.store.item import Item
from server.store.store import Tx

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
