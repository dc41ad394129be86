"""The brake: who suddenly sends far more, or mostly what has to be held back, is slowed until a person looks.

What a slowed partner sends is kept and held for review, so that one stolen login does not fill everybody's feed.
"""

from server.store import audit, volumes
from server.store.audit import Event
from server.store.store import Tx

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
    brake = volumes.brake(tx, partner)
    if brake is not None and brake.lifted is None:
        return brake.rule
    today = volumes.day_of(now)
    days = volumes.days(tx, partner, today - _DAYS_COMPARED)
    lifted = volumes.day_of(brake.lifted or 0) if brake else 0
    rule = _rule_exceeded(days, today, lifted, coming)
    if rule is not None:
        volumes.slow(tx, partner, rule, now)
        _audit(tx, "SLOW", partner, now, rule)
    return rule


def lift_throttle(tx: Tx, partner: str, now: int) -> bool:
    """Let the partner go on as before; False where nothing slows it. What was held waits for its review."""
    done = volumes.lift(tx, partner, now)
    if done:
        _audit(tx, "LIFT", partner, now, None)
    return done


def _rule_exceeded(days: dict[int, volumes.Volume], today: int, lifted: int, coming: int) -> str | None:
    before = [volume.taken for day, volume in days.items() if day < today and volume.taken]
    taken = coming + (days[today].taken if today in days else 0)
    if lifted < today and len(before) >= _MIN_DAYS and taken > max(_MIN_UNUSUAL, _GROWTH * max(before)):
        return UNUSUAL
    lately = [days[day] for day in (today - 1, today) if day in days and day > lifted]
    taken, held = sum(each.taken for each in lately), sum(each.held for each in lately)
    return MOSTLY_HELD if taken >= _MIN_HELD_OF and 2 * held > taken else None


def _audit(tx: Tx, method: str, partner: str, now: int, rule: str | None) -> None:
    audit.record(tx, [Event(now, now, 1, partner, "", method, "brake", None, 200, 0, rule)])
