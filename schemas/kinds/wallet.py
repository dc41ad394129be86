"""Wallets: an address on a chain, its checksum verified by the chain's own rule."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from types import MappingProxyType
from typing import ClassVar

from schemas.errors import Rejected
from schemas.kind import NO_DETAILS, PAID, Kind, Normal
from schemas.reference import chains
from schemas.reference.chains import links
from schemas.reference.chains.address import EVM, SUBSTRATE
from schemas.reference.chains.formats import EVM_CHAINS
from schemas.reference.chains.links import LinkedAddress, chain_of_columns, find_chain, read_payment_uri
from schemas.reference.chains.memos import split_memo, with_memo
from schemas.vocabulary import Action

_MOST_WORDS = 6
# Families of chains, for addresses that leave their chain open.
_FAMILIES = {EVM: "an Ethereum-like chain", SUBSTRATE: "a Substrate chain"}


class Wallet(Kind):
    """An address that coins can be sent to, regardless of the holder of its key.

    The normal form is lower case for forms without meaning in case (0x, Bech32, CashAddr without its prefix), raw for
    TON (``0:`` and the hash, for bounceable and other spellings alike), and the text as it is for Base58. The chain is
    a detail, and is left out if the address alone leaves it open: a 0x address is the same account on every
    Ethereum-like chain. Legacy addresses that several chains share are Bitcoin's unless the report names Bitcoin Cash
    or Litecoin, and are then spelled as these chains spell them.
    """

    name: ClassVar[str] = "wallet"
    title: ClassVar[Mapping[str, str]] = {"en": "Crypto wallet", "th": "กระเป๋าเงินคริปโต"}
    time_to_live: ClassVar[timedelta] = timedelta(days=365)
    columns: ClassVar[Mapping[str, str]] = {
        "chain": "the chain the address is on: a name, ticker or token standard (bitcoin, BTC, TRC20)",
        "currency": "the coin that was paid; where no chain is given, a coin's own chain is meant",
        "destination_tag": "the tag, memo or comment by which an exchange tells its customers at one address apart",
    }
    account: ClassVar[bool] = True
    collection: ClassVar[str] = "wallets"
    grades: ClassVar[tuple[Action, ...]] = PAID

    def normalise(self, raw: str, given: Mapping[str, str] = NO_DETAILS) -> Normal:
        """Return the address in its chain's one spelling, with the chain if it is known."""
        chain = chain_of_columns(given.get("chain", ""), given.get("currency", "")) if given else ""
        raw = raw.rstrip(".")  # of the sentence that it ends
        text, memo = raw, given.get("destination_tag", "") if given else ""
        if (request := _requested(raw)) is not None:
            text, memo = request.address, request.memo or memo
            chain = _agreed(chain, request.chain)
        address = chains.read(text, chain)
        if chain and address.chain != chain:
            likely = _FAMILIES.get(address.chain, address.chain)
            raise Rejected("wrong-chain", f"not an address of the chain that was named; by its form it is on {likely}")
        if memo:
            address = with_memo(address, memo)
        return Normal(address.value, _details(address.chain))

    def recognises(self, raw: str) -> bool:
        """Return True if ``raw`` has the form of an address, or is a payment URI of a chain."""
        raw = raw.rstrip(".")
        if chains.looks_like_address(raw):
            return True
        if len(raw) > 500:
            return False
        try:
            request = _linked(raw)
        except Rejected:
            return True
        return request is not None and chains.looks_like_address(request.address)


def _requested(raw: str) -> LinkedAddress | None:
    """Return the address that a payment URI, an explorer's page or a text with its chain's name holds."""
    return None if chains.looks_like_address(raw) else _linked(raw)


def _linked(raw: str) -> LinkedAddress | None:
    """Return the address in a text that is not one itself."""
    if (both := split_memo(raw)) is not None:
        within = _requested(both.address)
        return (within or LinkedAddress(both.address, ""))._replace(memo=both.memo)
    if "/" in raw and (page := links.read_explorer_page(raw)) is not None:
        return page
    request = read_payment_uri(raw) if ":" in raw else None
    if " " in raw and (request is None or not chains.looks_like_address(request.address)):
        request = _named(raw) or request
    return request


def _named(raw: str) -> LinkedAddress | None:
    """Return the address among a few words that name its chain: ``ETH 0x…``, ``USDT (TRC20) T…``."""
    words = raw.split(maxsplit=_MOST_WORDS + 1)
    addresses = [word for word in words if chains.looks_like_address(word.strip("()[],;"))]
    if len(addresses) != 1 or len(words) > _MOST_WORDS:
        return None
    chain = find_chain(" ".join(word for word in words if word is not addresses[0]))
    return None if chain is None else LinkedAddress(addresses[0].strip("()[],;"), chain)


@cache
def _details(chain: str) -> Mapping[str, str]:
    """Return the details of an address on ``chain``; there are none for a family of chains."""
    return NO_DETAILS if chain in _FAMILIES else MappingProxyType({"chain": chain})


def _agreed(named: str, written: str) -> str:
    """Return the chain that columns and value agree on, the more special of the two. Raises ``Rejected``."""
    for special, general in ((named, written), (written, named)):
        if general in ("", special) or (general == EVM and special in EVM_CHAINS):
            return special
    raise Rejected("wrong-chain", "the value names one chain and the report's columns another; keep the right one")
