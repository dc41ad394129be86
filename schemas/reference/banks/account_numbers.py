"""Account numbers of countries without IBANs: bank codes, forms, lengths and check digits.

A bank's code and its BIC give one account, known by the one or the other (``accounts``); a code whose bank is not
known here stands for itself.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from stdnum.ar import cbu
from stdnum.nz import bankaccount
from stdnum.us import rtn

from schemas.errors import Rejected
from schemas.reference.banks import accounts, names, thai_banks
from schemas.reference.numbers import bare

# The first two digits that the Federal Reserve gives out.
_ROUTING = re.compile(r"(?:0[0-9]|1[0-2]|2[1-9]|3[0-2]|6[1-9]|7[0-2]|80)\d{7}")


class NationalAccount(NamedTuple):
    """A bank, by BIC or by its country's code, and the number of an account there."""

    bank: str
    number: str


@dataclass(frozen=True)
class AccountRules:
    """Form of a country's account numbers.

    ``code`` is the form of a bank's code and ``called`` its name among people; ``number`` the form of an account number
    with everything in front of it, and ``digits`` the same in words; ``inline`` the form of a text of both, code first.
    ``branch`` is the count of digits of the branch in the number, 0 if there are none; ``holds`` verifies a code,
    ``bank`` reduces it to the bank, and numbers are filled with zeros up to ``filled`` digits.
    """

    called: str
    code: str
    number: str
    digits: str
    inline: str = ""
    branch: int = 0
    holds: Callable[[str], bool] = lambda code: True
    bank: Callable[[str], str] = lambda code: code
    filled: int = 0


def _clabe(number: str) -> bool:
    """Return True if the 18 digits end in their check digit (Banxico)."""
    total = sum(int(digit) * weight % 10 for digit, weight in zip(number, (3, 7, 1) * 5 + (3, 7), strict=False))
    return (10 - total % 10) % 10 == int(number[-1])


def _nuban(bank: str, number: str) -> bool:
    """Return True if the ten digits end in their check digit at that bank (Central Bank of Nigeria)."""
    total = sum(int(digit) * weight for digit, weight in zip(bank + number[:9], (3, 7, 3) * 4, strict=True))
    return (10 - total % 10) % 10 == int(number[9])


def _canadian(code: str) -> str:
    """Return institution and transit as electronic payments write them; a cheque has transit first."""
    return code if len(code) == 9 else f"0{code[5:]}{code[:5]}"


COUNTRIES: Mapping[str, AccountRules] = {
    "AU": AccountRules("BSB", r"\d{6}", r"\d{5,10}", "5 to 10 digits", r"(\d{3}[ -]?\d{3})[ ,/:-]+(\d[\d -]{3,12}\d)"),
    "BR": AccountRules(
        "bank code",
        r"\d{3}|\d{8}",
        r"\d{4}\d{4,12}[\dX]",
        "4 digits of the agency and the account with its check digit",
        r"(\d{3})[ ,/:-]+(\d{4}(?:-\d)?[ ,/:]+[\d.-]{4,15}[\dXx])",
        branch=4,
    ),
    "CA": AccountRules(
        "transit and institution number",
        r"0\d{8}|\d{8}",
        r"\d{5,12}",
        "5 to 12 digits",
        r"(0\d{8}|\d{5}[ -]\d{3})[ ,/:-]+(\d[\d -]{3,14}\d)",
        bank=_canadian,
    ),
    "CN": AccountRules("bank code", r"\d{3}|\d{12}", r"\d{9,25}", "9 to 25 digits", bank=lambda code: code[:3]),
    "GB": AccountRules(
        "sort code", r"\d{6}", r"\d{8}", "8 digits", r"(\d{2}[ -]?\d{2}[ -]?\d{2})[ ,/:-]+(\d[\d -]{5,8})", filled=8
    ),
    "HK": AccountRules(
        "bank code",
        r"\d{3}",
        r"\d{9,12}",
        "9 to 12 digits, the branch's three in front",
        r"(\d{3})[ -](\d{3}[ -]?\d[\d -]{5,11})",
        branch=3,
    ),
    "ID": AccountRules("bank code", r"\d{3}", r"\d{8,16}", "8 to 16 digits", r"(\d{3})[ -](\d[\d -]{6,18}\d)"),
    "IN": AccountRules(
        "IFSC",
        r"[A-Z]{4}(?:0[A-Z0-9]{6})?",
        r"\d{9,18}",
        "9 to 18 digits",
        r"([A-Za-z]{4}0[A-Za-z0-9]{6})[ ,/:-]+(\d[\d -]{7,20}\d)",
        bank=lambda code: code[:4],
    ),
    "JP": AccountRules(
        "bank code",
        r"\d{4}",
        r"\d{10}",
        "3 digits of the branch and 7 of the account",
        r"(\d{4})[ -](\d{3}[ -]\d{7})",
        branch=3,
    ),
    "KR": AccountRules("bank code", r"\d{3}", r"\d{10,14}", "10 to 14 digits"),
    "NG": AccountRules("bank code", r"\d{3}|\d{6}", r"\d{10}", "10 digits (NUBAN)", r"(\d{3})[ -](\d{10})"),
    "MY": AccountRules("", r"(?!)", r"\d{7,17}", "7 to 17 digits"),
    "PH": AccountRules("", r"(?!)", r"\d{8,16}", "8 to 16 digits"),
    "SG": AccountRules("bank code", r"\d{4}", r"\d{7,14}", "7 to 14 digits", r"(\d{4})[ -](\d[\d -]{5,15}\d)"),
    "TW": AccountRules("bank code", r"\d{3}", r"\d{10,16}", "10 to 16 digits", r"(\d{3})[ -](\d[\d -]{8,18}\d)"),
    "US": AccountRules(
        "routing number",
        r"\d{9}",
        r"\d{4,17}",
        "4 to 17 digits",
        r"(\d{9})[ ,/:-]+(\d[\d -]{2,18}\d)",
        holds=lambda code: _ROUTING.fullmatch(code) is not None and rtn.is_valid(code),
    ),
    "VN": AccountRules("bank code", r"970\d{3}", r"[A-Z0-9]{4,19}", "4 to 19 letters and digits"),
    "ZA": AccountRules("branch code", r"\d{6}", r"\d{7,13}", "7 to 13 digits", r"(\d{6})[ ,/:-]+(\d{7,13})"),
}
_SORT_CODE = re.compile(r"[0-8]\d-\d\d-\d\d")
_SORT_CODE_AND_NUMBER = re.compile(r"([0-8]\d-\d\d-\d\d)[ ,/:]+(\d{8})")
_IFSC = re.compile(r"[A-Z]{4}0[A-Z0-9]{6}")


def country_of_code(written: str) -> str:
    """Return the country of a bank's code in a form that only one country uses, "" for any other form.

    Sort codes from 90-00-00 on may be Ireland's.
    """
    if _SORT_CODE.fullmatch(written):
        return "GB"
    return "IN" if _IFSC.fullmatch(bare(written)) else ""


def self_contained(country: str, number: str) -> NationalAccount | None:
    """Return the account of a number that contains its bank: Argentina's, Mexico's, New Zealand's; else None.

    ``number`` is bare. Raises ``Rejected`` if its check digits do not fit.
    """
    if country == "MX" and re.fullmatch(r"\d{18}", number):
        _check_digits(_clabe(number), "CLABE")
        return NationalAccount(number[:3], number)
    if country == "AR" and re.fullmatch(r"\d{22}", number):
        _check_digits(cbu.is_valid(number), "CBU")
        return NationalAccount(number[:3], number)
    if country == "NZ" and re.fullmatch(r"\d{15,16}", number):
        number = number if len(number) == 16 else number[:13] + "0" + number[13:]
        _check_digits(bankaccount.is_valid(number), "account number")
        return NationalAccount(number[:2], number)
    return None


def _check_digits(fits: bool, called: str) -> None:
    if not fits:
        raise Rejected("account-checksum", f"the {called}'s check digits do not fit: a digit was mistyped or moved")


def split_code_and_number(country: str, text: str) -> tuple[str, str] | None:
    """Return the bank's code and the number behind it, None if ``text`` is not both as the country writes them.

    Without a country, forms that only one country uses are read: Indian and British ones.
    """
    if not country:
        found = _SORT_CODE_AND_NUMBER.fullmatch(text)
        return (found[1], found[2]) if found else split_code_and_number("IN", text)
    rules = COUNTRIES.get(country)
    found = re.fullmatch(rules.inline, text) if rules and rules.inline else None
    return (found[1], found[2]) if found else None


def bank_by_code_or_name(country: str, name: str) -> str:
    """Return the bank that ``name`` means in ``country``: its BIC, else its code. Raises ``Rejected``."""
    rules = COUNTRIES.get(country)
    code = bare(name)
    if rules and re.fullmatch(rules.code, code):
        if not rules.holds(code):
            raise Rejected("bank-code", f"the {rules.called} is none that exists: its check digit does not fit")
        return accounts.canonical_bank(country, rules.bank(code))
    if bic := names.bic_by_name(country, name):
        return bic
    wanted = f"its {rules.called}, or " if rules and rules.called else ""
    raise Rejected("bank-unknown", f"no bank of that country is known by this name or code: give {wanted}its BIC")


def national_account(country: str, bank: str, written: str, branch: str) -> NationalAccount:
    """Return the account with the number ``written`` at ``bank``, a BIC or code. Raises ``Rejected``."""
    rules = COUNTRIES[country]
    number = bare(written)
    if rules.branch and branch[:1].isdecimal():
        number = bare(branch)[: rules.branch].zfill(rules.branch) + number.zfill(7 if country == "JP" else 0)
    elif country == "BR" and (agency := re.fullmatch(r"(\d{4})(?:-\d)?[ ,/:]+(.+)", written)):
        number = agency[1] + bare(agency[2])
    if rules.filled > len(number) >= rules.filled - 2:
        number = number.zfill(rules.filled)
    if re.fullmatch(rules.number, number) is None:
        raise Rejected("account-form", f"account numbers of this country have {rules.digits}")
    if country == "NG" and len(bank) == 3:
        _check_digits(_nuban(bank, number), "account number")
    return NationalAccount(bank, number)


# Digits of account numbers by bank; longer numbers belong to other products and are accepted.
_USUAL_LENGTHS = {
    "GSBATHBK": 12,
    "GOHUTHB1": 12,
    "BAABTHBK": 12,
    "KKPBTHBK": 14,
    "TFPCTHB1": 14,
    "BARBINBB": 14,
    "HDFCINBB": 14,
    "ICICINBB": 12,
    "AXISINBB": 15,
    "BMRIIDJA": 13,
    "BRINIDJA": 15,
    "CENAIDJA": 10,
    "BNINIDJA": 10,
    "MBBEMYKL": 12,
}
# A spreadsheet removes leading zeros; a number that is short by more digits is another error.
_MOST_LOST = 2


def check_length(bank: str, number: str) -> None:
    """Refuse a bare number that is shorter than the numbers of the bank with that BIC. Raises ``Rejected``.

    A number that is short by a few digits has lost its leading zeros.
    """
    exact = thai_banks.account_lengths(bank)
    wanted = min(exact) if exact else _USUAL_LENGTHS.get(bank, 0)
    if wanted and number.isdecimal() and wanted - _MOST_LOST <= len(number) < wanted:
        raise Rejected(
            "digits-lost",
            f"account numbers of this bank have {wanted} digits: leading zeros were lost, as spreadsheets do; "
            "write the number as text, with its zeros",
        )
    if exact and len(number) not in exact:
        raise Rejected("account-form", f"account numbers of this bank have {exact[0]} digits")
