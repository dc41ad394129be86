"""MISP's terms for a value: one attribute, or an object of one of its templates."""

from collections.abc import Mapping
from typing import NamedTuple

from mappers.pattern import Terms

_NETWORK, _FRAUD, _DELIVERY, _OTHER = "Network activity", "Financial fraud", "Payload delivery", "Other"


class Attribute(NamedTuple):
    """An attribute's type, category and value; its place in its object, and whether it is what to look for."""

    type: str
    category: str
    value: str
    relation: str | None = None
    to_ids: bool = True


class Template(NamedTuple):
    """An object template of MISP."""

    name: str
    uuid: str
    version: str
    category: str


class MispTerms(NamedTuple):
    """The terms of one value: one attribute, or those of an object of a ``template``."""

    attributes: tuple[Attribute, ...]
    template: Template | None = None


_BANK_ACCOUNT = Template("bank-account", "b4712203-95a8-4883-80e9-b566f5df11c9", "3", "financial")
_COIN_ADDRESS = Template("coin-address", "d0e6997e-78da-4815-a6a1-cfc1c1cb8a46", "7", "financial")
_USER_ACCOUNT = Template("user-account", "49606b06-22f0-4ac8-8eee-2f12ad46f3d3", "6", "misc")
_ANDROID_APP = Template("android-app", "92836f23-4730-4eae-82ac-9f00d5299735", "2", "file")

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
_OBJECTS: Mapping[str, tuple[Template, Mapping[str, tuple[str, str, str, bool]]]] = {
    "bank-account": (
        _BANK_ACCOUNT,
        {"account_number": ("account", "bank-account-nr", _FRAUD, True), "bic": ("swift", "bic", _FRAUD, False)},
    ),
    "user-account": (
        _USER_ACCOUNT,
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
            return MispTerms((Attribute(*found, value),))
    template, relations = _OBJECTS.get(terms.type, (None, {}))
    if template is None or not properties.keys() <= relations.keys():
        return None
    attributes = []
    for name, value in properties.items():
        relation, type_, category, to_ids = relations[name]
        attributes.append(Attribute(type_, category, value, relation, to_ids))
    return MispTerms(tuple(attributes), template)


def coin(address: str, chain: str | None) -> MispTerms:
    """Return the terms of a wallet's address, on ``chain`` where that is known."""
    if type_ := _COINS.get(chain or ""):
        return MispTerms((Attribute(type_, _FRAUD, address),))
    symbol = (Attribute("text", _OTHER, chain, "symbol", to_ids=False),) if chain else ()
    return MispTerms((Attribute("text", _OTHER, address, "address-crypto"), *symbol), _COIN_ADDRESS)


def android_app(package: str) -> MispTerms:
    """Return the terms of an Android app by its package; without a name, MISP's own export to STIX fails."""
    name = Attribute("text", _OTHER, package, "name", to_ids=False)
    return MispTerms((Attribute("text", _OTHER, package, "appid"), name), _ANDROID_APP)
