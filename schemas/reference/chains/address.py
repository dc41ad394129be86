"""Addresses of wallets, the refusals that all chains share, and texts that are mistaken for addresses."""

import re
from typing import NamedTuple

from schemas.errors import Rejected

EVM = "evm"
SUBSTRATE = "substrate"


class ChainAddress(NamedTuple):
    """A verified address in its one spelling, and its chain, or its family if the form leaves the chain open."""

    value: str
    chain: str


def wrong_checksum(form: str) -> Rejected:
    """Return the refusal of a wrong checksum: a character is wrong, or there is one too many or few."""
    return Rejected("checksum", f"the checksum of this {form} is wrong: a character was mistyped, cut off or re-cased")


def wrong_form(rule: str) -> Rejected:
    """Return the refusal of an address that breaks ``rule`` of its form."""
    return Rejected("wallet-form", rule)


def on_test_network(form: str) -> Rejected:
    """Return the refusal of an address whose coins have no value."""
    return Rejected("testnet", f"this {form} is of a test network, where coins have no value and no money is lost")


_NOT_ADDRESSES = (
    (
        r"(?:0x)?[0-9a-f]{64}",
        "64 hexadecimal digits are a transaction, a block or a secret key, not an address; report the address in it",
    ),
    (r"https?://.*", "this is a URL; report the address that it shows, or report it as a URL"),
    (
        r"(?:[a-z]{3,8}\s+){11,24}[a-z]{3,8}",
        "this looks like a seed phrase, which must not be sent; report the wallet's address",
    ),
    (
        r"(?:lightning:)?ln(?:bc|tb|bcrt|url)[0-9]*[munp]?1[02-9ac-hj-np-z]{20,}",
        "this is a Lightning invoice, paid once and gone; report the node's or the exchange's address",
    ),
    (r"[^\s/:@]+@[^\s/:@]+", "this is an e-mail or Lightning address; report it as an e-mail address"),
)
_MEANINGS = tuple((re.compile(pattern, re.IGNORECASE | re.DOTALL), meaning) for pattern, meaning in _NOT_ADDRESSES)
_HEX = re.compile(r"0x[0-9a-f]*", re.IGNORECASE)
_BECH32 = re.compile(r"(?:(?:bc|ltc|btg|addr|stake|zs)1|bitcoincash:)[0-9a-z]{20,}", re.IGNORECASE)
_LETTERS = re.compile(r"[0-9A-Za-z]{25,112}")


def explain_non_address(text: str) -> Rejected:
    """Return the refusal of ``text``, which has no chain's form: what it is likely to be, or the rule it breaks."""
    text = text[:400]
    for pattern, meaning in _MEANINGS:
        if pattern.fullmatch(text):
            return Rejected("not-an-address", meaning)
    if _HEX.fullmatch(text):
        return wrong_form(
            f"an address of the Ethereum family has 40 hexadecimal digits behind 0x; here are {len(text) - 2}"
        )
    if _BECH32.fullmatch(text):
        return wrong_form("Bech32 is all lower or all upper case (BIP-173), and has no 1, b, i or o behind its first 1")
    if _LETTERS.fullmatch(text) and not text.isdigit():
        return wrong_form(
            "Base58 has no 0, O, I or l, and tells upper from lower case: copy the address again as it stood"
        )
    return wrong_form("no form of address of any chain known here; give the address alone, without words around it")
