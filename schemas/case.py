"""The case: what belongs together, under one name."""

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from schemas.errors import Rejected
from schemas.record import Record, in_order
from schemas.report import Countries, Evidence, Line
from schemas.subject import Subject
from schemas.timestamp import Timestamp
from schemas.vocabulary import CaseContext, ScamType, Word


class Case(Record):
    """Indicators, sightings, flows and other objects of one investigation. Its name is no person's."""

    name: Annotated[Line, Field(min_length=1)]
    context: CaseContext = CaseContext.SUSPICIOUS_ACTIVITY
    members: Annotated[tuple[Subject, ...], Field(min_length=1, max_length=10_000)]
    scam_type: Word = ScamType.UNKNOWN.value
    countries: Annotated[Countries, Field(description="countries it concerns")] = ()
    first_seen: Timestamp | None = None
    last_seen: Timestamp | None = None
    evidence: Annotated[tuple[Evidence, ...], Field(max_length=50)] = ()

    @field_validator("members", mode="after")
    @classmethod
    def _once(cls, members: tuple[Subject, ...]) -> tuple[Subject, ...]:
        """Keep each member once, in the order given."""
        return tuple({(each.ref, each.kind, each.value, each.reporter): each for each in members}.values())

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        in_order(self.first_seen, self.last_seen, "first_seen, last_seen")
        if not self.name.strip():
            raise Rejected("no-name", "a case has a name: the operation's, or the reporter's own number for it")
        return self
