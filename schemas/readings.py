"""The forms in which a person reads a text: escapes undone, plain letters and digits, and texts in Base64 decoded."""

import binascii
import html
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

from schemas.text import ascii_digits, visible

_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")
_ENTITY = re.compile(r"&#?\w{2,8};")
# Separators between groups of digits become a hyphen, full stops of other scripts an ASCII one.
_SEPARATORS = dict.fromkeys([*range(0x2010, 0x2016), 0x2212, 0xB7, 0x2022, 0x2219, 0x22C5, 0x30FB, 0x2E31], "-")
_STOPS = dict.fromkeys([0x3002, 0xFF0E, 0xFF61, 0x2024], ".")
_PLAIN = _SEPARATORS | _STOPS
_NOT_PLAIN = re.compile(f"[{''.join(map(chr, _PLAIN))}]")
# Single characters that represent whole words or sentences: none is part of a number.
_WORD_CHARACTERS = re.compile("[\ufdf0-\ufdfd\u3300-\u3357]")
# Before a word of letters of Base64, and the word.
WORD_BEGINS, WORD = r"(?<![A-Za-z0-9+/_-])", r"[A-Za-z0-9+/_-]{16,4096}={0,2}(?![A-Za-z0-9+/_=-])"
_WORD = re.compile(WORD_BEGINS + WORD)
# Long words of letters and digits may be Base64; ids and lower-case words are not.
_ID = r"(?:[a-z-]{2,60}--)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![A-Za-z0-9+/_=-])"
ENCODED = re.compile(rf"{WORD_BEGINS}(?=[a-z+/_-]*[A-Z0-9])(?!{_ID}){WORD}")
_URL_SAFE = str.maketrans("-_", "+/")
_TWICE = 2
_MARKS = frozenset({"Mn", "Me"})
# Line breaks as JSON writes them.
_BREAKS = re.compile(r"\\[nrt]")


def normalised(text: str) -> str:
    """Return ``text`` as a person reads it: escapes undone, invisible characters removed, plain letters and digits."""
    for _ in range(_TWICE):
        if "%" in text and _ESCAPED.search(text):
            text = unquote(text)
        if "&" in text and _ENTITY.search(text):
            text = html.unescape(text)
    return plain_letters(text)


def plain_letters(text: str) -> str:
    """Return ``text`` without invisible characters, with plain letters, digits, separators and full stops."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", _WORD_CHARACTERS.sub(" ", visible(text)))
    return ascii_digits(_NOT_PLAIN.sub(lambda found: _PLAIN[ord(found[0])], text))


def without_accents(text: str) -> str:
    """Return ``text`` without the marks above and below its letters and digits."""
    if text.isascii():
        return text
    return "".join(
        character for character in unicodedata.normalize("NFD", text) if unicodedata.category(character) not in _MARKS
    )


def unescaped(text: str) -> set[str]:
    """Return ``text`` with its percent codes, entities or line breaks undone, in every combination up to twice."""
    found = {text}
    if "%" in text or "&" in text:
        for _ in range(_TWICE):
            found |= {unquote(one) for one in found}
            found |= {html.unescape(one) for one in found}
    return found | {_BREAKS.sub(" ", one) for one in found} if "\\" in text or len(found) > 1 else found


def decoded(text: str, words: re.Pattern[str] = _WORD) -> Iterator[str]:
    """Yield the texts that ``text`` contains in Base64, as ``words`` of this form."""
    for match in words.finditer(text):
        token = match[0].rstrip("=").translate(_URL_SAFE)
        try:
            inner = binascii.a2b_base64(token + "=" * (-len(token) % 4)).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
        if inner.isprintable():
            yield inner
