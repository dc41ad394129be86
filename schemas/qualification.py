"""Qualifications: the answers of an institution about what it keeps, and their effects."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, Field

from schemas.record import Record, indicator_or_value
from schemas.subject import Subject
from schemas.vocabulary import Action, HolderStatus, OpinionWord, OutcomeReason, OutcomeWord


class QualificationCode(StrEnum):
    """The answer of the institution that keeps an account: the nine codes of FNC-RF (Banque de France)."""

    FRAUD = "fraud"
    IDENTITY_STOLEN = "identity-stolen"
    CLOSED = "closed"
    GENUINE = "genuine"
    MERCHANT = "merchant"
    UNKNOWN = "unknown"
    MISATTRIBUTED = "misattributed"
    NOT_FOUND = "not-found"
    REGULARISED = "regularised"


# A listing is wrong by these answers: of what is ``regularised`` it was right.
SAYS_WRONG = frozenset({QualificationCode.GENUINE, QualificationCode.MISATTRIBUTED})


class QualificationEffect(NamedTuple):
    """The effect of an answer on the listings of the account.

    ``most`` is the strongest grade that is left, None for any; ``clears``: the account is disputed, too. ``confirms``:
    the keeper counts as a reporter with authority, who knows of the ``holder``. ``ends``: reports up to the answer
    count no more. ``opinion``, ``outcome`` and ``reason`` are the words by which others know it.
    """

    meaning: str
    opinion: OpinionWord
    outcome: OutcomeWord | None = None
    reason: OutcomeReason | None = None
    most: Action | None = None
    clears: bool = False
    confirms: bool = False
    ends: bool = False
    holder: HolderStatus | None = None


EFFECTS: Mapping[QualificationCode, QualificationEffect] = MappingProxyType(
    {
        QualificationCode.FRAUD: QualificationEffect(
            "it serves fraud; the keeper acts on it",
            OpinionWord.STRONGLY_AGREE,
            OutcomeWord.BLOCKED,
            OutcomeReason.OWN_FINDING,
            confirms=True,
        ),
        QualificationCode.IDENTITY_STOLEN: QualificationEffect(
            "somebody else uses the holder's identity or account",
            OpinionWord.AGREE,
            OutcomeWord.BLOCKED,
            OutcomeReason.COMPROMISED,
            most=Action.HOLD,
            confirms=True,
            holder=HolderStatus.DECEIVED,
        ),
        QualificationCode.CLOSED: QualificationEffect(
            "the account is closed: nothing can be paid into it",
            OpinionWord.NEUTRAL,
            OutcomeWord.NO_ACTION,
            OutcomeReason.ALREADY_GONE,
            ends=True,
        ),
        QualificationCode.GENUINE: QualificationEffect(
            "the keeper knows the holder and finds no fraud",
            OpinionWord.STRONGLY_DISAGREE,
            OutcomeWord.FALSE_POSITIVE,
            OutcomeReason.HOLDER_VERIFIED,
            most=Action.INVESTIGATE,
            clears=True,
        ),
        QualificationCode.MERCHANT: QualificationEffect(
            "a merchant's account, into which many pay for goods: a dispute about these is no scam",
            OpinionWord.DISAGREE,
            OutcomeWord.NO_ACTION,
            OutcomeReason.LEGITIMATE_USE,
            most=Action.WARN,
        ),
        QualificationCode.UNKNOWN: QualificationEffect("the keeper has looked and cannot tell", OpinionWord.NEUTRAL),
        QualificationCode.MISATTRIBUTED: QualificationEffect(
            "the report names this account for another one",
            OpinionWord.STRONGLY_DISAGREE,
            OutcomeWord.FALSE_POSITIVE,
            OutcomeReason.NOT_OURS,
            most=Action.INVESTIGATE,
            clears=True,
        ),
        QualificationCode.NOT_FOUND: QualificationEffect(
            "there is no such account at the keeper",
            OpinionWord.NEUTRAL,
            OutcomeWord.NO_ACTION,
            OutcomeReason.NOT_OURS,
            ends=True,
        ),
        QualificationCode.REGULARISED: QualificationEffect(
            "it was used for fraud, and is in its holder's hands again",
            OpinionWord.DISAGREE,
            OutcomeWord.FALSE_POSITIVE,
            OutcomeReason.REASSIGNED,
            most=Action.INVESTIGATE,
            clears=True,
        ),
    }
)


class Qualification(Record):
    """The answer of the institution that keeps an account about one listing of it."""

    of: Annotated[Subject, AfterValidator(indicator_or_value)]
    code: Annotated[QualificationCode, Field(description="what the keeper found")]
