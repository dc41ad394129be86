"""Jobs: work too large for one transaction, which can continue after an interruption.

A job runs in batches. Each batch locks the job, continues from its state, and stores the new state, all in one
transaction. So after a crash nothing is repeated and nothing is omitted. Several processes may work on one job; they
take turns.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Select, delete, insert, select, update

from server.store.database.engine import Tx, is_writing
from server.store.database.times import now
from server.store.tables import columns_of, jobs


class Job(NamedTuple):
    """A job and its progress. Moments are in microseconds; ``ended`` is None while work is left."""

    name: str
    state: Mapping[str, Any]
    begun: int
    saved: int
    ended: int | None


def begin(tx: Tx, name: str, state: Mapping[str, Any]) -> Job:
    """Begin a job at ``state``, replacing an earlier one of that name."""
    tx.execute(delete(jobs).where(jobs.c.name == name))
    moment = now()
    row = {"name": name, "state": msgspec.json.encode(state), "begun": moment, "saved": moment, "ended": None}
    tx.execute(insert(jobs).values(row))
    return Job(name, state, moment, moment, None)


def find(tx: Tx, name: str) -> Job | None:
    """Return a job by name, or None. In a write transaction it is locked until the end."""
    asked = select(*columns_of(Job, jobs)).where(jobs.c.name == name)
    row = tx.execute(asked.with_for_update() if is_writing(tx) else asked).first()
    return None if row is None else _job(*row)


def unfinished(tx: Tx) -> list[Job]:
    """Return the unfinished jobs, the oldest first."""
    asked = select(*columns_of(Job, jobs)).where(jobs.c.ended.is_(None)).order_by(jobs.c.begun, jobs.c.name)
    return [_job(*row) for row in tx.execute(asked)]


def begun(prefix: str) -> Select[Any]:
    """Return the statement that finds the unfinished jobs whose names begin with ``prefix``."""
    return select(jobs.c.name).where(jobs.c.ended.is_(None), jobs.c.name.startswith(prefix, autoescape=True))


def save(tx: Tx, name: str, state: Mapping[str, Any], *, ended: bool = False) -> None:
    """Store the progress of a job; ``ended`` marks it as finished."""
    moment = now()
    values = {"state": msgspec.json.encode(state), "saved": moment, "ended": moment if ended else None}
    tx.execute(update(jobs).where(jobs.c.name == name).values(values))


def forget(tx: Tx, name: str) -> None:
    """Remove a job, ended or not."""
    tx.execute(delete(jobs).where(jobs.c.name == name))


def _job(name: str, state: bytes, begun: int, saved: int, ended: int | None) -> Job:
    return Job(name, msgspec.json.decode(state), begun, saved, ended)
