"""Account numbers of countries without IBANs, and the key that all names of one account share.

A bank's code and its BIC identify the same account. A code of an unknown bank is its own canonical form. An account of
Great Britain has an IBAN, and a sort code with a number; one of Brazil has an IBAN, and the bank's code with agency and
number. The shorter name follows from the longer one, never the other way round.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from stdnum.ar import cbu
from stdnum.nz import bankaccount
from stdnum.us import rtn

from schemas.errors import Rejected
from schemas.reference import iban
from schemas.reference.banks import (
    account_lengths,
    bic_by_code,
    bic_by_name,
    bic_of_code,
    canonical_code,
    codes_of,
    has_form_of_bank,
)
from schemas.reference.numbers import bare

_BRITISH = re.compile(r"GB\d{2}[A-Z]{4}(\d{6})(\d{8})")
# Bank (ISPB), agency, account with its check digit, type of account, holder.
_BRAZILIAN = re.compile(r"BR\d{2}(\d{8})0(\d{4})(\d{10})([A-Z])[A-Z0-9]")
_SAVINGS = "P"
_AT_AN_AGENCY = re.compile(r"BR:(\w+):(\d{4})(\d{3,12}[\dX])")
_FEWEST = 5


def account_key(account: str) -> str:
    """Return the shortest name of an account in its normal form: equal for all its names, different for two accounts.

    ``account`` is in a normal form of this version or an earlier one.
    """
    if ":" not in account:
        return _key_of_iban(account)
    if at_agency := _AT_AN_AGENCY.fullmatch(account):
        return _brazilian_key(*at_agency.groups())
    country, _, rest = account.partition(":")
    bank, _, number = rest.partition(":")
    bank, number = canonical_account(country, bank, number)
    return f"{country}:{bank}:{fitted_number(bank, number)}"


def fullest_account(accounts: Iterable[str]) -> str:
    """Return the most informative of the names of one account: its IBAN, else the one without padding."""
    return min(accounts, key=lambda account: (":" in account, len(account), account))


def canonical_bank(country: str, bank: str) -> str:
    """Return the code or BIC under which accounts at ``bank``, a code or BIC, are known in ``country``."""
    if found := canonical_code(country, bank) or bic_by_code(country, bank):
        return found
    # An Indian bank that is not listed has the same four letters in its BIC and its IFSC.
    return bank[:4] if country == "IN" and len(bank) == 8 and not bic_by_name(country, bank) else bank


def canonical_account(country: str, bank: str, number: str) -> tuple[str, str]:
    """Return bank and number under which the account with a bare ``number`` at ``bank``, a code or BIC, is known.

    A Canadian bank's code contains the transit number, which is the beginning of a number that comes with the BIC.
    """
    code = canonical_bank(country, bank)
    if country != "CA" or code == bank:
        return code, number
    if parts := re.fullmatch(rf"(?:0?{code}(\d{{5}})|(\d{{5}}){code})(\d{{5,12}})", number):
        return f"0{code}{parts[1] or parts[2]}", parts[3]
    return bank, number


def fitted_number(bank: str, number: str) -> str:
    """Return a bare number in the form of the bank's numbers: without zeros in front, or the bank's own code.

    Unchanged if the forms of the bank with that BIC are not known, or if no such number remains.
    """
    if has_form_of_bank(bank, number) is not False:
        return number
    for before in ("", *codes_of(bank)):
        if number.startswith(before):
            rest = number.removeprefix(before)
            while rest.startswith("0") and not has_form_of_bank(bank, rest):
                rest = rest[1:]
            if has_form_of_bank(bank, rest):
                return rest
    return number


def keeping_bank(account: str) -> str:
    """Return the BIC of the bank that holds an account in its normal form, "" if it is not known."""
    if found := _BRAZILIAN.fullmatch(account):
        return bic_of_code("BR", found[1])
    if ":" not in account:
        return iban.bic_of(account)
    country, bank = account.split(":")[:2]
    return bank if len(bank) == 8 and bank[4:6] == country else bic_of_code(country, bank)


def _key_of_iban(account: str) -> str:
    if british := _BRITISH.fullmatch(account):
        return f"GB:{british[1]}:{british[2]}"
    if (brazilian := _BRAZILIAN.fullmatch(account)) and brazilian[4] != _SAVINGS:
        return _brazilian_key(*brazilian.groups()[:3])
    return account


def _brazilian_key(bank: str, agency: str, number: str) -> str:
    """Return the key of an account at an agency; IBANs fill numbers with zeros, and write the check digit X as 0."""
    return f"BR:{canonical_bank('BR', bank)}:{agency}{number.replace('X', '0').lstrip('0').zfill(_FEWEST)}"


_BIC_SHAPE = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}")
_IBAN_BEGINNING = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{2,11}")
_INSTITUTION_RULE = (
    "a BIC of 8 characters (KASITHBK), or the beginning of its IBANs up to the end of the bank's code (DE8937040044)"
)


def checked_bank(text: str) -> str:
    """Return an institution in the one spelling that is compared. Raises ``ValueError`` with the rule."""
    plain = text.replace(" ", "").upper()
    if not is_bic(plain) and _IBAN_BEGINNING.fullmatch(plain) is None:
        raise ValueError(_INSTITUTION_RULE)
    return plain


def is_bic(text: str) -> bool:
    """Return True for a BIC, whose country is in the middle, False for the beginning of an IBAN."""
    return _BIC_SHAPE.fullmatch(text) is not None and _IBAN_BEGINNING.fullmatch(text) is None


# The first two digits that the Federal Reserve gives out.
_ROUTING = re.compile(r"(?:0[0-9]|1[0-2]|2[1-9]|3[0-2]|6[1-9]|7[0-2]|80)\d{7}")


class NationalAccount(NamedTuple):
    """A bank, by BIC or by its country's code, and the number of an account there."""

    bank: str
    number: str


@dataclass(frozen=True)
class AccountRules:
    """Form of a country's account numbers.

    ``code`` is the form of a bank's code and ``called`` its usual name; ``number`` the form of an account number
    with its prefixes, and ``digits`` the same in words; ``inline`` the form of a text of both, code first.
    ``branch`` is the count of digits of the branch in the number, 0 if there are none; ``holds`` verifies a code,
    ``bank`` reduces it to the bank, and numbers are filled with zeros up to ``filled`` digits. ``zeros`` is the form of
    the codes that begin with zeros, for countries where not all codes are listed.
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
    zeros: str = r"(?!)"


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


def has_routing_form(code: str) -> bool:
    """Return whether nine digits may be a routing number of the United States, by its range and its check digit."""
    return _ROUTING.fullmatch(code) is not None and rtn.is_valid(code)


COUNTRIES: Mapping[str, AccountRules] = {
    "AU": AccountRules(
        "BSB",
        r"\d{6}",
        r"\d{5,10}",
        "5 to 10 digits",
        r"(\d{3}[ -]?\d{3})[ ,/:-]+(\d[\d -]{3,12}\d)",
        zeros=r"0[13689]\d{4}",  # the four largest banks and the Reserve Bank (BSB directory, AusPayNet)
    ),
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
        "sort code",
        r"\d{6}",
        r"\d{8}",
        "8 digits",
        r"(\d{2}[ -]?\d{2}[ -]?\d{2})[ ,/:-]+(\d[\d -]{5,8})",
        filled=8,
        zeros=r"0[145789]\d{4}",  # ranges of the banks of England and Scotland (Extended Industry Sort Code Directory)
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
        holds=has_routing_form,
        zeros=r"0[1-9]\d{7}",
    ),
    # NAPAS numbers banks from 970 and wallets from 971; some members have the range of their cards.
    "VN": AccountRules(
        "bank code",
        r"97[01]\d{3}|422589|458761|533948|54603[45]|796500|801011|963388|977777|999888",
        r"[A-Z0-9]{4,19}",
        "4 to 19 letters and digits",
    ),
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
    code = _with_zeros(country, bare(name))
    if rules and re.fullmatch(rules.code, code):
        if not rules.holds(code):
            raise Rejected("bank-code", f"the {rules.called} is none that exists: its check digit does not fit")
        return canonical_bank(country, rules.bank(code))
    if bic := bic_by_name(country, name):
        return bic
    wanted = f"its {rules.called}, or " if rules and rules.called else ""
    raise Rejected("bank-unknown", f"no bank of that country is known by this name or code: give {wanted}its BIC")


# The lengths of codes in digits, the shortest first.
_WIDTHS = (3, 4, 6, 8, 9)
# A spreadsheet removes leading zeros; a number that lacks more digits has another error.
_MOST_LOST = 2


def _with_zeros(country: str, code: str) -> str:
    """Return a bank's code with the leading zeros that a spreadsheet removed, unchanged if no bank has that code."""
    rules = COUNTRIES.get(country)
    if not rules or not code.isdecimal() or not int(code) or re.fullmatch(rules.code, code):
        return code
    for width in _WIDTHS:
        filled = code.zfill(width)
        if len(code) < width <= len(code) + _MOST_LOST and re.fullmatch(rules.code, filled) and rules.holds(filled):
            listed = canonical_code(country, filled) or bic_by_code(country, filled)
            if listed or re.fullmatch(rules.zeros, filled):
                return filled
    return code


def national_account(country: str, bank: str, written: str, branch: str) -> NationalAccount:
    """Return the account with the number ``written`` at ``bank``, a BIC or code. Raises ``Rejected``."""
    rules = COUNTRIES[country]
    number = bare(written)
    if rules.branch and branch[:1].isdecimal():
        number = bare(branch)[: rules.branch].zfill(rules.branch) + number.zfill(7 if country == "JP" else 0)
    elif country == "BR" and (agency := re.fullmatch(r"(\d{4})(?:-\d)?[ ,/:]+(.+)", written)):
        number = agency[1] + bare(agency[2])
    number = fitted_number(bank, number)
    if rules.filled > len(number) >= rules.filled - 2:
        number = number.zfill(rules.filled)
    if re.fullmatch(rules.number, number) is None:
        raise Rejected("account-form", f"account numbers of this country have {rules.digits}")
    if country == "NG" and len(bank) == 3:
        _check_digits(_nuban(bank, number), "account number")
    return NationalAccount(bank, number)


def check_length(bank: str, number: str) -> None:
    """Refuse a bare number that is shorter than the numbers of the bank with that BIC. Raises ``Rejected``.

    A number that is short by a few digits has lost its leading zeros.
    """
    exact, usual = account_lengths(bank)
    wanted = min(exact) if exact else usual
    if wanted and number.isdecimal() and wanted - _MOST_LOST <= len(number) < wanted:
        raise Rejected(
            "digits-lost",
            f"account numbers of this bank have {wanted} digits: leading zeros were lost, as spreadsheets do; "
            "write the number as text, with its zeros",
        )
    if exact and len(number) not in exact:
        raise Rejected("account-form", f"account numbers of this bank have {exact[0]} digits")
