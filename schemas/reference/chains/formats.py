"""Forms of addresses by chain: Ethereum and its family, Bitcoin and the coins that descend from it, and others."""

from base64 import urlsafe_b64decode
from binascii import crc32, crc_hqx
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import NamedTuple

from Crypto.Hash import keccak

from schemas.errors import Rejected
from schemas.reference import read_toml
from schemas.reference.chains.address import EVM, SUBSTRATE, ChainAddress, on_test_network, wrong_checksum, wrong_form
from schemas.reference.chains.encodings import (
    BECH32,
    BECH32_CHARSET,
    BECH32M,
    RIPPLE,
    base58_decode,
    base58_encode,
    base58_encode_check,
    base58_holds,
    base58_number,
    bech32_octets,
    cashaddr_encode,
    cashaddr_state,
    split_bech32,
)

_TABLE = read_toml("chains.toml")
EVM_CHAIN_IDS: Mapping[int, str] = {number: name for name, number in _TABLE["evm_ids"].items()}
EVM_TEST_CHAIN_IDS = frozenset(_TABLE["evm_test_ids"])
EVM_CHAINS = frozenset(EVM_CHAIN_IDS.values())


def evm_account(text: str, chain: str) -> ChainAddress:
    """Read 0x and 40 hexadecimal digits; mixed case is a checksum (EIP-55) and must hold.

    The normal form is lower case. Only ``chain`` tells the chain: one key has the same address on all of them.
    """
    digits = text[2:]
    lower = digits.lower()
    if digits != lower and digits != digits.upper() and digits != _checksummed(lower):
        raise wrong_checksum("mixed-case address (EIP-55)")
    return ChainAddress("0x" + lower, chain if chain in EVM_CHAINS else EVM)


def evm_bare(text: str, chain: str) -> ChainAddress:
    """Read 40 hexadecimal digits without 0x if a chain of the family is named: else they may be any digest."""
    if chain in EVM_CHAINS or chain == EVM:
        return evm_account("0x" + text, chain)
    raise Rejected(
        "wallet-ambiguous", "40 hexadecimal digits alone may be a file's digest: write 0x in front, or name the chain"
    )


def _checksummed(lower: str) -> str:
    """Return the digits in the case that EIP-55 requires: upper if the digit of the hash is 8 or more."""
    digest = keccak.new(data=lower.encode("ascii"), digest_bits=256).hexdigest()
    return "".join([c.upper() if h > "7" else c for c, h in zip(lower, digest, strict=False)])


_CASH = "bitcoincash"

Respell = Callable[[bytes], str] | None  # the chain's own spelling of a hash, None where the text stands as it is


def _cashaddr(script: bool) -> Callable[[bytes], str]:
    """Return a function that spells key hashes, or script hashes, as CashAddr."""
    return lambda digest: cashaddr_encode(_CASH, bytes([8 if script else 0]) + digest)


# Version bytes of main networks (chainparams.cpp of each coin) and the chains that use them, the likeliest first:
# if the report names no chain, a 1… or 3… address is Bitcoin's, a D… address Dogecoin's.
_VERSIONS: Mapping[bytes, Mapping[str, Respell]] = {
    b"\x00": {"bitcoin": None, "bitcoin-cash": _cashaddr(script=False), "bitcoin-sv": None},
    b"\x05": {
        "bitcoin": None,
        # Litecoin's first script addresses looked like Bitcoin's; 0x32 (M…) replaced 0x05 to tell them apart.
        "litecoin": lambda digest: base58_encode_check(b"\x32" + digest),
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


def base58_hash(text: str, data: bytes, chain: str) -> ChainAddress:
    """Read the ``data`` of a Base58Check address: a version, a hash of 20 bytes, a checksum."""
    if not base58_holds(data):
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
    spelled = split_bech32(lower)
    version = BECH32_CHARSET.index(spelled.data[0])
    # BIP-350: version 0 has the Bech32 checksum, every later one the Bech32m checksum.
    if spelled.checksum != (BECH32M if version else BECH32):
        raise wrong_checksum("Bech32 address")
    program = bech32_octets(spelled.data[1:])
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
    if cashaddr_state(prefix or _CASH, data):
        for other in () if prefix else ("bchtest", "bchreg"):
            if not cashaddr_state(other, data):
                raise on_test_network("CashAddr")
        raise wrong_checksum("CashAddr")
    if prefix not in ("", _CASH):
        raise on_test_network("CashAddr")
    payload = bech32_octets(data[:-8])
    if (
        payload is None
        or payload[0] not in (0x00, 0x08, 0x10, 0x18, 0x0B, 0x1B)
        or len(payload) != 21 + payload[0] % 8 * 4
    ):
        raise wrong_form("not a CashAddr: its version byte must be that of a key or script hash and fit the length")
    if payload[0] & 0x10:
        data = cashaddr_encode(_CASH, bytes([payload[0] & 0x0F]) + payload[1:])
    return ChainAddress(data, "bitcoin-cash")


def tron(text: str, chain: str) -> ChainAddress:
    """Read the hexadecimal spelling of a Tron address (41 and 20 bytes), which its nodes use inside.

    It has no checksum and looks like any digits: it counts only if the chain is named.
    """
    if chain != "tron":
        raise Rejected("wallet-ambiguous", "42 hexadecimal digits are an address only on Tron: name the chain")
    return ChainAddress(base58_encode_check(bytes.fromhex(text.lower().removeprefix("0x"))), "tron")


def zcash(text: str, chain: str) -> ChainAddress:
    """Read a shielded address: Sapling (ZIP-173, Bech32) or unified (ZIP-316, Bech32m of any length)."""
    lower = text.lower()
    spelled = split_bech32(lower)
    if spelled.checksum != (BECH32 if spelled.prefix in ("zs", "ztestsapling") else BECH32M):
        raise wrong_checksum("shielded address")
    if spelled.prefix in ("ztestsapling", "utest"):
        raise on_test_network("shielded address")
    return ChainAddress(lower, "zcash")


_X_MAIN, _X_TEST = b"\x05\x44", b"\x04\x93"  # XLS-5
_MONERO_MAIN, _MONERO_TEST = {18: 69, 19: 77, 42: 69}, {53, 54, 63, 24, 25, 36}
_MONERO_BLOCKS = {2: 1, 3: 2, 5: 3, 6: 4, 7: 5, 9: 6, 10: 7, 11: 8}  # characters of a block, and its bytes
_TON_TAGS = {0x11, 0x51}  # TEP-2: to be bounced or not, which is the sender's wish and no part of the account
_CBOR_UINT = {b"\x1a\x05", b"\x19\x03", b"\x18\x02"}  # the head of a number in CBOR, and the length with it
_SS58 = {0: "polkadot", 2: "kusama"}  # ss58-registry.json
_SS58_ANY = 42
_SOLANA_LETTERS = 4  # of each case at least
_ANY_SUBSTRATE = {"polkadot": 0, "kusama": 2, "bittensor": _SS58_ANY}


def ripple(text: str, chain: str) -> ChainAddress:
    """Read a classic XRP Ledger address (r…)."""
    data = base58_decode(text, RIPPLE)
    if not base58_holds(data):
        raise wrong_checksum("XRP address")
    if len(data) != 25 or data[0] != 0:
        raise wrong_form("not an XRP account: a classic address has 20 bytes and begins with r")
    return ChainAddress(text, "ripple")


def ripple_x(text: str, chain: str) -> ChainAddress:
    """Read an X-address (XLS-5). Without a tag it becomes the classic address; with one it stays as it is.

    An exchange has one account for all its customers, and the tag is the customer: without it all of them are accused.
    """
    data = base58_decode(text, RIPPLE)
    if len(data) != 35 or not base58_holds(data):
        raise wrong_checksum("X-address")
    if data[:2] == _X_TEST:
        raise on_test_network("X-address")
    flag, tag = data[22], data[23:31]
    if data[:2] != _X_MAIN or flag > 1 or tag[4:] != b"\0\0\0\0" or (flag == 0 and any(tag)):
        raise wrong_form("not an X-address: XLS-5 has a tag of 32 bits or none")
    return ChainAddress(text if flag else base58_encode_check(b"\0" + data[2:22], RIPPLE), "ripple")


def monero(text: str, chain: str) -> ChainAddress:
    """Read a standard, integrated or subaddress. An integrated one stays as it is: its payment id names one payer."""
    data = b""
    for start in range(0, len(text), 11):
        block = text[start : start + 11]
        size = _MONERO_BLOCKS[len(block)]
        value = base58_number(block)
        if value >> 8 * size:
            raise wrong_checksum("Monero address")
        data += value.to_bytes(size, "big")
    if keccak.new(data=data[:-4], digest_bits=256).digest()[:4] != data[-4:]:
        raise wrong_checksum("Monero address")
    if data[0] in _MONERO_TEST:
        raise on_test_network("Monero address")
    if _MONERO_MAIN.get(data[0]) != len(data):
        raise wrong_form(
            "not a Monero address: its network byte is none of the main network's, or the length is another"
        )
    return ChainAddress(text, "monero")


def ton(text: str, chain: str) -> ChainAddress:
    """Read a user-friendly address (TEP-2). The normal form is the raw one, ``workchain:hash`` in lower case.

    One account has four friendly spellings: bounceable (EQ…) or not (UQ…), each in Base64 or its URL-safe sister.
    """
    data = urlsafe_b64decode(text.replace("+", "-").replace("/", "_"))
    if crc_hqx(data[:34], 0) != int.from_bytes(data[34:], "big"):
        raise wrong_checksum("TON address")
    if data[0] - 0x80 in _TON_TAGS:
        raise on_test_network("TON address")
    workchain = int.from_bytes(data[1:2], "big", signed=True)
    if data[0] not in _TON_TAGS or workchain not in (0, -1):
        raise wrong_form("not a TON address: TEP-2 has the tags 11 and 51 and the workchains 0 and -1")
    return ChainAddress(f"{workchain}:{data[2:34].hex()}", "ton")


def ton_raw(text: str, chain: str) -> ChainAddress:
    """Read the raw form of a TON address, which has no checksum."""
    return ChainAddress(text.lower(), "ton")


def cardano(text: str, chain: str) -> ChainAddress:
    """Read a Shelley address (CIP-19) of the main network, payment or stake."""
    lower = text.lower()
    spelled = split_bech32(lower)
    if spelled.checksum != BECH32:
        raise wrong_checksum("Cardano address")
    data = bech32_octets(spelled.data)
    if data is None or not data:
        raise wrong_form("not a Cardano address: CIP-19 has a header byte and one or two hashes")
    network, kind = data[0] & 0x0F, data[0] >> 4
    if network == 0 or spelled.prefix.endswith("_test"):
        raise on_test_network("Cardano address")
    length = {0: 57, 1: 57, 2: 57, 3: 57, 6: 29, 7: 29, 14: 29, 15: 29}.get(kind)
    pointer = kind in (4, 5) and 32 <= len(data) <= 59
    if network != 1 or not (pointer or len(data) == length) or spelled.prefix != ("stake" if kind > 13 else "addr"):
        raise wrong_form("not a Cardano address: header and length do not fit each other (CIP-19)")
    return ChainAddress(lower, "cardano")


def byron(text: str, data: bytes) -> ChainAddress:
    """Read the ``data`` of a Byron address: CBOR of a tagged byte string and its CRC-32."""
    payload, tail = data[5 : 5 + data[4]], data[5 + data[4] :]
    if tail[:1] + bytes([len(tail)]) not in _CBOR_UINT or crc32(payload) != int.from_bytes(tail[1:], "big"):
        raise wrong_checksum("Byron address")
    # An array of three: root hash of 28 bytes, a map of attributes, a type.
    if payload[:3] != b"\x83\x58\x1c" or len(payload) < 33:
        raise wrong_form("not a Byron address: no root hash of 28 bytes")
    at = 32
    for _ in range(payload[31] & 0x0F):
        key, head = payload[at : at + 1], payload[at + 1 : at + 3]
        if key == b"\x02":  # the magic number of a test network
            raise on_test_network("Byron address")
        at += 3 + head[1] if head[:1] == b"\x58" and len(head) == 2 else 2 + (head[0] & 0x1F if head else 0)
    return ChainAddress(text, "cardano")


def substrate(text: str, data: bytes, chain: str) -> ChainAddress:
    """Read the ``data`` of an SS58 address. The generic form (5…) is any chain's; a named chain respells it."""
    key = data[-34:-2]
    if blake2b(b"SS58PRE" + data[:-2]).digest()[:2] != data[-2:]:
        raise wrong_checksum("SS58 address")
    long = len(data) == 36
    prefix = (data[0] & 0x3F) << 2 | data[1] >> 6 | (data[1] & 0x3F) << 8 if long else data[0]
    if prefix == _SS58_ANY and chain in _ANY_SUBSTRATE:
        head = bytes([_ANY_SUBSTRATE[chain]]) + key
        return ChainAddress(base58_encode(head + blake2b(b"SS58PRE" + head).digest()[:2]), chain)
    return ChainAddress(text, _SS58.get(prefix, SUBSTRATE))


def solana(text: str, chain: str) -> ChainAddress:
    """Read 32 bytes of Base58. They have no checksum: a mistyped address cannot be detected.

    A Bech32 text with one foreign character looks like one, but has letters of one case: of a million keys, one has so
    few letters of either case.
    """
    if min(sum(map(str.isupper, text)), sum(map(str.islower, text))) < _SOLANA_LETTERS:
        raise wrong_form("neither a sound Bech32 nor, so spelled, a likely Solana address: copy it again as it stood")
    return ChainAddress(text, "solana")


def secret_key(data: bytes) -> Rejected | None:
    """Return the refusal of Base58 ``data`` that is a key, None if it is none. A key that was sent is compromised."""
    key = Rejected("not-an-address", "this looks like a private key, which must not be sent; report its address")
    if data[:1] in (b"\x80", b"\xb0", b"\xcc", b"\x9e") and len(data) in (37, 38) and base58_holds(data):
        return key  # wallet import format
    if data[:2] in (b"\x01\x42", b"\x01\x43") and len(data) == 43 and base58_holds(data):
        return key  # BIP-38
    if len(data) == 82 and base58_holds(data):  # BIP-32
        return Rejected("not-an-address", "this looks like an extended key, a whole wallet's; report its addresses")
    if len(data) == 64:
        return Rejected(
            "not-an-address", "this looks like a Solana transaction or secret key; report the address in it"
        )
    return None
