"""What a contributor hears of what it contributed."""

from enum import StrEnum
from typing import NamedTuple

from schemas.partner import PartnerKind
from schemas.vocabulary import OutcomeWord


class FeedbackEvent(StrEnum):
    """What became of a contribution."""

    RELEASED = "released"
    CORROBORATED = "corroborated"
    SIGHTED = "sighted"
    ACTED_ON = "acted-on"
    DISPUTED = "disputed"
    RETRACTED = "retracted"
    APPROVED = "approved"
    REFUSED = "refused"
    UPHELD = "upheld"
    DELISTED = "delisted"


class Feedback(NamedTuple):
    """One thing that became of contributions; ``by_kind`` is what the partner is whose doing it was."""

    event: FeedbackEvent
    by_kind: PartnerKind | None = None
    outcome: OutcomeWord | None = None
