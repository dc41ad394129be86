"""Limits on what one organisation may send in a day: the throttle, and the quota of doubts about others' reports."""

from schemas.partner import Partner
from schemas.report import Report
from schemas.vocabulary import HolderStatus
from server.release.fuse import grade
from server.release.fuse.statements import OpinionStatement, read_annotation
from server.release.route import annotation_targets
from server.release.submission import Submission
from server.store import audit, quotas
from server.store.audit import AuditEvent
from server.store.engine import Tx
from server.store.partners import Registry

UNUSUAL = "unusual-volume"
MOSTLY_HELD = "mostly-held"
THROTTLE_MESSAGES = {
    UNUSUAL: "held for review: far more than on any day of the last month; the hub's operator was told, and lifts this "
    "when the growth is meant",
    MOSTLY_HELD: "held for review: more than half of what you sent lately had to be held back; look at the reasons "
    "that the statuses give, and ask the hub's operator to lift this",
}

_DAYS_COMPARED = 30
_GROWTH = 10
_MIN_DAYS = 5
_MIN_UNUSUAL = 10_000
_MIN_HELD_OF = 200


def throttled_by(tx: Tx, partner: str, now: int, *, coming: int = 0) -> str | None:
    """Give the rule by which the partner is slowed at ``now`` (microseconds), None where nothing slows it.

    ``coming`` are the objects that it sends just now. It stays slowed until it is lifted; what was sent up to the end
    of the day of that is not held against it again.
    """
    brake = quotas.last_throttle(tx, partner)
    if brake is not None and brake.lifted is None:
        return brake.rule
    today = quotas.day_of(now)
    days = quotas.daily_volumes(tx, partner, today - _DAYS_COMPARED)
    lifted = quotas.day_of(brake.lifted or 0) if brake else 0
    rule = _rule_exceeded(days, today, lifted, coming)
    if rule is not None:
        quotas.throttle(tx, partner, rule, now)
        _audit(tx, "SLOW", partner, now, rule)
    return rule


def lift_throttle(tx: Tx, partner: str, now: int) -> bool:
    """Let the partner go on as before; False where nothing slows it. What was held waits for its review."""
    done = quotas.lift_throttle(tx, partner, now)
    if done:
        _audit(tx, "LIFT", partner, now, None)
    return done


def _rule_exceeded(days: dict[int, quotas.DailyVolume], today: int, lifted: int, coming: int) -> str | None:
    before = [volume.taken for day, volume in days.items() if day < today and volume.taken]
    taken = coming + (days[today].taken if today in days else 0)
    if lifted < today and len(before) >= _MIN_DAYS and taken > max(_MIN_UNUSUAL, _GROWTH * max(before)):
        return UNUSUAL
    lately = [days[day] for day in (today - 1, today) if day in days and day > lifted]
    taken, held = sum(each.taken for each in lately), sum(each.held for each in lately)
    return MOSTLY_HELD if taken >= _MIN_HELD_OF and 2 * held > taken else None


def _audit(tx: Tx, method: str, partner: str, now: int, rule: str | None) -> None:
    audit.record(tx, [AuditEvent(now, now, 1, partner, "", method, "brake", None, 200, 0, rule)])


# References a day by which an organisation says something against others' reports, those of who has authority for
# some kind or is trusted, and those of anybody else.
DOUBTS_WITH_AUTHORITY = 1_000
DOUBTS_OF_OTHERS = 100
MANY_DOUBTS = "many-doubts"
MANY_DOUBTS_MESSAGE = (
    "held for review: you say something against more than {} reports of others in one day; the hub's operator looks at "
    "the rest"
)


class DoubtQuota:
    """What of a day's doubts a partner, and all others of its organisation, have left."""

    def __init__(self, tx: Tx, partner: Partner, registry: Registry, moment: int) -> None:
        """Count what the organisation of ``partner`` has said in the day of ``moment`` (microseconds)."""
        self._partner = partner
        self.most = DOUBTS_WITH_AUTHORITY if partner.authority or partner.trusted else DOUBTS_OF_OTHERS
        names = [each.name for each in registry.by_identity.values() if each.counts_as == partner.counts_as]
        self._left = self.most - quotas.count_doubts(tx, {*names, partner.name}, quotas.day_of(moment))
        self.spent = 0

    def take(self, taken: Submission, subjects: set[str]) -> bool:
        """Take what an object says against others off; False where that is more than what is left.

        What a bank says of the accounts that it keeps costs nothing. ``subjects`` are the values the object is about.
        """
        doubts = self._doubts(taken, subjects)
        if doubts > self._left:
            return False
        self._left -= doubts
        self.spent += doubts
        return True

    def _doubts(self, taken: Submission, subjects: set[str]) -> int:
        if isinstance(taken.report, Report):
            coerced = taken.report.holder_status is HolderStatus.COERCED
            return int(coerced and not grade.has_authority(self._partner, taken.report))
        said = read_annotation(taken.obj, self._partner) if taken.item.type == "opinion" else None
        if not isinstance(said, OpinionStatement) or said.doubt is None:
            return 0
        kept = sum(grade.keeps_account(self._partner, *subject.split(":", 1)) for subject in subjects)
        return max(len(annotation_targets.refs(taken.obj)) - kept, 0)
