"""Bech32 (BIP-173), Bech32m (BIP-350) and CashAddr: checksums over characters of five bits."""

from typing import NamedTuple

CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
BECH32 = 1
BECH32M = 0x2BC830A3

_VALUES = {char: value for value, char in enumerate(CHARSET)}
# The characters as digits of the base 32 that int() reads.
_AS_DIGITS = str.maketrans(CHARSET, "0123456789abcdefghijklmnopqrstuv")


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


def split(text: str) -> Bech32Text:
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


def octets(data: str) -> bytes | None:
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
    data = "".join(CHARSET[whole >> shift & 31] for shift in range(bits + spare - 5, -1, -5))
    state = cashaddr_state(prefix, data + "q" * 8)
    return data + "".join(CHARSET[state >> shift & 31] for shift in range(35, -1, -5))
