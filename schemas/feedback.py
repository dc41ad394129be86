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
    OVERRULED = "overruled"
    QUALIFIED = "qualified"
    REQUESTED = "requested"
    ANSWERED = "answered"


class FeedbackReason(StrEnum):
    """The hub's reason for an event. Beside it stand the words of other closed vocabularies, such as an outcome's."""

    OPERATOR = "operator"
    REVIEW = "review"
    DISPUTE = "dispute"
    KEEPER = "keeper"
    OBJECTION = "objection"


# The longest message, question or answer that feedback carries.
MOST_CHARACTERS = 500


class Feedback(NamedTuple):
    """One event of contributions; ``by_kind`` is the kind of the partner that caused it.

    ``code`` is the keeping bank's answer or the state of a request, ``reason`` says why: both are words of closed
    vocabularies, so that no partner writes to another in them. ``message`` is a line of the hub's operator, or of a
    partner, that the guard's check of free text let pass (``server.release.guard.personal_data``).
    ``question`` is the id of the question that is asked or answered.
    """

    event: FeedbackEvent
    by_kind: PartnerKind | None = None
    outcome: OutcomeWord | None = None
    code: StrEnum | None = None
    reason: StrEnum | None = None
    message: str | None = None
    question: str | None = None
