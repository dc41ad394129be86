"""Banks and account numbers in text: a bank named beside a number, banks in prose, and banks as pages show them."""

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from schemas.errors import Rejected
from schemas.reference.account_numbers import bank_by_code_or_name, check_length
from schemas.reference.banks import (
    bank_names,
    banks_of,
    find_thai_bank,
    has_thai_letters,
    is_payment_service,
    listed_banks,
)
from schemas.reference.numbers import bare, plain

BIC_SHAPE = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")

_MOBILE = re.compile(r"0[689]")


def agreed_bank(*named: str) -> str:
    """Return the one bank that all not empty ``named`` mean, by a country's code rather than a BIC."""
    banks = {bank for bank in named if bank}
    banks = {bank for bank in banks if BIC_SHAPE.fullmatch(bank) is None} or banks
    if len(banks) > 1:
        raise Rejected("bank-conflict", "the report names two banks for one account; keep the one that holds it")
    return banks.pop() if banks else ""


def find_bank(text: str, written: str, country: str) -> str:
    """Return the bank that ``text`` names, once or in several ways: its BIC, else its country's own code for it."""
    try:
        return _find_by_one_name(text, written, country)
    except Rejected as refusal:
        parts = split_names(text)
        if refusal.reason != "bank-unknown" or parts in ([], [text]):
            raise
        thai = [find_thai_bank(part) for part in parts]
        # Name and code that agree leave no doubt, even if banks elsewhere have one of them.
        if any(found and not found.shared for found in thai) or len({found and found.bank for found in thai}) == 1:
            country = country or "TH"
        return agreed_bank(*(_find_by_one_name(part, written, country) for part in parts))


def _find_by_one_name(name: str, written: str, country: str) -> str:
    if is_payment_service(name):
        raise Rejected("bank-unknown", "this is a payment service and no bank; report its alias as a payment-alias")
    if country not in ("", "TH"):
        return bank_by_code_or_name(country, name)
    return _find_thai_bank(name, written, country)


def _find_thai_bank(name: str, written: str, country: str) -> str:
    """Return the BIC of the bank called ``name`` if name, number or country leave no doubt that it is Thai."""
    found = find_thai_bank(name.zfill(3) if name.isdigit() else name)
    if found is None and country == "TH":
        raise Rejected("bank-unknown", "no Thai bank has this name or code: give its BIC, or its code of three digits")
    if found is None:
        raise Rejected("bank-unknown", "only Thai banks are known by name alone; add the bank's country, or its BIC")
    sure = country == "TH" or has_thai_letters(name) or is_grouped_as_thai(written)
    if found.shared and not sure:
        raise Rejected(
            "bank-unknown",
            "banks of several countries have this name or code, and each has an account of this number: add the "
            "country (a country column, --country TH), or the BIC",
        )
    return found.bank.bic


def is_number_beside_bank(text: str) -> bool:
    """Return True if ``text`` is an account number with the name of a Thai bank beside it, and nothing else.

    A number that may be a mobile telephone's does not count: a bank may bear the name of the town.
    """
    words, number = split_words_and_number(plain(text), "", alone=True)
    if not words or words.isdigit() or not number or (_MOBILE.match(bare(number)) and not is_grouped_as_thai(number)):
        return False
    try:
        bank = find_bank(words, number, "")
        check_length(bank, bare(number))
    except Rejected:
        return False
    return 10 <= len(bare(number)) <= 15


_LONGEST = 300
_LAST_LATIN = "\u024f"

_WORDED = re.compile(r"(\D*?)(\d(?:[\d .\-/]*\d)?)(\D*)")
# Outside Thailand a number may have letters; groups of letters alone are words beside it.
# A check digit may be an X: 77120-X.
_LETTERED = re.compile(r"[A-Za-z]*[./-]?\d[A-Za-z0-9]*(?:[ ./-]+[A-Za-z]*\d[A-Za-z0-9]*)*(?:[ -][Xx])?")
# A bank's code behind its name: KBANK (004).
_CODE = re.compile(r"[(\[]\s*(\d{3})\s*[)\]]")
_BETWEEN_NAMES = re.compile(
    r"\s*[()\[\]/|,]+\s*|\s+[-–]\s+|\s+(?=\d{3}$)|(?<=^\d{3})\s+"
    r"|(?<=[A-Za-z])\s+(?=[ก-๛])|(?<=[ก-๛])\s+(?=[A-Za-z])"
)
_LABELS = re.compile(
    r"เลขที่บัญชี|เลขบัญชี|หมายเลขบัญชี|บัญชี|เลขที่|\b(?:account|acct|acc|a/c|number|no)\b\.?|[:#,;|]|^[\s./-]+|[\s./-]+$",
    re.IGNORECASE,
)
# Thai accounts of ten digits are written 123-4-56789-0, as no other country's are.
_THAI_GROUPS = r"\d{3}[- ]\d[- ]\d{5}[- ]\d"
_GROUPED = re.compile(_THAI_GROUPS)
_CODED = re.compile(rf"(\d{{3}})[-/ ]({_THAI_GROUPS}|\d{{10}})")


def split_words_and_number(text: str, country: str, *, alone: bool) -> tuple[str, str]:
    """Return the words and the number of ``text``; ``alone`` if only these words can name the bank.

    ``country`` is that of a bank which the columns name, "" if they name none.
    """
    if len(text) > _LONGEST:
        raise Rejected("account-form", "far longer than a bank's name and a number; give these alone")
    if (coded := _CODED.fullmatch(text)) and (alone or _GROUPED.fullmatch(coded[2])):
        return coded[1], coded[2]
    if country not in ("", "TH") and _LETTERED.fullmatch(text):
        return "", text
    if code := _CODE.search(text):
        behind = text[code.end() :]
        if not _has_digit(text[: code.start()] + behind):
            return text, ""
        if _has_digit(behind):
            words, number = split_words_and_number(_CODE.sub(" ", text, count=1).strip(), country, alone=alone)
            return f"{words} ({code[1]})".strip(), number
    if worded := _WORDED.fullmatch(text):
        return _LABELS.sub(" ", f"{worded[1]} {worded[3]}").strip(), worded[2]
    return ("", text) if _has_digit(text) else (text, "")


def _has_digit(text: str) -> bool:
    return any(char.isdigit() for char in text)


def split_names(text: str) -> list[str]:
    """Return the names of one bank that people write side by side: กสิกรไทย (KBANK), KBANK (004), 004 - KBANK."""
    return [name for name in _BETWEEN_NAMES.split(text) if name]


def is_grouped_as_thai(text: str) -> bool:
    """Return True if a number is written 123-4-56789-0, as Thai ones are."""
    return _GROUPED.fullmatch(text) is not None


# The countries whose banks are known by name; Thai ones by thai_banks.
_COUNTRIES = ("VN", "CN", "HK", "SG", "MY", "PH", "ID", "IN", "JP", "KR")
_OTHER_COUNTRIES = ("BR", "KH", "LA", "MM", "TW", "US")
_LONGEST_HEADING = 60
# Symbols that are words too, and mean a bank only in capitals.
_SHORT_SYMBOL = re.compile(r"[a-z]{2,4}")
_WORDS_TOO = frozenset(
    {
        "bay",
        "kk",
        "mb",
        "abc",
        "boc",
        "mega",
        "dana",
        "mandiri",
        "kb",
        "nh",
        "bob",
        "citi",
        "stb",
        "bri",
        "sbi",
        "chase",
        "wells",
    }
)
# A longer name that is also a common word means a bank after a word for an account or a bank.
_SYMBOL = 4
_BEHIND_BANK = r"(?:(?i:(?<=bank )|(?<=rekening )|(?<=akaun )|(?<=account )|(?<=rek )|(?<=ke )))"
# Names of cities and peoples, which mean a bank only behind the word bank.
_PLACES = frozenset({"กรุงเทพ", "อิสลาม"})
# Names of initials, which people write with dots or without.
_INITIALS = frozenset({"ธกส", "ธอส"})
_WORD_FOR_BANK = re.compile(r"(?:แบงก์|บัญชี)\s*")


class BankMention(NamedTuple):
    """A bank named in a text: its name as written, its country if the text gives it, and its place."""

    name: str
    country: str
    start: int
    end: int


def find_banks(text: str, country: str) -> list[BankMention]:
    """Return the banks that ``text`` names, in their order: banks of ``country``, or of any country if it is "".

    Without a country, only a name in the letters of a country tells the country: banks of several are called HSBC.
    """
    found: list[BankMention] = []
    for known in [country] if country else ["TH", *_COUNTRIES]:
        for match in _names_of(known).finditer(text):
            name = _WORD_FOR_BANK.sub("", match[0])
            found.append(BankMention(name, country or ("" if match[0].isascii() else known), *match.span()))
    found.sort(key=lambda mention: (mention.start, -mention.end))
    longest: list[BankMention] = []
    for mention in found:
        if not longest or mention.end > longest[-1].end:
            longest.append(mention)
    return longest


# A heading with the bank's code alone.
_CODE_HEADING = re.compile(
    r"(?:ispb(?=\W{0,3}\d{8}$)|compe|banco|aba|rtn|routing(?: (?:no|number))?\.?|sort code|bsb|ifsc|bank code|รหัสธนาคาร"
    r"|mã ngân hàng|kode bank|kod bank)\W{0,3}([A-Z]{4}0[A-Z0-9]{6}|\d[\d-]{2,10})",
    re.IGNORECASE,
)
# A heading of a bank's accounts has few other letters: "KBANK - 03/2026", "Bank: BDO".
_MOST_OTHER_LETTERS = 12


@lru_cache(maxsize=1024)
def bank_of_heading(text: str) -> str:
    """Return the bank or code in a heading or name of a sheet, "" if that has other content or names none."""
    if code := _CODE_HEADING.fullmatch(text.strip()):
        return code[1]
    shown = text.upper() if text.isascii() else text
    if len(shown) > _LONGEST_HEADING:
        return ""
    named = [mention for country in ("", *_OTHER_COUNTRIES) for mention in find_banks(shown, country)]
    longest = max(named, key=lambda mention: mention.end - mention.start, default=None)
    if longest is None or any(other.end <= longest.start or other.start >= longest.end for other in named):
        return ""
    rest = shown[: longest.start] + shown[longest.end :]
    return longest.name if sum(map(str.isalpha, rest)) <= _MOST_OTHER_LETTERS else ""


@cache
def _names_of(country: str) -> re.Pattern[str]:
    """Return a pattern of all names of a country's banks, the longest first.

    Names are grouped by their first letter, so that most places of a text are compared with few of them.
    """
    latin: dict[str, list[str]] = {}
    others: dict[str, list[str]] = {}
    further: list[str] = []
    for name in sorted(set(bank_names(country)), key=len, reverse=True):
        alternative = _alternative(name)
        if name in _INITIALS or name in _PLACES:
            further.append(alternative)
        elif name.isascii() or max(name) <= _LAST_LATIN:
            latin.setdefault(name[0].lower(), []).append(alternative)
        else:
            others.setdefault(name[0], []).append(alternative)
    groups = [f"(?<![A-Za-z]){_by_letter(latin)}"] if latin else []
    groups += [_by_letter(others)] if others else []
    return re.compile("|".join([*groups, *further]) or "(?!)")


def _by_letter(groups: Mapping[str, Sequence[str]]) -> str:
    letters = {letter: f"[{re.escape(letter)}{re.escape(letter.upper())}]" for letter in groups}
    first = "".join(expression[1:-1] for expression in letters.values())
    branches = (f"(?={letters[letter]})(?:{'|'.join(alternatives)})" for letter, alternatives in groups.items())
    return f"(?=[{first}])(?:{'|'.join(branches)})"


def _alternative(name: str) -> str:
    if name in _INITIALS:
        return r"\.?".join(name) + r"\.?(?![\u0e00-\u0e7f])"
    if not name.isascii() and max(name) > _LAST_LATIN:
        if name in _PLACES:
            return rf"(?:ธนาคาร|ธ\.|แบงก์|บัญชี)\s*{name}|{name}(?=\s{{0,2}}\d{{3}}-\d-\d{{5}}-\d)"
        return re.escape(name)
    if _SHORT_SYMBOL.fullmatch(name) or name in _WORDS_TOO:
        symbol = rf"(?<![A-Za-z]){re.escape(name.upper())}(?![A-Za-z])"
        return symbol if len(name) <= _SYMBOL else rf"{symbol}|{_BEHIND_BANK}(?i:{name})(?![A-Za-z])"
    spaced = re.escape(name).replace("\\ ", r"[ -]?")
    return rf"(?<![A-Za-z])(?i:{spaced})(?![A-Za-z])"


class ShownBank(NamedTuple):
    """A bank: its BIC, and its names in English and Thai."""

    bic: str
    english: str
    thai: str

    def name_in(self, language: str) -> str:
        """Return its name in a language (``th``, else English)."""
        return self.thai if language == "th" else self.english

    def called(self, language: str) -> str:
        """Return its name in a language, and its BIC."""
        return f"{self.name_in(language)} ({self.bic})"


_NATIONAL = re.compile(r"([A-Z]{2}):([A-Z0-9]{2,11})(?::.*)?")
_BIC8 = re.compile(r"[A-Z]{4}([A-Z]{2})[A-Z0-9]{2}")
_SMALL = frozenset({"and", "for", "of", "the"})
_ABBREVIATIONS = frozenset(
    {"bidv", "cimb", "citic", "icbc", "icici", "idbi", "idfc", "keb", "mufg", "ocbc", "uco", "uob", "vib", "yes"}
)


def bank_of(value: str) -> ShownBank | None:
    """Return the bank of an account in its normal form, or of an institution; None if its name is unknown."""
    if bic := _BIC8.fullmatch(value):
        return _by_code().get((bic[1], value))
    if national := _NATIONAL.fullmatch(value):
        return _by_code().get((national[1], national[2]))
    return None


def shown_banks(country: str) -> list[ShownBank]:
    """Return the banks of a country that have a BIC, in the order of the table."""
    found = (bank_of(bank.bic) for bank in banks_of(country))
    return list(dict.fromkeys(bank for bank in found if bank is not None))


def institution_called(text: str, country: str) -> str:
    """Return the institution with a bank's name: its BIC, or its code with its country.

    An unknown name is returned unchanged: it may be another form of an institution.
    """
    if any(map(str.isdigit, text)) or ":" in text:
        return text
    try:
        bank = find_bank(text, "", country)
    except Rejected:
        return text
    return bank if _BIC8.fullmatch(bank) or not country else f"{country}:{bank}"


@cache
def _by_code() -> Mapping[tuple[str, str], ShownBank]:
    """Return the banks that have a name, by country and BIC, and by country and code."""
    found: dict[tuple[str, str], ShownBank] = {}
    for bank in listed_banks():
        english = " ".join(map(_written, bank.name.split()))
        shown = ShownBank(bank.bic, bank.english or english, bank.thai or english)
        if shown.english:
            found |= {(bank.country, code): shown for code in (bank.bic, *bank.codes)}
    return found


def _written(word: str) -> str:
    """Return a word of a bank's name with its capital letters."""
    if word in _SMALL:
        return word
    is_abbreviation = word in _ABBREVIATIONS or set(word).isdisjoint("aeiouy")
    return word.upper() if is_abbreviation and word.isascii() else word.capitalize()
