"""Conflicts of findings: two hubs, or a hub and this hub's provider, report different findings on one value.

The more protective finding counts until the conflict is resolved.
"""

from collections.abc import Mapping
from typing import NamedTuple

import orjson
from sqlalchemy import bindparam, delete, func, select

from server.features.federation.desk.tables import hub_conflicts
from server.store.database.engine import Tx
from server.store.database.sql import ManyRows, chunks
from server.store.database.times import now

_conflict = hub_conflicts.c


class FindingConflict(NamedTuple):
    """A value with different findings, each by the origin of its hub; this hub is "". ``since`` is in microseconds."""

    subject: str
    findings: Mapping[str, str]
    since: int

    @property
    def kind(self) -> str:
        """The kind of the value."""
        return self.subject.partition(":")[0]

    @property
    def value(self) -> str:
        """The value in its normal form."""
        return self.subject.partition(":")[2]


def note(tx: Tx, findings: Mapping[str, Mapping[str, str]]) -> None:
    """Store the conflicts among these values, and end those of the others: the findings by subject and origin."""
    conflicting = {subject: by_hub for subject, by_hub in findings.items() if len(set(by_hub.values())) > 1}
    over = sorted(findings.keys() - conflicting.keys())
    for chunk in chunks(over):
        tx.execute(_END, {"subjects": list(chunk)})
    moment = now()
    _STORE.run(tx, [(subject, orjson.dumps(dict(by_hub)), moment) for subject, by_hub in sorted(conflicting.items())])


def latest(tx: Tx, most: int) -> list[FindingConflict]:
    """Return the newest conflicts."""
    asked = select(_conflict.subject, _conflict.findings, _conflict.since).order_by(_conflict.since.desc())
    return [FindingConflict(row[0], orjson.loads(row[1]), row[2]) for row in tx.execute(asked.limit(most))]


def count(tx: Tx) -> int:
    """Return the number of conflicts."""
    found: int = tx.execute(select(func.count()).select_from(hub_conflicts)).scalar_one()
    return found


_END = delete(hub_conflicts).where(_conflict.subject.in_(bindparam("subjects", expanding=True)))
_STORE = ManyRows(
    "INSERT INTO hub_conflicts (subject, findings, since) VALUES (?, ?, ?)"
    " ON CONFLICT (subject) DO UPDATE SET findings = excluded.findings",
    "INSERT INTO hub_conflicts (subject, findings, since) SELECT * FROM unnest({arrays})"
    " ON CONFLICT (subject) DO UPDATE SET findings = excluded.findings",
    ("text", "bytea", "bigint"),
)
