"""The effect of doubts: how far they lower a value, given the standing of each doubter."""

from collections.abc import Iterable
from typing import NamedTuple

from schemas.vocabulary import OUTCOMES
from server.release.fuse.confidence import Doubt, left_by
from server.release.fuse.statements import JudgeStanding, OpinionStatement


class DoubtEffect(NamedTuple):
    """The effect of all doubts of a value.

    ``left``: for each doubt that lowers the confidence, the share that remains. ``grades``: by how many grades they
    lower the value at most, None if it falls to its lowest grade. ``disputed``: a doubter with standing calls it a
    false positive. ``decided``: a doubter that decides does so.
    """

    left: list[float]
    grades: int | None
    disputed: bool
    decided: bool


# By how many grades the doubt of one organisation with standing lowers a value at most.
_GRADES = {Doubt.DOUBTED: 1, Doubt.DISPUTED: 2}
_RANK = {None: 0, Doubt.DOUBTED: 1, Doubt.DISPUTED: 2}


def effect_of(opinions: Iterable[OpinionStatement], *, authority: bool) -> DoubtEffect | None:
    """Return the effect of the doubts among these opinions, None if they lower nothing.

    Each organisation counts once, by its latest opinion. ``authority``: a partner with authority reports the value;
    then a doubt by a partner that does not decide counts as one without standing. All doubts without standing together
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

    A count of payments does not judge the value, and replaces no judgement. Of the opinions of an organisation at
    several hubs, the strongest doubt counts: only the hub that sent a doubt can end it.
    """
    latest: dict[str, OpinionStatement] = {}
    of_hubs: list[OpinionStatement] = []
    for opinion in opinions:
        if opinion.hub:
            of_hubs.append(opinion)
            continue
        name = opinion.partner.counts_as
        latest[name] = max(latest.get(name, opinion), opinion, key=_time_and_strength)
    for opinion in of_hubs:
        name = opinion.partner.counts_as
        latest[name] = max(latest.get(name, opinion), opinion, key=_strength)
    return [latest[name] for name in sorted(latest)]


def _strength(opinion: OpinionStatement) -> tuple[object, ...]:
    return _RANK[opinion.doubt], opinion.standing, opinion.record, opinion.at


def _time_and_strength(opinion: OpinionStatement) -> tuple[object, ...]:
    judges = opinion.outcome is None or OUTCOMES[opinion.outcome].judges
    return judges, opinion.at, _RANK[opinion.doubt], opinion.standing, opinion.record
