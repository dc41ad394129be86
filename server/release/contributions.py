"""The contributions of one transaction, each of another partner: decided one by one, and released together."""

from collections.abc import Mapping, Sequence

from server.release.contribution import Contribution
from server.release.facts import HubFacts
from server.release.guard import volume
from server.release.publish.listings import ListingState
from server.release.session import ReleaseSession
from server.store import inbox, listings, quotas, value_index
from server.store.database.direct import read_ahead


class Contributions:
    """The contributions of one transaction: one, or several of different organisations about different values."""

    def __init__(self, session: ReleaseSession, members: Sequence[Contribution]) -> None:
        """Release ``members`` in ``session``, which they share."""
        self._session = session
        self._context = session.context
        self._members = members

    @property
    def facts(self) -> HubFacts:
        """The hub's facts, now that the values are locked."""
        return self._context.facts

    def find_subjects(self) -> set[str]:
        """Read what is known of all objects, and return the subjects of all values that they concern."""
        keys = {key for member in self._members for key in member.keys}
        tx, named = self._context.tx, value_index.locked(self._context.tx)
        subjects = {subject for member in self._members for subject in member.named} & named
        # All that is read of new values, in one round trip.
        read_ahead(
            tx,
            lambda: inbox.latest(tx, keys, self._context.inbox),
            lambda: value_index.find(tx, subjects | keys),
            lambda: listings.find(tx, subjects),
            lambda: self._session.loader.read_reviews(keys, subjects),
            self._days,
        )
        self._session.loader.read(keys)
        return {subject for member in self._members for subject in member.find_subjects()}

    def take(self, *, leave_for_end: bool = False) -> None:
        """Decide, store, release and answer all objects. A wrong one does not stop the others."""
        members = [member for member in self._members if not member.refuse_if_left()]
        if not members:
            return
        subjects = {subject for member in members for subject in member.subjects}
        keys = {key for member in members for key in member.keys}
        days = self._days()
        prior = self._session.loader.look_up(subjects, keys)
        looked_up = subjects | keys
        storing = [member for member in members if member.decide(prior, looked_up, days)]
        if storing:
            self._store_and_release(storing, prior, leave_for_end=leave_for_end)

    def _store_and_release(
        self, storing: Sequence[Contribution], prior: dict[str, set[str]], *, leave_for_end: bool
    ) -> None:
        for member in storing:
            member.store(prior)
        concerned = dict.fromkeys(subject for member in storing for subject in member.concerned(prior))
        values = self._session.loader.values({subject: prior.get(subject, set()) for subject in concerned}, prior)
        for member in storing:
            member.found(values)

        def publish_annotations(states: Mapping[str, ListingState]) -> None:
            for member in storing:
                member.publish_annotations(states)

        states = self._session.release(
            values,
            "no longer reported",
            {key for member in storing for key in member.new},
            publish_annotations,
            leave_for_end=leave_for_end,
            reports_only=all(member.has_only_reports for member in storing),
        )
        for member in storing:
            member.count()
            member.finish(values, states)

    def _days(self) -> Mapping[str, Mapping[int, quotas.DailyVolume]]:
        registry = self._context.registry
        names = {name for member in self._members for name in volume.colleagues(member.partner, registry)}
        return volume.days_compared(self._context.tx, names, self._context.micros)
