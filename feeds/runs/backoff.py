"""How long a feed waits after trouble, and how it stands afterwards."""

import random
from collections.abc import Callable
from dataclasses import replace

from feeds.runs.run import Run
from server.store.feed_state import FeedState
from server.store.times import micros

_FIRST_WAIT = 30.0
_LONGEST_WAIT = 3600.0
_SECOND = 1_000_000
# A feed that used to work is tried so often before a person is called: peers refuse good credentials at bad times.
_TRUSTED = 3

Chance = Callable[[float, float], float]


def after(state: FeedState, run: Run, now: int, chance: Chance = random.uniform) -> FeedState:
    """Say how a feed stands after ``run``, which ended ``now``.

    Each failure in a row doubles the wait, up to an hour, and a part of it is by chance; no wait is shorter than the
    peer asks. A run that was stopped is no run: the feed is due as before.
    """
    state = replace(
        state,
        runs=state.runs + 1,
        read=state.read + run.read,
        accepted=state.accepted + run.accepted,
        rejected=state.rejected + run.rejected,
    )
    if run.ending == "stopped":
        return state
    # How long it took is known by this machine's clock, when it ended by the database's.
    state = replace(state, started=now - (micros(run.ended) - micros(run.started)), ended=now)
    if run.error is None:
        return replace(state, succeeded=now, failures=0, retry_at=0, stopped=None)
    failures = state.failures + 1
    longest = min(_FIRST_WAIT * 2 ** min(failures - 1, 16), _LONGEST_WAIT)
    state = replace(state, failed=state.failed + 1, failures=failures)
    if run.ending == "misconfigured" and (state.succeeded is None or failures > _TRUSTED):
        return replace(state, retry_at=0, stopped=now)
    wait = max(longest * chance(0.5, 1), run.wait)
    return replace(state, retry_at=now + int(wait * _SECOND), stopped=None)
