"""Jobs: work too large for one transaction, which goes on where it was stopped.

A job is done in batches. Each batch locks the job, works from its state on, and stores the state after it, all in one
transaction: whatever ends the process, nothing is done twice, and nothing is left out. Several processes may work on
one job; they take turns.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import delete, insert, select, update

from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.tables import jobs


class Job(NamedTuple):
    """A job and how far it has come; moments in microseconds, ``ended`` None while there is work left."""

    name: str
    state: Mapping[str, Any]
    begun: int
    saved: int
    ended: int | None


def begin(tx: Tx, name: str, state: Mapping[str, Any]) -> Job:
    """Begin a job at ``state``, in place of an earlier one of that name."""
    tx.execute(delete(jobs).where(jobs.c.name == name))
    moment = now()
    row = {"name": name, "state": msgspec.json.encode(state), "begun": moment, "saved": moment, "ended": None}
    tx.execute(insert(jobs).values(row))
    return Job(name, state, moment, moment, None)


def find(tx: Tx, name: str) -> Job | None:
    """Return a job, None where there is none of that name; in a write transaction it is locked until the end."""
    row = tx.execute(select(jobs).where(jobs.c.name == name).with_for_update()).first()
    return None if row is None else _job(*row)


def unfinished(tx: Tx) -> list[Job]:
    """Return the jobs that have work left, the oldest first."""
    asked = select(jobs).where(jobs.c.ended.is_(None)).order_by(jobs.c.begun, jobs.c.name)
    return [_job(*row) for row in tx.execute(asked)]


def save(tx: Tx, name: str, state: Mapping[str, Any], *, ended: bool = False) -> None:
    """Store how far a job has come; with ``ended`` nothing is left to do."""
    moment = now()
    values = {"state": msgspec.json.encode(state), "saved": moment, "ended": moment if ended else None}
    tx.execute(update(jobs).where(jobs.c.name == name).values(values))


def _job(name: str, state: bytes, begun: int, saved: int, ended: int | None) -> Job:
    return Job(name, msgspec.json.decode(state), begun, saved, ended)
