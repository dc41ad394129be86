"""How sure the hub is: what reporters state, times how right they have been; what others saw; who doubts it."""

from collections.abc import Collection
from enum import StrEnum
from functools import lru_cache
from math import floor, prod

from schemas.vocabulary import OpinionWord, OutcomeReason, OutcomeWord

# The reliability of a partner of whom nothing is known yet: its reports count as it states them.
NEWCOMER = 0.8
UNSAID = 50
UNSAID_BY_AUTHORITY = 80
STEP = 5
_MOST = 99
# By how much of the doubt that is left the first partner that saw it lessens it; each further one half as much.
_SIGHTING = 0.2
_NO_DOUBT_OF_THE_VALUE = frozenset({OutcomeReason.NOT_OURS, OutcomeReason.ALREADY_GONE})


class Doubt(StrEnum):
    """What a judgement against a value comes to: it is doubted, or held for a false positive."""

    DOUBTED = "doubted"
    DISPUTED = "disputed"


# What is left of the confidence for each organisation that says so, where it is as reliable as a newcomer.
_LEFT = {Doubt.DOUBTED: 0.9, Doubt.DISPUTED: 0.5}


def weight(stated: int | None, reliability: float, *, authority: bool = False) -> float:
    """Give how much a report counts, from 0 to 0.99: its stated confidence, by the reporter's reliability."""
    if stated is None:
        stated = UNSAID_BY_AUTHORITY if authority else UNSAID
    return min(stated / 100 * (reliability / NEWCOMER), _MOST / 100)


def left_by(doubt: Doubt, record: float) -> float:
    """Give the share of the confidence that a doubt leaves, by the reliability of who doubts."""
    return 1 - (1 - _LEFT[doubt]) * min(record / NEWCOMER, 1.0)


def combined(weights: Collection[float], watching: int = 0, left: Collection[float] = ()) -> int:
    """Give the confidence of independent reports, ``watching`` others that saw it, and what doubts have ``left`` of it.

    Each report leaves of the doubt what it does not account for; so does each sighting, and each less than the one
    before: who sees a value does not say that it is a scam's.
    """
    doubt = prod(1 - each for each in sorted(weights)) * prod(1 - _SIGHTING / 2**place for place in range(watching))
    return _in_steps((1 - doubt) * prod(sorted(left)))


@lru_cache(maxsize=4096)
def _in_steps(sure: float) -> int:
    # Rounded before, so that 72.5 is 72.5 however it was come by.
    return min(STEP * floor(round(sure * 100 / STEP, 6) + 0.5), _MOST)


def doubt(outcome: OutcomeWord | None, opinion: OpinionWord | None, reason: str | None = None) -> Doubt | None:
    """Give what one judgement says against the value; an outcome says more than the opinion beside it."""
    if outcome is OutcomeWord.FALSE_POSITIVE:
        return Doubt.DISPUTED
    if outcome is OutcomeWord.NO_ACTION:
        return None if reason in _NO_DOUBT_OF_THE_VALUE else Doubt.DOUBTED
    if outcome is None and opinion is OpinionWord.STRONGLY_DISAGREE:
        return Doubt.DISPUTED
    return Doubt.DOUBTED if outcome is None and opinion is OpinionWord.DISAGREE else None
