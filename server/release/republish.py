"""Republish everything: after the release rules have changed, or partners may read more or less than before."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from server.release import batches
from server.release.batches import BatchJob, Progress, State
from server.release.hub import Hub
from server.release.route.policy import policy_to_toml
from server.release.session import ReleaseSession
from server.store import Tx, collections, inbox, jobs, listings, log, partners, value_index
from server.store.database import facts
from server.store.database.fact_versions import Facts
from server.store.objects.query import Query

NAME = "policy apply"
# What follows when two persons have changed the rules: the servers do it by themselves.
NAME_OF_CHANGE = "policy change"
_REASON = "the rules of release changed"
# Only ids are read of these, and for nearly all of them there is nothing to do.
_REPORTS = 2_000


# Numbers of values are below this, and as good as evenly spread.
_NUMBERS = 1 << 63


class ValuesPart(NamedTuple):
    """One of ``of`` equal stretches of the values' numbers; ``place`` counts from 0."""

    place: int
    of: int

    @property
    def begin(self) -> int:
        """Return the first number."""
        return self.place * _NUMBERS // self.of

    @property
    def end(self) -> int:
        """Return the first number after it."""
        return (self.place + 1) * _NUMBERS // self.of


_WHOLE = ValuesPart(0, 1)


@dataclass
class Republished:
    """The number of values looked at, and of those whose listing entered or left a collection, or changed in one.

    ``resumed`` are the values that an earlier run, stopped before its end, had looked at already.
    """

    values: int = 0
    changed: int = 0
    resumed: int = 0


def republish(hub: Hub, *, anew: bool = False) -> Iterator[Republished]:
    """Bring every listing up to the release rules, a batch of values a transaction; yields the progress.

    It may be stopped and started again at any time: it goes on where it was stopped, unless ``anew`` is given, or the
    rules, partners or grants are others than they were then. Reports that earlier releases published under their own
    ids are revoked: listings stand in their place.
    """
    job = _Republishing(hub, _WHOLE)
    with hub.store.begin() as tx:
        # What is contributed by the rules of before may still be on its way.
        partners.wait_for_contributions(tx)
        found = batches.begin(tx, job, anew=anew)
    resumed = found.state["values"]
    yield Republished(resumed, found.state["changed"], resumed)
    for state in batches.run(hub, job):
        yield Republished(state["values"], state["changed"], resumed)


def begin_parts(hub: Hub, number: int, *, anew: bool = False) -> list[ValuesPart]:
    """Prepare to republish everything in so many parts, and return those that are left to do, in any order.

    Where an earlier run was stopped, its unfinished parts are left, unless ``anew`` is given, or the rules, partners or
    grants are others than they were then.
    """
    jobs_of_parts = {part: _Republishing(hub, part) for part in (ValuesPart(place, number) for place in range(number))}
    with hub.store.begin() as tx:
        partners.wait_for_contributions(tx)
        found = {part: jobs.find(tx, job.name) for part, job in jobs_of_parts.items()}
        goes_on = not anew and all(
            there is not None and jobs_of_parts[part].goes_on(tx, there.state) for part, there in found.items()
        )
        left = [part for part, there in found.items() if there is None or there.ended is None]
        if goes_on and left:
            return left
        for job in jobs_of_parts.values():
            jobs.begin(tx, job.name, job.first(tx))
    return list(jobs_of_parts)


def republish_part(hub: Hub, part: ValuesPart) -> Republished:
    """Republish what is left of a part that ``begin_parts`` prepared; another process may be at other parts.

    Returns the numbers of the whole part, those of earlier runs included.
    """
    job = _Republishing(hub, part)
    for _ in batches.run(hub, job):
        pass
    with hub.store.begin() as tx:
        found = jobs.find(tx, job.name)
    state = found.state if found else {"values": 0, "changed": 0}
    return Republished(state["values"], state["changed"])


def begin_after_change(hub: Hub, tx: Tx) -> None:
    """Begin to bring every listing up to rules that this transaction puts in force; the servers do it after that."""
    partners.wait_for_contributions(tx)
    batches.begin(tx, _Republishing(hub, _WHOLE, NAME_OF_CHANGE), anew=True)


def resume(hub: Hub, *, idle_since: int, stopped: Callable[[], bool] = lambda: False) -> int:
    """Go on after a change of the rules where nobody has since ``idle_since`` (microseconds); return how many ended.

    It ends between two batches once ``stopped``.
    """
    with hub.store.read() as tx:
        left = [job for job in jobs.unfinished(tx) if job.name == NAME_OF_CHANGE and job.saved < idle_since]
    for _ in left:
        for _ in batches.run(hub, _Republishing(hub, _WHOLE, NAME_OF_CHANGE)):
            if stopped():
                return 0
    return len(left)


class _Republishing(BatchJob):
    """Looks at the values of a part in the order of their numbers; the last part also at reports of no value."""

    def __init__(self, hub: Hub, part: ValuesPart, name: str = NAME) -> None:
        self._hub = hub
        self._part = part
        self.name = name if part == _WHOLE else f"{name}, part {part.place + 1} of {part.of}"

    def first(self, tx: Tx) -> State:
        after = self._part.begin - 1
        return {"by": self._rules(tx), "step": "values", "after": after, "values": 0, "changed": 0}

    def goes_on(self, tx: Tx, state: State) -> bool:
        return bool(state.get("by") == self._rules(tx))

    def batch(self, tx: Tx, state: State, most: int) -> Progress:
        return self._values(tx, state, most) if state["step"] == "values" else self._reports(tx, state)

    def _rules(self, tx: Tx) -> str:
        """Return a digest of the rules, and of the partners, collections and grants that they are applied to."""
        registry = facts.versions(tx).get(Facts.REGISTRY)
        policy = self._hub.rules.policy(self._hub.facts.at(tx))
        return sha256(f"{policy_to_toml(policy)} {registry}".encode()).hexdigest()

    def _values(self, tx: Tx, state: State, most: int) -> Progress:
        found = value_index.values_after(tx, state["after"], most)
        by_number = {number: subject for number, subject in found.items() if number < self._part.end}
        if not by_number:
            is_last = self._part.end == _NUMBERS
            return Progress({**state, "step": "reports", "after": -1}, ended=not is_last)
        subjects = sorted(by_number.values())
        value_index.lock(tx, subjects)
        session = ReleaseSession.open(self._hub, tx)
        values = session.load(subjects)
        reports = {key for key, obj in session.loader.known.items() if obj["type"] == "indicator"}
        _revoke_as_contributed(session, map(inbox.object_id, reports))
        states = session.release(values, _REASON, every=True)
        changed = sum(1 for listed in states.values() if listed.entered or listed.left or listed.updated)
        # What was refused each time has a number, too.
        reported = sum(1 for value in values if value.ids)
        done = {"values": state["values"] + reported, "changed": state["changed"] + changed}
        return Progress({**state, **done, "after": max(by_number)}, ended=False)

    def _reports(self, tx: Tx, state: State) -> Progress:
        """Revoke what is published under the ids of reports that state no value, by which nobody finds them."""
        query = Query(types=("indicator",), limit=_REPORTS, after=state["after"])
        page = log.manifest(tx, collections.get(tx, "inbox"), query)
        ids = {inbox.object_id(record.id) for record in page.records}
        if any(log.latest_everywhere(tx, ids).values()):
            session = ReleaseSession.open(self._hub, tx)
            _revoke_as_contributed(session, ids)
            session.release((), _REASON)
        return Progress({**state, "after": page.next}, ended=page.next is None)


def _revoke_as_contributed(session: ReleaseSession, ids: Iterable[str]) -> None:
    """Revoke what is published under the reports' own ids, except listings whose id a partner used."""
    own = set(ids)
    own -= listings.subjects(session.context.tx, own).keys()
    session.publication.load(own)
    for id_ in own:
        for alias in session.publication.published(id_):
            session.publication.revoke(alias, id_)
