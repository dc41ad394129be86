"""Ends of listings that wait for a second person: from the same organisation, or an operator of the hub."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence

from schemas.partner import Partner
from schemas.records import Feedback, FeedbackEvent, FeedbackReason
from server.release.contribute import contribute
from server.release.guard.ends import CONFIRMED
from server.release.hub import Hub
from server.release.persons import is_one_person
from server.release.session import ReleaseSession
from server.store import held_ends, hub_identity, partners, reviews
from server.store.database.engine import Tx
from server.store.inbox import is_key, object_id
from server.store.item import Item
from server.store.partners import Registry
from server.store.reviews import Review

logger = logging.getLogger(__name__)

_EVENTS = {"approved": FeedbackEvent.APPROVED, "rejected": FeedbackEvent.REFUSED}
_NOT_APPLIED = "confirmed, but refused: "


class SenderDecides(ValueError):
    """A person may not confirm an end that was sent with the same login."""


def colleagues(registry: Registry, partner: Partner) -> list[str]:
    """Return the names of an organisation's active partners, ``partner`` included."""
    return sorted(name for name, other in registry.partners.items() if other.counts_as == partner.counts_as)


def apply_decided(hub: Hub, tx: Tx, decided: Sequence[Review]) -> None:
    """Carry out the ends that were approved, as their partners sent them, and tell the partners about each decision.

    The caller has recorded the decisions, and has locked the values. An end may be refused at this point, because its
    partner left or is no longer the account's provider; then its review's note has the reason.
    """
    ends = held_ends.find(tx, (review.object_id for review in decided))
    by_partner: dict[str, list[Review]] = defaultdict(list)
    for review in decided:
        by_partner[review.partner].append(review)
    for name, own in sorted(by_partner.items()):
        approved = [review for review in own if review.state == "approved" and review.object_id in ends]
        items = {review.object_id: Item.of_bytes(ends[review.object_id].body) for review in approved}
        partner = partners.get(tx, name, gone=True)
        failed = {
            found.id: found.message for found in contribute(hub, tx, partner, [*items.values()], CONFIRMED).failed
        }
        for review_id, item in items.items():
            if item.id in failed:
                logger.warning("end refused partner=%s object=%s why=%s", partner.identity, item.id, failed[item.id])
                reviews.add_to_note(tx, review_id, _NOT_APPLIED + failed[item.id])
        held_ends.forget(tx, items, with_reviews=False)
        if not held_ends.count(tx, [name]):
            hub_identity.clear_warning(tx, hub_identity.warning_of(hub_identity.MANY_ENDS, name))
    session = ReleaseSession.open(hub, tx)
    for review in decided:
        if (event := _EVENTS.get(review.state)) is not None:
            key = held_ends.key_of(review.object_id)
            session.feedback.add(review.partner, Feedback(event, reason=FeedbackReason.REVIEW), key)
    session.feedback.publish(session.publication)
    session.publication.write("an end was decided")


def decide_as_second(tx: Tx, partner: Partner, name: str, ids: Iterable[str]) -> list[str]:
    """Return the reviews of the open ends of ``partner``'s organisation that a user may decide as its second person.

    ``name`` is the user's. Raises ``LookupError`` if one is not open, or belongs to another organisation, and
    ``SenderDecides`` if the user sent one.
    """
    wanted = set(ids)
    names = colleagues(partners.load_registry(tx), partner)
    open_ends = {row.end.review_id: row for row in held_ends.waiting(tx, names)}
    if not wanted <= open_ends.keys():
        raise LookupError("one of these does not wait for a second person of this organisation")
    for id_ in wanted:
        sent_by = open_ends[id_].end.sent_by
        if sent_by and is_one_person(tx, sent_by, name):
            raise SenderDecides(object_id(id_) if is_key(id_) else id_)
    return sorted(wanted)
