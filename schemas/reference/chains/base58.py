"""Base58, and Base58Check of Bitcoin."""

from hashlib import sha256

BITCOIN = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
RIPPLE = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"

# Ten digits at a time fit a machine word, which is what makes this loop quick.
_CHUNK = 10
_POWERS = [58**n for n in range(_CHUNK + 1)]
_DIGITS = {alphabet: {char: value for value, char in enumerate(alphabet)} for alphabet in (BITCOIN, RIPPLE)}


def number(text: str, alphabet: str = BITCOIN) -> int:
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


def decode(text: str, alphabet: str = BITCOIN) -> bytes:
    """Return the bytes that ``text`` spells, one leading zero byte for each leading zero digit."""
    whole = number(text, alphabet)
    zeros = len(text) - len(text.lstrip(alphabet[0]))
    return bytes(zeros) + whole.to_bytes((whole.bit_length() + 7) // 8, "big")


def encode(data: bytes, alphabet: str = BITCOIN) -> str:
    """Return the spelling of ``data``: the inverse of ``decode``."""
    whole = int.from_bytes(data, "big")
    text = ""
    while whole:
        whole, digit = divmod(whole, 58)
        text = alphabet[digit] + text
    return alphabet[0] * (len(data) - len(data.lstrip(b"\0"))) + text


def checksum(payload: bytes) -> bytes:
    """Return the four bytes that Base58Check puts behind ``payload``."""
    return sha256(sha256(payload).digest()).digest()[:4]


def holds(data: bytes) -> bool:
    """Return True if the last four bytes of ``data`` are the checksum of those before."""
    return checksum(data[:-4]) == data[-4:]


def encode_check(payload: bytes, alphabet: str = BITCOIN) -> str:
    """Return the spelling of ``payload`` with its checksum."""
    return encode(payload + checksum(payload), alphabet)
