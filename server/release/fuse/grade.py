"""The grade of a value, from ``block`` to ``investigate``, and the amounts that partners ask to hold."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from schemas.fields import Hold
from schemas.keeper import keeper, keys_of
from schemas.kind import Kind
from schemas.partner import Partner
from schemas.report import Report
from schemas.vocabulary import Action
from server.release.fuse.statements import Statement

# The least confidence of each grade.
FROM = {
    Action.BLOCK: 70,
    Action.HOLD: 60,
    Action.STEP_UP: 50,
    Action.WARN: 40,
    Action.MONITOR: 20,
    Action.INVESTIGATE: 0,
}
# The strongest grade for newcomers' reports alone, of kinds that one report may block.
NEWCOMERS = Action.WARN
# A report that weighs less corroborates nothing.
CORROBORATES = 0.3
_RANK = {action: rank for rank, action in enumerate(Action)}
_MAX_HOLDS = 20


class GradeLimits(NamedTuple):
    """Limits of a value's grade besides its confidence.

    ``suffices``: there are two reporters, or one with authority; else the kind's own limit holds, and where only
    newcomers report it (``by_newcomers``), at most a warning for kinds that one report may block. ``asked`` is the
    strongest action that any reporter asks for, None where one leaves it open. ``coerced``: never above ``hold``.
    """

    suffices: bool
    by_newcomers: bool = False
    asked: Action | None = None
    coerced: bool = False


def grade_of(kind: Kind, confidence: int, limits: GradeLimits) -> Action:
    """Return the grade of a value of ``kind``: by its confidence, and never stronger than any of the limits allows."""
    allowed = [next(action for action, least in FROM.items() if confidence >= least)]
    if not limits.suffices:
        single = kind.single_report_grade
        allowed.append(NEWCOMERS if limits.by_newcomers and single is Action.BLOCK else single)
    if limits.asked is not None:
        allowed.append(limits.asked)
    if limits.coerced:
        allowed.append(Action.HOLD)
    strongest = max(_RANK[action] for action in allowed)
    return next((action for action in kind.grades if _RANK[action] >= strongest), kind.grades[-1])


def lowered_by_doubts(kind: Kind, undoubted: Action, left: Action, grades: int | None) -> Action:
    """Return the grade of a doubted value: one lower than the grade of the confidence that is ``left``.

    It is at most ``grades`` below ``undoubted``; with None it is the kind's lowest.
    """
    ladder = kind.grades
    if grades is None:
        return ladder[-1]
    return ladder[min(ladder.index(left) + 1, ladder.index(undoubted) + grades, len(ladder) - 1)]


def at_most(kind: Kind, action: Action, most: Action | None) -> Action:
    """Return a grade of ``kind``, lowered to what ``most`` allows; None allows any."""
    if most is None:
        return action
    strongest = max(_RANK[action], _RANK[most])
    return next((known for known in kind.grades if _RANK[known] >= strongest), kind.grades[-1])


def strongest_asked(reports: Iterable[Report]) -> Action | None:
    """Return the strongest action that the reports ask for, None where one leaves it to the confidence."""
    actions = [Action.HOLD if report.action is None and report.hold else report.action for report in reports]
    return None if None in actions else min((action for action in actions if action), key=_RANK.__getitem__)


def suffices(weights: Sequence[float], *, authority: bool) -> bool:
    """Return whether these independent reports are enough to block somebody's account."""
    return authority or sum(weight >= CORROBORATES for weight in weights) >= 2


def by_newcomers(weights: Sequence[float], new: Sequence[bool]) -> bool:
    """Return whether all reports of any weight come from newcomers."""
    return all(is_new or weight < CORROBORATES for weight, is_new in zip(weights, new, strict=True))


def has_authority(partner: Partner, report: Report) -> bool:
    """Return whether the partner's report alone suffices: it has authority for the kind, or keeps the account."""
    return report.kind in partner.authority or keeps_account(partner, report.kind, report.value)


def keeps_account(partner: Partner, kind: str, value: str) -> bool:
    """Return whether the partner's own institution keeps a value, as its collection ``accounts`` and its answers do."""
    if not partner.institutions:
        return False
    keys = keeper(kind, value)
    return any(not keys.isdisjoint(keys_of(institution)) for institution in partner.institutions)


def is_live_hold(statement: Statement, at: datetime) -> bool:
    """Return whether a partner with authority asks for a hold that has not ended ``at`` that time."""
    hold = statement.report.hold
    return hold is not None and hold.until > at and has_authority(statement.partner, statement.report)


def is_official_hold(statement: Statement, at: datetime) -> bool:
    """Return whether it asks for a hold by authority for the kind, which the keeper of the account cannot lift."""
    return statement.report.kind in statement.partner.authority and is_live_hold(statement, at)


def lets_block(reporters: Sequence[Statement], authority: Sequence[bool]) -> bool:
    """Return whether a partner with authority lets the value be blocked: one that asks for a hold asks for no more."""
    actions = (strongest_asked([reporter.report]) for reporter, has in zip(reporters, authority, strict=True) if has)
    return any(action in (None, Action.BLOCK) for action in actions)


def live_holds(statements: Sequence[Statement], alone: Report | None, at: datetime) -> list[Hold]:
    """Return the holds of partners with authority, whoever else reports the value, and that of its only report.

    Each ends at its own time, beside the consensus. The last to end comes first.
    """
    holds = {statement.report.hold for statement in statements if statement.report.hold and is_live_hold(statement, at)}
    holds |= {alone.hold} if alone and alone.hold else set()
    return sorted(holds, key=lambda hold: (hold.until, str(hold)), reverse=True)[:_MAX_HOLDS]
