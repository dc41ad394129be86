"""Numbers and handles in running text that words beside them assign to a bank, a telephone, an alias or a platform."""

import re
from bisect import bisect_left
from collections.abc import Mapping
from typing import NamedTuple

from feeds.readers.extraction.labels import expression
from schemas.reference.aliases import systems
from schemas.reference.banks.recognition import BankMention, find_banks
from schemas.reference.platforms import PLATFORMS
from schemas.reference.sites import Site

_NUMBER = re.compile(
    r"(?<![\w.+/@:=%&-])(?<!\d[ ,])\(?[0-9๐-๙](?:[ ().-]{0,2}[0-9๐-๙]){5,19}(?![\w@/])(?!-[0-9A-Za-z])"
)
_DATE = re.compile(r"\d{1,4}[-/. ]\d{1,2}[-/. ]\d{1,4}(?: \d.*)?")
_THAI_ACCOUNT = re.compile(r"\d{3}-\d-\d{5}-\d")
_AMOUNT = re.compile(rf"\s*(?:,\d|[.]\d|%|{expression('amount').pattern})", re.IGNORECASE)
_MONEY = re.compile(
    r"[$€£¥฿₫]\s*$|\d,$|(?:USD|THB|VND|เลขรับแจ้ง|คดี(?:ที่)?|case(?: no\.?| id)?|ref\w*|id|pin|otp|code)\W*$", re.IGNORECASE
)
_ACCOUNT, _PHONE, _ALIAS = map(expression, ("account", "phone", "alias"))
# Codes by which a country's banks are called: sort code, routing number, BSB, IFSC.
_CODE = re.compile(
    r"sort ?code\W{0,4}(?P<GB>\d{2}[- ]?\d{2}[- ]?\d{2})(?!\d)"
    r"|(?:routing|aba)(?: (?:number|no\.?|code))?\W{0,4}(?P<US>\d{9})(?!\d)"
    r"|\bbsb\W{0,4}(?P<AU>\d{3}[- ]?\d{3})(?!\d)|\bifsc(?: code)?\W{0,4}(?P<IN>[A-Z]{4}0[A-Z0-9]{6})\b",
    re.IGNORECASE,
)
_VIETNAMESE = re.compile(r"[ăđơưĂĐƠƯ\u1ea0-\u1ef9]")
_THAI = re.compile(r"[\u0e01-\u0e2e]")
_CHINESE_MOBILE = re.compile(r"1[3-9]\d{9}")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
# Forms of telephone numbers that hardly any other number has in a text of that country.
_PHONES = {"TH": re.compile(r"0[689]\d{8}|0[2-7]\d{7}"), "VN": re.compile(r"0[35789]\d{8}|02\d{9}")}
_THAI_DIGITS = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")
_FAR = 60
# A number with a bank at most this many characters away is an account's.
_NEAR = 40


class NumberCandidate(NamedTuple):
    """A number as written, its position in the line, and its columns."""

    start: int
    raw: str
    fields: Mapping[str, str]

    @property
    def lacks_bank(self) -> bool:
        """Return whether it is the number of an account whose bank is unknown yet."""
        return self.fields["kind"] == "bank-account" and "bank" not in self.fields


def country_of(text: str) -> str:
    """Return the country that the script of a text implies, "" where it implies none."""
    return "TH" if _THAI.search(text) else "VN" if _VIETNAMESE.search(text) else ""


def is_of_account(*words: str) -> bool:
    """Return whether any of the texts is about banks or accounts, so that it may name a bank."""
    return any(_ACCOUNT.search(text) for text in words)


def find_numbers(text: str, label: str, heading: str, country: str) -> list[NumberCandidate]:
    """Return the numbers of a line for which it, its ``label`` or the ``heading`` above names a kind.

    ``country`` is the country of numbers without a country code, "" where the text names none.
    """
    found: list[NumberCandidate] = []
    banks: list[BankMention] | None = None
    codes = [*_CODE.finditer(text)]
    for match in _NUMBER.finditer(text):
        raw = _trimmed_number(match[0])
        start = match.start() + match[0].index(raw)
        before = text[max(0, start - _FAR) : start]
        in_code = any(code.start() <= start < code.end() for code in codes)
        if in_code or _is_other_number(raw, before, text[match.end() : match.end() + 12]):
            continue
        digits = re.sub(r"\D", "", raw.translate(_THAI_DIGITS))
        if banks is None:
            banks = find_banks(f"{label}\n{text}", country)
        at = start + len(label) + 1
        thai = _THAI_ACCOUNT.fullmatch(raw) is not None
        bank = nearest_bank(banks, at)
        beside = bank if bank and -_NEAR < bank.start - at < _NEAR else None
        kind = "bank-account" if thai else _kind(before, label, heading, beside) or _shaped(digits, country)
        if fields := _fields(kind, digits, raw, before, label, heading, country or ("TH" if thai else "")):
            if kind == "bank-account":
                fields |= _bank_code_columns(codes[-1]) if codes else bank_columns(bank)
            found.append(NumberCandidate(start, raw, fields))
    return found


def _trimmed_number(text: str) -> str:
    """Return a number without the signs around it; a bracket stays where it is closed."""
    return text.strip(" (.-" if text.count("(") == text.count(")") else " ().-")


def _is_other_number(raw: str, before: str, behind: str) -> bool:
    """Return whether a number is a date, an amount, or the number of a case."""
    return any((_DATE.fullmatch(raw), _AMOUNT.match(behind), _MONEY.search(before)))


def _bank_code_columns(code: re.Match[str]) -> dict[str, str]:
    """Return bank and country of a national bank code."""
    country = next(name for name, text in code.groupdict().items() if text)
    return {"bank": code[country], "country": country}


def nearest_bank(banks: list[BankMention], at: int) -> BankMention | None:
    """Return the bank named nearest to a place in the text; one in front of it goes before one behind."""
    place = bisect_left(banks, at, key=lambda bank: bank.start)
    return min(
        banks[max(0, place - 1) : place + 1],
        key=lambda bank: at - bank.end if bank.end <= at else (bank.start - at) * 2 + 20,
        default=None,
    )


def bank_columns(bank: BankMention | None) -> dict[str, str]:
    """Return the name of a bank and, where known, its country as columns."""
    if bank is None:
        return {}
    return {"bank": bank.name} | ({"country": bank.country} if bank.country else {})


def _kind(before: str, label: str, heading: str, bank: BankMention | None) -> str:
    """Return the kind that the nearest word names, "" where none does."""
    for words in (before, label):
        last = {
            kind: max((found.end() for found in cue.finditer(words)), default=-1)
            for kind, cue in (("bank-account", _ACCOUNT), ("phone", _PHONE), ("payment-alias", _ALIAS))
        }
        if max(last.values()) >= 0:
            return max(last, key=lambda kind: last[kind])
    if bank:
        return "bank-account"
    first = {
        kind: found.start()
        for kind, cue in (("payment-alias", _ALIAS), ("bank-account", _ACCOUNT), ("phone", _PHONE))
        if (found := cue.search(heading))
    }
    return min(first, key=lambda kind: first[kind], default="")


def _shaped(digits: str, country: str) -> str:
    """Return the kind of a number by its form alone."""
    return "phone" if country in _PHONES and _PHONES[country].fullmatch(digits) else ""


def _fields(kind: str, digits: str, raw: str, before: str, label: str, heading: str, country: str) -> dict[str, str]:
    if kind == "phone" and 7 <= len(digits) <= 15:
        if _CHINESE_MOBILE.fullmatch(digits) and _CHINESE.search(before + label + heading):
            country = "CN"
        return {"value": raw, "kind": kind} | ({"country": country} if country else {})
    if kind == "payment-alias":
        named = [*_ALIAS.finditer(f"{heading} {label} {before}")]
        system = systems.find(named[-1][0]) if named else None
        return {"value": raw, "kind": kind, "system": system.name} if system else {}
    if kind == "bank-account" and len(digits) >= 8:
        return {"value": raw, "kind": kind}
    return {}


_PLATFORM = (
    r"telegram|เทเลแกรม|(?-i:LINE|Line)(?:@| ?oa)?|ไลน์|facebook|เฟซบุ๊ก|เฟสบุ๊ก|เฟสบุ๊ค|เพจ|instagram|tiktok|ติ๊กต็อก|"
    r"wechat|微信|"
    r"whatsapp|zalo|twitter|discord|skype|viber|signal|kakao ?talk|snapchat|qq|weibo|微博|threads|youtube"
)
_NAMED = re.compile(rf"(?<![A-Za-z])(?:{_PLATFORM})(?![A-Za-z])", re.IGNORECASE)
_INLINE = re.compile(
    rf"(?<![A-Za-z])(?P<platform>{_PLATFORM})(?![A-Za-z])[\s:：=]{{0,3}}"
    r"(?:(?:(?P<id>id|ไอดี)|user ?name|user|account|handle|channel|group|号|號)[\s:：=]{0,3})?"
    r"(?P<handle>@[A-Za-z0-9_][\w.-]{2,63}|(?(id)[A-Za-z0-9_][A-Za-z0-9_.-]{2,63}|(?!)))",
    re.IGNORECASE,
)
_HANDLE = re.compile(r"@[A-Za-z0-9_][\w.]{2,63}")
_TOKEN = re.compile(r"@?[A-Za-z0-9_][A-Za-z0-9_.-]{2,63}")


class HandleCandidate(NamedTuple):
    """A handle as written, its platform, and its position in the line."""

    raw: str
    platform: str
    start: int


def find_handles(text: str, label: str, heading: str) -> list[HandleCandidate]:
    """Return the handles of a line in which values of other kinds are blanked out."""
    found = [
        HandleCandidate(match["handle"].rstrip(".-"), site.name, match.start("handle"))
        for match in _INLINE.finditer(text)
        if (site := _site(match["platform"])) and match["handle"]
    ]
    if found:
        return found
    if site := _site(label) or _only_site_in(label):
        first = _HANDLE.search(text) or (_TOKEN.fullmatch(text.strip()) if not text.strip().isdecimal() else None)
        return [HandleCandidate(first[0].rstrip(".-"), site.name, first.start())] if first else []
    if (site := _only_site_in(heading)) and (first := _HANDLE.match(text.strip())):
        return [HandleCandidate(first[0].rstrip("."), site.name, text.index(first[0]))]
    return []


def _site(word: str) -> Site | None:
    return PLATFORMS.find(word) if word else None


def _only_site_in(words: str) -> Site | None:
    """Return the only platform that a heading or label names."""
    named = {site.name: site for match in _NAMED.finditer(words) if (site := _site(match[0]))}
    return next(iter(named.values())) if len(named) == 1 else None
