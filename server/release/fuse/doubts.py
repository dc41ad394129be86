"""The effect of doubts: how far they lower a value, by the standing of each doubter."""

from collections.abc import Iterable
from typing import NamedTuple

from schemas.outcomes import MEANINGS
from server.release.fuse.confidence import Doubt, left_by
from server.release.fuse.statements import JudgeStanding, OpinionStatement


class DoubtEffect(NamedTuple):
    """The effect of all doubts of a value.

    ``left`` has, for each doubt that lowers the confidence, the share of it that is left. ``grades`` is by how many
    grades all of them lower the value at most, None where the value falls to its lowest grade. ``disputed``: a doubter
    with standing calls it a false positive. ``decided``: one that decides does.
    """

    left: list[float]
    grades: int | None
    disputed: bool
    decided: bool


# By how many grades the doubt of one organisation with standing lowers a value at most.
_GRADES = {Doubt.DOUBTED: 1, Doubt.DISPUTED: 2}
_RANK = {None: 0, Doubt.DOUBTED: 1, Doubt.DISPUTED: 2}


def effect_of(opinions: Iterable[OpinionStatement], *, authority: bool) -> DoubtEffect | None:
    """Return the effect of the doubts among these opinions, None where they lower nothing.

    Each organisation counts once, by its latest opinion. ``authority``: a partner with authority reports the value;
    then the doubt of anybody who does not decide counts as one without standing. All doubts without standing together
    lower the value by one grade.
    """
    left: list[float] = []
    without_standing, grades, decided, disputed = False, 0, False, False
    for opinion in latest_opinions(opinions):
        doubt, standing = opinion.doubt, opinion.standing
        if doubt is None or standing == JudgeStanding.SETTLED:
            continue
        if standing == JudgeStanding.WITHOUT or (authority and standing == JudgeStanding.WITH):
            without_standing = True
            continue
        left.append(left_by(doubt, opinion.record))
        grades += _GRADES[doubt]
        disputed |= doubt is Doubt.DISPUTED
        decided |= doubt is Doubt.DISPUTED and standing == JudgeStanding.DECIDES
    if not left and not without_standing:
        return None
    return DoubtEffect(sorted(left), None if decided else grades + without_standing, disputed, decided)


def latest_opinions(opinions: Iterable[OpinionStatement]) -> list[OpinionStatement]:
    """Return the latest opinion of each organisation; of two at the same time, the stronger doubt.

    What counts payments is no judgement of the value, and takes none back.
    """
    latest: dict[str, OpinionStatement] = {}
    for opinion in opinions:
        name = opinion.partner.counts_as
        latest[name] = max(latest.get(name, opinion), opinion, key=_time_and_strength)
    return [latest[name] for name in sorted(latest)]


def _time_and_strength(opinion: OpinionStatement) -> tuple[object, ...]:
    judges = opinion.outcome is None or MEANINGS[opinion.outcome].judges
    return judges, opinion.at, _RANK[opinion.doubt], opinion.standing, opinion.record
