"""A person's word on what the guard holds back: audited, and followed at once."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from mappers.indicator import from_stix
from schemas.errors import Rejected
from server.release.query.disputes import DisputeCase, dispute_cases
from server.release.reconsider import disputed, reconsider
from server.store import audit, collections, listings, log, partners, reviews
from server.store.audit import AuditEvent
from server.store.engine import Tx
from server.store.inbox import is_key, key, object_id
from server.store.reviews import Review, ReviewState, UnknownReview
from server.store.times import now

_VERBS: dict[ReviewState, str] = {"approved": "APPROVE", "rejected": "REJECT", "open": "REOPEN"}


class ReviewSummary(NamedTuple):
    """A review with what the object says: its kind and value, where it is an indicator that can be read.

    ``case`` is what a dispute is about.
    """

    review: Review
    kind: str
    value: str | None
    case: DisputeCase | None = None


def decide(tx: Tx, ids: Iterable[str], state: ReviewState, by: str, note: str | None = None) -> list[Review]:
    """Decide of many in one transaction. Raises ``UnknownReview`` where one was never held back; then nothing is kept.

    ``ids`` may be keys too; ``by`` is who decides, as the audit trail is to have it.
    """
    wanted = list(dict.fromkeys(review.object_id for each in ids for review in [find(tx, each)]))
    doubted = disputed(tx, wanted)
    done = [reviews.decide(tx, each, state, by, note) for each in wanted]
    moment = now()
    audit.record(
        tx,
        [
            AuditEvent(moment, moment, 1, None, by, _VERBS[state], "review", None, 200, 1, object_id(each))
            for each in wanted
        ],
    )
    reconsider(tx, wanted, doubted)
    return done


def find(tx: Tx, id_: str) -> Review:
    """Find what was held back by its id, or by its key where several partners' objects have one id.

    A dispute goes by the id of any of its value's listings.
    Raises ``UnknownReview`` where nothing was, or where the id does not say which of several.
    """
    names = {id_} if is_key(id_) else {id_, *(key(space, id_) for space in partners.load_registry(tx).spaces.values())}
    found = list(reviews.states(tx, names).values()) or _dispute(tx, id_)
    if not found:
        raise UnknownReview(f"nothing of the id {id_} was held back")
    if len(found) > 1:
        keys = ", ".join(f"{each.object_id} ({each.partner})" for each in found)
        raise UnknownReview(f"{id_} was held back for several partners, name one of these instead: {keys}")
    return found[0]


def _dispute(tx: Tx, id_: str) -> list[Review]:
    """Give the last dispute of the value that the hub lists under that id."""
    subjects = listings.subjects(tx, [id_]).values()
    return [row for rows in reviews.of_subjects(tx, subjects).values() for row in rows][-1:]


def summaries(tx: Tx, found: Iterable[Review]) -> list[ReviewSummary]:
    """Say of each review what its object is about: a contribution, or a listing that is disputed."""
    found = list(found)
    disputes = dispute_cases(tx, found)
    missing = {each.object_id for each in found if each.subject is None}
    held: dict[str, bytes] = {}
    for collection in sorted(collections.all_collections(tx), key=lambda each: each.kind != "inbox"):
        if missing and collection.kind != "exchange":
            held |= {id_: item.body for id_, item in log.latest(tx, collection, missing).items()}
            missing -= held.keys()
    return [
        ReviewSummary(each, case.kind, case.value, case)
        if (case := disputes.get(each.subject or ""))
        else _shown(each, held.get(each.object_id))
        for each in found
    ]


def _shown(review: Review, body: bytes | None) -> ReviewSummary:
    type_ = object_id(review.object_id).partition("--")[0]
    if body is None or type_ != "indicator":
        return ReviewSummary(review, type_, None)
    try:
        report = from_stix(msgspec.json.decode(body))
    except Rejected:
        return ReviewSummary(review, type_, None)
    return ReviewSummary(review, report.kind, report.value)
