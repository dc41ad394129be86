"""Chains whose form of address no other chain has: XRP, Monero, TON, Cardano, Polkadot, Solana."""

from base64 import urlsafe_b64decode
from binascii import crc32, crc_hqx
from hashlib import blake2b

from Crypto.Hash import keccak

from schemas.errors import Rejected
from schemas.reference.chains import base58, bech32
from schemas.reference.chains.address import SUBSTRATE, ChainAddress, on_test_network, wrong_checksum, wrong_form

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
    data = base58.decode(text, base58.RIPPLE)
    if not base58.holds(data):
        raise wrong_checksum("XRP address")
    if len(data) != 25 or data[0] != 0:
        raise wrong_form("not an XRP account: a classic address has 20 bytes and begins with r")
    return ChainAddress(text, "ripple")


def ripple_x(text: str, chain: str) -> ChainAddress:
    """Read an X-address (XLS-5). Without a tag it becomes the classic address; with one it stays as it is.

    An exchange has one account for all its customers, and the tag is the customer: without it all of them are accused.
    """
    data = base58.decode(text, base58.RIPPLE)
    if len(data) != 35 or not base58.holds(data):
        raise wrong_checksum("X-address")
    if data[:2] == _X_TEST:
        raise on_test_network("X-address")
    flag, tag = data[22], data[23:31]
    if data[:2] != _X_MAIN or flag > 1 or tag[4:] != b"\0\0\0\0" or (flag == 0 and any(tag)):
        raise wrong_form("not an X-address: XLS-5 has a tag of 32 bits or none")
    return ChainAddress(text if flag else base58.encode_check(b"\0" + data[2:22], base58.RIPPLE), "ripple")


def with_tag(address: ChainAddress, tag: int) -> ChainAddress:
    """Return the X-address of a classic XRP address and a tag. Raises ``Rejected`` if the address has a tag already."""
    if not address.value.startswith("r"):
        raise wrong_form("two destination tags: the X-address has one already, leave out the one beside it")
    digest = base58.decode(address.value, base58.RIPPLE)[1:21]
    payload = _X_MAIN + digest + b"\x01" + tag.to_bytes(4, "little") + bytes(4)
    return ChainAddress(base58.encode_check(payload, base58.RIPPLE), "ripple")


def monero(text: str, chain: str) -> ChainAddress:
    """Read a standard, integrated or subaddress. An integrated one stays as it is: its payment id names one payer."""
    data = b""
    for start in range(0, len(text), 11):
        block = text[start : start + 11]
        size = _MONERO_BLOCKS[len(block)]
        value = base58.number(block)
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
    spelled = bech32.split(lower)
    if spelled.checksum != bech32.BECH32:
        raise wrong_checksum("Cardano address")
    data = bech32.octets(spelled.data)
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
        return ChainAddress(base58.encode(head + blake2b(b"SS58PRE" + head).digest()[:2]), chain)
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
    key = Rejected("not-an-address", "this looks like a private key, which is nobody's to send; report its address")
    if data[:1] in (b"\x80", b"\xb0", b"\xcc", b"\x9e") and len(data) in (37, 38) and base58.holds(data):
        return key  # wallet import format
    if data[:2] in (b"\x01\x42", b"\x01\x43") and len(data) == 43 and base58.holds(data):
        return key  # BIP-38
    if len(data) == 82 and base58.holds(data):  # BIP-32
        return Rejected("not-an-address", "this looks like an extended key, a whole wallet's; report its addresses")
    if len(data) == 64:
        return Rejected(
            "not-an-address", "this looks like a Solana transaction or secret key; report the address in it"
        )
    return None
