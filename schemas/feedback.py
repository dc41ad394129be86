"""Feedback: what became of a partner's contributions."""

from enum import StrEnum
from typing import NamedTuple

from schemas.partner import PartnerKind
from schemas.vocabulary import OutcomeWord


class FeedbackEvent(StrEnum):
    """An event of a contribution that its contributor reads about."""

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
    """One event of contributions; ``by_kind`` is the kind of the partner that caused it."""

    event: FeedbackEvent
    by_kind: PartnerKind | None = None
    outcome: OutcomeWord | None = None
