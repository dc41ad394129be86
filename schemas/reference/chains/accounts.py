"""Addresses of Stellar (SEP-23), accounts of Cosmos and related chains, and names of wallets."""

import unicodedata
from base64 import b32decode, b32encode
from binascii import crc_hqx
from collections.abc import Mapping

from schemas.errors import Rejected
from schemas.reference import read_toml
from schemas.reference.chains.address import ChainAddress, wrong_checksum, wrong_form
from schemas.reference.chains.encodings import BECH32, bech32_octets, split_bech32

_ACCOUNT, _MUXED, _SEED = 6 << 3, 12 << 3, 18 << 3

_TABLE = read_toml("chains.toml")
BECH32_CHAINS: Mapping[str, str] = _TABLE["bech32"]
_CHAIN_OF_PREFIX = {prefix: chain for chain, prefix in BECH32_CHAINS.items()}
_NAME_ENDINGS: Mapping[str, str] = {
    ending: chain for chain, endings in _TABLE["name_endings"].items() for ending in endings.split()
}
NAME_ENDINGS = frozenset(_NAME_ENDINGS)


def stellar(text: str, chain: str) -> ChainAddress:
    """Read an account (G…), or an account with its customer's number (M…), which stays as it is."""
    data = b32decode(text + "=" * (-len(text) % 8))
    if crc_hqx(data[:-2], 0) != int.from_bytes(data[-2:], "little"):
        raise wrong_checksum("Stellar address")
    if data[0] == _SEED:
        raise Rejected("not-an-address", "this looks like a private key, which must not be sent; report its address")
    if data[0] != (_ACCOUNT if len(text) == 56 else _MUXED):
        raise wrong_form("not a Stellar address: an account begins with G, one with a customer's number with M")
    return ChainAddress(text, "stellar")


def muxed(account: str, number: int) -> str:
    """Return the address of a customer of an account (G…); the address of a customer (M…) stays unchanged."""
    if not account.startswith("G"):
        return account
    payload = bytes([_MUXED]) + b32decode(account)[1:33] + number.to_bytes(8, "big")
    return b32encode(payload + crc_hqx(payload, 0).to_bytes(2, "little")).decode().rstrip("=")


def bech32_account(text: str, chain: str) -> ChainAddress:
    """Read an account of Cosmos or a related chain: a Bech32 text of 20 or 32 bytes."""
    lower = text.lower()
    spelled = split_bech32(lower)
    own = _CHAIN_OF_PREFIX[spelled.prefix]
    if spelled.checksum != BECH32:
        raise wrong_checksum(f"address of {own}")
    data = bech32_octets(spelled.data)
    if data is None or len(data) not in (20, 32):
        raise wrong_form(f"not an address of {own}: accounts have 20 bytes, or 32")
    return ChainAddress(lower, own)


def name(text: str, chain: str) -> ChainAddress:
    """Read a name such as ``example.eth`` in lower case; the name is never resolved.

    It belongs to the named chain, since its holder may have an account on each chain.
    """
    lower = unicodedata.normalize("NFC", text).lower()
    return ChainAddress(lower, chain or _NAME_ENDINGS[lower.rpartition(".")[2]])
