"""Update the listings for a provider after its institutions changed: some values enter, others leave."""

from collections.abc import Callable

from schemas.partner import provider_keys
from server.release import batches
from server.release.batches import BatchJob, Progress, State
from server.release.hub import Hub
from server.release.session import ReleaseSession
from server.store import Tx, jobs, value_index
from server.store.providers import kept_accounts

_NAME = "accounts of "
_REASON = "it has another provider"
# Most values belong to other providers: they are skipped without being read.
_VALUES_AT_ONCE = 10


class Keeping(BatchJob):
    """Checks all values whose providers have these keys, in the order of their numbers."""

    def __init__(self, hub: Hub, partner: str, keys: frozenset[str] = frozenset()) -> None:
        """Check the values for the partner of that name; ``keys`` are those of its institutions that changed."""
        self.name = _NAME + partner
        self._hub = hub
        self._partner = partner
        self._keys = keys

    def first(self, tx: Tx) -> State:
        """Begin with the first value."""
        return {"after": -1, "keys": sorted(self._keys), "values": 0, "changed": 0}

    def goes_on(self, tx: Tx, state: State) -> bool:
        """Return whether it checks the same institutions."""
        return set(state["keys"]) == self._keys

    def batch(self, tx: Tx, state: State, most: int) -> Progress:
        """Check a batch of values."""
        found = value_index.values_after(tx, state["after"], most * _VALUES_AT_ONCE)
        if not found:
            return Progress(state, ended=True)
        keys, mine, after = frozenset(state["keys"]), [], state["after"]
        for number, subject in sorted(found.items()):
            after = number
            kind, _, value = subject.partition(":")
            if not keys.isdisjoint(provider_keys(kind, value)):
                mine.append(subject)
            if len(mine) == most:
                break
        changed = self._release(tx, mine) if mine else 0
        done = {"values": state["values"] + len(mine), "changed": state["changed"] + changed}
        return Progress({**state, **done, "after": after}, ended=False)

    def _release(self, tx: Tx, subjects: list[str]) -> int:
        value_index.lock(tx, subjects)
        session = ReleaseSession.open(self._hub, tx)
        states = session.release(session.load(subjects), _REASON)
        kept = {
            subject: kept.state
            for subject, state in states.items()
            for kept in state.kept
            if kept.provider == self._partner
        }
        there = [subject for subject, state in kept.items() if state.ids and not state.entered]
        kept_accounts.come_back(tx, self._partner, there, session.context.micros)
        return sum(1 for state in kept.values() if state.entered or state.left)


def begin(hub: Hub, tx: Tx, partner: str, keys: frozenset[str]) -> Keeping:
    """Begin to check the values of institutions that a partner gained or lost.

    If an earlier check of its other institutions is unfinished, continue it too.
    """
    found = jobs.find(tx, _NAME + partner)
    if found is not None and found.ended is None:
        keys |= frozenset(found.state["keys"])
    job = Keeping(hub, partner, keys)
    batches.begin(tx, job, anew=True)
    return job


def resume(hub: Hub, *, idle_since: int, stopped: Callable[[], bool] = lambda: False) -> int:
    """Continue checks that no process has worked on since ``idle_since`` (microseconds); return how many ended."""
    with hub.store.read() as tx:
        left = [job.name for job in jobs.unfinished(tx) if job.name.startswith(_NAME) and job.saved < idle_since]
    ended = 0
    for name in left:
        for _ in batches.run(hub, Keeping(hub, name.removeprefix(_NAME))):
            if stopped():
                return ended
        ended += 1
    return ended
