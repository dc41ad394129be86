"""A release session: load the statements about values, fuse them, publish the listings, notify the contributors."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Set
from typing import NamedTuple, Self, TypeVar

from mappers.record_reader import is_finding
from schemas.partner import Partner
from schemas.records import Feedback, FeedbackEvent, FeedbackReason
from server.release import hooks
from server.release.context import ReleaseContext, open_context
from server.release.fuse.disputes import Disputes
from server.release.fuse.loader import Loader
from server.release.fuse.reliability import stated
from server.release.fuse.statements import ReportedValue, indicator_subject
from server.release.hooks import ListingListener, ReleaseListener
from server.release.hub import Hub
from server.release.publish.answers import ProviderFindings
from server.release.publish.collections import Publication
from server.release.publish.feedback import FeedbackNotes
from server.release.publish.listings import ListingState, ListingUpdater
from server.release.route import annotation_targets
from server.release.route.annotations import AnnotationRelease
from server.release.route.references import References
from server.release.route.withdrawn import AnnotationWithdrawal
from server.store import hub_identity, listings, reputation, reviews, value_index
from server.store.database.engine import Contended, Tx
from server.store.reviews import HeldObject

logger = logging.getLogger(__name__)

_Found = TypeVar("_Found")
# Maximum number of lock-and-reread rounds to find the values concerned.
_ROUNDS = 5
# Publishes the annotations of values, by the ids that name these, once the state of their listings is known.
PublishAnnotations = Callable[[Mapping[str, ListingState]], None]
# The feedback to reporters that an operator finds wrong.
FOUND_WRONG = Feedback(FeedbackEvent.RETRACTED, reason=FeedbackReason.OPERATOR)


class Refutation(NamedTuple):
    """The decision that reports were wrong: the rule by which they are refused, and the message to their reporters."""

    rule: str
    message: str


class ReleaseSession:
    """One release transaction, for contributions, reviews, disputes, retractions and republishing alike."""

    def __init__(self, context: ReleaseContext) -> None:
        """Release in the transaction of ``context``."""
        self.context = context
        self.loader = Loader(context)
        self.publication = Publication(context)
        self.feedback = FeedbackNotes(context)
        self.answers = ProviderFindings(context)
        self._judged: list[reputation.JudgedReport] = []

    @classmethod
    def open(cls, hub: Hub, tx: Tx) -> Self:
        """Open a session for reading in a transaction; lock data before reading it in order to change it."""
        return cls(open_context(hub, tx))

    @classmethod
    def open_locked(cls, hub: Hub, tx: Tx, find: Callable[[Self], tuple[_Found, Set[str]]]) -> tuple[Self, _Found]:
        """Open a session that has locked the values concerned, and return it with the result of ``find``.

        ``find`` determines, with a session, the result and the subjects of the values concerned. It is called again
        with a new session until no other transaction can have changed these since they were read. Raises ``Contended``.
        """
        for _ in range(_ROUNDS):
            session = cls.open(hub, tx)
            found, subjects = find(session)
            if subjects <= value_index.locked(tx):
                return session, found
            value_index.lock(tx, subjects)
            if hub.store.is_sqlite:
                # The writer has locked the whole database since the transaction began.
                return session, found
        raise Contended("the values concerned keep changing; try again")

    def references(self, partner: Partner) -> References:
        """Return the objects that a partner means by the ids in its objects."""
        return References(self.context, partner, self.loader, self.publication)

    def subjects(self, ids: Iterable[str]) -> set[str]:
        """Return the subjects of contributions, by their keys, and of listings, by their ids."""
        wanted = set(ids)
        self.loader.read(wanted)
        meant = set(wanted)
        for key in wanted & self.loader.known.keys():
            if refs := set(annotation_targets.refs(self.loader.known[key])):
                references = self.references(self.context.contributor(key))
                references.read(refs)
                meant |= {references.meant(ref) for ref in refs}
        known = (self.loader.known[key] for key in meant & self.loader.known.keys())
        listed = listings.subjects(self.context.tx, meant - self.loader.known.keys())
        return {*listed.values(), *filter(None, map(indicator_subject, known))}

    def load(self, subjects: Iterable[str]) -> list[ReportedValue]:
        """Return these values with the current statements about them."""
        wanted = set(subjects)
        keys = value_index.find(self.context.tx, wanted)
        return self.loader.values({subject: keys.get(subject, set()) for subject in wanted})

    def release(
        self,
        values: Iterable[ReportedValue],
        reason: str,
        new: Set[str] = frozenset(),
        publish_annotations: PublishAnnotations | None = None,
        *,
        leave_for_end: bool = False,
        reports_only: bool = False,
        every: bool = False,
    ) -> dict[str, ListingState]:
        """Fuse the statements of ``values``, publish what changes, and notify; return the listing states by subject.

        - ``new`` are the keys of objects that count from now on; ``reason`` appears on the receipts of revoked
          listings.
        - ``publish_annotations`` publishes annotations of the values; by default the annotations among the ``new``
          objects. The order of the steps matters: each uses the results of the one before.
        - With ``leave_for_end`` the collections are locked and added to only at the end of the transaction.
        - ``reports_only``: all ``new`` objects are reports.
        - Annotations of newly revoked listings are revoked with them; with ``every``, also those of listings revoked
          earlier.
        """
        values = list(values)
        self.publication.load({id_ for value in values for id_ in value.listings})
        disputes = Disputes(self.context, self.publication)
        self._judged += disputes.apply(values, new)
        updater = ListingUpdater(self.context, self.publication, reports_only=reports_only)
        states = updater.update(values)
        self._warn_of_unprotected(len(updater.unprotected))
        disputes.open_reviews(values, states, new)
        self.answers.follow(values, states, new, self.feedback)
        states_by_id = {id_: states[value.subject] for value in values for id_ in value.ids}
        if publish_annotations is None:
            self._publish_annotations(new, states_by_id)
        else:
            publish_annotations(states_by_id)
        AnnotationWithdrawal(self.context, self.loader, self.publication).withdraw(values, every=every)
        for value in values:
            self.feedback.of_value(value, states[value.subject], new)
        self.feedback.publish(self.publication)
        reputation.add(self.context.tx, self._judged)
        self._judged = []
        self.publication.write(reason, leave_for_end=leave_for_end)
        if self.context.exchanges:
            for listener in hooks.every(ReleaseListener):
                listener.released(self.context, values, states)
        if self.context.followers or any(
            value.is_cleared or value.coerced or not states[value.subject].ids for value in values
        ):
            for follower in hooks.every(ListingListener):
                follower.listed(self.context, values, states)
        return states

    def refute(
        self,
        values: Iterable[ReportedValue],
        refutation: Refutation,
        among: Set[str] | None = None,
        feedback: Feedback = FOUND_WRONG,
    ) -> None:
        """Count the values as wrong against all their reporters, and refuse their reports.

        Only the reports ``among`` these keys are refused, or all if none are given; their reporters receive the
        ``feedback``. If a partner reports one of the values again, its report is held for review.
        """
        held: dict[str, list[HeldObject]] = defaultdict(list)
        for value in values:
            for report in value.statements:
                if report.hub:
                    # Each hub decides on the reports of its own partners; here they only count as wrong.
                    hub = reputation.of_hub(report.hub)
                    self._judged.append(reputation.JudgedReport(hub, value.kind, stated(report), False))
                    continue
                partner = report.partner.name
                self._judged.append(reputation.JudgedReport(partner, value.kind, stated(report), False))
                if among is None or report.key in among:
                    held[partner].append(HeldObject(report.key, None, *refutation))
                    self.feedback.add_report(report, feedback)
        for partner, refused in sorted(held.items()):
            reviews.hold(self.context.tx, partner, refused)
            reviews.decide_all(self.context.tx, [report.object_id for report in refused], "rejected", "hub")

    def _publish_annotations(self, new: Set[str], states_by_id: Mapping[str, ListingState]) -> None:
        known = self.loader.known
        for key in sorted(new & known.keys()):
            refs = set(annotation_targets.refs(known[key]))
            if refs and known[key].get("revoked") is not True and not is_finding(known[key]):
                references = self.references(self.context.contributor(key))
                references.read(refs)
                self.publication.load({self.context.annotation_id(key, known[key]["type"])})
                annotations = AnnotationRelease(self.context, self.publication, references, states_by_id)
                annotations.release(key, known[key])

    def _warn_of_unprotected(self, count: int) -> None:
        """Warn the operator of coerced holders without a registered contact for protection."""
        if count:
            hub_identity.note_warning(self.context.tx, hub_identity.NO_FOCAL_POINT, count)
            logger.warning(
                "no focal point for protection listings=%d do=scamfeed partner focal-point --function protection",
                count,
            )
