"""How each feed has fared: its last run, its successes and failures, and until when it waits."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import insert, select, update

from server.store.store import Tx
from server.store.tables import feed_states

Breaker = Literal["closed", "open", "half-open", "stopped"]

# A peer that failed so often in a row is not expected to answer, and the next run is a trial.
_OPENS_AT = 3


@dataclass(frozen=True, slots=True)
class FeedState:
    """How a feed stands; moments in microseconds by the database's clock, None for what has not been.

    ``failures`` counts the runs in a row that did not end well, ``stopped`` says since when a person has to mend
    something. ``runs`` to ``rejected`` are sums over all runs.
    """

    feed: str
    started: int | None = None
    ended: int | None = None
    succeeded: int | None = None
    failures: int = 0
    retry_at: int = 0
    stopped: int | None = None
    runs: int = 0
    failed: int = 0
    read: int = 0
    accepted: int = 0
    rejected: int = 0

    def breaker(self, now: int) -> Breaker:
        """Say whether the other side is asked: ``half-open`` is a single trial after a time of none."""
        if self.stopped is not None:
            return "stopped"
        if self.failures < _OPENS_AT:
            return "closed"
        return "open" if now < self.retry_at else "half-open"


def load(tx: Tx, feed: str) -> FeedState:
    """Give how the feed stands, one that never ran included."""
    row = tx.execute(select(feed_states).where(feed_states.c.feed == feed)).first()
    return FeedState(*row) if row else FeedState(feed)


def every(tx: Tx) -> dict[str, FeedState]:
    """Give how each feed stands that ever ran."""
    return {row.feed: FeedState(*row) for row in tx.execute(select(feed_states).order_by(feed_states.c.feed))}


def save(tx: Tx, state: FeedState) -> None:
    """Remember how a feed stands."""
    values = {name: getattr(state, name) for name in feed_states.c.keys()}  # noqa: SIM118 - columns, not their names
    if not tx.execute(update(feed_states).where(feed_states.c.feed == state.feed).values(values)).rowcount:
        tx.execute(insert(feed_states).values(values))


def forgive(tx: Tx, feed: str) -> None:
    """Let the feed run when its time comes, whatever has failed before."""
    forgiven = {"failures": 0, "retry_at": 0, "stopped": None}
    tx.execute(update(feed_states).where(feed_states.c.feed == feed).values(forgiven))
