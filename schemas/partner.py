"""Partners of the exchange, and the contacts at which an organisation is reached."""

import re
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from schemas import kinds
from schemas.errors import Rejected
from schemas.keeper import checked_institution
from schemas.reference.telephone import PersonalNumber, hotline
from schemas.text import checked_line

# The prefixes of the aliases of private collections, and of no others.
OWN_ALIASES = ("for-", "outcomes-", "accounts-", "requests-", "sandbox-")

COUNTRY_PATTERN = "^[A-Z]{2}$"
CountryCode = Annotated[str, Field(pattern=COUNTRY_PATTERN, description="ISO 3166-1 alpha-2 country code")]


def _known_kind(name: str) -> str:
    if name not in kinds.every():
        raise ValueError(f"there is no such kind; there are: {', '.join(kinds.every())}")
    return name


class PartnerKind(StrEnum):
    """A kind of partner, as the release rules distinguish them."""

    BANK = "bank"
    PLATFORM = "platform"
    EXCHANGE = "exchange"
    TELECOM = "telecom"
    GOVERNMENT = "government"
    NGO = "ngo"
    RESEARCH = "research"


class FocalFunction(StrEnum):
    """A function of a national focal point (commitments 23 and 24 of the Joint Statement)."""

    PREVENTION = "prevention"
    PROSECUTION = "prosecution"
    PROTECTION = "protection"
    PARTNERSHIP = "partnership"


# In characters; user names have the same limit.
LONGEST_NAME = 100

Name = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST_NAME,
        pattern=r"^[^\x00-\x1f\x7f:]+$",
        description="one line of NFC, as it is seen",
    ),
    AfterValidator(checked_line),
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
        Field(
            description="whose accounts are its own: BICs, beginnings of IBANs, bank codes, wallets, platforms, numbers"
        ),
    ] = ()
    former_institutions: Annotated[
        tuple[Annotated[str, AfterValidator(checked_institution)], ...],
        Field(description="whose accounts were its own: its answers count until those who keep these now answer"),
    ] = ()
    forwards: Annotated[bool, Field(description="may pass on the reports of others unchanged")] = False
    named: Annotated[bool, Field(description="readers see its name; without, they see its kind")] = False
    shown_publicly: Annotated[bool, Field(description="the page for the public names it among those who take part")] = (
        False
    )
    organisation: Annotated[
        Name | None, Field(description="whose partner it is, where an organisation has several; it counts once")
    ] = None

    @property
    def counts_as(self) -> str:
        """Return the key of the organisation that the partner belongs to.

        All partners of one organisation count as one reporter and one judge. A partner without ``organisation`` counts
        under its own name.
        """
        return (self.organisation or self.name).casefold()


_ADDRESS = re.compile(r"([A-Za-z0-9._+-]{1,64})@((?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63})")
_WORD = re.compile(r"[a-z]+")
_LONGEST_CONTACT = 200
# Words in the addresses of desks. An address without any of them may be a person's.
_ROLE = re.compile(
    r"abuse|aml|antifraud|antiscam|case|cases|centre|center|cert|child|complaints|compliance|contact|"
    r"counter|csirt|cyber|cybercrime|department|desk|disclosure|duty|enquiries|enforcement|fiu|focal|"
    r"focalpoint|fraud|help|helpdesk|helpline|hotline|info|inquiries|intake|legal|liaison|mail|mailbox|"
    r"office|operations|ops|partners|partnership|partnerships|police|point|prevention|privacy|prosecution|"
    r"prosecutor|protection|referral|referrals|report|reports|request|requests|response|safety|scam|scams|"
    r"secretariat|security|service|services|soc|support|takedown|task|team|trafficking|trust|unit|victim|"
    r"victims|welfare"
)


def valid_contact(text: str) -> str:
    """Return a contact in the form in which it is stored. Raises ``Rejected``."""
    text = text.strip()
    if len(text) > _LONGEST_CONTACT:
        raise Rejected("contact-form", f"longer than {_LONGEST_CONTACT} characters: give an address or a page alone")
    if address := _ADDRESS.fullmatch(text):
        if not any(map(_ROLE.fullmatch, _WORD.findall(address[1].lower()))):
            raise Rejected(
                "contact-of-a-person",
                "this may be a person's address: give a role's, as protection@… or fraud-desk@…, or a page",
            )
        return f"{address[1]}@{address[2].lower()}"
    if _is_page(text):
        return text
    try:
        number = hotline(text)
    except PersonalNumber:
        raise Rejected(
            "contact-of-a-person", "this may be a person's number: give a hotline's or a desk's, no mobile's"
        ) from None
    except Rejected:
        raise Rejected(
            "contact-form", "no number that a telephone reaches: +66 2 123 4567, or a short one as 1441"
        ) from None
    if number is not None:
        return number
    raise Rejected(
        "contact-form",
        "neither a role's address (protection@agency.example), nor a page (https://…), nor a hotline's number (1441)",
    )


def _is_page(text: str) -> bool:
    try:
        parts = urlsplit(text)
        plain = parts.username is None and not any(char.isspace() or char in '<>"' for char in text)
        return parts.scheme == "https" and bool(parts.hostname) and plain
    except ValueError:
        return False
