"""How the feeds stand, for those who look from outside: the command line and the metrics."""

from collections.abc import Mapping
from dataclasses import dataclass

from server.store import checkpoints, clock, collections, dead_letters, feed_states, leases, log
from server.store.feed_states import Breaker, FeedState
from server.store.leases import Held
from server.store.store import Tx

_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Standing:
    """How a feed stands: its state, who runs it just now, what was put aside, and how far behind it is.

    ``lag`` is in seconds: of a push, how much newer the newest object of its collection is than the last it has
    delivered; of a feed that is no push, how long it has not ended well; None where nothing can be said.
    """

    state: FeedState
    breaker: Breaker = "closed"
    held: Held | None = None
    letters: int = 0
    lag: float | None = None


def every(tx: Tx) -> Mapping[str, Standing]:
    """Give how each feed stands that ever ran, or runs."""
    now, held, letters = clock.now(tx), leases.every(tx), dead_letters.counts(tx)
    states = feed_states.every(tx)
    ends = {each.id: log.newest(tx, each) for each in collections.every(tx)}
    return {
        feed: _standing(tx, states.get(feed, FeedState(feed)), held.get(feed), letters.get(feed, 0), ends, now)
        for feed in sorted(states.keys() | held.keys() | letters.keys())
    }


def _standing(
    tx: Tx, state: FeedState, held: Held | None, letters: int, ends: Mapping[str, int | None], now: int
) -> Standing:
    checkpoint = checkpoints.load(tx, state.feed) or {}
    lag = None if state.succeeded is None else (now - state.succeeded) / _SECOND
    if checkpoint.get("collection") in ends and "after" in checkpoint:
        end = ends[checkpoint["collection"]]
        lag = 0.0 if end is None else max(0, end - checkpoint["after"]) / _SECOND
    return Standing(state, state.breaker(now), held, letters, lag)
