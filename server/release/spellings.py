"""Spellings of a value: find it in texts, even with separators or encoded.

Texts are read as in the guard's search for personal data: full-width, percent-encoded, as entities, in Base64.
"""

import re
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import unquote

import phonenumbers

from schemas import beginnings, readings
from schemas.spoken import read_aloud

# Shorter values occur in too many texts by chance.
SHORTEST = 6
ERASED = "[erased]"

_BETWEEN = r"[\s!#$%&'()*+,\-./:;<=>@\[\]^_`|~\u00b7]{0,4}"
_DOT = r"[\[({]?(?:\.|dot)[\])}]?"
_AT = r"(?:[\[({]?(?:@|at)[\])}]?| {1,3}[\[({]?(?:@|at)[\])}]? {1,3})"
# Before a number: zeros that pad it, or of a telephone number the first digit within a country or the number for calls
# abroad.
_PADDING = ("", *("0" * number for number in range(1, 7)))
_ABROAD = (*_PADDING, *(f"0{number:02}" for number in range(1, 20)))
# As letters, beside a sign or nothing.
_WRITTEN = {".": ("", "dot"), "@": ("", "at")}
_SCHEME = r"(?:h(?:tt|xx)ps?[\[({]?:[\])}]?//)?"
_THAI = "๐๑๒๓๔๕๖๗๘๙"
_NAMED = frozenset(("domain", "url", "email", "ip"))
# Kinds whose values begin with a prefix: a platform, a chain, a country.
_PLACED = frozenset(("app", "bank-account", "company", "payment-alias", "social-account", "wallet"))
# Possible separators between the characters; they are removed before a text is searched for one fixed word.
_IGNORED = b" \t\r\n!#$%&'()*+,-./:;<=>@[]^_`{|}~"
_GAPS = re.compile(r"\s{2,}|[^\S ]")
# Line breaks as JSON writes them.
_BREAKS = ("\\n", "\\r", "\\t")
_BREAKS_IN_BYTES = tuple(written.encode() for written in _BREAKS)
_ESCAPED, _ENTITY = re.compile(rb"%[0-9A-Fa-f]{2}"), re.compile(rb"&#?\w{2,8};")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,4096}={0,2}")
_ENCODED_IN_BYTES = re.compile(readings.ENCODED.pattern.encode())
_PLAIN = bytes(range(256)).lower()


class Spellings(NamedTuple):
    """The spellings of some values; ``plain`` turns every text with one of the values into a text with one of
    ``words``.

    Every text with one of the values, plainly or encoded, has one of ``beginnings``; None if they are not known.
    """

    words: tuple[bytes, ...]
    pattern: re.Pattern[str] | None
    beginnings: frozenset[str] | None = frozenset()

    def is_in(self, text: bytes) -> bool:
        """Return whether a text contains one of the values, plainly or encoded."""
        if self.pattern is None:
            return False
        if self._is_plainly_in(text):
            return True
        if not _may_hide(text):
            return False
        written = text.decode(errors="replace")
        return any(self._is_plainly_in(reading.encode()) for reading in _readings(written) if reading != written)

    def cleaned(self, text: str) -> str:
        """Return a text with a word in place of each value; if one is encoded, the text as a person reads it."""
        if self.pattern is None:
            return text
        text = self.pattern.sub(ERASED, text)
        if not self.is_in(text.encode()):
            return text
        text = self.pattern.sub(ERASED, _read(text))
        for reading in sorted(read_aloud(text)):
            if self._is_plainly_in(reading.encode()):
                text = self.pattern.sub(ERASED, reading)
        return _BASE64.sub(lambda token: ERASED if self.is_in(token[0].encode()) else token[0], text)

    def _is_plainly_in(self, text: bytes) -> bool:
        letters = plain(text)
        if self.pattern is None or not any(word in letters for word in self.words):
            return False
        return self.pattern.search(text.decode(errors="replace")) is not None


def _may_hide(text: bytes) -> bool:
    """Return, quickly, whether a text may have escapes, entities, letters beyond ASCII, gaps, or Base64."""
    if b"  " in text or not text.isascii() or any(written in text for written in _BREAKS_IN_BYTES) or b"\n" in text:
        return True
    if (b"%" in text and _ESCAPED.search(text)) or (b"&" in text and _ENTITY.search(text)):
        return True
    return _ENCODED_IN_BYTES.search(text) is not None or bool(read_aloud(text.decode()))


def _readings(text: str) -> Iterator[str]:
    """Yield the readable forms of a text: the text without escapes, and the Base64 texts in it."""
    read = _read(text)
    for plain_text in (read, *map(_read, readings.decoded(read, readings.ENCODED))):
        yield plain_text
        yield from read_aloud(plain_text)


def _read(text: str) -> str:
    """Return a text, or JSON, as a person reads it."""
    text = readings.normalised(text)
    if "\\" in text:
        for written in _BREAKS:
            text = text.replace(written, " ")
        text = text.replace("\\\\", "\\")
    # A printable text has no blanks but spaces.
    return _GAPS.sub(" ", text) if "  " in text or not text.isprintable() else text


def plain(text: bytes) -> bytes:
    """Return a text in lower case, without possible separators between the characters of a value."""
    return text.translate(_PLAIN, _IGNORED)


def of(values: Iterable[tuple[str, str]]) -> Spellings:
    """Return the spellings of values, by kind and normal form; values that are too short are omitted."""
    words: set[bytes] = set()
    patterns: set[str] = set()
    begin: set[str] | None = set()
    for kind, value in values:
        for core in _cores(kind, value):
            is_named, ahead = kind in _NAMED or "@" in core[1:], _ABROAD if ":+" in f":{value}" else _PADDING
            if len(core if is_named else plain(core.encode())) < SHORTEST:
                if kind != "social-account":
                    continue
                patterns.add(_beside_platform(core, value.partition(":")[0]))
            else:
                patterns.add(_named(core) if is_named else _spelled(core, ahead))
            some = beginnings.of_choices(_choices(core, ahead, is_named=is_named))
            begin = None if begin is None or some is None else begin | some
            if is_named:
                words |= {plain(core.encode()), plain(core.replace(".", "dot").encode())}
                words.add(plain(core.replace("@", "at").encode()))
            else:
                words |= {plain(core.encode()), plain(core.translate(_THAI_DIGITS).encode())}
    if not patterns:
        return Spellings((), None)
    # The longest first; no ASCII letter or digit before or after, because Thai has no spaces between words.
    either = "|".join(sorted(patterns, key=len, reverse=True))
    whole = re.compile(rf"(?<![0-9A-Za-z])(?:{either})(?![0-9A-Za-z])", re.IGNORECASE)
    return Spellings(tuple(sorted(words)), whole, None if begin is None else frozenset(begin))


def _cores(kind: str, value: str) -> Iterable[str]:
    """Yield the forms in which a value occurs in a text: without its prefix, its scheme, its country code."""
    if kind in _NAMED:
        bare = re.sub(r"^https?://", "", value).rstrip("/")
        yield bare
        if kind == "ip" and ":" in value:
            yield from _forms_of_ipv6(value)
            return
        if kind == "url":
            host, slash, rest = bare.partition("/")
            yield f"{host}:{'443' if value.startswith('https') else '80'}{slash}{rest}"
            yield unquote(bare)
        host, slash, rest = bare.partition("/")
        try:
            unicode_host = host.encode().decode("idna")
        except UnicodeError:
            return
        if unicode_host != host:
            yield unicode_host + slash + rest
        return
    core = value.rpartition(":")[2] if kind in _PLACED else value
    if kind == "wallet" and core.startswith("0x"):
        yield core[2:]
    if not core.startswith("+"):
        yield core
        return
    yield core[1:]
    try:
        yield phonenumbers.national_significant_number(phonenumbers.parse(core))
    except phonenumbers.NumberParseException:
        return


def _forms_of_ipv6(address: str) -> Iterable[str]:
    """Yield an address with its groups of zeros, without and with the zeros in front."""
    groups = ip_address(address).exploded.split(":")
    yield ":".join(groups)
    yield ":".join(group.lstrip("0") or "0" for group in groups)


def _choices(core: str, ahead: tuple[str, ...], *, is_named: bool) -> list[tuple[str, ...]]:
    """Return what a text that matches a core's pattern may have at each place, apart from separators."""
    if is_named:
        return [("", "wwwdot"), *(_WRITTEN.get(char) or (char,) for char in core)]
    return [ahead, *((char,) for char in core if char.isalnum())]


def _spelled(core: str, ahead: tuple[str, ...]) -> str:
    """Return the pattern of a number or a handle, with optional separators, and one of ``ahead`` or a + in front."""
    chars = [_char(char) for char in core if char.isalnum()]
    zeros = "|".join("".join(map(_char, digits)) for digits in reversed(ahead))
    return rf"\+?(?:{zeros}){_BETWEEN}" + _BETWEEN.join(chars)


def _beside_platform(core: str, platform: str) -> str:
    """Return the pattern of a short handle behind a sign, a host or its platform; with a digit also alone."""
    handle = "[._-]?".join(_char(char) for char in core if char.isalnum())
    alone = "?" if re.search("[a-z]", core, re.IGNORECASE) and re.search("[0-9]", core) else ""
    return rf"(?:@|[0-9a-z.-]{{4,60}}/[@~]?|{re.escape(platform)}\W{{1,3}}){alone}{handle}"


def _char(char: str) -> str:
    return f"[{char}{_THAI[int(char)]}]" if char.isascii() and char.isdigit() else re.escape(char)


def _named(core: str) -> str:
    """Return the pattern of a network name, unchanged or defanged."""
    parts = {".": _DOT, "@": _AT, ":": r"[\[({]?:[\])}]?"}
    chars = [parts.get(char) or re.escape(char) for char in core]
    # Blanks between all of its characters or none: blanks between some would match other words.
    return _SCHEME + r"(?:www" + _DOT + ")?" + f"(?:{''.join(chars)}|{r'[ ]{1,3}'.join(chars)})"


_THAI_DIGITS = str.maketrans("0123456789", _THAI)
