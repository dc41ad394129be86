"""Codes that people can read aloud: Crockford's base32 (no I, L, O, U) in groups of four, with a check character."""

import secrets

from schemas.errors import Rejected

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS = str.maketrans({"I": "1", "L": "1", "O": "0", "-": None})
# 95 random bits; guesses are limited by address.
_RANDOM, _GROUP = 19, 4
_SIZE = _RANDOM + 1


def new_code() -> str:
    """Return a new code such as ``7ZQ4-0M3B-…``."""
    return code_of(secrets.token_bytes(_RANDOM))


def code_of(digest: bytes) -> str:
    """Return the code of at least 19 random bytes, always the same one."""
    drawn = "".join(_LETTERS[number % len(_LETTERS)] for number in digest[:_RANDOM])
    code = drawn + _check(drawn)
    return "-".join(code[start : start + _GROUP] for start in range(0, _SIZE, _GROUP))


def read_code(text: str) -> str:
    """Return a code in any spelling without its hyphens: small letters, blanks, O for 0, I and L for 1.

    Raises ``Rejected`` if it cannot be a code: too short or long, another character, or a wrong check character.
    """
    code = "".join(text.split()).upper().translate(_READ_AS)
    if len(code) != _SIZE or not all(letter in _LETTERS for letter in code):
        raise Rejected("bad-code", f"a code has {_SIZE} letters and digits, in groups of {_GROUP}")
    if code[-1] != _check(code[:-1]):
        raise Rejected("bad-code", "one of the letters or digits is wrong: compare each group")
    return code


def _check(drawn: str) -> str:
    """Return the check character: Luhn's algorithm over 32 characters, which notices each single wrong one."""
    total = 0
    for place, letter in enumerate(reversed(drawn)):
        number = _LETTERS.index(letter) * (1 if place % 2 else 2)
        total += number // len(_LETTERS) + number % len(_LETTERS)
    return _LETTERS[-total % len(_LETTERS)]
