"""The inbox: contributions of partners, each under its own key, and the status of each request.

The key is the number of the partner's space, a slash, and the id that the partner gave the object. So two partners may
use the same id without a conflict.
"""

from collections.abc import Iterable

import orjson
from sqlalchemy import BigInteger, LargeBinary, bindparam, delete, or_, select, text

from server.store import log
from server.store.collections import Collection, get
from server.store.database.direct import send
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.item import Item
from server.store.objects import bodies
from server.store.tables import OWN_OPINIONS, objects, statuses

_ALIAS = "inbox"


def key(space: int, object_id: str) -> str:
    """Return the key of a partner's object in its space."""
    return f"{space}/{object_id}"


def object_id(key: str) -> str:
    """Return the object id in a key. A plain id, such as a listing's, is returned unchanged."""
    return key.rpartition("/")[2]


def space(key: str) -> int:
    """Return the space in a key."""
    return int(key.partition("/")[0])


def is_key(key: str) -> bool:
    """Return whether this is the key of a contribution, not the id of an object published by the hub."""
    return "/" in key


def latest(tx: Tx, keys: Iterable[str], within: Collection | None = None) -> dict[str, Item]:
    """Return the newest version of each object under these keys, by key, with its own id."""
    found = log.latest(tx, within or get(tx, _ALIAS), keys)
    return {key: item._replace(id=object_id(key)) for key, item in found.items()}


def of_partner(tx: Tx, space: int, ids: Iterable[str]) -> dict[str, Item]:
    """Return the newest version of each of ``ids`` contributed from a partner's space, by id."""
    return {item.id: item for item in latest(tx, (key(space, id_) for id_ in ids)).values()}


def own_opinions(tx: Tx, space: int, after: int, most: int) -> list[tuple[int, bytes]]:
    """Return the newest opinions from a partner's space, in the order in which they arrived, each with that moment.

    Moments are microseconds; ``after`` is exclusive.
    """
    unpack = bodies.of(tx).first
    rows = tx.execute(_OWN_OPINIONS, {"of_space": space, "after": after, "most": most})
    return [(added, unpack(tx, body)) for added, body in rows]


def save_status(tx: Tx, api_root: str, status_id: str, partner: str, body: bytes) -> None:
    """Store a TAXII status resource, replacing an earlier state of it."""
    send(tx, _KEEP_STATUS, {"api_root": api_root, "id": status_id, "partner": partner, "created": now(), "body": body})


def load_status(tx: Tx, api_root: str, status_id: str, partner: str) -> bytes | None:
    """Return a status resource to its own partner; None for any other."""
    mine = {"of_root": api_root, "of_id": status_id, "of_partner": partner}
    body: bytes | None = tx.execute(_LOAD_STATUS, mine).scalar()
    return body


def save_upload_status(tx: Tx, upload: str, part: int, partner: str, results: Iterable[tuple[str, bool]]) -> None:
    """Store which objects a part of an uploaded file contributed, each with whether it is published, like a status."""
    listed: dict[str, list[dict[str, str]]] = {"successes": [], "pendings": []}
    for id_, is_published in results:
        listed["successes" if is_published else "pendings"].append({"id": id_})
    counts = {"success_count": len(listed["successes"]), "pending_count": len(listed["pendings"])}
    body = orjson.dumps({"total_count": sum(counts.values()), **counts, **listed})
    save_status(tx, _upload_root(upload), f"{upload}.{part}", partner, body)


def contributed_with(tx: Tx, contribution: str) -> tuple[str, list[str]] | None:
    """Return the partner and the ids of the objects of a POST or of an uploaded file; None where no status is stored.

    ``contribution`` is the id of the POST's TAXII status, or that of the upload.
    """
    mine = or_(statuses.c.id == contribution, statuses.c.api_root == _upload_root(contribution))
    rows = tx.execute(select(statuses.c.partner, statuses.c.body).where(mine)).all()
    if not rows:
        return None
    found = [orjson.loads(row.body) for row in rows]
    return rows[0].partner, [
        entry["id"] for body in found for part in ("successes", "pendings") for entry in body.get(part, ())
    ]


def _upload_root(upload: str) -> str:
    return f"upload {upload}"


def forget_statuses(tx: Tx, *, before: int, most: int = 500) -> int:
    """Remove at most ``most`` statuses of requests made ``before`` (microseconds), and return their number."""
    old = select(statuses.c.id).where(statuses.c.created < before).limit(most)
    return tx.execute(delete(statuses).where(statuses.c.id.in_(old.scalar_subquery()))).rowcount


_OWN_OPINIONS = (
    select(objects.c.date_added, objects.c.body)
    .where(objects.c.space == bindparam("of_space"), objects.c.date_added > bindparam("after", type_=BigInteger))
    .where(text(OWN_OPINIONS))
    .order_by(objects.c.date_added)
    .limit(bindparam("most", type_=BigInteger))
)
# Runs with every POST, so it is built once.
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
