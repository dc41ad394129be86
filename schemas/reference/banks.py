"""Known banks: their codes in the clearing of their country, their BICs, and the names that people write.

A bank that is not in ``banks.csv`` is known by its BIC, or by its code alone.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import NamedTuple

from schemas.reference import read_rows

# BICs that a bank had before, or that lists still spell so.
FORMER_BICS = {"KIFITHB1": "KKPBTHBK", "LAHRTHB1": "LAHRTHB2"}
# Payment services, whose aliases are no accounts at a bank.
_NOT_BANKS = "promptpay|พร้อมเพย์|truemoney|true money|ทรูมันนี่|truemoney wallet|ทรูมันนี่วอลเล็ท|rabbit line pay|paotang|เป๋าตัง"
# Countries whose accounts are known by the bank's code: a check digit depends on it, or a branch's code is beside it.
_BY_CODE = frozenset({"BR", "CA", "NG"})
# Countries whose banks have several codes or places in their BICs, with names or without.
_BY_ANY_CODE = _BY_CODE | {"US"}

_THAI_PUNCTUATION = re.compile(r"[\s.,()/'\"&_-]+")
_THAI_BEFORE = re.compile(r"^(?:บริษัท|บมจ\.?)?\s*(?:ธนาคาร|ธ\.(?!.\.))?")
_THAI_BEHIND = re.compile(r"(?:จำกัด|มหาชน|publiccompanylimited|pcl|plc|coltd|limited|ltd)+$".replace("ำ", "ํา"))
_THAI_LETTER = re.compile(r"[\u0e01-\u0e2e]")
_PUNCTUATION = re.compile(r"[\W_]+")
_FORM = re.compile(r"(?:limited|ltd|pte|plc|inc|corporation|corp|berhad|bhd|tbk|persero|sdn|company|co|na|jsc)+$")
_BEFORE = re.compile(r"^(?:the|pt(?=bank)|nganhang)")


class ListedBank(NamedTuple):
    """A bank: its country, its BIC, its codes there, and the names that people write.

    ``shared`` names belong to a bank elsewhere too: they name a Thai one only if something else is Thai. ``digits`` are
    the lengths of its account numbers (none: not known for sure), ``usual`` the shortest usual one, 0 if unknown.
    ``english`` and ``thai`` are the names that pages show, "" where a name that people write serves for both. ``form``
    is a regular expression of its account numbers, "" where their lengths say enough.
    """

    country: str
    bic: str
    codes: tuple[str, ...]
    names: tuple[str, ...]
    shared: tuple[str, ...]
    digits: tuple[int, ...]
    usual: int
    english: str
    thai: str
    form: str

    @property
    def name(self) -> str:
        """Return the name in English letters: the one that pages show, else the longest that people write."""
        return self.english.lower() or max(filter(str.isascii, self.names), key=len, default="")


class ThaiBankName(NamedTuple):
    """The bank that a name means, and whether banks elsewhere have that name too."""

    bank: ListedBank
    shared: bool


@cache
def _banks() -> tuple[ListedBank, ...]:
    return tuple(
        ListedBank(
            row["country"],
            row["bic"],
            tuple(row["codes"].split()),
            _split(row["names"]),
            _split(row["shared"]),
            tuple(map(int, row["digits"].split())),
            int(row["usual"] or 0),
            row["english"],
            row["thai"],
            row["form"] or "",
        )
        for row in read_rows("banks.csv")
    )


def _split(names: str) -> tuple[str, ...]:
    return tuple(filter(None, names.split("|")))


def banks_of(country: str) -> list[ListedBank]:
    """Return the banks of a country; ``-`` is the BIC of one whose BIC is not known."""
    return [bank for bank in _banks() if bank.country == country]


def listed_banks() -> list[ListedBank]:
    """Return the banks that have a BIC and a code, by country and BIC, their codes sorted."""
    found = sorted(bank for bank in _banks() if bank.codes and bank.bic != "-")
    return [bank._replace(codes=tuple(sorted(bank.codes))) for bank in found]


def _thai_key(name: str) -> str:
    """Return a name of a Thai bank without its form of company, punctuation and case."""
    name = _THAI_BEFORE.sub("", unicodedata.normalize("NFKC", name).casefold().strip())
    return _THAI_BEHIND.sub("", _THAI_PUNCTUATION.sub("", name))


def _thai_keys(names: Iterable[str]) -> Iterator[str]:
    """Yield the keys of names, with and without the word bank at the end."""
    for key in map(_thai_key, names):
        yield key
        if key.endswith("bank") and len(key) > len("bank") + 2:
            yield key.removesuffix("bank")


@cache
def _thai_banks() -> dict[str, ThaiBankName]:
    """Return the Thai banks by the keys of all their names, codes and BICs."""
    found: dict[str, ThaiBankName] = {}
    for bank in banks_of("TH"):
        found |= {key: ThaiBankName(bank, shared=True) for key in _thai_keys(bank.shared)}
        found |= {key: ThaiBankName(bank, shared=False) for key in _thai_keys((*bank.names, bank.bic))}
        # Codes of three digits are other countries' too.
        found |= {code: ThaiBankName(bank, shared=True) for code in bank.codes}
    return found | {_thai_key(old): found[_thai_key(new)] for old, new in FORMER_BICS.items()}


@lru_cache(maxsize=1024)
def find_thai_bank(name: str) -> ThaiBankName | None:
    """Return the bank that ``name`` means, by code, symbol, BIC, Thai or English name; None if it means none."""
    return _thai_banks().get(_thai_key(name))


@cache
def _services() -> frozenset[str]:
    return frozenset(map(_thai_key, _NOT_BANKS.split("|")))


def is_payment_service(name: str) -> bool:
    """Return True if ``name`` is a payment service that people take for a bank."""
    return _thai_key(name) in _services()


def has_thai_letters(text: str) -> bool:
    """Return True if ``text`` contains Thai letters."""
    return _THAI_LETTER.search(text) is not None


@cache
def _by_bic() -> dict[str, ListedBank]:
    return {bank.bic: bank for bank in _banks()}


def account_lengths(bic: str) -> tuple[tuple[int, ...], int]:
    """Return the lengths of account numbers of the bank with ``bic``, none if not known for sure, and the usual one."""
    bank = _by_bic().get(bic)
    return (bank.digits, bank.usual) if bank else ((), 0)


def has_form_of_bank(bank: str, number: str) -> bool | None:
    """Return whether a bare number has the form of the numbers of the bank with that BIC, None if that is not known."""
    found = _by_bic().get(bank)
    if found is None or not (found.form or found.digits or found.usual):
        return None
    if found.form:
        return re.fullmatch(found.form, number) is not None
    return len(number) == found.usual or len(number) in found.digits


def codes_of(bank: str) -> tuple[str, ...]:
    """Return the codes of the bank with that BIC, none if it is not listed."""
    found = _by_bic().get(bank)
    return found.codes if found else ()


def _key(name: str) -> str:
    """Return a name without its form of company, punctuation and case."""
    text = _PUNCTUATION.sub("", unicodedata.normalize("NFKC", name).casefold())
    return _FORM.sub("", _BEFORE.sub("", text)) or text


@cache
def _named(country: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the BICs of a country's banks that have names here, by name and by code; in some, the code by name."""
    by_name: dict[str, str] = {}
    by_code: dict[str, str] = {}
    for bank in banks_of(country) if country != "TH" else ():
        if not bank.names:
            continue
        known = bank.codes[0] if country in _BY_CODE else bank.bic
        by_code |= dict.fromkeys(bank.codes if known == bank.bic else (), bank.bic)
        for key in map(_key, [*bank.names, *([] if bank.bic == "-" else [bank.bic])]):
            by_name[key] = known
            if key.endswith("bank") and len(key) > len("bank") + 2:
                by_name[key.removesuffix("bank")] = known
    return by_name, by_code


def bic_by_name(country: str, name: str) -> str:
    """Return the BIC of the bank of that name in ``country``, or its code where banks are known by it, else ""."""
    return _named(country)[0].get(_key(name), "")


def bic_by_code(country: str, code: str) -> str:
    """Return the BIC of the bank with that code in the country's clearing, "" if it is not known."""
    return _named(country)[1].get(code, "")


def bank_names(country: str) -> list[str]:
    """Return the names of a country's banks, as people write them."""
    return [name for bank in banks_of(country) for name in (*bank.names, *bank.shared)]


@cache
def _all_named() -> frozenset[str]:
    return frozenset(key for country in {bank.country for bank in _banks()} for key in _named(country)[0])


def is_bank_name(text: str) -> bool:
    """Return whether a text is the name, symbol or BIC of a bank of any country, and no bare code of digits."""
    return not text.isdigit() and (find_thai_bank(text) is not None or _key(text) in _all_named())


@cache
def _codes_of(country: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the canonical code of each code and BIC of banks known by these, and the first code of each BIC."""
    known: dict[str, str] = {}
    codes: dict[str, str] = {}
    for bank in banks_of(country):
        if bank.names and country not in _BY_ANY_CODE:
            continue
        canonical = bank.codes[0] if country in _BY_CODE else bank.bic
        known |= dict.fromkeys(bank.codes, canonical)
        if bank.bic != "-":
            codes[bank.bic] = bank.codes[0]
            known[bank.bic] = canonical
            known.setdefault(bank.bic[:6], canonical)
    return known, codes


def canonical_code(country: str, bank: str) -> str:
    """Return the canonical code of ``bank``, a code or a BIC of eight characters, "" if it is its own canonical form.

    Account numbers of banks without names are unique throughout the bank, so that all its codes identify the same
    account. The last two characters of a BIC are a place, and are not compared for such a bank.
    """
    known = _codes_of(country)[0]
    return known.get(bank) or (known.get(bank[:6], "") if len(bank) == 8 and bank[4:6] == country else "")


def bic_of_code(country: str, bank: str) -> str:
    """Return the BIC of the bank without names that a country's code means, "" if it is not known here."""
    canonical = canonical_code(country, bank) or bank
    return next((bic for bic, code in _codes_of(country)[1].items() if canonical in (bic, code)), "")
