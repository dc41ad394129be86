"""Republish everything after the release rules changed, or after partners gained or lost access."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from mappers import extension
from schemas.api.lookup import strongest
from schemas.vocabulary import Action
from server.release import batches
from server.release.batches import BatchJob, Progress, State
from server.release.hub import Hub
from server.release.route.policy import tables_to_toml, written_tables
from server.release.session import ReleaseSession
from server.store import Tx, collections, inbox, jobs, listings, log, partners, value_index
from server.store.database.fact_versions import Facts
from server.store.database.sql import versions_of_facts
from server.store.objects.query import Query

NAME = "policy apply"
# The job that follows a policy change under dual control; the servers run it by themselves.
NAME_OF_CHANGE = "policy change"
_REASON = "the rules of release changed"
# Only the ids of these are read, and nearly all need no change.
_REPORTS = 2_000


# Numbers of values are below this, and nearly evenly distributed.
_NUMBERS = 1 << 63


class ValuesPart(NamedTuple):
    """One of ``of`` equal ranges of the values' numbers; ``place`` counts from 0."""

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


class ListedStrength(NamedTuple):
    """The strongest grade and confidence with which any collection lists a value."""

    grade: Action
    confidence: int


class LoweredValue(NamedTuple):
    """A value whose grade or confidence the rules lowered; ``after`` is None if no collection lists it any longer."""

    subject: str
    before: ListedStrength
    after: ListedStrength | None


@dataclass
class Republished:
    """The number of values checked, and of those whose listing entered, left or changed in a collection.

    ``resumed`` are the values that an interrupted earlier run had checked already. ``lowered`` are the values of the
    last batch whose grade or confidence fell.
    """

    values: int = 0
    changed: int = 0
    resumed: int = 0
    lowered: Sequence[LoweredValue] = ()


def republish(hub: Hub, *, anew: bool = False) -> Iterator[Republished]:
    """Bring every listing up to the release rules, one batch of values in each transaction; yields the progress.

    It may be stopped and started again at any time, and continues where it stopped. It starts over with ``anew``, or if
    the rules, partners or grants have changed. Reports that earlier releases published under their own ids are revoked:
    listings have replaced them.
    """
    job = _Republishing(hub, _WHOLE)
    with hub.store.begin() as tx:
        # Contributions under the old rules may still be in progress.
        partners.wait_for_contributions(tx)
        found = batches.begin(tx, job, anew=anew)
    resumed = found.state["values"]
    yield Republished(resumed, found.state["changed"], resumed)
    for state in batches.run(hub, job):
        yield Republished(state["values"], state["changed"], resumed, job.lowered)


def begin_parts(hub: Hub, number: int, *, anew: bool = False) -> list[ValuesPart]:
    """Prepare to republish everything in this many parts, and return the parts to do, in any order.

    After an interrupted run these are its unfinished parts, unless ``anew`` is given, or the rules, partners or grants
    have changed.
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
    """Republish the rest of a part that ``begin_parts`` prepared; other processes may work on other parts.

    Return the numbers of the whole part, including earlier runs.
    """
    job = _Republishing(hub, part)
    for _ in batches.run(hub, job):
        pass
    with hub.store.begin() as tx:
        found = jobs.find(tx, job.name)
    state = found.state if found else {"values": 0, "changed": 0}
    return Republished(state["values"], state["changed"])


def begin_after_change(hub: Hub, tx: Tx) -> None:
    """Begin to bring every listing up to rules that this transaction puts in force; the servers continue after it."""
    partners.wait_for_contributions(tx)
    batches.begin(tx, _Republishing(hub, _WHOLE, NAME_OF_CHANGE), anew=True)


def resume(hub: Hub, *, idle_since: int, stopped: Callable[[], bool] = lambda: False) -> int:
    """Continue after a policy change that no process has worked on since ``idle_since`` (microseconds).

    Return how many ended. Ends between two batches once ``stopped``.
    """
    with hub.store.read() as tx:
        left = [job for job in jobs.unfinished(tx) if job.name == NAME_OF_CHANGE and job.saved < idle_since]
    for _ in left:
        for _ in batches.run(hub, _Republishing(hub, _WHOLE, NAME_OF_CHANGE)):
            if stopped():
                return 0
    return len(left)


class _Republishing(BatchJob):
    """Checks the values of a part in the order of their numbers; the last part also checks reports without a value."""

    def __init__(self, hub: Hub, part: ValuesPart, name: str = NAME) -> None:
        self._hub = hub
        self._part = part
        # Of the last batch. They are in no state, because an erasure does not look for values there.
        self.lowered: Sequence[LoweredValue] = ()
        self.name = name if part == _WHOLE else f"{name}, part {part.place + 1} of {part.of}"

    def first(self, tx: Tx) -> State:
        after = self._part.begin - 1
        return {"by": self._rules(tx), "step": "values", "after": after, "values": 0, "changed": 0}

    def goes_on(self, tx: Tx, state: State) -> bool:
        return bool(state.get("by") == self._rules(tx))

    def batch(self, tx: Tx, state: State, most: int) -> Progress:
        self.lowered = ()
        return self._values(tx, state, most) if state["step"] == "values" else self._reports(tx, state)

    def _rules(self, tx: Tx) -> str:
        """Return a digest of the rules, and of the partners, collections and grants that they apply to."""
        registry = versions_of_facts(tx).get(Facts.REGISTRY)
        policy = self._hub.rules.policy(self._hub.facts.at(tx))
        return sha256(f"{tables_to_toml(written_tables(policy.rules))} {registry}".encode()).hexdigest()

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
        listed = {value.subject: value.listings for value in values}
        session.publication.load({id_ for ids in listed.values() for id_ in ids})
        before = _strengths(session, listed)
        states = session.release(values, _REASON, every=True)
        after = {subject: ids.union(states[subject].ids.values()) for subject, ids in listed.items()}
        self.lowered = _lowered(before, _strengths(session, after))
        changed = sum(1 for listed in states.values() if listed.entered or listed.left or listed.updated)
        # Values whose reports were all refused have a number, too.
        reported = sum(1 for value in values if value.ids)
        done = {"values": state["values"] + reported, "changed": state["changed"] + changed}
        return Progress({**state, **done, "after": max(by_number)}, ended=False)

    def _reports(self, tx: Tx, state: State) -> Progress:
        """Revoke listings under the ids of reports that state no value; no look-up by value finds them."""
        query = Query(types=("indicator",), limit=_REPORTS, after=state["after"])
        page = log.manifest(tx, collections.get(tx, "inbox"), query)
        ids = {inbox.object_id(record.id) for record in page.records}
        if any(log.latest_everywhere(tx, ids).values()):
            session = ReleaseSession.open(self._hub, tx)
            _revoke_as_contributed(session, ids)
            session.release((), _REASON)
        return Progress({**state, "after": page.next}, ended=page.next is None)


def _revoke_as_contributed(session: ReleaseSession, ids: Iterable[str]) -> None:
    """Revoke listings under the reports' own ids, except listings whose id a partner used."""
    own = set(ids)
    own -= listings.subjects(session.context.tx, own).keys()
    session.publication.load(own)
    for id_ in own:
        for alias in session.publication.published(id_):
            session.publication.revoke(alias, id_)


def _strengths(session: ReleaseSession, ids: Mapping[str, Iterable[str]]) -> dict[str, ListedStrength]:
    """Return the strengths of the values that a collection lists, by subject, given the ids of their listings."""
    found = {}
    for subject, its_ids in ids.items():
        listed = [obj for id_ in its_ids for obj in session.publication.published(id_).values()]
        grades = [grade for obj in listed if (grade := extension.context_of(obj).get("grade")) in list(Action)]
        if (grade := strongest(grades)) is not None:
            found[subject] = ListedStrength(grade, max(obj.get("confidence", 0) for obj in listed))
    return found


def _lowered(before: Mapping[str, ListedStrength], after: Mapping[str, ListedStrength]) -> list[LoweredValue]:
    changed = ((subject, was, after.get(subject)) for subject, was in sorted(before.items()))
    return [LoweredValue(subject, was, now) for subject, was, now in changed if now is None or _is_below(now, was)]


def _is_below(now: ListedStrength, was: ListedStrength) -> bool:
    return now.confidence < was.confidence or (
        now.grade != was.grade and strongest((now.grade, was.grade)) == was.grade
    )
