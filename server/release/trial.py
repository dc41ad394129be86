"""Listings under two contexts: what would change for some values, found with the release engine without writing."""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple

from server.release.context import ReleaseContext
from server.release.publish.listings import ListingUpdater, PlannedListings
from server.release.session import ReleaseSession

MOST_EXAMPLES = 20
# The name under which all private collections are counted together.
PRIVATE = "private collections"


class TrialExample(NamedTuple):
    """A value with different listings: by collection, with the grade; private ones by their partner's name."""

    kind: str
    value: str
    before: PlannedListings
    after: PlannedListings


class TrialResult(NamedTuple):
    """The result of a trial over the values of the latest ``reports``.

    ``before`` and ``after`` count listings by collection, all private ones under ``PRIVATE``. ``changed`` values would
    enter or leave a collection, or have another grade there. ``is_whole`` is False if there was not enough time for all
    of ``reports``. ``unseen`` are kinds in changed rules of which no value was among these: the trial says nothing
    about them.
    """

    reports: int
    values: int
    changed: int
    before: Mapping[str, int]
    after: Mapping[str, int]
    examples: Sequence[TrialExample]
    is_whole: bool
    unseen: Sequence[str] = ()

    @property
    def counts(self) -> list[tuple[str, int, int]]:
        """Return the listings before and after by collection; "" stands for all private ones, at the end."""
        aliases = sorted({*self.before, *self.after}, key=lambda alias: (alias == PRIVATE, alias))
        return [
            ("" if alias == PRIVATE else alias, self.before.get(alias, 0), self.after.get(alias, 0))
            for alias in aliases
        ]


class ListingsTrial:
    """The listings by the context in force, and by another one, added up value by value.

    ``before`` and ``after`` count listings by collection, all private ones under ``PRIVATE``.
    """

    def __init__(self, now: ReleaseContext, then: ReleaseContext) -> None:
        """Compare two contexts of one transaction."""
        self._contexts = (now, then)
        self.before, self.after = Counter[str](), Counter[str]()
        self.changed = 0
        self.examples: list[TrialExample] = []

    def look_at(self, subjects: Set[str]) -> None:
        """Compare the listings of these values."""
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


def _planned(context: ReleaseContext, subjects: Set[str]) -> dict[str, PlannedListings]:
    """Return the planned listings of these values under the rules of a context."""
    session = ReleaseSession(context)
    values = session.load(subjects)
    session.publication.load({id_ for value in values for id_ in value.listings})
    updater = ListingUpdater(context, session.publication)
    return {value.subject: updater.planned(value) for value in values}
