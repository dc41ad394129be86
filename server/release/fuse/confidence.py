"""The confidence of a value: stated confidence times reliability, raised by sightings and lowered by doubts."""

from collections.abc import Collection
from enum import StrEnum
from functools import lru_cache
from math import floor, prod

from schemas.vocabulary import OUTCOMES, OpinionWord, OutcomeReason, OutcomeWord

# The reliability of a partner without a record: its reports count as it states them.
NEWCOMER = 0.8
# The confidence of a report that states none.
UNSAID = 50
UNSAID_BY_AUTHORITY = 80
STEP = 5
_MAX = 99
# The share of the remaining doubt that the first partner's sighting removes; each further one removes half as much.
_SIGHTING = 0.2
_NO_DOUBT_OF_THE_VALUE = frozenset({OutcomeReason.NOT_OURS, OutcomeReason.ALREADY_GONE})


class Doubt(StrEnum):
    """The strength of an opinion against a value: doubted, or disputed as a false positive."""

    DOUBTED = "doubted"
    DISPUTED = "disputed"


# The share of the confidence that is left after the doubt of one organisation as reliable as a newcomer.
_LEFT = {Doubt.DOUBTED: 0.9, Doubt.DISPUTED: 0.5}


def weight(stated: int | None, reliability: float, *, authority: bool = False) -> float:
    """Return the weight of a report, from 0 to 0.99: its stated confidence times the reporter's reliability."""
    if stated is None:
        stated = UNSAID_BY_AUTHORITY if authority else UNSAID
    return min(stated / 100 * (reliability / NEWCOMER), _MAX / 100)


def left_by(doubt: Doubt, record: float) -> float:
    """Return the share of the confidence that a doubt leaves, given the doubter's reliability."""
    return 1 - (1 - _LEFT[doubt]) * min(record / NEWCOMER, 1.0)


def combined(weights: Collection[float], observers: int = 0, left: Collection[float] = ()) -> int:
    """Return the confidence of independent reports, with the sightings of ``observers`` others.

    ``left`` are the shares of it that doubts leave. Each report reduces the remaining doubt by its weight. Each
    sighting does too, by less than the one before: seeing a value does not prove that it serves a scam.
    """
    doubt = prod(1 - weight for weight in sorted(weights)) * prod(
        1 - _SIGHTING / 2**place for place in range(observers)
    )
    return _in_steps((1 - doubt) * prod(sorted(left)))


@lru_cache(maxsize=4096)
def _in_steps(sure: float) -> int:
    # Round first, so that 72.5 is 72.5 however it was computed.
    return min(STEP * floor(round(sure * 100 / STEP, 6) + 0.5), _MAX)


def doubt(outcome: OutcomeWord | None, opinion: OpinionWord | None, reason: str | None = None) -> Doubt | None:
    """Return the doubt that an outcome or an opinion expresses; an outcome takes precedence over its opinion."""
    if outcome is OutcomeWord.NO_ACTION and reason in _NO_DOUBT_OF_THE_VALUE:
        return None
    if outcome is not None:
        word = OUTCOMES[outcome].doubt
        return Doubt(word) if word else None
    if opinion is OpinionWord.STRONGLY_DISAGREE:
        return Doubt.DISPUTED
    return Doubt.DOUBTED if opinion is OpinionWord.DISAGREE else None
