"""A text as a reader understands it: what is not seen taken out, widths, scripts, escapes and defanging undone."""

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

from schemas.refang import refang_text
from schemas.text import digits, shown

_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")
_ENTITY = re.compile(r"&#?\w{2,8};")
# What stands between groups of digits, as a hyphen; and stops that are none of ASCII.
_SEPARATORS = dict.fromkeys([*range(0x2010, 0x2016), 0x2212, 0xB7, 0x2022, 0x2219, 0x22C5, 0x30FB, 0x2E31], "-")
_STOPS = dict.fromkeys([0x3002, 0xFF0E, 0xFF61, 0x2024], ".")
_PLAIN = _SEPARATORS | _STOPS
# Whole sentences and words in one character, which written out would be eighteen times as long; none is of a number.
_SENTENCES = dict.fromkeys([*range(0xFDF0, 0xFDFE), *range(0x3300, 0x3358)], " ")
_MARKS = frozenset({"Mn", "Me"})
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16,4096}={0,2}(?![A-Za-z0-9+/_=-])")
_TWICE = 2


def understood(text: str) -> str:
    """Give ``text`` with plain letters, digits and signs for those that only look or are written otherwise."""
    for _ in range(_TWICE):
        if "%" in text and _ESCAPED.search(text):
            text = unquote(text)
        if "&" in text and _ENTITY.search(text):
            text = html.unescape(text)
    if text.isascii():
        return text
    return digits(unicodedata.normalize("NFKC", shown(text).translate(_SENTENCES)).translate(_PLAIN))


def without_marks(text: str) -> str:
    """Give ``text`` without the marks above and below its letters and digits."""
    if text.isascii():
        return text
    return "".join(each for each in unicodedata.normalize("NFD", text) if unicodedata.category(each) not in _MARKS)


def refanged(text: str) -> str:
    """Give ``text`` with ``@`` and ``.`` for the words and brackets that stand for them."""
    return refang_text(text)


def decoded(text: str) -> Iterator[str]:
    """Give the texts that stand in ``text`` in Base64."""
    for match in _BASE64.finditer(text):
        token = match[0].rstrip("=").translate(_URL_SAFE)
        try:
            inner = base64.b64decode(token + "=" * (-len(token) % 4), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
        if inner.isprintable():
            yield inner


_URL_SAFE = str.maketrans("-_", "+/")
