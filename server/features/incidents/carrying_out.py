"""Carry out a decision on the reports of an incident, in batches that let others write in between."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from server.features.incidents import records
from server.features.incidents.records import Decision, Incident, PlacedReport
from server.release import batches
from server.release.batches import BatchJob, Progress, State
from server.release.fuse.statements import indicator_subject
from server.release.hold import RELEASED_AS_GROUP, close_reviews, hold_all, release_all
from server.release.hub import Hub
from server.release.reasons import Reason
from server.release.retract import retract_all
from server.release.session import FOUND_WRONG
from server.store import Tx, audit, inbox, jobs, partners, value_index

# Begins the names of the jobs.
JOBS = "incident "
# Why a decision leaves a report out.
ERASED, RETRACTED, OTHER_VALUE = "erased", "retracted-before", "other-value"
HELD_BEFORE, NOT_HELD = "held-before", "not-held"
_NOT_DONE: Mapping[Decision, str] = {"hold": HELD_BEFORE, "release": NOT_HELD, "retract": RETRACTED}
# The decisions allowed after the last one; retracted reports stay retracted.
AFTER: Mapping[Decision | None, Sequence[Decision]] = {
    None: ("hold", "release", "retract"),
    "hold": ("release", "retract"),
    "release": ("hold", "retract"),
    "retract": (),
}


class CarryingOut(BatchJob):
    """Holds, releases or retracts the selected reports in the order of their places."""

    def __init__(self, hub: Hub, name: str) -> None:
        """Carry out the decision with this name of a job."""
        self.name = name
        self._hub = hub
        _, self._incident, number = name.split(" ")
        self._number = int(number)

    def first(self, tx: Tx) -> State:
        """Begin with the first report."""
        return {"after": 0, "done": 0, "left_out": {}, "paused": False}

    def batch(self, tx: Tx, state: State, most: int) -> Progress:
        """Change some reports, or nothing while paused."""
        if state["paused"]:
            return Progress(state, ended=False)
        found = records.find(tx, self._incident)
        decision = records.decisions_of(tx, [self._incident])[self._incident][self._number - 1]
        rows = records.reports_after(tx, self._incident, state["after"], most)
        if not rows:
            records.end_decision(tx, self._incident, self._number, {"done": state["done"], **state["left_out"]})
            verb = decision.decision.upper()
            audit.record_act(
                tx,
                decision.decided_by,
                verb,
                "incident",
                partner=found.owner,
                objects=state["done"],
                reference=found.id,
            )
            return Progress(state, ended=True)
        left_out = _carry_out(self._hub, tx, found, decision, rows)
        before = {row.place: None for row in rows if row.left_out is not None}
        records.leave_out(tx, self._incident, {**before, **left_out})
        counts = Counter(state["left_out"]) + Counter(left_out.values())
        done = state["done"] + len(rows) - len(left_out)
        return Progress({**state, "after": rows[-1].place, "done": done, "left_out": dict(counts)}, ended=False)


def _carry_out(
    hub: Hub, tx: Tx, found: Incident, decision: records.IncidentDecision, rows: Sequence[PlacedReport]
) -> dict[int, str]:
    """Decide on these reports, and return why some were left out, by their places."""
    value_index.lock(tx, {row.subject for row in rows})
    left_out = _changed(tx, rows)
    places = {row.key: row.place for row in rows if row.place not in left_out}
    done = _DECISIONS[decision.decision](hub, tx, found, decision.decided_by, places) if places else set()
    not_done = _NOT_DONE[decision.decision]
    return left_out | {place: not_done for key, place in places.items() if key not in done}


def _changed(tx: Tx, rows: Sequence[PlacedReport]) -> dict[int, str]:
    """Return why reports are no longer those that were selected, by their places."""
    items = inbox.latest(tx, [row.key for row in rows])
    why: dict[int, str] = {}
    for row in rows:
        item = items.get(row.key)
        if item is None:
            why[row.place] = ERASED
        elif item.revoked:
            why[row.place] = RETRACTED
        elif indicator_subject(msgspec.json.decode(item.body)) != row.subject:
            why[row.place] = OTHER_VALUE
    return why


def note_of(found: Incident) -> str:
    """Return the reason on receipts and reviews: it names no partner."""
    return f"incident {found.id}"


def _hold(hub: Hub, tx: Tx, found: Incident, by: str, keys: Collection[str]) -> set[str]:
    why = Reason.HELD_BY_HUB if found.owner is None else Reason.HELD_BY_PARTNER
    return hold_all(hub, tx, keys, why, note_of(found))


def _release(hub: Hub, tx: Tx, found: Incident, by: str, keys: Collection[str]) -> set[str]:
    # A partner cannot release a report that the hub holds.
    rules = RELEASED_AS_GROUP if found.owner is None else {Reason.HELD_BY_PARTNER.code}
    return release_all(hub, tx, keys, rules, by, note_of(found))


def _retract(hub: Hub, tx: Tx, found: Incident, by: str, keys: Collection[str]) -> set[str]:
    known = partners.load_registry(tx).by_space
    by_space: dict[int, list[str]] = defaultdict(list)
    for key in keys:
        by_space[inbox.space(key)].append(key)
    for space, mine in sorted(by_space.items()):
        told = FOUND_WRONG if found.owner is None else None
        retract_all(hub, tx, mine, known[space], note_of(found), told=told)
    close_reviews(tx, keys, by, note_of(found))
    return set(keys)


_DECISIONS: Mapping[Decision, Callable[[Hub, Tx, Incident, str, Collection[str]], set[str]]] = {
    "hold": _hold,
    "release": _release,
    "retract": _retract,
}


def begin(hub: Hub, tx: Tx, id_: str, decision: Decision, proposal: str | None, by: str) -> records.IncidentDecision:
    """Begin to carry out a decision; the servers, or ``scamfeed incident run``, go on."""
    made = records.add_decision(tx, id_, decision, proposal, by)
    batches.begin(tx, CarryingOut(hub, records.job_name(id_, made.number)), anew=True)
    return made


def progress(tx: Tx, decision: records.IncidentDecision) -> State | None:
    """Return the progress of a decision, None if it has ended."""
    found = jobs.find(tx, records.job_name(decision.incident, decision.number))
    return None if found is None or found.ended is not None else found.state


def set_paused(tx: Tx, decision: records.IncidentDecision, *, paused: bool) -> bool:
    """Pause a decision after its present batch, or let it go on; return False if that is nothing new."""
    state = progress(tx, decision)
    if state is None or state["paused"] == paused:
        return False
    jobs.save(tx, records.job_name(decision.incident, decision.number), {**state, "paused": paused})
    return True


def resume(hub: Hub, *, idle_since: int, stopped: Callable[[], bool] = lambda: False) -> int:
    """Carry out decisions that no process has worked on since ``idle_since`` (microseconds); return how many ended.

    Ends between two batches once ``stopped``.
    """
    with hub.store.read() as tx:
        left = [
            job.name
            for job in jobs.unfinished(tx)
            if job.name.startswith(JOBS) and not job.state["paused"] and job.saved < idle_since
        ]
    ended = 0
    for name in left:
        for state in batches.run(hub, CarryingOut(hub, name)):
            if stopped():
                return ended
            if state["paused"]:
                break
        else:
            ended += 1
    return ended
