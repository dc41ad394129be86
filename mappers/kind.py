"""Base classes of the kinds' spellings in STIX and MISP, and ``user-account`` for kinds without a STIX type."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from mappers import ids
from mappers.pattern import Terms
from schemas.kind import Normal

_NETWORK, _FRAUD, _DELIVERY, _OTHER = "Network activity", "Financial fraud", "Payload delivery", "Other"


class MispAttribute(NamedTuple):
    """An attribute's type, category and value; its place in its object, and whether it is what to look for."""

    type: str
    category: str
    value: str
    relation: str | None = None
    to_ids: bool = True


class MispTemplate(NamedTuple):
    """An object template of MISP."""

    name: str
    uuid: str
    version: str
    category: str


class MispTerms(NamedTuple):
    """The terms of one value: one attribute, or those of an object of a ``template``."""

    attributes: tuple[MispAttribute, ...]
    template: MispTemplate | None = None


_BANK_ACCOUNT_TEMPLATE = MispTemplate("bank-account", "b4712203-95a8-4883-80e9-b566f5df11c9", "3", "financial")
_COIN_ADDRESS_TEMPLATE = MispTemplate("coin-address", "d0e6997e-78da-4815-a6a1-cfc1c1cb8a46", "7", "financial")
_USER_ACCOUNT_TEMPLATE = MispTemplate("user-account", "49606b06-22f0-4ac8-8eee-2f12ad46f3d3", "6", "misc")
_ANDROID_APP_TEMPLATE = MispTemplate("android-app", "92836f23-4730-4eae-82ac-9f00d5299735", "2", "file")

# By the observable's type and its one identifying property.
_ATTRIBUTES = {
    ("domain-name", "value"): ("domain", _NETWORK),
    ("url", "value"): ("url", _NETWORK),
    ("ipv4-addr", "value"): ("ip-dst", _NETWORK),
    ("ipv6-addr", "value"): ("ip-dst", _NETWORK),
    ("email-addr", "value"): ("email-src", _DELIVERY),
    ("phone-number", "value"): ("phone-number", _FRAUD),
    ("bank-account", "iban"): ("iban", _FRAUD),
}
# By the observable's type: relation, type and category of the attribute of each property, and whether to look
# for it, which is not so for a bank's code.
_OBJECTS: Mapping[str, tuple[MispTemplate, Mapping[str, tuple[str, str, str, bool]]]] = {
    "bank-account": (
        _BANK_ACCOUNT_TEMPLATE,
        {"account_number": ("account", "bank-account-nr", _FRAUD, True), "bic": ("swift", "bic", _FRAUD, False)},
    ),
    "user-account": (
        _USER_ACCOUNT_TEMPLATE,
        {
            "account_type": ("account-type", "text", _OTHER, False),
            "user_id": ("user-id", "text", _OTHER, True),
            "account_login": ("username", "text", _OTHER, True),
        },
    ),
}
_COINS = {"bitcoin": "btc", "monero": "xmr", "dash": "dash"}


def misp_terms_of(terms: Terms) -> MispTerms | None:
    """Return MISP's terms for STIX ``terms``, None where MISP has none."""
    properties = terms.properties
    if len(properties) == 1:
        ((name, value),) = properties.items()
        if found := _ATTRIBUTES.get((terms.type, name)):
            return MispTerms((MispAttribute(*found, value),))
    template, relations = _OBJECTS.get(terms.type, (None, {}))
    if template is None or not properties.keys() <= relations.keys():
        return None
    attributes = []
    for name, value in properties.items():
        relation, type_, category, to_ids = relations[name]
        attributes.append(MispAttribute(type_, category, value, relation, to_ids))
    return MispTerms(tuple(attributes), template)


def misp_coin(address: str, chain: str | None) -> MispTerms:
    """Return the terms of a wallet's address, on ``chain`` where that is known."""
    if type_ := _COINS.get(chain or ""):
        return MispTerms((MispAttribute(type_, _FRAUD, address),))
    symbol = (MispAttribute("text", _OTHER, chain, "symbol", to_ids=False),) if chain else ()
    return MispTerms((MispAttribute("text", _OTHER, address, "address-crypto"), *symbol), _COIN_ADDRESS_TEMPLATE)


def misp_android_app(package: str) -> MispTerms:
    """Return the terms of an Android app by its package; without a name, MISP's own export to STIX fails."""
    name = MispAttribute("text", _OTHER, package, "name", to_ids=False)
    return MispTerms((MispAttribute("text", _OTHER, package, "appid"), name), _ANDROID_APP_TEMPLATE)


_USER_ACCOUNT = "user-account"


class KindMapper(ABC):
    """Spelling of one kind: two inverse methods, ``terms`` and ``normal``.

    Each file of ``mappers/kinds`` defines one subclass; the file's presence registers it.

    ``kind`` is the name of the kind in ``schemas``; ``types`` the observable types that its terms may have;
    ``new_sco`` the id of the extension definition that introduces a type which STIX itself lacks; ``phase`` the phase
    of the Fight Fraud Framework (``mitre-f3``) in which scammers use such a value.
    """

    kind: ClassVar[str]
    types: ClassVar[tuple[str, ...]]
    new_sco: ClassVar[str | None] = None
    phase: ClassVar[str]

    @abstractmethod
    def terms(self, normal: Normal) -> Terms:
        """Return the observable's type and the properties that identify it."""

    @abstractmethod
    def normal(self, terms: Terms) -> Normal | None:
        """Return the normal form that ``terms`` spell, None if they spell nothing of this kind."""

    def observable_id(self, terms: Terms) -> str:
        """Return the observable's id, by the specification's rule unless that would give two things one id."""
        return f"{terms.type}--{ids.in_oasis(terms.properties)}"

    def opencti(self, normal: Normal) -> Terms:
        """Return terms that OpenCTI can store, for kinds whose own terms it cannot."""
        return self.terms(normal)

    def misp(self, normal: Normal) -> MispTerms | None:
        """Return the value as MISP spells it, by default by the observable's type; None if MISP has no type for it."""
        return misp_terms_of(self.terms(normal))


class ValueMapper(KindMapper):
    """Spelling of a kind whose observable has one identifying property, ``value``: ``[domain-name:value = 'x']``.

    The first of ``types`` is written, all of them are read.
    """

    def terms(self, normal: Normal) -> Terms:
        """Return the value as the property ``value``."""
        return Terms(self.types[0], {"value": normal.value})

    def normal(self, terms: Terms) -> Normal | None:
        """Return the property ``value``, None if there are other properties."""
        return Normal(terms.properties["value"]) if terms.properties.keys() == {"value"} else None


def user_account(account_type: str, user_id: str) -> Terms:
    """Return the terms of an account by type and id."""
    return Terms(_USER_ACCOUNT, {"account_type": account_type, "user_id": user_id})


def read_user_account(terms: Terms) -> tuple[str, str] | None:
    """Return type and id of an account that these two alone identify, None for any other thing."""
    if terms.type != _USER_ACCOUNT or terms.properties.keys() != {"account_type", "user_id"}:
        return None
    return terms.properties["account_type"], terms.properties["user_id"]
