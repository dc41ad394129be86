"""Who takes part in the exchange."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from schemas.text import line

CountryCode = Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2 country code")]


class PartnerKind(StrEnum):
    """What a partner is, as far as the release rules care."""

    BANK = "bank"
    PLATFORM = "platform"
    EXCHANGE = "exchange"
    TELECOM = "telecom"
    GOVERNMENT = "government"
    NGO = "ngo"
    RESEARCH = "research"


class Partner(BaseModel):
    """A registered organisation; ``identity`` is the id of its STIX identity object."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[
        str,
        Field(
            min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f:]+$", description="one line of NFC, as it is seen"
        ),
        AfterValidator(line),
    ]
    kind: PartnerKind
    country: CountryCode | None = None
    identity: Annotated[str, Field(pattern=r"^identity--[0-9a-f-]{36}$")]
