"""The TAXII status resources: what became of each POST, for the partner that sent it."""

from sqlalchemy import delete, insert, select

from server.store.store import Tx
from server.store.tables import statuses
from server.store.times import now


def save(tx: Tx, api_root: str, status_id: str, partner: str, body: bytes) -> None:
    """Keep a status resource, in place of an earlier state of the same status."""
    mine = (statuses.c.api_root == api_root, statuses.c.id == status_id, statuses.c.partner == partner)
    tx.execute(delete(statuses).where(*mine))
    tx.execute(insert(statuses).values(api_root=api_root, id=status_id, partner=partner, created=now(), body=body))


def load(tx: Tx, api_root: str, status_id: str, partner: str) -> bytes | None:
    """Give a status resource to the partner it is for; to any other there is none."""
    asked = select(statuses.c.body).where(
        statuses.c.api_root == api_root, statuses.c.id == status_id, statuses.c.partner == partner
    )
    body: bytes | None = tx.execute(asked).scalar()
    return body


def forget(tx: Tx, *, before: int) -> int:
    """Remove the statuses of requests made ``before`` (microseconds), and say how many."""
    return tx.execute(delete(statuses).where(statuses.c.created < before)).rowcount
