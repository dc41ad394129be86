"""The stored policies: the text of the rules, their dates, and the persons who decided."""

from typing import Any, Literal, NamedTuple

from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.policies.tables import policies

# configuration: its [[rule]] tables. default: no rules were made. decided: by two persons.
PolicySource = Literal["configuration", "default", "decided"]

_p = policies.c


class UnknownPolicy(LookupError):
    """No policy with this number was ever in force."""


class StoredPolicy(NamedTuple):
    """A policy that took effect at ``since`` (microseconds): its rules as TOML, and the two persons, if any."""

    number: int
    rules: str
    source: PolicySource
    since: int
    proposed_by: str | None = None
    confirmed_by: str | None = None
    note: str | None = None


def add(
    tx: Tx,
    rules: str,
    source: PolicySource,
    *,
    proposed_by: str | None = None,
    confirmed_by: str | None = None,
    note: str | None = None,
) -> StoredPolicy | None:
    """Add the policy in force from now on. Return None if another transaction adds one at the same moment."""
    number = tx.execute(select(func.coalesce(func.max(_p.number), 0) + 1)).scalar_one()
    new = StoredPolicy(number, rules, source, now(), proposed_by, confirmed_by, note)
    try:
        with tx.begin_nested():
            tx.execute(insert(policies), [new._asdict()])
    except IntegrityError:
        return None
    return new


def last(tx: Tx) -> StoredPolicy | None:
    """Return the policy that took effect last, or None."""
    row: Any = tx.execute(select(policies).order_by(_p.number.desc()).limit(1)).first()
    return None if row is None else StoredPolicy(*row)


def last_decided(tx: Tx) -> StoredPolicy | None:
    """Return the last policy decided by two persons, or None."""
    row: Any = tx.execute(select(policies).where(_p.source == "decided").order_by(_p.number.desc()).limit(1)).first()
    return None if row is None else StoredPolicy(*row)


def get(tx: Tx, number: int) -> StoredPolicy:
    """Return the policy with that number. Raises ``UnknownPolicy``."""
    row: Any = tx.execute(select(policies).where(_p.number == number)).first()
    if row is None:
        raise UnknownPolicy(f"no policy {number} was ever in force")
    return StoredPolicy(*row)


def history(tx: Tx, *, before: int | None = None, limit: int = 100) -> list[StoredPolicy]:
    """Return policies with numbers below ``before``, the latest first."""
    asked = select(policies).order_by(_p.number.desc()).limit(limit)
    if before is not None:
        asked = asked.where(_p.number < before)
    return [StoredPolicy(*row) for row in tx.execute(asked)]
