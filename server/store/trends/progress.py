"""The progress of the folds of the logs, and the step that only one process can take."""

from collections.abc import Mapping

from sqlalchemy import insert, select, update

from server.store.database.engine import Tx
from server.store.database.sql import ManyRows
from server.store.trends.tables import trend_progress

# The number of the last step, and the last day and month that were published.
STEP = "step"
CLOSED_DAY = "closed-day"
CLOSED_MONTH = "closed-month"


def load(tx: Tx) -> dict[str, int]:
    """Return all places by their names."""
    return {row[0]: row[1] for row in tx.execute(select(trend_progress.c.name, trend_progress.c.place))}


def of_log(number: int) -> str:
    """Return the name of the place up to which a log is folded."""
    return f"log:{number}"


def claim(tx: Tx, before: Mapping[str, int], after: Mapping[str, int]) -> bool:
    """Claim the step from ``before`` to ``after``, and return whether no other process took it first.

    Whoever takes it writes what it folded in the same transaction, so that nothing is counted twice or left out.
    """
    step = before.get(STEP)
    if step is None:
        if tx.execute(select(trend_progress.c.name).where(trend_progress.c.name == STEP)).first() is not None:
            return False
        # Of two that insert it at once one fails, and with it all that it wrote.
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
