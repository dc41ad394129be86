"""Who takes part in the exchange."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from schemas import kinds
from schemas.reference.banks.accounts import checked_institution
from schemas.text import line

# How the aliases of partners' own collections begin, and no other's.
OWN_ALIASES = ("for-", "outcomes-")

CountryCode = Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2 country code")]


def _known_kind(name: str) -> str:
    if name not in kinds.every():
        raise ValueError(f"there is no such kind; there are: {', '.join(kinds.every())}")
    return name


class PartnerKind(StrEnum):
    """What a partner is, as far as the release rules care."""

    BANK = "bank"
    PLATFORM = "platform"
    EXCHANGE = "exchange"
    TELECOM = "telecom"
    GOVERNMENT = "government"
    NGO = "ngo"
    RESEARCH = "research"


class FocalFunction(StrEnum):
    """What a national focal point is there for (commitments 23 and 24 of the Joint Statement)."""

    PREVENTION = "prevention"
    PROSECUTION = "prosecution"
    PROTECTION = "protection"
    PARTNERSHIP = "partnership"


# Also of a user name: no partner is called by more.
LONGEST_NAME = 100

Name = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST_NAME,
        pattern=r"^[^\x00-\x1f\x7f:]+$",
        description="one line of NFC, as it is seen",
    ),
    AfterValidator(line),
]


class Partner(BaseModel):
    """A registered participant; ``identity`` is the id of its STIX identity object."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    kind: PartnerKind
    country: CountryCode | None = None
    identity: Annotated[str, Field(pattern=r"^identity--[0-9a-f-]{36}$")]
    trusted: Annotated[bool, Field(description="what it calls a false positive is disputed at once")] = False
    authority: Annotated[
        tuple[Annotated[str, AfterValidator(_known_kind)], ...],
        Field(description="kinds of value for which its word alone suffices"),
    ] = ()
    institutions: Annotated[
        tuple[Annotated[str, AfterValidator(checked_institution)], ...],
        Field(description="whose accounts are its own: BICs of eight characters, or the beginnings of IBANs"),
    ] = ()
    forwards: Annotated[bool, Field(description="may pass on unchanged what others said")] = False
    named: Annotated[bool, Field(description="readers see its name; without, they see its kind")] = False
    organisation: Annotated[
        Name | None, Field(description="whose partner it is, where an organisation has several; it counts once")
    ] = None

    @property
    def counts_as(self) -> str:
        """Return the key of the organisation that it speaks for: all its partners together are one reporter, one judge.

        A partner of which nothing is said speaks for the organisation of its own name.
        """
        return (self.organisation or self.name).casefold()
