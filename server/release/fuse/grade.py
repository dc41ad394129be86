"""The grade of a value, from ``block`` to ``investigate``, and the amounts that partners ask to hold."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from schemas.fields import Hold
from schemas.kind import Kind
from schemas.partner import Partner, institution_keys, provider_keys
from schemas.report import Report
from schemas.vocabulary import Action, HolderStatus
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
# A report with less weight does not corroborate.
CORROBORATES = 0.3
_RANK = {action: rank for rank, action in enumerate(Action)}
_MAX_HOLDS = 20


class GradeLimits(NamedTuple):
    """Limits of a value's grade apart from its confidence.

    ``suffices``: there are two reporters, or one with authority; otherwise the kind's own limit applies.
    ``by_newcomers``: reports of partners without a record count, so the grade is at most ``most_of_newcomers``.
    ``asked`` is the strongest action that any reporter asks for, None if one of them leaves it open. ``coerced``:
    never above ``warn``; ``sign``: a partner without standing says so, and it is never above ``hold``. ``unsure``:
    never above ``warn``, because only one organisation reports a value where the harm of an error is large.
    """

    suffices: bool
    by_newcomers: bool = False
    asked: Action | None = None
    coerced: bool = False
    sign: bool = False
    unsure: bool = False


def grade_of(kind: Kind, confidence: int, limits: GradeLimits) -> Action:
    """Return the grade of a value of ``kind``: by its confidence, and within all limits."""
    allowed = [next(action for action, least in FROM.items() if confidence >= least)]
    if not limits.suffices:
        allowed.append(kind.single_report_grade)
    if limits.by_newcomers:
        allowed.append(most_of_newcomers(kind))
    if limits.asked is not None:
        allowed.append(limits.asked)
    if limits.coerced or limits.unsure:
        allowed.append(Action.WARN)
    if limits.sign:
        allowed.append(Action.HOLD)
    strongest = max(_RANK[action] for action in allowed)
    return next((action for action in kind.grades if _RANK[action] >= strongest), kind.grades[-1])


def of_holder(reports: Iterable[Report], status: HolderStatus | None, *, confirmed: bool, sign: bool) -> GradeLimits:
    """Return the limits of a value by what its reports say of its holder: the ``status`` that protects most.

    Before a person decides, a ``sign`` of coercion does not lower the reports of other partners to ``warn``.
    """
    accused = sign and any(report.holder_status is not HolderStatus.COERCED for report in reports)
    coerced = confirmed or (status is HolderStatus.COERCED and not accused)
    return GradeLimits(suffices=False, coerced=coerced, sign=sign)


def most_of_newcomers(kind: Kind) -> Action:
    """Return the strongest grade of a value that only partners without a record report, however many they are."""
    return Action.STEP_UP if kind.single_report_grade is Action.HOLD else Action.WARN


def strongest(first: Action, second: Action) -> Action:
    """Return the stronger of two grades."""
    return min(first, second, key=_RANK.__getitem__)


def lowered_by_doubts(kind: Kind, undoubted: Action, left: Action, grades: int | None) -> Action:
    """Return the grade of a doubted value: one lower than the grade of the confidence that is ``left``.

    It is at most ``grades`` below ``undoubted``; with None it is the kind's lowest.
    """
    ladder = kind.grades
    if grades is None:
        return ladder[-1]
    return ladder[min(ladder.index(left) + 1, ladder.index(undoubted) + grades, len(ladder) - 1)]


def at_most(kind: Kind, action: Action, most: Action | None) -> Action:
    """Return the grade ``action`` of ``kind``, but not above ``most``; None sets no limit."""
    if most is None:
        return action
    strongest = max(_RANK[action], _RANK[most])
    return next((known for known in kind.grades if _RANK[known] >= strongest), kind.grades[-1])


def strongest_asked(reports: Iterable[Report]) -> Action | None:
    """Return the strongest action that the reports ask for, None if one of them leaves it to the confidence."""
    actions = [Action.HOLD if report.action is None and report.hold else report.action for report in reports]
    return None if None in actions else min((action for action in actions if action), key=_RANK.__getitem__)


def suffices(weights: Sequence[float], *, authority: bool) -> bool:
    """Return whether these independent reports are enough to block an account."""
    return authority or sum(weight >= CORROBORATES for weight in weights) >= 2


def has_authority(partner: Partner, report: Report) -> bool:
    """Return whether the partner's report alone suffices: it has authority for the kind, or is the account's
    provider.
    """
    return report.kind in partner.authority or keeps_account(partner, report.kind, report.value)


def keeps_account(partner: Partner, kind: str, value: str) -> bool:
    """Return whether the partner's institution is the provider of a value, as for collection ``accounts`` and
    findings.
    """
    if not partner.institutions:
        return False
    keys = provider_keys(kind, value)
    return any(not keys.isdisjoint(institution_keys(institution)) for institution in partner.institutions)


def is_live_hold(statement: Statement, at: datetime) -> bool:
    """Return whether a partner with authority asks for a hold that has not ended ``at`` that time."""
    hold = statement.report.hold
    return hold is not None and hold.until > at and has_authority(statement.partner, statement.report)


def is_official_hold(statement: Statement, at: datetime) -> bool:
    """Return whether it asks for a hold by authority for the kind, which the account's provider cannot lift."""
    return statement.report.kind in statement.partner.authority and is_live_hold(statement, at)


def lets_block(reporters: Sequence[Statement], authority: Sequence[bool]) -> bool:
    """Return whether a partner with authority lets the value be blocked: asking for a hold does not allow a block."""
    actions = (strongest_asked([reporter.report]) for reporter, has in zip(reporters, authority, strict=True) if has)
    return any(action in (None, Action.BLOCK) for action in actions)


def live_holds(statements: Sequence[Statement], alone: Report | None, at: datetime) -> list[Hold]:
    """Return the holds of partners with authority, no matter who else reports the value, and that of its only report.

    Each ends at its own time, independently of the consensus. The last to end is first.
    """
    holds = {statement.report.hold for statement in statements if statement.report.hold and is_live_hold(statement, at)}
    holds |= {alone.hold} if alone and alone.hold else set()
    return sorted(holds, key=lambda hold: (hold.until, str(hold)), reverse=True)[:_MAX_HOLDS]
