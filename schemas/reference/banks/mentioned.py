"""Banks that a text names beside an account's number."""

import re
from functools import cache
from typing import NamedTuple

from schemas.reference.banks import names, thailand

# The countries whose banks are known by name; Thai ones by thai_banks.
_COUNTRIES = ("VN", "CN", "HK", "SG", "MY", "PH", "ID", "IN", "JP", "KR")
# Symbols that are words too, and are meant only in capitals.
_SYMBOL = re.compile(r"[a-z]{2,4}")
_WORDS_TOO = frozenset(
    {"bay", "kk", "mb", "abc", "boc", "mega", "dana", "mandiri", "kb", "nh", "bob", "citi", "stb", "bri", "sbi"}
)
# Names of cities and peoples, which mean the bank only where the word bank is in front.
_PLACES = frozenset({"กรุงเทพ", "อิสลาม"})
# Names of initials, which people write with dots or without.
_INITIALS = frozenset({"ธกส", "ธอส"})
_PREFIX = re.compile(r"(?:แบงก์|บัญชี)\s*")


class Mention(NamedTuple):
    """A bank named in a text: its name as it stands there, its country as far as the text tells, and where."""

    name: str
    country: str
    start: int
    end: int


def mentions(text: str, country: str) -> list[Mention]:
    """Return the banks that ``text`` names: those of ``country`` where it is given, else of any; in their order.

    Without a country only a name in the letters of one says it; banks of several countries are called HSBC.
    """
    found: list[Mention] = []
    for known in [country] if country else ["TH", *_COUNTRIES]:
        for match in _named(known).finditer(text):
            name = _PREFIX.sub("", match[0])
            found.append(Mention(name, country or ("" if match[0].isascii() else known), *match.span()))
    found.sort(key=lambda one: (one.start, -one.end))
    apart: list[Mention] = []
    for one in found:
        if not apart or one.end > apart[-1].end:
            apart.append(one)
    return apart


@cache
def _named(country: str) -> re.Pattern[str]:
    every = thailand.every_name() if country == "TH" else names.every_name(country)
    alternatives = [_alternative(name) for name in sorted(set(every), key=len, reverse=True)]
    return re.compile("|".join(alternatives) or "(?!)")


def _alternative(name: str) -> str:
    if name in _INITIALS:
        return r"\.?".join(name) + r"\.?(?![\u0e00-\u0e7f])"
    if not name.isascii():
        if name in _PLACES:
            return rf"(?:ธนาคาร|ธ\.|แบงก์|บัญชี)\s*{name}|{name}(?=\s{{0,2}}\d{{3}}-\d-\d{{5}}-\d)"
        return re.escape(name)
    if _SYMBOL.fullmatch(name) or name in _WORDS_TOO:
        return rf"(?<![A-Za-z]){re.escape(name.upper())}(?![A-Za-z])"
    spaced = re.escape(name).replace("\\ ", r"[ -]?")
    return rf"(?<![A-Za-z])(?i:{spaced})(?![A-Za-z])"
