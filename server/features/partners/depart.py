"""End a partner's participation: its access at once; its open receipts and, if asked, its reports in batches."""

from collections.abc import Callable

from server.release import batches
from server.release.batches import BatchJob, Progress, State
from server.release.hub import Hub
from server.release.retract import retract_all
from server.store import Tx, collections, inbox, jobs, log, partners, retractions
from server.store.objects.query import Query

_NAME = "partner remove "
# Pages of the inbox read in a batch at most, until there are enough reports to retract: most belong to other partners.
_PAGES = 10


class Departure(BatchJob):
    """The remaining work for a partner that has left. It ends at once if the partner returns.

    With a ``reason`` the partner's reports are retracted; without one they stay.
    """

    def __init__(self, hub: Hub, partner: str, reason: str | None = None) -> None:
        """Do it for the partner of that name."""
        self.name = _NAME + partner
        self._hub = hub
        self._partner = partner
        self._reason = reason

    def first(self, tx: Tx) -> State:
        """Begin with the receipts."""
        last = log.last_added(tx, collections.get(tx, "inbox")) or 0
        done = {"receipts": 0, "reports": 0}
        return {"step": "receipts", "reason": self._reason, "after": -1, "end": last, **done}

    def goes_on(self, tx: Tx, state: State) -> bool:
        """Return whether the remaining work includes the reports, if these are to be retracted now."""
        return self._reason is None or state["reason"] is not None

    def batch(self, tx: Tx, state: State, most: int) -> Progress:
        """Close receipts, or retract reports."""
        if self._partner not in partners.departed_partners(tx):
            return Progress(state, ended=True)
        return self._receipts(tx, state, most) if state["step"] == "receipts" else self._reports(tx, state, most)

    def _receipts(self, tx: Tx, state: State, most: int) -> Progress:
        closed = retractions.close_departed(tx, self._partner, most=most)
        done = {**state, "receipts": state["receipts"] + closed}
        if closed == most:
            return Progress(done, ended=False)
        return Progress({**done, "step": "reports"}, ended=state["reason"] is None)

    def _reports(self, tx: Tx, state: State, most: int) -> Progress:
        contributed, space = collections.get(tx, "inbox"), partners.space(tx, self._partner)
        after, mine = state["after"], list[str]()
        for _ in range(_PAGES):
            page = log.manifest(tx, contributed, Query(types=("indicator",), revoked=False, after=after, limit=most))
            mine += [record.id for record in page.records if inbox.space(record.id) == space]
            after = page.next
            if after is None or after >= state["end"] or len(mine) >= most:
                break
        partner = partners.get(tx, self._partner, gone=True)
        retracted = retract_all(self._hub, tx, mine, partner, state["reason"])
        done = {**state, "reports": state["reports"] + len(retracted)}
        if after is None or after >= state["end"]:
            return Progress(done, ended=True)
        return Progress({**done, "after": after}, ended=False)


def unfinished(tx: Tx) -> list[str]:
    """Return the names of the partners whose departure is unfinished."""
    return [job.name.removeprefix(_NAME) for job in jobs.unfinished(tx) if job.name.startswith(_NAME)]


def is_retracting(tx: Tx, partner: str) -> bool:
    """Return whether reports of a partner that left are being retracted."""
    found = jobs.find(tx, _NAME + partner)
    return found is not None and found.ended is None and found.state["reason"] is not None


def resume(hub: Hub, *, idle_since: int, stopped: Callable[[], bool] = lambda: False) -> int:
    """Continue departures that no process has worked on since ``idle_since`` (microseconds); return how many ended.

    Ends between two batches once ``stopped``.
    """
    with hub.store.read() as tx:
        left = [job.name for job in jobs.unfinished(tx) if job.name.startswith(_NAME) and job.saved < idle_since]
    ended = 0
    for name in left:
        for _ in batches.run(hub, Departure(hub, name.removeprefix(_NAME))):
            if stopped():
                return ended
        ended += 1
    return ended
