"""Daily limits for one organisation: the throttle, the quota of doubts, and the newcomers' brake."""

from collections.abc import Iterable, Mapping
from functools import cached_property

from schemas.partner import Partner
from schemas.report import Report
from schemas.vocabulary import HolderStatus
from server.release.fuse import grade
from server.release.fuse.newcomers import NewcomerRule
from server.release.fuse.statements import OpinionStatement, read_annotation
from server.release.reasons import Reason
from server.release.submission import Submission
from server.store import audit, quotas
from server.store.database.engine import Tx
from server.store.partners import Registry

UNUSUAL = Reason.UNUSUAL_VOLUME.code
MOSTLY_HELD = Reason.MOSTLY_HELD.code
THROTTLE_MESSAGES = {reason.code: reason.text() for reason in (Reason.UNUSUAL_VOLUME, Reason.MOSTLY_HELD)}
MANY_DOUBTS = Reason.MANY_DOUBTS.code
NEW_PARTNER = Reason.NEW_PARTNER.code
# Persons hold these reports, with others of an incident: operators of the hub, or the reporting organisation.
HELD_BY_PERSONS = frozenset((Reason.HELD_BY_HUB.code, Reason.HELD_BY_PARTNER.code))

_DAYS_COMPARED = 30
_GROWTH = 10
_MIN_DAYS = 5
_MIN_UNUSUAL = 10_000
_MIN_HELD_OF = 200
# References a day by which one organisation may doubt others' reports: with authority for a kind or trusted, and
# otherwise.
DOUBTS_WITH_AUTHORITY = 1_000
DOUBTS_OF_OTHERS = 100


def days_compared(tx: Tx, partners: Iterable[str], now: int) -> dict[str, dict[int, quotas.DailyVolume]]:
    """Return by partner and day the volumes by which partners are throttled at ``now`` (microseconds)."""
    return quotas.daily_volumes(tx, partners, quotas.day_of(now) - _DAYS_COMPARED)


def throttled_by(
    tx: Tx,
    partner: str,
    throttle: quotas.Throttle | None,
    now: int,
    days: Mapping[int, quotas.DailyVolume],
    *,
    coming: int = 0,
) -> str | None:
    """Return the code of the reason that throttles a partner at ``now`` (microseconds), None if it is not throttled.

    ``throttle`` is its last one, and ``days`` are its volumes. ``coming`` is the number of objects that it is sending.
    A throttle stays until it is lifted; objects sent up to the end of that day do not count again. Starting a throttle
    is recorded in the audit trail.
    """
    if throttle is not None and throttle.lifted is None:
        return throttle.rule
    today = quotas.day_of(now)
    lifted = quotas.day_of(throttle.lifted or 0) if throttle else 0
    rule = _rule_exceeded(days, today, lifted, coming)
    if rule is not None:
        quotas.throttle(tx, partner, rule, now)
        audit.record_act(tx, audit.HUB, "SLOW", "throttle", partner=partner, objects=0, reference=rule)
    return rule


def _rule_exceeded(days: Mapping[int, quotas.DailyVolume], today: int, lifted: int, coming: int) -> str | None:
    before = [volume.received for day, volume in days.items() if day < today and volume.received]
    taken = coming + (days[today].received if today in days else 0)
    if lifted < today and len(before) >= _MIN_DAYS and taken > max(_MIN_UNUSUAL, _GROWTH * max(before)):
        return UNUSUAL
    lately = [days[day] for day in (today - 1, today) if day in days and day > lifted]
    taken, held = sum(volume.received for volume in lately), sum(volume.held for volume in lately)
    return MOSTLY_HELD if taken >= _MIN_HELD_OF and 2 * held > taken else None


def may_doubt(submission: Submission) -> bool:
    """Return whether a submission may count as a doubt about others' reports."""
    report = submission.report
    coerced = isinstance(report, Report) and report.holder_status is HolderStatus.COERCED
    return coerced or submission.item.type == "opinion"


class DoubtQuota:
    """The doubts about others' reports that a partner's organisation may still send on one day.

    Reports of coercion by a partner without authority count, and negative opinions. A bank's opinions about its own
    accounts do not.
    """

    def __init__(self, tx: Tx, partner: Partner, registry: Registry, moment: int, *, has_limit: bool = True) -> None:
        """Count the doubts of ``partner``'s organisation on the day of ``moment`` (microseconds).

        Without ``has_limit`` they are counted but not limited.
        """
        self._has_limit = has_limit
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
        if doubts and self._has_limit and doubts > self._left_before - self.spent:
            return False
        self.spent += doubts
        return True

    @cached_property
    def _left_before(self) -> int:
        """The doubts left before this contribution, computed on demand: few contributions have any."""
        return self.most - quotas.count_doubts(self._tx, colleagues(self._partner, self._registry), self._day)

    def _doubts(self, submission: Submission, subjects: set[str]) -> int:
        if isinstance(submission.report, Report):
            coerced = submission.report.holder_status is HolderStatus.COERCED
            return int(coerced and not grade.has_authority(self._partner, submission.report))
        statement = read_annotation(submission.obj, self._partner) if submission.item.type == "opinion" else None
        if not isinstance(statement, OpinionStatement) or statement.doubt is None:
            return 0
        kept = sum(grade.keeps_account(self._partner, *subject.split(":", 1)) for subject in subjects)
        return max(len(submission.refs) - kept, 0)


class NewcomerBrake:
    """The new values that an organisation without a record may still list on one day, without a review."""

    def __init__(self, tx: Tx, partner: Partner, registry: Registry, rule: NewcomerRule, moment: int) -> None:
        """Count the values of ``partner``'s organisation on the day of ``moment`` (microseconds), by ``rule``."""
        self._tx = tx
        self._partner = partner
        self._registry = registry
        self._rule = rule
        self._day = quotas.day_of(moment)
        self.spent = quotas.NO_NEW_VALUES

    def take(self, *, new: bool, public: bool) -> str | None:
        """Count a value and return None; or count nothing and return why the value waits for a review.

        ``new``: the partner did not report the value before. ``public``: its earlier report did not put the value in
        ``public``.
        """
        before, spent = self._before, self.spent
        listed, listed_publicly = spent.new_values + new, spent.new_public_values + public
        if self._rule.values and new and before.new_values + listed > self._rule.values:
            return Reason.NEW_PARTNER.text(most=self._rule.values, where="")
        if (
            self._rule.public_values
            and public
            and before.new_public_values + listed_publicly > self._rule.public_values
        ):
            return Reason.NEW_PARTNER.text(most=self._rule.public_values, where=" in public")
        self.spent = quotas.NewValues(listed, listed_publicly)
        return None

    @cached_property
    def _before(self) -> quotas.NewValues:
        return quotas.count_new_values(self._tx, colleagues(self._partner, self._registry), self._day)


def colleagues(partner: Partner, registry: Registry) -> frozenset[str]:
    """Return the names of all present and former partners of a partner's organisation, including the partner."""
    return registry.by_organisation.get(partner.counts_as, frozenset()) | {partner.name}
