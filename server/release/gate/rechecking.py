"""Values that became harmless after they were listed: their reports are held, and their listings end."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from pydantic import ValidationError

from schemas.errors import Rejected
from schemas.records import Subject
from server.release import batches
from server.release.batches import BatchJob, Progress, State
from server.release.context import ReleaseContext, open_context
from server.release.fuse.police_holds import is_police_hold
from server.release.fuse.statements import is_published_meanwhile
from server.release.gate.leaving import as_report
from server.release.guard.allowlists.catalogue import AllowlistMatch
from server.release.guard.harmless import match_harmless
from server.release.hub import Hub
from server.release.session import ReleaseSession
from server.store import inbox, jobs, reviews, value_index
from server.store.database.engine import Tx
from server.store.inbox import object_id
from server.store.reviews import HeldObject

NAME = "harmless values"
# On the receipts of the delistings.
REASON = "the value is now known as harmless"


def hold_harmless(hub: Hub, tx: Tx, subjects: Iterable[str]) -> int:
    """Hold the reports of those values that the guard calls harmless now, and delist them; return their number.

    Reports that a person approved although the same list had the value stay, and so do the holds of police. The ways
    out are also told of a value that nobody reports: a request may be about it.
    """
    wanted = set(subjects)
    value_index.lock(tx, wanted)
    context = open_context(hub, tx)
    matches = {subject: match for subject in wanted if (match := _match(hub, context, subject)) is not None}
    reported = _reports(tx, matches)
    known = reviews.states(tx, reported)
    held = {
        key: match
        for key, match in reported.items()
        if (review := known.get(key)) is None
        or is_published_meanwhile(review)
        or (review.state == "approved" and review.rule != match.list)
    }
    if held:
        values = ReleaseSession(context).load(matches)
        by_order = {one.key for value in values for one in value.statements if is_police_hold(one, context.at)}
        held = {key: match for key, match in held.items() if key not in by_order}
    if not held and value_index.find(tx, matches).keys() >= matches.keys():
        return 0
    by_partner: dict[str, list[HeldObject]] = defaultdict(list)
    for key, match in sorted(held.items()):
        by_partner[context.contributor(key).name].append(HeldObject(key, None, match.list, match.message))
    for partner, found in by_partner.items():
        reviews.hold(tx, partner, found)
    session = ReleaseSession.open(hub, tx)
    session.release(session.load(matches), REASON)
    return len(held)


def begin(tx: Tx) -> None:
    """Begin to check all values again; ``run`` does the work, and servers continue it after an interruption."""
    jobs.begin(tx, NAME, _FIRST)


def run(hub: Hub, *, stopped: Callable[[], bool] = lambda: False) -> int:
    """Do the rest of the work that ``begin`` began, and return the number of reports that it held."""
    held = 0
    for state in batches.run(hub, _Rechecking(hub)):
        held = state["held"]
        if stopped():
            break
    return held


def resume(hub: Hub, *, idle_since: int, stopped: Callable[[], bool] = lambda: False) -> int:
    """Continue work that no process has done since ``idle_since`` (microseconds); return how many jobs ended."""
    with hub.store.read() as tx:
        left = [job for job in jobs.unfinished(tx) if job.name == NAME and job.saved < idle_since]
    for _ in left:
        run(hub, stopped=stopped)
    return len(left)


_FIRST: State = {"after": -1, "held": 0}


class _Rechecking(BatchJob):
    """Looks at the values in the order of their numbers."""

    name = NAME

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def first(self, tx: Tx) -> State:
        return _FIRST

    def batch(self, tx: Tx, state: State, most: int) -> Progress:
        found = value_index.values_after(tx, state["after"], most)
        if not found:
            return Progress(state, ended=True)
        context = open_context(self._hub, tx)
        harmless = [subject for subject in found.values() if _match(self._hub, context, subject) is not None]
        held = hold_harmless(self._hub, tx, harmless) if harmless else 0
        return Progress({"after": max(found), "held": state["held"] + held}, ended=False)


def _match(hub: Hub, context: ReleaseContext, subject: str) -> AllowlistMatch | None:
    kind, _, value = subject.partition(":")
    try:
        report = as_report(Subject.model_validate({"kind": kind, "value": value}))
    except (Rejected, ValidationError):
        # The value of a kind that this version no longer knows, or reads in another way.
        return None
    return match_harmless(hub.allowlists, context.facts, report, context.micros)


def _reports(tx: Tx, matches: Mapping[str, AllowlistMatch]) -> dict[str, AllowlistMatch]:
    """Return by key the matches of the reports of these values that are not retracted."""
    found = {
        key: matches[subject]
        for subject, keys in value_index.find(tx, matches).items()
        for key in keys
        if object_id(key).startswith("indicator--")
    }
    return {key: found[key] for key, item in inbox.latest(tx, found).items() if not item.revoked}
