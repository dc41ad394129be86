"""Texts from outside, made safe to store, to encode and to show."""

import re
import unicodedata

_SURROGATE = re.compile("[\ud800-\udfff]")
_FOREIGN_DIGIT = re.compile(r"[^\D0-9]")
_ADDRESS_PART = re.compile(r"[^\s@<>,;:\"()]{1,200}")
# Joiners, fillers, blanks and selectors of forms, which Unicode does not count among the format characters.
_NOT_SEEN = frozenset(
    map(chr, [0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x2800, 0x3164, *range(0xFE00, 0xFE10)])
) | {chr(0xFFA0), *map(chr, range(0xE0100, 0xE01F0))}
_CONTROLLING = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def encodable(text: str) -> str:
    """Return ``text`` with U+FFFD for each half of a surrogate pair, so that it can be encoded."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def visible(text: str) -> str:
    """Return ``text`` without invisible characters that change how the rest is read, such as its direction."""
    if text.isascii():
        return text
    return "".join(char for char in encodable(text) if unicodedata.category(char) != "Cf" and char not in _NOT_SEEN)


def plain_name(name: str) -> str:
    """Return a name as names of persons are compared: case, width, blanks and what nobody sees make no difference."""
    letters = visible(unicodedata.normalize("NFKC", visible(name)).casefold())
    return "".join(char for char in letters if unicodedata.category(char)[0] in "LMNPS")


def plain_address(text: str) -> str | None:
    """Return an e-mail address as those of persons are compared, None for what is none.

    Case, width and what nobody sees make no difference, nor does a ``+tag``: mail to both gets to one person.
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
