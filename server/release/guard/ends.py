"""The limit on the listings that one organisation ends in a day: ends beyond it wait for a second person."""

from collections.abc import Iterable, Set
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from mappers import extension
from mappers.record_reader import is_finding
from mappers.report_reader import from_stix
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.report import Report
from schemas.vocabulary import FINDINGS, Action, HolderStatus
from server.release.context import ReleaseContext
from server.release.fuse import grade
from server.release.fuse.confidence import Doubt
from server.release.fuse.consensus import end
from server.release.fuse.loader import Loader
from server.release.fuse.statements import OpinionStatement, indicator_subject, read_annotation, read_answer
from server.release.reasons import Reason
from server.release.submission import Submission
from server.store import held_ends, hub_identity, listings, log, quotas
from server.store.held_ends import HeldEnd
from server.store.item import Item
from server.store.reviews import HeldObject, Review

MANY_ENDS = held_ends.RULE
_UNIT = "ends"
_DAY = 86_400
_SOON = timedelta(days=1)
_NONE: frozenset[str] = frozenset()


class Sender(NamedTuple):
    """The sender of a contribution: the name of the person who is logged in, "" for a program.

    ``confirms``: a second person has confirmed the contribution, so limits on ends and doubts do not apply. ``actor``
    is the name in the audit trail; "" for the partner's own.
    """

    person: str = ""
    confirms: bool = False
    actor: str = ""


PROGRAM = Sender()
CONFIRMED = Sender(confirms=True)


def is_retraction(submission: Submission) -> bool:
    """Return whether a submission retracts a report."""
    return submission.item.type == "indicator" and submission.item.revoked


class EndBrake:
    """The listings that a partner's organisation may still end within 24 hours; ends beyond that are held.

    The count is in the store, shared by all processes and all partners of the organisation. If an end of an object
    waits already, a later one waits too and replaces it. After a rejection, a later version counts again.
    """

    def __init__(self, context: ReleaseContext, partner: Partner, limit: int, sender: Sender = PROGRAM) -> None:
        """Count the ends of ``partner`` by ``limit``; 0 means no limit."""
        self._context = context
        self._partner = partner
        self._limit = 0 if sender.confirms else limit
        self._person = sender.person
        self.is_confirmed = sender.confirms
        self._spent = 0
        self._held: list[tuple[HeldObject, HeldEnd]] = []

    @property
    def has_limit(self) -> bool:
        """Return whether there is any limit."""
        return self._limit > 0

    def take(self, key: str, item: Item, subjects: Set[str], *, again: bool = True) -> HeldObject | None:
        """Count the end of these values by an object with that key; or hold it, and return why.

        ``again``: a later version of a rejected end is a new end.
        """
        if not self._limit or not subjects:
            return None
        names = [key] if item.type == "indicator" else [item.type, *subjects]
        about = held_ends.about(self._partner.name, names)
        review = held_ends.find_about(self._context.tx, self._partner.name, about) if self._has_held else None
        review_id = held_ends.end_id(key)
        is_rejected = review is not None and review.state == "rejected"
        if is_rejected and not (again and _is_later(item, review)):
            return HeldObject(review_id, item.version, MANY_ENDS, Reason.END_REJECTED.text())
        if (review is None or is_rejected) and self._left_before - self._spent >= len(subjects):
            self._spent += len(subjects)
            if review is not None:
                held_ends.forget(self._context.tx, [review.object_id])
            return None
        held = HeldObject(review_id, item.version, MANY_ENDS, Reason.MANY_ENDS.text(most=self._limit))
        self._held.append((held, HeldEnd(review_id, about, self._person, sorted(subjects), item.body)))
        return held

    def write(self) -> None:
        """Store the counted and the held ends, and tell the operator."""
        tx = self._context.tx
        if self._spent:
            quotas.correct(tx, self._partner.counts_as, _UNIT, self._spent, limit=self._limit, seconds=_DAY)
        if self._held:
            held_ends.hold(tx, self._partner.name, self._held)
            hub_identity.note_warning(tx, hub_identity.MANY_ENDS, len(self._held), self._partner.name)
        self._spent, self._held = 0, []

    @cached_property
    def _left_before(self) -> int:
        return quotas.left(self._context.tx, self._partner.counts_as, _UNIT, limit=self._limit, seconds=_DAY)

    @cached_property
    def _has_held(self) -> bool:
        return held_ends.any_of(self._context.tx, self._partner.name)


def _is_later(item: Item, review: Review | None) -> bool:
    return review is not None and item.version is not None and item.version > (review.version or 0)


def ended_by(loader: Loader, partner: Partner, submission: Submission, about: Iterable[str]) -> Set[str]:
    """Return the values whose listings a new version of ``partner`` may end; ``about`` are those that it is about.

    These are values of the partner's own reports that it retracts, no longer states, states to a smaller audience, or
    ends earlier than before and within a day, also if only its hold by authority ends. They also include values of
    others' reports that it ends or lowers below ``hold`` as provider, takes out of the shared collections by a report
    of coercion, or disputes with the standing to decide.
    """
    if submission.item.type == "indicator":
        return _ended_report(loader, partner, submission) | _protected(loader, submission)
    if submission.item.type != "opinion" or submission.item.revoked:
        return _NONE
    subjects = frozenset(about)
    if is_finding(submission.obj):
        answer = read_answer(submission.obj)
        effect = FINDINGS[answer.code] if answer is not None else None
        ends = effect is not None and (effect.ends or effect.most not in (None, Action.HOLD))
        return subjects if ends else _NONE
    statement = read_annotation(submission.obj, partner)
    if not isinstance(statement, OpinionStatement) or statement.doubt is not Doubt.DISPUTED:
        return _NONE
    if partner.trusted or partner.authority:
        return subjects
    return frozenset(
        subject
        for subject in subjects
        if grade.keeps_account(partner, *subject.split(":", 1))
        or loader.context.owner_of_value(subject) == partner.name
    )


def _ended_report(loader: Loader, partner: Partner, submission: Submission) -> Set[str]:
    key, report = submission.key, submission.report
    before = loader.known.get(key)
    if before is None or before.get("revoked") is True or loader.is_held(key):
        return _NONE
    subject = indicator_subject(before)
    if subject is None:
        return _NONE
    stays = (
        not submission.item.revoked
        and isinstance(report, Report)
        and submission.subject == subject
        and not _ends_earlier(loader, partner, before, report)
        and not loader.leaves_a_collection(key, submission.obj, report)
    )
    return _NONE if stays else frozenset((subject,))


def _ends_earlier(loader: Loader, partner: Partner, before: dict[str, object], report: Report) -> bool:
    """Return whether a report, or its hold by authority, ends earlier than the version ``before`` and within a day."""
    at = loader.context.at
    if end(report, (), at) > at + _SOON and "hold" not in extension.context_of(before):
        return False
    try:
        earlier = from_stix(before)
    except Rejected:
        return False
    is_shortened = _moved_forward(end(earlier, (), at), end(report, (), at), at)
    if earlier.hold is None or not grade.has_authority(partner, earlier):
        return is_shortened
    return is_shortened or _moved_forward(earlier.hold.until, report.hold.until if report.hold else at, at)


def _moved_forward(before: datetime, after: datetime, at: datetime) -> bool:
    """Return whether an end after ``at`` was moved to an earlier time, within a day of ``at``."""
    return before > at and after < before and after <= at + _SOON


def _protected(loader: Loader, submission: Submission) -> Set[str]:
    """Return the value that a report of a coerced holder takes out of the shared collections."""
    report, subject = submission.report, submission.subject
    if (
        subject is None
        or submission.item.revoked
        or not isinstance(report, Report)
        or report.holder_status is not HolderStatus.COERCED
        or not loader.confirms_coercion(submission.key, report)
    ):
        return _NONE
    tx = loader.context.tx
    shared = listings.find(tx, [subject]).get(subject, {}).get("", ())
    latest = log.latest_everywhere(tx, shared).values()
    is_listed = any(not item.revoked for items in latest for item in items.values())
    return frozenset((subject,)) if is_listed else _NONE
