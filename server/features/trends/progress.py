"""The progress of the aggregation of each log, and the claim that lets one process take each step."""

from collections.abc import Mapping

from sqlalchemy import insert, select, update

from server.features.trends.tables import trend_progress
from server.store.database.engine import Tx
from server.store.database.sql import ManyRows

# The number of the last step, and the last published day and month.
STEP = "step"
CLOSED_DAY = "closed-day"
CLOSED_MONTH = "closed-month"
# Begins the names of the places in logs.
LOG = "log:"


def load(tx: Tx) -> dict[str, int]:
    """Return all places by their names."""
    return {row[0]: row[1] for row in tx.execute(select(trend_progress.c.name, trend_progress.c.place))}


def of_log(number: int) -> str:
    """Return the name of the place up to which a log is aggregated."""
    return f"{LOG}{number}"


def claim(tx: Tx, before: Mapping[str, int], after: Mapping[str, int]) -> bool:
    """Claim the step from ``before`` to ``after``. Return False if another process took it first.

    The winner writes its results in the same transaction, so that nothing is counted twice or left out.
    """
    step = before.get(STEP)
    if step is None:
        if tx.execute(select(trend_progress.c.name).where(trend_progress.c.name == STEP)).first() is not None:
            return False
        # Of two concurrent inserts one fails, with all its other writes.
        tx.execute(insert(trend_progress).values(name=STEP, place=1))
    else:
        mine = (trend_progress.c.name == STEP, trend_progress.c.place == step)
        if not tx.execute(update(trend_progress).where(*mine).values(place=step + 1)).rowcount:
            return False
    moved = [(name, place) for name, place in after.items() if before.get(name) != place and name != STEP]
    _SET.run(tx, sorted(moved))
    return True


_SET = ManyRows(
    "INSERT INTO trend_progress (name, place) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET place = excluded.place",
    "INSERT INTO trend_progress (name, place) SELECT * FROM unnest({arrays})"
    " ON CONFLICT (name) DO UPDATE SET place = excluded.place",
    ("text", "bigint"),
)
