"""What every record has: who says it and when, how it is marked. Reports accuse; records say what became of it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from schemas.errors import Rejected
from schemas.report import Lang, Line, Reporter, Text
from schemas.sharing import Limits
from schemas.subject import Subject
from schemas.timestamp import Timestamp
from schemas.vocabulary import Tlp


class Record(BaseModel):
    """One thing that one partner says about reports; personal data of victims and holders has no field, on purpose."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reporter: Reporter
    reported_at: Timestamp
    tlp: Tlp = Tlp.AMBER
    reference: Annotated[Line | None, Field(description="the reporter's own number for it")] = None
    description: Text | None = None
    lang: Annotated[Lang, Field(description="language of description")] = "en"
    sharing: Annotated[Limits, Field(description="whom it may reach, and for what")] = None


def indicator_or_value(subject: Subject) -> Subject:
    """Give ``subject`` back where it may be an indicator. Raises ``Rejected``."""
    if subject.ref is not None and not subject.ref.startswith("indicator--"):
        raise Rejected("not-an-indicators-id", "it is about an indicator: give its id, indicator--…, or the value")
    return subject


def in_order(first: Timestamp | None, last: Timestamp | None, names: str) -> None:
    """Refuse times that run backwards; ``names`` says which they are."""
    if first and last and last < first:
        raise Rejected("times-reversed", f"{names}: the end is before the beginning")
