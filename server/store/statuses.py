"""The TAXII status resources: what became of each POST, for the partner that sent it."""

from sqlalchemy import bindparam, delete, insert, select

from server.store.store import Tx
from server.store.tables import statuses
from server.store.times import now


def save(tx: Tx, api_root: str, status_id: str, partner: str, body: bytes) -> None:
    """Keep a status resource, in place of an earlier state of the same status."""
    mine = {"of_root": api_root, "of_id": status_id, "of_partner": partner}
    tx.execute(_FORGET, mine)
    tx.execute(_KEEP, {"api_root": api_root, "id": status_id, "partner": partner, "created": now(), "body": body})


def load(tx: Tx, api_root: str, status_id: str, partner: str) -> bytes | None:
    """Give a status resource to the partner it is for; to any other there is none."""
    mine = {"of_root": api_root, "of_id": status_id, "of_partner": partner}
    body: bytes | None = tx.execute(_LOAD, mine).scalar()
    return body


def forget(tx: Tx, *, before: int, most: int = 500) -> int:
    """Remove statuses of requests made ``before`` (microseconds), at most so many at once, and say how many."""
    old = select(statuses.c.id).where(statuses.c.created < before).limit(most)
    return tx.execute(delete(statuses).where(statuses.c.id.in_(old.scalar_subquery()))).rowcount


# Asked with every POST, so put together once.
_MINE = (
    statuses.c.api_root == bindparam("of_root"),
    statuses.c.id == bindparam("of_id"),
    statuses.c.partner == bindparam("of_partner"),
)
_FORGET = delete(statuses).where(*_MINE)
_KEEP = insert(statuses)
_LOAD = select(statuses.c.body).where(*_MINE)
