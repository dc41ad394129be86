"""Trial of a policy: what other rules would change of what was reported last, found by reading alone."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from server.release.context import ReleaseContext, open_context
from server.release.fuse.statements import ReportedValue, indicator_subject
from server.release.hub import Hub
from server.release.publish.drafts import AlikeDrafts
from server.release.publish.listings import ListingUpdater, PlannedListings
from server.release.route.policy import Policy
from server.release.session import ReleaseSession
from server.store import log
from server.store.database.engine import Tx

MOST_REPORTS = 2_000
MOST_EXAMPLES = 20
_AT_ONCE = 100
# The name under which private collections are counted: all together.
PRIVATE = "private collections"


class TrialExample(NamedTuple):
    """A value whose listings would be others: by collection, with the grade; private ones by their partner's name."""

    kind: str
    value: str
    before: PlannedListings
    after: PlannedListings


class PolicyTrial(NamedTuple):
    """The result of a trial over the values of the ``reports`` that came last.

    ``before`` and ``after`` count listings by collection, all private ones under ``PRIVATE``. ``changed`` values would
    enter or leave a collection, or have another grade there; ``is_whole`` is False where the time did not suffice for
    all of ``reports``. ``unseen`` are kinds that rules which change are about, and of which no value was among these:
    the trial says nothing about them.
    """

    reports: int
    values: int
    changed: int
    before: Mapping[str, int]
    after: Mapping[str, int]
    examples: Sequence[TrialExample]
    is_whole: bool
    unseen: Sequence[str] = ()


def try_policy(hub: Hub, tx: Tx, policy: Policy, *, most: int = MOST_REPORTS, seconds: float = 10.0) -> PolicyTrial:
    """Try a policy on the values that were reported last, by the engine of the release; nothing is changed.

    Raises ``BadPolicy`` where it names a collection that there is not.
    """
    policy.refuse_unknown(hub.facts.at(tx).shared)
    ends = time.monotonic() + seconds
    now = open_context(hub, tx)
    then = ReleaseContext(tx, now.at, now.facts, policy, AlikeDrafts())
    keys = log.latest_of_type(tx, now.inbox, "indicator", most)
    trial, seen, done = _Trial(now, then), set[str](), 0
    for start in range(0, len(keys), _AT_ONCE):
        if time.monotonic() > ends:
            break
        part = keys[start : start + _AT_ONCE]
        trial.look_at(part, seen)
        done += len(part)
    before, after = trial.before, trial.after
    return PolicyTrial(
        done,
        len(seen),
        trial.changed,
        dict(before),
        dict(after),
        trial.examples,
        is_whole=done == len(keys),
        unseen=sorted(_kinds_of_changes(now.policy, policy) - {subject.partition(":")[0] for subject in seen}),
    )


def _kinds_of_changes(now: Policy, then: Policy) -> set[str]:
    """Return the kinds that rules name which are in one of two policies alone; a rule without kinds is about all."""
    changed = set(now.rules) ^ set(then.rules)
    return {kind for rule in changed for kind in rule.kinds}


class _Trial:
    """The listings by the rules in force, and by others, added up value by value."""

    def __init__(self, now: ReleaseContext, then: ReleaseContext) -> None:
        self._contexts = (now, then)
        self.before, self.after = Counter[str](), Counter[str]()
        self.changed = 0
        self.examples: list[TrialExample] = []

    def look_at(self, keys: Sequence[str], seen: set[str]) -> None:
        """Look at the values of these reports that were not ``seen`` before, and add them to these."""
        subjects = _subjects(self._contexts[0], keys) - seen
        seen |= subjects
        now, then = (_planned(context, subjects) for context in self._contexts)
        for subject in sorted(subjects):
            self._add(subject, now[subject], then[subject])

    def _add(self, subject: str, now: PlannedListings, then: PlannedListings) -> None:
        for counts, planned in ((self.before, now), (self.after, then)):
            counts.update(planned.shared.keys())
            counts.update({PRIVATE: len(planned.private)} if planned.private else {})
        if now == then:
            return
        self.changed += 1
        if len(self.examples) < MOST_EXAMPLES:
            kind, _, value = subject.partition(":")
            self.examples.append(TrialExample(kind, value, now, then))


def _subjects(context: ReleaseContext, keys: Sequence[str]) -> set[str]:
    session = ReleaseSession(context)
    session.loader.read(keys)
    known = (session.loader.known[key] for key in keys if key in session.loader.known)
    return set(filter(None, map(indicator_subject, known)))


def _planned(context: ReleaseContext, subjects: set[str]) -> dict[str, PlannedListings]:
    """Return the listings that the rules of a context want of these values."""
    session = ReleaseSession(context)
    values: list[ReportedValue] = session.load(subjects)
    session.publication.load({id_ for value in values for id_ in value.listings})
    updater = ListingUpdater(context, session.publication)
    return {value.subject: updater.planned(value) for value in values}
