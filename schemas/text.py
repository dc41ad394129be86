"""Texts from outside, made safe to store, to encode and to show; names that look alike.

Names are compared by their skeletons: their letters and digits, each replaced by the one that it can be confused with.
This differs by case, so each name has three skeletons: of its letters as written, of small letters and of capitals.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files

_SURROGATE = re.compile("[\ud800-\udfff]")
_FOREIGN_DIGIT = re.compile(r"[^\D0-9]")
_ADDRESS_PART = re.compile(r"[^\s@<>,;:\"()]{1,200}")
# Joiners, fillers, blanks and selectors of forms, which Unicode does not count among the format characters.
_NOT_SEEN = frozenset(
    map(chr, [0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x2800, 0x3164, *range(0xFE00, 0xFE10)])
) | {chr(0xFFA0), *map(chr, range(0xE0100, 0xE01F0))}
_ASCII = frozenset(map(chr, range(128)))
_GREEK_AND_CYRILLIC = range(0x370, 0x530)
_WORD = re.compile(r"[^\W_]+")
_CONTROLLING = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def encodable(text: str) -> str:
    """Return ``text`` with U+FFFD for each half of a surrogate pair, so that it can be encoded."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def visible(text: str) -> str:
    """Return ``text`` without invisible characters that change how the rest is read, such as its direction."""
    if text.isascii():
        return text
    text = encodable(text)
    # Long texts have few different characters.
    letters = set(text) - _ASCII
    hidden = {ord(char): None for char in letters if unicodedata.category(char) == "Cf" or char in _NOT_SEEN}
    return text.translate(hidden) if hidden else text


def plain_name(name: str) -> str:
    """Return a name in a form for comparing names of persons: without case, width, blanks and invisible characters."""
    letters = visible(unicodedata.normalize("NFKC", visible(name)).casefold())
    return "".join(char for char in letters if unicodedata.category(char)[0] in "LMNPS")


def plain_address(text: str) -> str | None:
    """Return an e-mail address in a form for comparing those of persons, None if it is not an address.

    Case, width, invisible characters and a ``+tag`` make no difference: mail to both reaches the same person.
    """
    mailbox, at, domain = visible(unicodedata.normalize("NFKC", visible(text)).casefold()).strip().rpartition("@")
    mailbox, domain = mailbox.partition("+")[0], domain.removesuffix(".")
    is_plain = at and all(_ADDRESS_PART.fullmatch(part) for part in (mailbox, domain))
    return f"{mailbox}@{domain}" if is_plain else None


def ascii_digits(text: str) -> str:
    """Return ``text`` with 0 to 9 for the decimal digits of every script, such as Thai and full-width ones."""
    if text.isascii():
        return text
    return _FOREIGN_DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), text)


def escaped(name: str) -> str:
    """Return a file name on one line, with escapes for undecodable bytes and invisible characters."""
    return name if name.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)


def checked_line(text: str) -> str:
    """Return ``text`` where it is one line in NFC without invisible characters. Raises ``ValueError``."""
    if text != unicodedata.normalize("NFC", text).strip():
        raise ValueError("no blanks at the ends, and composed characters (Unicode NFC)")
    if any(unicodedata.category(char) in _CONTROLLING for char in text):
        raise ValueError("no line breaks, and no characters that are not seen")
    return text


# In most typefaces, beyond the table: a small i is one stroke with a dot, and two v are a w.
_ALSO = (("i", "l"), ("vv", "w"))


def first_alike(name: str, others: Iterable[str]) -> str | None:
    """Return the first of ``others`` that looks like a name, None where none does."""
    return next((other for other in others if look_alike(name, other)), None)


def look_alike(name: str, other: str) -> bool:
    """Return whether people can take one name for the other."""
    return not skeletons(name).isdisjoint(skeletons(other))


def in_latin_letters(text: str) -> str:
    """Return ``text`` with Latin letters in words that mix in look-alikes of other scripts, such as a Cyrillic "а".

    A word with a letter that looks like no Latin one stays. The length of the text stays the same.
    """
    if text.isascii() or _latin_letters().keys().isdisjoint(map(ord, set(text))):
        return text
    return _WORD.sub(_word_in_latin_letters, text)


def with_latin_looks(text: str) -> str:
    """Return ``text`` with a Latin letter for each Greek or Cyrillic one that looks like it, for comparison.

    A word of these scripts is then the same with and without look-alikes. The length of the text stays the same.
    """
    return text if text.isascii() else text.translate(_greek_and_cyrillic_looks())


def _word_in_latin_letters(word: re.Match[str]) -> str:
    letters = word[0].translate(_latin_letters())
    return letters if letters.isascii() else word[0]


@lru_cache(maxsize=4_096)
def skeletons(name: str) -> frozenset[str]:
    """Return what a name is compared by: names that have one of these in common look alike."""
    text = ascii_digits(unicodedata.normalize("NFKC", visible(unicodedata.normalize("NFKC", visible(name)))))
    # A name without any letter or digit is compared as it is.
    return frozenset(_skeleton(form) or plain_name(name) for form in (text, text.casefold(), text.upper()))


def _skeleton(text: str) -> str:
    replaced = text.translate(_letters()).casefold().translate(_letters())
    letters = "".join(char for char in replaced if unicodedata.category(char)[0] in "LMN")
    for look, letter in _ALSO:
        letters = letters.replace(look, letter)
    return letters


@cache
def _latin_letters() -> dict[int, str]:
    """Return by character of another script the single Latin letter that it looks like."""
    found = {}
    for code, look in _letters().items():
        if chr(code) not in _ASCII and len(look) == 1 and look in _ASCII and look.isalpha():
            # The table has a small l for every capital I.
            found[code] = "I" if look == "l" and chr(code).isupper() else look
    return found


@cache
def _greek_and_cyrillic_looks() -> dict[int, str]:
    return {code: letter for code, letter in _latin_letters().items() if code in _GREEK_AND_CYRILLIC}


@cache
def _letters() -> dict[int, str]:
    """Return by character the letters that it can be taken for."""
    lines = (files(f"{__package__}.reference") / "lookalikes.tsv").read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return {ord(char): letters for letters, looks in rows for char in looks}
