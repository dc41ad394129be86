"""What doubts come to: how far they lower a value, by what stands behind each of them."""

from collections.abc import Iterable
from typing import NamedTuple

from server.release.fuse.confidence import Doubt, left_by
from server.release.fuse.statements import JudgeStanding, OpinionStatement


class DoubtEffect(NamedTuple):
    """What doubts come to.

    ``left`` has for each that lowers the confidence which share of it is left. ``grades`` is by how many grades all
    of them lower the value at most, None where that follows from the confidence alone. ``disputed``: one with standing
    holds it for a false positive. ``decided``: one that decides does.
    """

    left: list[float]
    grades: int | None
    disputed: bool
    decided: bool


# By how many grades the doubt of one organisation with standing lowers a value at most.
_GRADES = {Doubt.DOUBTED: 1, Doubt.DISPUTED: 2}
_RANK = {None: 0, Doubt.DOUBTED: 1, Doubt.DISPUTED: 2}


def effect_of(judged: Iterable[OpinionStatement], *, authority: bool) -> DoubtEffect | None:
    """Give what judgements come to, None where they lower nothing.

    Each organisation counts once, by its last word. ``authority``: one with authority reports the value; then only
    who decides is more than a doubt without standing. All doubts without standing together lower it by one grade.
    """
    left: list[float] = []
    without, grades, decided, disputed = False, 0, False, False
    for last in latest_opinions(judged):
        if last.doubt is None or last.standing == JudgeStanding.SETTLED:
            continue
        if last.standing == JudgeStanding.WITHOUT or (authority and last.standing == JudgeStanding.WITH):
            without = True
            continue
        left.append(left_by(last.doubt, last.record))
        grades += _GRADES[last.doubt]
        disputed |= last.doubt is Doubt.DISPUTED
        decided |= last.doubt is Doubt.DISPUTED and last.standing == JudgeStanding.DECIDES
    if not left and not without:
        return None
    return DoubtEffect(sorted(left), None if decided else grades + without, disputed, decided)


def latest_opinions(judged: Iterable[OpinionStatement]) -> list[OpinionStatement]:
    """Give of each organisation what it said last; of two things at once, the graver."""
    last: dict[str, OpinionStatement] = {}
    for judgement in judged:
        name = judgement.partner.counts_as
        last[name] = max(last.get(name, judgement), judgement, key=_order)
    return [last[name] for name in sorted(last)]


def _order(judged: OpinionStatement) -> tuple[object, ...]:
    return judged.at, _RANK[judged.doubt], judged.standing, judged.record
