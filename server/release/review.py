"""Reviews: a person decides on objects held by the guard and on disputes; audited, and released at once."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import NamedTuple

import msgspec

from mappers import extension
from mappers.report_reader import from_stix
from schemas.errors import Rejected
from schemas.records import Feedback, FeedbackEvent, FeedbackReason
from schemas.report import Report
from server.release import hooks, relisting
from server.release.ends import apply_decided
from server.release.fuse.police_holds import are_held
from server.release.fuse.statements import (
    COERCED,
    CONTRADICTED,
    DISPUTED,
    DOUBTS,
    MANY_BLOCKS,
    WITHHELD,
    ReportedValue,
    is_open_burst,
    reported_by,
)
from server.release.guard import volume
from server.release.guard.allowlists.hub_values import delist, forget_delisted
from server.release.guard.ends import MANY_ENDS
from server.release.guard.volume import MANY_DOUBTS, NEW_PARTNER
from server.release.hooks import ReviewListener
from server.release.hub import Hub
from server.release.publish.totals import TotalsFold, states_totals
from server.release.query.disputes import DisputeCase, dispute_cases
from server.release.route import annotation_targets
from server.release.session import Refutation, ReleaseSession
from server.store import audit, collections, held_ends, listings, log, partners, quotas, reviews, value_index
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.inbox import is_key, key, object_id
from server.store.providers import kept_accounts
from server.store.reviews import Review, ReviewState, UnknownReview

# Rules about the sender: a decision on such a review does not judge the values.
_ABOUT_THE_SENDER = (
    *(*volume.THROTTLE_MESSAGES, MANY_DOUBTS, MANY_BLOCKS, MANY_ENDS, NEW_PARTNER, COERCED, WITHHELD),
    *volume.HELD_BY_PERSONS,
)
_FALSE_POSITIVE = Refutation(DISPUTED, "it was doubted, and found to be wrong")
_UPHELD = Feedback(FeedbackEvent.UPHELD, reason=FeedbackReason.DISPUTE)
_DELISTED = Feedback(FeedbackEvent.DELISTED, reason=FeedbackReason.DISPUTE)
_VERBS: dict[ReviewState, str] = {"approved": "APPROVE", "rejected": "REJECT", "open": "REOPEN"}


class DualControlRequired(ValueError):
    """The review is under dual control: one person proposes the decision, another confirms it."""


class ReviewSummary(NamedTuple):
    """A review with the kind of its object, and its value if that is a readable indicator.

    ``case`` is the case of a dispute, ``report`` the report that is held, or one of those that are disputed.
    """

    review: Review
    kind: str
    value: str | None
    case: DisputeCase | None = None
    report: Report | None = None


def decide(
    hub: Hub,
    tx: Tx,
    ids: Iterable[str],
    state: ReviewState,
    by: str,
    note: str | None = None,
    *,
    by_two: bool = False,
    acts_for: str | None = None,
) -> list[Review]:
    """Decide several reviews in one transaction, and release the results.

    ``ids`` may be keys too. The audit trail names the person ``by``, and ``acts_for``, the partner of a partner's user.
    Raises ``UnknownReview`` for an object that was never held, and ``DualControlRequired`` if one needs dual control
    and ``by_two`` is false; then nothing is decided.
    Rejecting a dispute ends the other disputes of the value too; approving it leaves them open.
    """
    found = {review.object_id: review for id_ in ids for review in [find(tx, id_)]}
    wanted = list(found)
    _lock_contributors(tx, found)
    doubted = _disputed_values(_open(hub, tx, wanted), wanted)
    beside = _open_beside(tx, found)
    if state == "rejected":
        # No report of the value is left, so there is nothing else to decide about it.
        found |= beside
        wanted, beside = list(found), {}
    if not by_two and any(review.rule == CONTRADICTED for review in found.values()):
        raise DualControlRequired("a conflict between an account's provider and a later report needs dual control")
    decided = _decided(tx, found, beside, state, by, note)
    for object_key in wanted:
        audit.record_act(tx, by, _VERBS[state], "review", partner=acts_for, reference=object_id(object_key))
    if state == "approved":
        _overrule_findings(tx, decided)
        approved = Counter(review.partner for review in found.values() if is_open_burst(review))
        for partner, count in sorted(approved.items()):
            quotas.note_approved_blocks(tx, partner, count)
    others = [object_key for object_key in wanted if found[object_key].rule != MANY_ENDS]
    if others:
        release_decided(hub, tx, others, doubted)
    if len(others) < len(wanted):
        apply_decided(hub, tx, [review for review in decided if review.rule == MANY_ENDS])
    for listener in hooks.every(ReviewListener) if hub.peers else ():
        listener.decided(hub, tx, decided)
    return decided


def _lock_contributors(tx: Tx, found: Mapping[str, Review]) -> None:
    """Lock the contributors before the values: totals of theirs may change, or ends that they sent be carried out."""
    for partner in sorted({review.partner for object_key, review in found.items() if _may_contribute(object_key)}):
        partners.lock(tx, [partner], organisations_of=[partner])


def _overrule_findings(tx: Tx, decided: Iterable[Review]) -> None:
    """Note that these decisions are against the finding of the account's provider, where they concern one."""
    moment = now()
    for review in decided:
        if review.rule == CONTRADICTED and review.subject:
            kept_accounts.overrule(tx, review.subject, moment)


def release_decided(hub: Hub, tx: Tx, ids: Iterable[str], doubted: Iterable[ReportedValue] = ()) -> None:
    """Release the results of decided reviews: of contributions, by their keys, and of disputes.

    ``doubted`` are the values of the disputes before the decision: their doubters and reporters are told. If a dispute
    is decided against a listing, its reports are refused. A value without remaining reports is delisted: later reports
    of it are held for review.
    """
    wanted = set(ids)
    session = _open(hub, tx, wanted)
    decided = reviews.states(tx, wanted).values()
    approved_keys = {review.object_id for review in decided if review.state == "approved" and not review.subject}
    relisting.restore(session.context, session.subjects(approved_keys))
    disputes = {review.subject: review.state for review in decided if review.subject}
    values = session.load(_concerned(session, wanted))
    session.loader.look_up_reviews(wanted)
    for value in values:
        if disputes.get(value.subject) == "rejected":
            session.refute([value], _FALSE_POSITIVE, feedback=_DELISTED)
            value.statements = []
    for value in doubted:
        if disputes.get(value.subject) in ("rejected", "approved"):
            upheld = disputes[value.subject] == "approved"
            session.feedback.of_decision(value, _UPHELD if upheld else _DELISTED)
            if value.answer is not None and upheld:
                overruled = Feedback(FeedbackEvent.OVERRULED, reason=FeedbackReason.REVIEW)
                session.feedback.add(value.answer.partner.name, overruled, value.answer.key)
    approved = {object_key for object_key in wanted if _is_approved(session, object_key)}
    for object_key in wanted & session.loader.known.keys():
        event = FeedbackEvent.APPROVED if object_key in approved else FeedbackEvent.REFUSED
        reference = extension.context_of(session.loader.known[object_key]).get("reference")
        session.feedback.add(
            session.context.contributor(object_key).name,
            Feedback(event, reason=FeedbackReason.REVIEW),
            object_key,
            reference if isinstance(reference, str) else None,
        )
    _update_delistings(session, values, wanted)
    session.release(values, "found to be wrong", approved)
    _fold_totals(session, values, wanted, approved)


def set_aside(hub: Hub, tx: Tx, found: Sequence[Review]) -> list[Review]:
    """Return the reviews that a bulk decision leaves open: those about values that police hold."""
    if len(found) < 2:
        return []
    subjects: dict[str, str] = {}
    for review, kind, value, *_ in summaries(hub, tx, found):
        if review.subject is not None:
            subjects[review.object_id] = review.subject
        elif kind is not None and value is not None:
            subjects[review.object_id] = value_index.subject_of(kind, value)
    session = ReleaseSession.open(hub, tx)
    held = are_held(session.load(subjects.values()), session.context.at)
    return [review for review in found if subjects.get(review.object_id) in held]


def _fold_totals(
    session: ReleaseSession, values: Iterable[ReportedValue], wanted: Set[str], approved: Set[str]
) -> None:
    """Count the totals of approved outcomes, and no longer those of other decided outcomes."""
    known, by_subject = session.loader.known, {value.subject: value for value in values}
    for object_key in sorted(wanted & known.keys()):
        obj = known[object_key]
        if not states_totals(obj):
            continue
        partner = session.context.contributor(object_key)
        references = session.references(partner)
        refs = annotation_targets.refs(obj)
        references.read(set(refs))
        fold = TotalsFold(session.context, partner)
        about = [references.subject(ref) or ref for ref in refs]
        fold.add(object_key, obj, about, by_subject, counts=object_key in approved)
        fold.fold()


def _open(hub: Hub, tx: Tx, ids: Iterable[str]) -> ReleaseSession:
    """Open a session that has locked the values that are decided under these ids."""
    ids = set(ids)
    session, _ = ReleaseSession.open_locked(hub, tx, lambda session: (None, _concerned(session, ids)))
    return session


def _concerned(session: ReleaseSession, ids: Iterable[str]) -> set[str]:
    """Return the values of contributions, of disputes, and of reports that may become visible to providers."""
    ids = set(ids)
    ended = {subject for end in held_ends.find(session.context.tx, ids).values() for subject in end.subjects}
    return session.subjects(map(reported_by, ids)) | _disputed(session.context.tx, ids) | ended


def _disputed(tx: Tx, ids: Iterable[str]) -> set[str]:
    return {review.subject for review in reviews.states(tx, ids).values() if review.subject}


def _open_beside(tx: Tx, found: Mapping[str, Review]) -> dict[str, Review]:
    """Return the open disputes of the same values that are not among those found."""
    subjects = {review.subject for review in found.values() if review.subject}
    disputes = [review for subject in sorted(subjects) for review in reviews.open_of(tx, subject)]
    return {review.object_id: review for review in disputes if review.object_id not in found}


def _decided(
    tx: Tx, found: Mapping[str, Review], beside: Mapping[str, Review], state: ReviewState, by: str, note: str | None
) -> list[Review]:
    """Record the decisions. Overruling a provider settles no doubts that are still to be decided in ``beside``."""
    doubted = {review.subject for review in beside.values() if review.rule in DOUBTS}
    contributed = [id_ for id_, review in found.items() if review.subject is None]
    reviews.decide_all(tx, contributed, state, by, note)
    decided = reviews.states(tx, contributed)
    for id_, review in found.items():
        if review.subject is not None:
            upholds = review.rule != CONTRADICTED or review.subject not in doubted
            decided[id_] = reviews.decide(tx, id_, state, by, note, upholds=upholds)
    return [decided[id_] for id_ in found]


def _disputed_values(session: ReleaseSession, ids: Iterable[str]) -> list[ReportedValue]:
    """Return the values whose disputes are decided under these ids, with the doubts that the decision answers."""
    subjects = _disputed(session.context.tx, ids)
    return session.load(subjects) if subjects else []


def _update_delistings(session: ReleaseSession, values: Iterable[ReportedValue], wanted: Set[str]) -> None:
    """Delist the values of refused reports, and lift the delisting of values with an approved report."""
    refused, approved = [], []
    for value in values:
        decided = [
            session.loader.states[object_key]
            for object_key in value.ids & wanted
            if object_id(object_key).startswith("indicator--") and object_key in session.loader.states
        ]
        if any(review.state == "approved" for review in decided):
            approved.append(value)
        elif any(review.state == "rejected" and review.rule not in _ABOUT_THE_SENDER for review in decided):
            refused.append(value)
    delist(session.context.tx, refused)
    forget_delisted(session.context.tx, approved)


def _may_contribute(review_id: str) -> bool:
    return _type(review_id) == "opinion" or held_ends.is_end(review_id)


def _type(key: str) -> str:
    return object_id(key).partition("--")[0]


def _is_approved(session: ReleaseSession, object_key: str) -> bool:
    review = session.loader.states.get(object_key)
    return review is not None and review.state == "approved"


def find(tx: Tx, id_: str) -> Review:
    """Return the review of an object by its id, or by its key if several partners' objects share an id.

    A dispute is found by the id of any of its value's listings. Raises ``UnknownReview`` if nothing was held, or if
    several partners' objects have the id.
    """
    names = {id_} if is_key(id_) else {id_, *(key(space, id_) for space in partners.load_registry(tx).spaces.values())}
    found = list(reviews.states(tx, names).values()) or list(reviews.states(tx, map(held_ends.end_id, names)).values())
    found = found or _last_dispute(tx, id_)
    if not found:
        raise UnknownReview(f"no object with the id {id_} was held")
    if len(found) > 1:
        keys = ", ".join(f"{review.object_id} ({review.partner})" for review in found)
        raise UnknownReview(f"{id_} was held for several partners; name one of these instead: {keys}")
    return found[0]


def _last_dispute(tx: Tx, id_: str) -> list[Review]:
    """Return the last dispute of the value that the hub lists under that id."""
    subjects = listings.subjects(tx, [id_]).values()
    return [review for of_value in reviews.of_subjects(tx, subjects).values() for review in of_value][-1:]


def summaries(hub: Hub, tx: Tx, found: Iterable[Review]) -> list[ReviewSummary]:
    """Return the summaries of reviews, of contributions and of disputed listings."""
    found = list(found)
    disputes = dispute_cases(hub, tx, found)
    ends = held_ends.find(tx, (review.object_id for review in found if review.rule == MANY_ENDS))
    missing = {reported_by(review.object_id) for review in found if review.subject is None}
    bodies: dict[str, bytes] = {}
    for collection in sorted(collections.all_collections(tx), key=lambda collection: collection.kind != "inbox"):
        if missing and collection.kind != "exchange":
            bodies |= {id_: item.body for id_, item in log.latest(tx, collection, missing).items()}
            missing -= bodies.keys()
    return [
        ReviewSummary(review, case.kind, case.value, case, case.report)
        if (case := disputes.get(review.subject or ""))
        else _summary_of_end(review, end.subjects[0])
        if (end := ends.get(review.object_id)) and end.subjects
        else _summary(review, bodies.get(reported_by(review.object_id)))
        for review in found
    ]


def _summary_of_end(review: Review, subject: str) -> ReviewSummary:
    """Return the summary of an end, with the first of its values."""
    kind, _, value = subject.partition(":")
    return ReviewSummary(review, kind, value)


def _summary(review: Review, body: bytes | None) -> ReviewSummary:
    type_ = _type(review.object_id)
    if body is None or type_ != "indicator":
        return ReviewSummary(review, type_, None)
    try:
        report = from_stix(msgspec.json.decode(body))
    except Rejected:
        return ReviewSummary(review, type_, None)
    return ReviewSummary(review, report.kind, report.value, report=report)
