"""Bitcoin and the coins that descend from it: Base58Check, SegWit and CashAddr addresses."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from schemas.errors import Rejected
from schemas.reference.chains import base58, bech32
from schemas.reference.chains.address import ChainAddress, on_test_network, wrong_checksum, wrong_form

_CASH = "bitcoincash"

Respell = Callable[[bytes], str] | None  # the chain's own spelling of a hash, None where the text stands as it is


def _cashaddr(script: bool) -> Callable[[bytes], str]:
    """Return a function that spells key hashes, or script hashes, as CashAddr."""
    return lambda digest: bech32.cashaddr_encode(_CASH, bytes([8 if script else 0]) + digest)


# Version bytes of main networks (chainparams.cpp of each coin) and the chains that use them, the likeliest first:
# if the report names no chain, a 1… or 3… address is Bitcoin's, a D… address Dogecoin's.
_VERSIONS: Mapping[bytes, Mapping[str, Respell]] = {
    b"\x00": {"bitcoin": None, "bitcoin-cash": _cashaddr(script=False), "bitcoin-sv": None},
    b"\x05": {
        "bitcoin": None,
        # Litecoin's first script addresses looked like Bitcoin's; 0x32 (M…) replaced 0x05 to tell them apart.
        "litecoin": lambda digest: base58.encode_check(b"\x32" + digest),
        "bitcoin-cash": _cashaddr(script=True),
        "bitcoin-sv": None,
    },
    b"\x30": {"litecoin": None},
    b"\x32": {"litecoin": None},
    b"\x1e": {"dogecoin": None, "verge": None},
    b"\x16": {"dogecoin": None},
    b"\x21": {"verge": None},
    b"\x4c": {"dash": None},
    b"\x10": {"dash": None},
    b"\x26": {"bitcoin-gold": None},
    b"\x17": {"bitcoin-gold": None},
    b"\x41": {"tron": None},
    b"\x1c\xb8": {"zcash": None},
    b"\x1c\xbd": {"zcash": None},
}
_TEST_VERSIONS = {b"\x6f", b"\xc4", b"\x71", b"\x8c", b"\x13", b"\x1d\x25", b"\x1c\xba"}


class _Prefix(NamedTuple):
    """The chain and network of a Bech32 prefix."""

    chain: str
    test: bool = False


_SEGWIT = {
    "bc": _Prefix("bitcoin"),
    "ltc": _Prefix("litecoin"),
    "btg": _Prefix("bitcoin-gold"),
    "tb": _Prefix("bitcoin", test=True),
    "bcrt": _Prefix("bitcoin", test=True),
    "tltc": _Prefix("litecoin", test=True),
    "rltc": _Prefix("litecoin", test=True),
}


def hashed(text: str, data: bytes, chain: str) -> ChainAddress:
    """Read the ``data`` of a Base58Check address: a version, a hash of 20 bytes, a checksum."""
    if not base58.holds(data):
        raise wrong_checksum("Base58 address")
    version, digest = data[:-24], data[-24:-4]
    if version in _TEST_VERSIONS:
        raise on_test_network("Base58 address")
    chains = _VERSIONS.get(version)
    if chains is None:
        raise wrong_form("a sound Base58 text, but its version byte is that of no chain known here")
    own = chain if chain in chains else next(iter(chains))
    respell = chains[own]
    return ChainAddress(respell(digest) if respell else text, own)


def segwit(text: str, chain: str) -> ChainAddress:
    """Read a witness program (BIP-173, BIP-350): lower or upper case, the normal form is the lower."""
    lower = text.lower()
    spelled = bech32.split(lower)
    version = bech32.CHARSET.index(spelled.data[0])
    # BIP-350: version 0 has the Bech32 checksum, every later one the Bech32m checksum.
    if spelled.checksum != (bech32.BECH32M if version else bech32.BECH32):
        raise wrong_checksum("Bech32 address")
    program = bech32.octets(spelled.data[1:])
    if (
        version > 16
        or program is None
        or not 2 <= len(program) <= 40
        or (version == 0 and len(program) not in (20, 32))
    ):
        raise wrong_form(
            "not a witness program: BIP-141 has versions 0 to 16 and 2 to 40 bytes, version 0 has 20 or 32"
        )
    prefix = _SEGWIT[spelled.prefix]
    if prefix.test:
        raise on_test_network("Bech32 address")
    return ChainAddress(lower, prefix.chain)


def cash(text: str, chain: str) -> ChainAddress:
    """Read a CashAddr; the normal form has no prefix, and token-aware addresses (CHIP-2022-02) become plain ones."""
    prefix, _, data = text.lower().rpartition(":")
    if bech32.cashaddr_state(prefix or _CASH, data):
        for other in () if prefix else ("bchtest", "bchreg"):
            if not bech32.cashaddr_state(other, data):
                raise on_test_network("CashAddr")
        raise wrong_checksum("CashAddr")
    if prefix not in ("", _CASH):
        raise on_test_network("CashAddr")
    payload = bech32.octets(data[:-8])
    if (
        payload is None
        or payload[0] not in (0x00, 0x08, 0x10, 0x18, 0x0B, 0x1B)
        or len(payload) != 21 + payload[0] % 8 * 4
    ):
        raise wrong_form("not a CashAddr: its version byte must be that of a key or script hash and fit the length")
    if payload[0] & 0x10:
        data = bech32.cashaddr_encode(_CASH, bytes([payload[0] & 0x0F]) + payload[1:])
    return ChainAddress(data, "bitcoin-cash")


def tron(text: str, chain: str) -> ChainAddress:
    """Read the hexadecimal spelling of a Tron address (41 and 20 bytes), which its nodes use inside.

    It has no checksum and looks like any digits: it counts only if the chain is named.
    """
    if chain != "tron":
        raise Rejected("wallet-ambiguous", "42 hexadecimal digits are an address only on Tron: name the chain")
    return ChainAddress(base58.encode_check(bytes.fromhex(text.lower().removeprefix("0x"))), "tron")


def zcash(text: str, chain: str) -> ChainAddress:
    """Read a shielded address: Sapling (ZIP-173, Bech32) or unified (ZIP-316, Bech32m of any length)."""
    lower = text.lower()
    spelled = bech32.split(lower)
    if spelled.checksum != (bech32.BECH32 if spelled.prefix in ("zs", "ztestsapling") else bech32.BECH32M):
        raise wrong_checksum("shielded address")
    if spelled.prefix in ("ztestsapling", "utest"):
        raise on_test_network("shielded address")
    return ChainAddress(lower, "zcash")
