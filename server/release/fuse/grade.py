"""The grade of a value, from ``block`` to ``investigate``, and the amounts that partners ask to hold."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from schemas.fields import Hold
from schemas.kind import Kind
from schemas.partner import Partner
from schemas.reference.banks import accounts
from schemas.reference.banks.accounts import is_kept_by
from schemas.report import Report
from schemas.vocabulary import Action
from server.release.fuse.statements import Statement

# From which confidence on.
FROM = {
    Action.BLOCK: 70,
    Action.HOLD: 60,
    Action.STEP_UP: 50,
    Action.WARN: 40,
    Action.MONITOR: 20,
    Action.INVESTIGATE: 0,
}
# What a newcomer's word alone comes to at most, where another's alone may block.
NEWCOMERS = Action.WARN
# A report that weighs less corroborates nothing.
CORROBORATES = 0.3
_RANK = {action: rank for rank, action in enumerate(Action)}
_ACCOUNT = "bank-account"


def grade_of(
    kind: Kind,
    confidence: int,
    *,
    suffices: bool,
    by_newcomers: bool = False,
    asked: Action | None = None,
    coerced: bool = False,
) -> Action:
    """Give the grade of a value of ``kind``: by the confidence, and never stronger than any of these allows.

    ``suffices``: there are reporters enough, or one with authority; else the kind's own limit holds, and where
    ``by_newcomers`` alone it is said, no more than a warning where one word could block. ``asked`` is the
    strongest that any reporter asks for, None where one leaves it open. ``coerced``: never above ``hold``.
    """
    limits = [next(action for action, least in FROM.items() if confidence >= least)]
    if not suffices:
        limits.append(
            NEWCOMERS if by_newcomers and kind.single_report_grade is Action.BLOCK else kind.single_report_grade
        )
    if asked is not None:
        limits.append(asked)
    if coerced:
        limits.append(Action.HOLD)
    limit = max(_RANK[each] for each in limits)
    return next((each for each in kind.grades if _RANK[each] >= limit), kind.grades[-1])


def lowered_by_doubts(kind: Kind, undoubted: Action, left: Action, grades: int | None) -> Action:
    """Give the grade of a value that is doubted: one lower than by the confidence that is ``left``.

    It is never more than so many ``grades`` below what it was ``undoubted``; with None the lowest.
    """
    ladder = kind.grades
    if grades is None:
        return ladder[-1]
    return ladder[min(ladder.index(left) + 1, ladder.index(undoubted) + grades, len(ladder) - 1)]


def strongest_asked(reports: Iterable[Report]) -> Action | None:
    """Give the strongest action that the reports ask for; None where one leaves it to the confidence."""
    words = [Action.HOLD if each.action is None and each.hold else each.action for each in reports]
    return None if None in words else min((word for word in words if word), key=_RANK.__getitem__)


def suffices(weights: Sequence[float], *, authority: bool) -> bool:
    """Tell whether the word of independent reporters is enough to block what somebody holds."""
    return authority or sum(each >= CORROBORATES for each in weights) >= 2


def by_newcomers(weights: Sequence[float], new: Sequence[bool]) -> bool:
    """Tell whether nobody says it with any weight but partners that are new."""
    return all(is_new or weight < CORROBORATES for weight, is_new in zip(weights, new, strict=True))


def has_authority(partner: Partner, report: Report) -> bool:
    """Tell whether the partner's word alone suffices: for the kind, or because the account is at its own bank."""
    return report.kind in partner.authority or keeps_account(partner, report.kind, report.value)


def keeps_account(partner: Partner, kind: str, value: str) -> bool:
    """Tell whether a value is an account at the partner's own bank."""
    if kind != _ACCOUNT or not partner.institutions:
        return False
    # The bank is read from the account itself: what a report says beside it, anybody may say.
    return is_kept_by(partner.institutions, value, {"bic": accounts.keeping_bank(value)})


_MOST_HOLDS = 20


def is_live_hold(said: Statement, at: datetime) -> bool:
    """Tell whether one with authority asks to hold an amount, or until a day that has not come ``at`` that time."""
    hold = said.report.hold
    return hold is not None and hold.until > at and has_authority(said.partner, said.report)


def lets_block(reporters: Sequence[Statement], authority: Sequence[bool]) -> bool:
    """Tell whether one with authority lets the value be blocked: who asks to hold an amount asks for no more."""
    actions = (strongest_asked([each.report]) for each, has in zip(reporters, authority, strict=True) if has)
    return any(action in (None, Action.BLOCK) for action in actions)


def live_holds(said: Sequence[Statement], alone: Report | None, at: datetime) -> list[Hold]:
    """Give what is asked to be held: by those with authority, whoever else reports the value, and by who is alone."""
    asked = {each.report.hold for each in said if each.report.hold and is_live_hold(each, at)}
    asked |= {alone.hold} if alone and alone.hold else set()
    return sorted(asked, key=lambda hold: (hold.until, str(hold)), reverse=True)[:_MOST_HOLDS]
