"""Personal data in free text: text is normalised, then searched for numbers, mailboxes and names."""

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote

from schemas.refang import refang_text
from schemas.text import ascii_digits, visible
from server.release.guard.personal_data import contacts, names, numbers

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
    return ascii_digits(unicodedata.normalize("NFKC", visible(text).translate(_SENTENCES)).translate(_PLAIN))


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


MAILBOX = "a person's e-mail address"
TELEPHONE = "a person's telephone number"
_NAME = "a person's name"

_DIGITS = re.compile(r"\d(?:[^A-Za-z0-9\n]{0,4}\d){6}")
_ENCODED = re.compile(r"(?<![A-Za-z0-9+/_-])(?=[A-Za-z]*[A-Z0-9])[A-Za-z0-9+/_-]{20,}={0,2}(?![A-Za-z0-9+/_=.-])")
# Ids and times are known by their form, which is looked at in a hundred times as many as are anybody's number.
_FORMED = re.compile(
    r"(?:[a-z][a-z0-9-]{0,60}--)?[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    r"|[12]\d{3}-[01]\d-[0-3]\d[T ][0-2]\d:[0-5]\d:[0-6]\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:?\d\d)?"
    r"|(?=[0-9]*[a-f])(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})",
    re.ASCII,
)
_ID_IN_TEXT = re.compile(
    r"(?<![0-9A-Za-z])[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}"
    r"(?![0-9A-Za-z])"
)
_BLANKS = re.compile(r"\s{4,}")
_LONGEST = 20_000
_SHORT = 200
_FEW = 6
_NOTHING: frozenset[str] = frozenset()


def may_say(text: str) -> bool:
    """Tell, quickly, whether a text has anything in it that is looked for. Most have not."""
    return _may_say_once(text) if len(text) < _SHORT else _may_say(text)


def said_of_persons(text: str, regions: tuple[str, ...], own: frozenset[str] = _NOTHING) -> str | None:
    """Give what a text says of a person, None where it says nothing that is seen.

    ``regions`` are countries whose telephone numbers are known without their code; what is ``own`` may be said.
    """
    return _said_once(text, regions, own) if len(text) < _SHORT else _said(text, regions, own)


def _may_say(text: str) -> bool:
    if len(text) > _LONGEST:
        return True  # looked at in parts, as some characters are eighteen when they are written plainly
    if _FORMED.fullmatch(text):
        return False
    text = understood(text)
    if contacts.may_be_mailed(text) or _DIGITS.search(text) is not None:
        return True
    folded = text.lower()
    if any(stem in folded for stem in names.STEMS):
        return True
    if not text.isascii() and any(stem in folded for stem in names.STEMS_BEYOND_ASCII):
        return True
    return numbers.LETTERED.search(text.upper()) is not None or _ENCODED.search(text) is not None


# A batch's labels and descriptions are mostly the same.
_may_say_once = lru_cache(maxsize=4096)(_may_say)


def _said(
    text: str, regions: tuple[str, ...], own: frozenset[str] = _NOTHING, *, part: bool = False, depth: int = 0
) -> str | None:
    """Look at a text; of a ``part`` of a longer one at what is quickly found, for nothing so long is published.

    ``depth`` says how often it was encoded.
    """
    if len(text) > _LONGEST:
        parts = (text[start : start + _LONGEST] for start in range(0, len(text), _LONGEST - _SHORT))
        return next(filter(None, (_said(each, regions, own, part=True) for each in parts)), None)
    plain = _BLANKS.sub("   ", understood(text))
    bare = without_marks(plain)

    def is_own(number: str) -> bool:
        number = number.lower()
        return any(number in each or (len(each) >= _FEW and each in number) for each in own)

    def is_own_mailbox(mailbox: str) -> bool:
        mailbox = mailbox.lower()
        return any(mailbox in each or ("@" in each and mailbox.endswith(each)) for each in own)

    mailed = contacts.may_be_mailed(plain)
    if mailed and contacts.has_mailbox(bare, refanged(bare), is_own_mailbox):
        return MAILBOX
    for each in own:
        bare, plain = bare.replace(each, " "), plain.replace(each, " ")
    for url in contacts.URL.findall(bare):
        if contacts.url_has_card(url):
            return numbers.CARD
        if contacts.url_has_number(url, regions, is_own):
            return TELEPHONE
    # Addresses of pages have numbers and words of all kinds.
    bare, plain = (contacts.URL.sub(" ", each).replace("_", " ") for each in (bare, plain))
    bare = _ID_IN_TEXT.sub(" ", bare)
    for what, number in numbers.found(bare):
        if not is_own(number):
            return what
    if not part and _DIGITS.search(bare) and contacts.has_number(bare, regions, is_own):
        return TELEPHONE
    if names.is_said(plain):
        return _NAME
    inner = () if part or depth else decoded(text)
    return next(filter(None, (_said(each, regions, own, depth=1) for each in inner)), None)


# Most of what looks like something is the same in a batch, and nothing.
_said_once = lru_cache(maxsize=4096)(_said)
