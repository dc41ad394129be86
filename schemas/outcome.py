"""The outcome and the opinion: what a partner did about an indicator, and what it thinks of it."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from schemas.errors import Rejected
from schemas.record import Record, in_order, indicator_or_value
from schemas.subject import Subject
from schemas.timestamp import Timestamp
from schemas.vocabulary import OpinionWord, Outcome as OutcomeWord, Word

_ENDING = {OutcomeWord.BLOCKED, OutcomeWord.FUNDS_HELD}


class Outcome(Record):
    """What became of one indicator at the reporter, why, and from when until when."""

    of: Annotated[Subject, AfterValidator(indicator_or_value)]
    outcome: OutcomeWord
    reason: Annotated[Word | None, Field(description="a word of the vocabulary, or another")] = None
    effective_from: Timestamp | None = None
    effective_until: Annotated[Timestamp | None, Field(description="when a block or a hold ends")] = None

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        in_order(self.effective_from, self.effective_until, "effective_from, effective_until")
        if self.effective_until and self.outcome not in _ENDING:
            raise Rejected("end-misplaced", "only a block or a hold of funds ends: leave effective_until out")
        return self


class Opinion(Record):
    """How far the reporter agrees with what an indicator says, without having done anything about it."""

    of: Annotated[Subject, AfterValidator(indicator_or_value)]
    opinion: OpinionWord
