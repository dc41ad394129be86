"""Spellings of a value: how it may be written in a text, whatever stands between its characters."""

import re
from collections.abc import Iterable
from typing import NamedTuple

import phonenumbers

# Fewer characters stand in too many texts by chance.
SHORTEST = 6
ERASED = "[erased]"

_BETWEEN = r"[\s.\-_/()\u00b7]{0,3}"
_DOT = r"[\[({]?(?:\.|dot)[\])}]?"
_AT = r"[\[({]?(?:@|at)[\])}]?"
_SCHEME = r"(?:h(?:tt|xx)ps?[\[({]?:[\])}]?//)?"
_THAI = "๐๑๒๓๔๕๖๗๘๙"
_NAMED = frozenset(("domain", "url", "email", "ip"))
# Kinds whose values begin with a place: a platform, a chain, a country.
_PLACED = frozenset(("app", "bank-account", "company", "payment-alias", "social-account", "wallet"))
# All that may stand between the characters goes before a text is searched for one fixed word.
_IGNORED = b" \t\r\n.-_/()[]{}:@"
_PLAIN = bytes(range(256)).lower()


class Spellings(NamedTuple):
    """The spellings of some values; ``words`` are in every text that writes one, once ``plain`` was made of it."""

    words: tuple[bytes, ...]
    pattern: re.Pattern[str] | None

    def is_in(self, text: bytes) -> bool:
        """Return whether a text writes one of the values."""
        if self.pattern is None:
            return False
        letters = plain(text)
        if not any(word in letters for word in self.words):
            return False
        return self.pattern.search(text.decode(errors="replace")) is not None

    def cleaned(self, text: str) -> str:
        """Return a text with a word in place of each value."""
        return text if self.pattern is None else self.pattern.sub(ERASED, text)


def plain(text: bytes) -> bytes:
    """Return a text in small letters, without what may stand between the characters of a value."""
    return text.translate(_PLAIN, _IGNORED)


def of(values: Iterable[tuple[str, str]]) -> Spellings:
    """Return the spellings of values, by kind and normal form; those that are too short are left out."""
    words: set[bytes] = set()
    patterns: set[str] = set()
    for kind, value in values:
        for core in _cores(kind, value):
            if len(plain(core.encode())) < SHORTEST:
                continue
            patterns.add(_named(core) if kind in _NAMED else _spelled(core))
            if kind in _NAMED:
                words |= {plain(core.encode()), plain(core.replace(".", "dot").encode())}
                words.add(plain(core.replace("@", "at").encode()))
            else:
                words |= {plain(core.encode()), plain(core.translate(_THAI_DIGITS).encode())}
    if not patterns:
        return Spellings((), None)
    # The longest first; no letter or digit of ASCII before or after, as Thai has no spaces between words.
    either = "|".join(sorted(patterns, key=len, reverse=True))
    whole = re.compile(rf"(?<![0-9A-Za-z])(?:{either})(?![0-9A-Za-z])", re.IGNORECASE)
    return Spellings(tuple(sorted(words)), whole)


def _cores(kind: str, value: str) -> Iterable[str]:
    """Yield what of a value stands in a text: without its place, its scheme, its country's code."""
    if kind in _NAMED:
        bare = re.sub(r"^https?://", "", value).rstrip("/")
        yield bare
        host, slash, rest = bare.partition("/")
        try:
            unicode_host = host.encode().decode("idna")
        except UnicodeError:
            return
        if unicode_host != host:
            yield unicode_host + slash + rest
        return
    core = value.rpartition(":")[2] if kind in _PLACED else value
    if not core.startswith("+"):
        yield core
        return
    yield core[1:]
    try:
        yield phonenumbers.national_significant_number(phonenumbers.parse(core))
    except phonenumbers.NumberParseException:
        return


def _spelled(core: str) -> str:
    """Return the pattern of a number or a handle, whose characters may stand apart; a 0 or a + may begin it."""
    chars = [_char(char) for char in core if char.isalnum()]
    return r"\+?(?:0|๐)?" + _BETWEEN + _BETWEEN.join(chars)


def _char(char: str) -> str:
    return f"[{char}{_THAI[int(char)]}]" if char.isascii() and char.isdigit() else re.escape(char)


def _named(core: str) -> str:
    """Return the pattern of a name on the network, as it is or defanged."""
    parts = {".": _DOT, "@": _AT, ":": r"[\[({]?:[\])}]?"}
    return _SCHEME + r"(?:www" + _DOT + ")?" + "".join(parts.get(char) or re.escape(char) for char in core)


_THAI_DIGITS = str.maketrans("0123456789", _THAI)
