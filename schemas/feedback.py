"""What a contributor hears of what it contributed."""

from enum import StrEnum
from typing import NamedTuple

from schemas.partner import PartnerKind
from schemas.vocabulary import Outcome


class Event(StrEnum):
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

    event: Event
    by_kind: PartnerKind | None = None
    outcome: Outcome | None = None
