"""Limits on what one organisation may send in a day: the throttle, and the quota of doubts about others' reports."""

from functools import cached_property

from schemas.partner import Partner
from schemas.report import Report
from schemas.vocabulary import HolderStatus
from server.release.fuse import grade
from server.release.fuse.statements import OpinionStatement, read_annotation
from server.release.reasons import Reason
from server.release.submission import Submission
from server.store import audit, quotas
from server.store.audit import AuditEvent
from server.store.database.engine import Tx
from server.store.partners import Registry

UNUSUAL = Reason.UNUSUAL_VOLUME.code
MOSTLY_HELD = Reason.MOSTLY_HELD.code
THROTTLE_MESSAGES = {reason.code: reason.text() for reason in (Reason.UNUSUAL_VOLUME, Reason.MOSTLY_HELD)}
MANY_DOUBTS = Reason.MANY_DOUBTS.code

_DAYS_COMPARED = 30
_GROWTH = 10
_MIN_DAYS = 5
_MIN_UNUSUAL = 10_000
_MIN_HELD_OF = 200
# References a day by which one organisation may doubt others' reports: with authority for a kind or trusted, and else.
DOUBTS_WITH_AUTHORITY = 1_000
DOUBTS_OF_OTHERS = 100


def throttled_by(tx: Tx, partner: str, now: int, *, coming: int = 0) -> str | None:
    """Return the code of the reason that throttles a partner at ``now`` (microseconds), None if it is not throttled.

    ``coming`` is the number of objects that it sends just now. A throttle stays until ``lift_throttle``; objects sent
    up to the end of that day do not count again. Starting one is recorded in the audit trail.
    """
    return throttled_since(tx, partner, quotas.last_throttle(tx, partner), now, coming=coming)


def throttled_since(tx: Tx, partner: str, throttle: quotas.Throttle | None, now: int, *, coming: int = 0) -> str | None:
    """Return what ``throttled_by`` does, for a partner whose last ``throttle`` is known."""
    if throttle is not None and throttle.lifted is None:
        return throttle.rule
    today = quotas.day_of(now)
    days = quotas.daily_volumes(tx, partner, today - _DAYS_COMPARED)
    lifted = quotas.day_of(throttle.lifted or 0) if throttle else 0
    rule = _rule_exceeded(days, today, lifted, coming)
    if rule is not None:
        quotas.throttle(tx, partner, rule, now)
        _audit(tx, "SLOW", partner, now, rule)
    return rule


def lift_throttle(tx: Tx, partner: str, now: int, by: str = "") -> bool:
    """End a partner's throttle and return True; False if there is none. Objects held by it still need a review."""
    lifted = quotas.lift_throttle(tx, partner, now)
    if lifted:
        _audit(tx, "LIFT", partner, now, None, by)
    return lifted


def _rule_exceeded(days: dict[int, quotas.DailyVolume], today: int, lifted: int, coming: int) -> str | None:
    before = [volume.received for day, volume in days.items() if day < today and volume.received]
    taken = coming + (days[today].received if today in days else 0)
    if lifted < today and len(before) >= _MIN_DAYS and taken > max(_MIN_UNUSUAL, _GROWTH * max(before)):
        return UNUSUAL
    lately = [days[day] for day in (today - 1, today) if day in days and day > lifted]
    taken, held = sum(volume.received for volume in lately), sum(volume.held for volume in lately)
    return MOSTLY_HELD if taken >= _MIN_HELD_OF and 2 * held > taken else None


def _audit(tx: Tx, method: str, partner: str, now: int, rule: str | None, by: str = "") -> None:
    audit.record_unsealed(tx, [AuditEvent(now, now, 1, partner, by, method, "throttle", None, 200, 0, rule)])


def may_doubt(submission: Submission) -> bool:
    """Return whether a submission may count as a doubt about others' reports."""
    report = submission.report
    coerced = isinstance(report, Report) and report.holder_status is HolderStatus.COERCED
    return coerced or submission.item.type == "opinion"


class DoubtQuota:
    """The doubts about others' reports that a partner's organisation may still send on one day.

    Reports of coercion by a partner without authority and negative opinions count. A bank's opinions about accounts
    that it keeps do not.
    """

    def __init__(self, tx: Tx, partner: Partner, registry: Registry, moment: int) -> None:
        """Count the doubts of ``partner``'s organisation on the day of ``moment`` (microseconds)."""
        self._partner = partner
        self.most = DOUBTS_WITH_AUTHORITY if partner.authority or partner.trusted else DOUBTS_OF_OTHERS
        self._tx = tx
        self._registry = registry
        self._day = quotas.day_of(moment)
        self.spent = 0

    def take(self, submission: Submission, subjects: set[str]) -> bool:
        """Use up the doubts in a submission and return True; return False, using up none, if too few are left.

        ``subjects`` are the values that the submission is about.
        """
        doubts = self._doubts(submission, subjects)
        if doubts and doubts > self._left_before - self.spent:
            return False
        self.spent += doubts
        return True

    @cached_property
    def _left_before(self) -> int:
        """The doubts that were left before this contribution; few contributions have any."""
        organisation = self._partner.counts_as
        colleagues = {
            partner.name for partner in self._registry.by_identity.values() if partner.counts_as == organisation
        }
        return self.most - quotas.count_doubts(self._tx, colleagues | {self._partner.name}, self._day)

    def _doubts(self, submission: Submission, subjects: set[str]) -> int:
        if isinstance(submission.report, Report):
            coerced = submission.report.holder_status is HolderStatus.COERCED
            return int(coerced and not grade.has_authority(self._partner, submission.report))
        statement = read_annotation(submission.obj, self._partner) if submission.item.type == "opinion" else None
        if not isinstance(statement, OpinionStatement) or statement.doubt is None:
            return 0
        kept = sum(grade.keeps_account(self._partner, *subject.split(":", 1)) for subject in subjects)
        return max(len(submission.refs) - kept, 0)
