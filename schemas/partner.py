"""Partners of the exchange, the contacts of an organisation, and the institutions that provide values.

The provider of an account, an alias, a profile or a number is read from the value alone, because a reporter can name
any bank with a value.
"""

import re
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from schemas import kinds
from schemas.errors import Rejected
from schemas.reference.account_numbers import account_key, canonical_bank, checked_bank, is_bic, keeping_bank
from schemas.reference.aliases import find_system
from schemas.reference.bank_text import find_bank
from schemas.reference.sites import PLATFORMS, STORES, Site
from schemas.reference.telephone import PersonalNumber, hotline
from schemas.text import checked_line

_BANK, _ALIAS, _SOCIAL, _PHONE, _APP = "bank-account", "payment-alias", "social-account", "phone", "app"
# The systems whose first store is named by the system in ``stores.toml``.
_FIRST_STORES = {"android": "google-play", "ios": "app-store"}
# Systems of many banks: the alias alone does not tell which of them is the provider of the account.
_SCHEMES = frozenset(
    {"aani", "alias-cbu", "bakong", "bi-fast", "bizum", "blik", "dimo", "duitnow", "fps", "instapay", "instapay-eg"}
    | {"interac", "payid", "paynow", "payshap", "pix", "plin", "promptpay", "promptpay-bill", "qris", "qrph", "raast"}
    | {"sbp", "twint", "upi", "wero", "zelle"}
)
# The mark in an alias that precedes its bank or wallet.
_MARKS = {"upi": "@", "bakong": "@", "payshap": "@", "paynow": "#"}
# An e-wallet's number at PromptPay begins with the number of its provider.
_EWALLET = re.compile(r"\d{15}")
_PROVIDER = re.compile(r"promptpay:\d{3,6}")
_NATIONAL = re.compile(r"([A-Z]{2}):([A-Z0-9]{2,11})")
_NUMBERS = re.compile(r"\+[1-9]\d{2,13}")
# Countries whose bank codes begin with the bank, which may have many: a sort code, a BSB.
_RANGES = frozenset({"GB", "AU"})
_FEWEST_OF_RANGE = 2
_SORT_CODES = re.compile(r"GB:\d+")
_ANY_NUMBER = "1234567890"
_IBAN_BANKS = range(6, 16)
_INSTITUTION_RULE = (
    "a BIC of 8 characters (KASITHBK), the beginning of its IBANs up to the end of the bank's code (DE8937040044), "
    "a code with its country (TH:004, GB:6016), payment-alias:truemoney, payment-alias:upi:@okhdfcbank, "
    "social-account:line, app:google-play, or phone:+66812"
)


def checked_institution(text: str) -> str:
    """Return an institution in the spelling by which institutions are compared. Raises ``ValueError`` with the rule."""
    plain = "".join(text.split())
    kind, _, rest = plain.partition(":")
    if kind.lower() in (_ALIAS, _SOCIAL, _PHONE, _APP):
        return f"{kind.lower()}:{_checked_prefix(kind.lower(), rest)}"
    upper = plain.upper()
    if national := _NATIONAL.fullmatch(upper):
        return ":".join(national.groups())
    try:
        return checked_bank(upper)
    except ValueError:
        raise ValueError(_INSTITUTION_RULE) from None


def _checked_prefix(kind: str, rest: str) -> str:
    if kind == _PHONE and _NUMBERS.fullmatch(rest):
        return rest
    if kind == _SOCIAL and (platform := PLATFORMS.find(rest)) is not None:
        return platform.name
    if kind == _APP and (store := STORES.find(rest)) is not None:
        return _store_name(store)
    name, _, part = rest.lower().partition(":")
    system = find_system(name) if kind == _ALIAS else None
    if system is not None and _is_provider_of_aliases(system.name, part):
        return f"{system.name}:{part}" if part else system.name
    raise ValueError(_INSTITUTION_RULE)


def _is_provider_of_aliases(system: str, part: str) -> bool:
    """Return whether the name of a system, or a part of its aliases, names one institution."""
    if system not in _SCHEMES:
        return not part
    mark = _MARKS.get(system)
    return (mark is not None and re.fullmatch(rf"{mark}[a-z0-9]{{2,64}}", part) is not None) or (
        _PROVIDER.fullmatch(f"{system}:{part}") is not None
    )


def institution_kind(institution: str) -> str:
    """Return the kind of the values of which an institution is the provider."""
    kind = institution.partition(":")[0]
    return kind if kind in (_ALIAS, _SOCIAL, _PHONE, _APP) else _BANK


def provides_nothing(institution: str) -> bool:
    """Return whether an institution is the provider of no account: a British BIC, or letters of British IBANs."""
    country = institution[4:6] if is_bic(institution) else institution[:2]
    return country == "GB" and not any(_SORT_CODES.fullmatch(key) for key in institution_keys(institution))


@lru_cache(maxsize=4096)
def institution_keys(institution: str) -> frozenset[str]:
    """Return the keys of an institution: it is the provider of a value if ``provider_keys`` has one of them."""
    if institution_kind(institution) != _BANK:
        return frozenset({institution})
    if national := _NATIONAL.fullmatch(institution):
        country, code = national.groups()
        canonical = _bank_of_code(country, code)
        return frozenset({institution, f"{country}:{canonical}", *_bic(canonical)})
    if is_bic(institution):
        country = institution[4:6]
        return frozenset({institution, f"{country}:{canonical_bank(country, institution)}"})
    country, bank = institution[:2], institution[4:]
    sort_code = {f"GB:{bank[4:]}"} if country == "GB" and re.fullmatch(r"[A-Z]{4}\d{2,6}", bank) else set()
    return frozenset({f"{country}*{bank}", *sort_code})


@lru_cache(maxsize=4096)
def agent_keys(agent: str) -> frozenset[str]:
    """Return the keys of the institutions that a payment's agent may be: a BIC, or as ``GBDSC:601613`` its number.

    The number of an agent is that of a clearing system whose code begins with its country.
    """
    system, mark, member = agent.upper().partition(":")
    if not mark:
        return institution_keys(agent.upper()[:8])
    country = system[:2]
    numbers = [member[:length] for length in range(_FEWEST_OF_RANGE, len(member))] if country in _RANGES else []
    found = {f"{country}:{number}" for number in numbers} | {f"{country}*{member}"}
    whole = f"{country}:{member}"
    return frozenset(found) | (institution_keys(whole) if _NATIONAL.fullmatch(whole) else frozenset())


@lru_cache(maxsize=65_536)
def provider_keys(kind: str, value: str) -> frozenset[str]:
    """Return the keys of the institution that may be the provider of a normal form; none if the value names none.

    All names of one account give the same keys: those of the shortest name, which follows from every other.
    """
    if kind == _BANK:
        return _of_account(account_key(value))
    if kind == _ALIAS:
        return _of_alias(value)
    if kind == _SOCIAL:
        return frozenset({f"{_SOCIAL}:{value.partition(':')[0]}"})
    if kind == _PHONE and value.startswith("+"):
        return frozenset(f"{_PHONE}:{value[:length]}" for length in range(4, len(value) + 1))
    return frozenset()


def hosting_institution(host: str) -> str | None:
    """Return the institution that hosts a page: the platform or store with that host or a parent of it, or None.

    It is the provider of no value, because anybody may publish a page there. A network of hosts of many operators is no
    institution.
    """
    if (platform := PLATFORMS.hosting(host)) is not None:
        return None if "host" in platform.groups else f"{_SOCIAL}:{platform.name}"
    store = STORES.hosting(host)
    return None if store is None else f"{_APP}:{_store_name(store)}"


def store_institution(word: str) -> str | None:
    """Return the app store that people call ``word``; None for a system, whose apps are in several stores."""
    store = STORES.find(word)
    return None if store is None or word in _FIRST_STORES else f"{_APP}:{_store_name(store)}"


def _store_name(store: Site) -> str:
    return _FIRST_STORES.get(store.name, store.name)


def _of_account(account: str) -> frozenset[str]:
    if ":" not in account:
        beginnings = (f"{account[:2]}*{account[4:length]}" for length in _IBAN_BANKS)
        return frozenset({*_bic(keeping_bank(account)), *beginnings})
    country, bank = account.split(":")[:2]
    found = {f"{country}:{bank}", *_bic(bank), *_bic(keeping_bank(account))}
    if country in _RANGES and bank.isdecimal():
        found |= {f"{country}:{bank[:length]}" for length in range(_FEWEST_OF_RANGE, len(bank))}
    return frozenset(found)


def _of_alias(value: str) -> frozenset[str]:
    system, _, alias = value.partition(":")
    if system not in _SCHEMES:
        return frozenset({f"{_ALIAS}:{system}"})
    mark = _MARKS.get(system)
    if mark is not None and mark in alias:
        return frozenset({f"{_ALIAS}:{system}:{mark}{alias.rpartition(mark)[2].lower()}"})
    if system == "promptpay" and _EWALLET.fullmatch(alias):
        return frozenset(f"{_ALIAS}:{system}:{alias[:length]}" for length in range(3, 7))
    return frozenset()


def _bank_of_code(country: str, code: str) -> str:
    """Return the code or BIC under which accounts at the bank of a country's code are known."""
    try:
        return find_bank(code, _ANY_NUMBER, country)
    except Rejected:
        return canonical_bank(country, code)


def _bic(text: str) -> Iterable[str]:
    return (text,) if is_bic(text) else ()


# The prefixes of the aliases of private collections, and of no others.
OWN_ALIASES = ("for-", "outcomes-", "accounts-", "requests-", "sandbox-", "hub-reports-")

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
        Field(description="former providers whose accounts it took over: their findings count until its own"),
    ] = ()
    vouched: Annotated[bool, Field(description="the operator vouches for its reports, so that it needs no record")] = (
        False
    )
    forwards: Annotated[bool, Field(description="may pass on the reports of others unchanged")] = False
    named: Annotated[bool, Field(description="readers see its name; without, they see its kind")] = False
    shown_publicly: Annotated[bool, Field(description="the public page lists it among the partners")] = False
    peer: Annotated[bool, Field(description="another hub: it reads hub reports, and no listings")] = False
    organisation: Annotated[
        Name | None, Field(description="whose partner it is, where an organisation has several; it counts once")
    ] = None

    @model_validator(mode="after")
    def _peer_has_no_other_power(self) -> Self:
        if self.peer and (self.trusted or self.authority or self.institutions):
            raise ValueError("a peer is not trusted, and has no authority and no institutions")
        return self

    @property
    def has_powers(self) -> bool:
        """Return whether it decides by itself. Two persons give such a partner its access and these powers."""
        return bool(self.trusted or self.authority or self.institutions or self.peer)

    @property
    def counts_as(self) -> str:
        """Return the key of the organisation that the partner belongs to.

        All partners of one organisation count as one reporter and one judge. A partner without ``organisation`` counts
        under its own name.
        """
        return (self.organisation or self.name).casefold()

    @property
    def is_vouched(self) -> bool:
        """Return whether the operator relies on its reports: it vouches for it, trusts it, or gave it authority."""
        return self.vouched or self.trusted or bool(self.authority)


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
