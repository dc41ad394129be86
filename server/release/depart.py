"""End the part of a partner: its access at once, its open receipts and, where asked, its reports in batches."""

from collections.abc import Callable

from server.release import batches
from server.release.batches import BatchJob, Progress, State
from server.release.hub import Hub
from server.release.retract import retract_all
from server.store import Tx, collections, inbox, jobs, log, partners, retractions
from server.store.objects.query import Query

_NAME = "partner remove "
# Rows of the inbox read for each report to retract: most are other partners'.
_ROWS_A_REPORT = 10


class Departure(BatchJob):
    """The rest to do for a partner that has left: it ends at once where the partner takes part again.

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
        """Return whether what is left includes the reports, where these are to be retracted now."""
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
        query = Query(types=("indicator",), revoked=False, after=state["after"], limit=most * _ROWS_A_REPORT)
        page = log.manifest(tx, collections.get(tx, "inbox"), query)
        space = partners.space(tx, self._partner)
        mine = [record for record in page.records if inbox.space(record.id) == space][:most]
        partner = partners.get(tx, self._partner, gone=True)
        retracted = retract_all(self._hub, tx, [record.id for record in mine], partner, state["reason"])
        after = mine[-1].date_added if len(mine) == most else page.next
        done = {**state, "reports": state["reports"] + len(retracted)}
        if after is None or after >= state["end"]:
            return Progress(done, ended=True)
        return Progress({**done, "after": after}, ended=False)


def unfinished(tx: Tx) -> list[str]:
    """Return the names of the partners for whose departure something is left to do."""
    return [job.name.removeprefix(_NAME) for job in jobs.unfinished(tx) if job.name.startswith(_NAME)]


def is_retracting(tx: Tx, partner: str) -> bool:
    """Return whether reports of a partner that left are being retracted."""
    found = jobs.find(tx, _NAME + partner)
    return found is not None and found.ended is None and found.state["reason"] is not None


def resume(hub: Hub, *, idle_since: int, stopped: Callable[[], bool] = lambda: False) -> int:
    """Go on with departures that nobody has worked on since ``idle_since`` (microseconds); return how many ended.

    It ends between two batches once ``stopped``.
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
