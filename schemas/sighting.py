"""The sighting: a partner looked for an indicator's value and saw it, so often, or not at all."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from schemas.record import Record, in_order, indicator_or_value
from schemas.report import Countries, Reporter
from schemas.subject import Subject
from schemas.timestamp import Timestamp


class Sighting(Record):
    """Who saw an indicator's value, where, how often and when.

    ``seen_by`` is the organisation where it was seen, by its name or its identity's id, where that is not the
    reporter. ``count`` 0 says that it was looked for and not seen.
    """

    of: Annotated[Subject, AfterValidator(indicator_or_value)]
    count: Annotated[int, Field(ge=0, le=999_999_999)] = 1
    first_seen: Timestamp | None = None
    last_seen: Timestamp | None = None
    seen_by: Reporter | None = None
    countries: Annotated[Countries, Field(description="where it was seen")] = ()

    @field_validator("seen_by", mode="after")
    @classmethod
    def _elsewhere(cls, seen_by: str | None, said: ValidationInfo) -> str | None:
        return None if seen_by == said.data.get("reporter") else seen_by

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        in_order(self.first_seen, self.last_seen, "first_seen, last_seen")
        return self
