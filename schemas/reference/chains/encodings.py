"""Base58 and Base58Check of Bitcoin; Bech32 (BIP-173), Bech32m (BIP-350) and CashAddr, by characters of five bits."""

from hashlib import sha256
from typing import NamedTuple

BITCOIN = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
RIPPLE = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"

# Ten digits at a time fit a machine word, which is what makes this loop quick.
_CHUNK = 10
_POWERS = [58**n for n in range(_CHUNK + 1)]
_DIGITS = {alphabet: {char: value for value, char in enumerate(alphabet)} for alphabet in (BITCOIN, RIPPLE)}


def base58_number(text: str, alphabet: str = BITCOIN) -> int:
    """Return the number that ``text`` spells. Raises ``KeyError`` at a character outside the alphabet."""
    digits = _DIGITS[alphabet]
    whole = 0
    for start in range(0, len(text), _CHUNK):
        chunk = text[start : start + _CHUNK]
        part = 0
        for char in chunk:
            part = part * 58 + digits[char]
        whole = whole * _POWERS[len(chunk)] + part
    return whole


def base58_decode(text: str, alphabet: str = BITCOIN) -> bytes:
    """Return the bytes that ``text`` spells, one leading zero byte for each leading zero digit."""
    whole = base58_number(text, alphabet)
    zeros = len(text) - len(text.lstrip(alphabet[0]))
    return bytes(zeros) + whole.to_bytes((whole.bit_length() + 7) // 8, "big")


def base58_encode(data: bytes, alphabet: str = BITCOIN) -> str:
    """Return the spelling of ``data``: the inverse of ``decode``."""
    whole = int.from_bytes(data, "big")
    text = ""
    while whole:
        whole, digit = divmod(whole, 58)
        text = alphabet[digit] + text
    return alphabet[0] * (len(data) - len(data.lstrip(b"\0"))) + text


def base58_checksum(payload: bytes) -> bytes:
    """Return the four bytes that Base58Check puts behind ``payload``."""
    return sha256(sha256(payload).digest()).digest()[:4]


def base58_holds(data: bytes) -> bool:
    """Return True if the last four bytes of ``data`` are the checksum of those before."""
    return base58_checksum(data[:-4]) == data[-4:]


def base58_encode_check(payload: bytes, alphabet: str = BITCOIN) -> str:
    """Return the spelling of ``payload`` with its checksum."""
    return base58_encode(payload + base58_checksum(payload), alphabet)


BECH32_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
BECH32 = 1
BECH32M = 0x2BC830A3

_VALUES = {char: value for value, char in enumerate(BECH32_CHARSET)}
# The characters as digits of the base 32 that int() reads.
_AS_DIGITS = str.maketrans(BECH32_CHARSET, "0123456789abcdefghijklmnopqrstuv")


def _table(generator: tuple[int, ...]) -> tuple[int, ...]:
    """Return the addition to the checksum for each value of the five bits that are shifted out."""
    rows = []
    for top in range(32):
        row = 0
        for bit, word in enumerate(generator):
            if top >> bit & 1:
                row ^= word
        rows.append(row)
    return tuple(rows)


_BECH32 = _table((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3))
_CASHADDR = _table((0x98F2BC8E61, 0x79B76D99E2, 0xF33E5FB3C4, 0xAE2EABE2A8, 0x1E4F43E470))


class Bech32Text(NamedTuple):
    """A Bech32 text: its prefix, its characters without the checksum, and its kind of checksum (0: a wrong one)."""

    prefix: str
    data: str
    checksum: int


def split_bech32(text: str) -> Bech32Text:
    """Read a lower-case Bech32 or Bech32m text of any length; the caller has matched its form."""
    prefix, _, data = text.rpartition("1")
    state = 1
    for char in prefix:
        state = (state & 0x1FFFFFF) << 5 ^ ord(char) >> 5 ^ _BECH32[state >> 25]
    state = (state & 0x1FFFFFF) << 5 ^ _BECH32[state >> 25]
    for char in prefix:
        state = (state & 0x1FFFFFF) << 5 ^ ord(char) & 31 ^ _BECH32[state >> 25]
    for char in data:
        state = (state & 0x1FFFFFF) << 5 ^ _VALUES[char] ^ _BECH32[state >> 25]
    return Bech32Text(prefix, data[:-6], state if state in (BECH32, BECH32M) else 0)


def bech32_octets(data: str) -> bytes | None:
    """Return the bytes that five-bit characters spell, or None if the padding is not the least or not zero."""
    spare = len(data) * 5 % 8
    whole = int(data.translate(_AS_DIGITS) or "0", 32)
    if spare > 4 or whole & (1 << spare) - 1:
        return None
    return (whole >> spare).to_bytes(len(data) * 5 // 8, "big")


def cashaddr_state(prefix: str, data: str) -> int:
    """Return the state of the CashAddr checksum after ``data``, which is 0 behind a right checksum."""
    state = 1
    for value in [*(ord(char) & 31 for char in prefix), 0, *map(_VALUES.__getitem__, data)]:
        state = (state & 0x07FFFFFFFF) << 5 ^ value ^ _CASHADDR[state >> 35]
    return state ^ 1


def cashaddr_encode(prefix: str, payload: bytes) -> str:
    """Return the CashAddr of ``payload`` (version byte and hash) without its prefix."""
    bits = len(payload) * 8
    spare = -bits % 5
    whole = int.from_bytes(payload, "big") << spare
    data = "".join(BECH32_CHARSET[whole >> shift & 31] for shift in range(bits + spare - 5, -1, -5))
    state = cashaddr_state(prefix, data + "q" * 8)
    return data + "".join(BECH32_CHARSET[state >> shift & 31] for shift in range(35, -1, -5))
