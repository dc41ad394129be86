"""The inbox: contributions of partners, each under a key of its own, and the status of each request.

An object is stored under a key: the number of the partner's space, a slash, and the id that the partner gave it. So
two partners may use one id, and nothing that one sends meets what the other sent.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import BigInteger, LargeBinary, bindparam, delete, select, text

from server.store import log
from server.store.collections import Collection, get
from server.store.database.direct import send
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.item import Item
from server.store.tables import statuses

_ALIAS = "inbox"


def key(space: int, object_id: str) -> str:
    """Return the key of a partner's object, by the partner's space."""
    return f"{space}/{object_id}"


def object_id(key: str) -> str:
    """Return the object id in a key; a plain id, as a listing's, is returned as it is."""
    return key.rpartition("/")[2]


def space(key: str) -> int:
    """Return the space in a key."""
    return int(key.partition("/")[0])


def is_key(key: str) -> bool:
    """Return whether this is the key of a contribution, and not the id of an object that the hub itself publishes."""
    return "/" in key


def latest(tx: Tx, keys: Iterable[str], within: Collection | None = None) -> dict[str, Item]:
    """Find the newest version of each object that the inbox has under these keys, by key, under its own id."""
    found = log.latest(tx, within or get(tx, _ALIAS), keys)
    return {key: item._replace(id=object_id(key)) for key, item in found.items()}


def of_partner(tx: Tx, space: int, ids: Iterable[str]) -> dict[str, Item]:
    """Find the newest version of each of ``ids`` that the partner of a space contributed, by id."""
    return {item.id: item for item in latest(tx, (key(space, id_) for id_ in ids)).values()}


def append(tx: Tx, into: Collection, contributed: Sequence[tuple[str, Item]]) -> None:
    """Add object versions to the inbox, each under its key."""
    log.append(tx, into, [item._replace(id=key) for key, item in contributed])


def save_status(tx: Tx, api_root: str, status_id: str, partner: str, body: bytes) -> None:
    """Store a TAXII status resource, in place of an earlier state of the same status."""
    send(tx, _KEEP_STATUS, {"api_root": api_root, "id": status_id, "partner": partner, "created": now(), "body": body})


def load_status(tx: Tx, api_root: str, status_id: str, partner: str) -> bytes | None:
    """Return a status resource to the partner that it belongs to; None to every other."""
    mine = {"of_root": api_root, "of_id": status_id, "of_partner": partner}
    body: bytes | None = tx.execute(_LOAD_STATUS, mine).scalar()
    return body


def forget_statuses(tx: Tx, *, before: int, most: int = 500) -> int:
    """Remove statuses of requests made ``before`` (microseconds), at most so many at once, and return their number."""
    old = select(statuses.c.id).where(statuses.c.created < before).limit(most)
    return tx.execute(delete(statuses).where(statuses.c.id.in_(old.scalar_subquery()))).rowcount


# Run with every POST, so put together once.
_STATUS = (
    statuses.c.api_root == bindparam("of_root"),
    statuses.c.id == bindparam("of_id"),
    statuses.c.partner == bindparam("of_partner"),
)
_KEEP_STATUS = text(
    "INSERT INTO statuses (api_root, id, partner, created, body) VALUES (:api_root, :id, :partner, :created, :body)"
    " ON CONFLICT (api_root, id) DO UPDATE SET created = excluded.created, body = excluded.body"
    " WHERE statuses.partner = excluded.partner"
).bindparams(bindparam("created", type_=BigInteger), bindparam("body", type_=LargeBinary))
_LOAD_STATUS = select(statuses.c.body).where(*_STATUS)
