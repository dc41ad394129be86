"""Persons' numbers in the registers of their states, which people report in place of account numbers.

Check digits, date of birth, region, written form, and the lengths of the bank's account numbers distinguish them from
account numbers.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import NamedTuple

from stdnum import luhn
from stdnum.ar import cuit
from stdnum.at import vnr
from stdnum.br import cpf
from stdnum.cn import ric
from stdnum.cz import rc
from stdnum.dk import cpr
from stdnum.in_ import aadhaar
from stdnum.mx import curp
from stdnum.my import nric
from stdnum.nl import bsn
from stdnum.th import pin
from stdnum.tr import tckimlik
from stdnum.za import idnr

from schemas.errors import Rejected
from schemas.reference.banks import has_form_of_bank


class IdentityForm(NamedTuple):
    """The form of persons' numbers in a register.

    ``certain``: hardly any account has this form. Otherwise the bank decides: the number is refused unless the bank is
    known to have such numbers or, if ``known`` is true, only where the bank is known to have others. ``shape`` is that
    of the bare number, or of the number as people write it if ``written`` is true.
    """

    called: str
    shape: re.Pattern[str]
    valid: Callable[[str], bool]
    certain: bool
    known: bool
    written: bool


def _is_any(number: str) -> bool:
    return True


def _form(
    called: str,
    shape: str,
    valid: Callable[[str], bool] = _is_any,
    *,
    certain: bool = True,
    known: bool = False,
    written: bool = False,
) -> IdentityForm:
    return IdentityForm(called, re.compile(shape), valid, certain, known, written)


def _is_date(year: str, month: str, day: str) -> bool:
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return False
    return True


# The first two digits, of the province.
_CHINESE_PROVINCE = re.compile(r"1[1-5]|2[123]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|91")
_INDONESIAN_PROVINCE = re.compile(r"1[1-9]|21|3[1-6]|5[123]|6[1-5]|7[1-6]|8[12]|9[1-7]")


def _is_chinese(number: str) -> bool:
    """Return whether province, birthday and check digit fit; python-stdnum misses counties under former codes."""
    is_born = number[6:8] in ("19", "20") and _is_date(number[6:10], number[10:12], number[12:14])
    return is_born and _CHINESE_PROVINCE.match(number) is not None and ric.calc_check_digit(number) == number[-1]


def _is_indonesian(number: str) -> bool:
    """Return whether province and birthday fit; 40 is added to the day for women. python-stdnum lacks new districts."""
    day, year = int(number[6:8]), number[10:12]
    century = "19" if year > "25" else "20"
    is_born = _is_date(century + year, number[8:10], str(day - 40 if day > 40 else day))
    return is_born and _INDONESIAN_PROVINCE.match(number) is not None


def _is_malaysian(number: str) -> bool:
    """Return whether a number may be an adult's MyKad: accounts of the largest bank begin like years of children."""
    return not 13 <= int(number[:2]) <= 29 and bool(nric.is_valid(number))


def _is_korean(number: str) -> bool:
    """Return whether birthday, century and sex are an adult's: numbers since 2020 have no check digit.

    Accounts of two large banks begin like days of 1930 and 2010.
    """
    year = ("19" if number[6] in "1256" else "20") + number[:2]
    return "1935" <= year <= "2009" and number[6] in "12345678" and _is_date(year, number[2:4], number[4:6])


def _is_vietnamese(number: str) -> bool:
    """Return whether the digit of century and sex, and the year of birth, are those of an adult."""
    return number[4:6] >= "20" if number[3] in "01" else number[4:6] <= "12"


def _is_sri_lankan(number: str) -> bool:
    """Return whether the day of birth is a day of the year; 500 is added for women."""
    return 1 <= int(number[4:7]) % 500 <= 366


def _is_egyptian(number: str) -> bool:
    return _is_date(("19" if number[0] == "2" else "20") + number[1:3], number[3:5], number[5:7])


def _is_dutch(number: str) -> bool:
    """Return whether a number is a BSN; one that ends in 0 may be an account's, because it passes the same check."""
    return number[-1] != "0" and bool(bsn.is_valid(number))


# Of every country: numbers of persons from there turn up at banks elsewhere.
_ANYWHERE = (_form("a Chinese identity number", r"[1-9]\d{16}[\dX]", _is_chinese),)
_THAI = _form("a Thai identity number", r"[1-8]\d{12}", pin.is_valid)
_NEIGHBOURS = (_THAI._replace(certain=False),)
_FORMS: Mapping[str, Sequence[IdentityForm]] = MappingProxyType(
    {
        "AE": (_form("an Emirates identity number", r"784(?:19|20)\d{10}", luhn.is_valid),),
        "AR": (_form("a CUIL", r"2[03479]\d{9}", cuit.is_valid),),
        "AT": (_form("an Austrian social insurance number", r"[1-9]\d{9}", vnr.is_valid),),
        "BD": (_form("a Bangladeshi identity number", r"(?:19[3-9]\d|200\d)\d{13}", certain=False),),
        "BR": (_form("a CPF", r"(?!0001)\d{11}", cpf.is_valid),),
        "CZ": (_form("a Czech birth number", r"\d{6}/\d{3,4}", rc.is_valid, written=True),),
        "DK": (_form("a Danish CPR number", r"\d{10}", cpr.is_valid),),
        "EG": (_form("an Egyptian identity number", r"[23]\d{6}(?:0[1-4]|[123]\d|88)\d{5}", _is_egyptian),),
        "ID": (_form("an Indonesian NIK", r"[1-9]\d{15}", _is_indonesian),),
        "IN": (
            _form("an Aadhaar number", r"[2-9]\d{3}([ -])\d{4}\1\d{4}", aadhaar.is_valid, written=True),
            _form("an Aadhaar number", r"[2-9]\d{11}", aadhaar.is_valid, certain=False),
        ),
        "KH": _NEIGHBOURS,
        "KR": (_form("a Korean resident registration number", r"\d{13}", _is_korean),),
        "LA": _NEIGHBOURS,
        "LK": (_form("a Sri Lankan identity number", r"(?:19[3-9]|20[01])\d{9}", _is_sri_lankan),),
        "MM": _NEIGHBOURS,
        "MX": (_form("a CURP", r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d", curp.is_valid),),
        "MY": (_form("a MyKad number", r"\d{12}", _is_malaysian),),
        "NL": (_form("a Dutch BSN", r"\d{9}", _is_dutch),),
        "PH": (
            _form("a PhilSys card number", r"\d{4}([ -])\d{4}\1\d{4}\1\d{4}", certain=False, written=True),
            _form("a PhilSys card number", r"[1-9]\d{15}", certain=False),
            _form("a PhilSys number", r"[1-9]\d{11}", certain=False, known=True),
        ),
        "PK": (_form("a Pakistani CNIC number", r"[1-7]\d{11}[1-9]"),),
        "SA": (_form("a Saudi identity number", r"[12]\d{9}", luhn.is_valid),),
        "SG": (_form("an NRIC or FIN", r"[STFGM]\d{7}[A-Z]"),),
        "SK": (_form("a Slovak birth number", r"\d{6}/\d{3,4}", rc.is_valid, written=True),),
        "TH": (_form("a Thai identity number", r"[1-8]([ -])\d{4}\1\d{5}\1\d\d\1\d", written=True), _THAI),
        "TR": (_form("a Turkish identity number", r"[1-9]\d{10}", tckimlik.is_valid),),
        "US": (_form("a social security number", r"(?!000|666)\d{3}([ -])(?!00)\d\d\1(?!0000)\d{4}", written=True),),
        "VN": (_form("a Vietnamese identity number", r"0\d\d[0-3]\d{8}", _is_vietnamese, certain=False),),
        "ZA": (_form("a South African identity number", r"\d{13}", idnr.is_valid),),
    }
)


class _CountrysForms(NamedTuple):
    """The forms that count in a country, and one pattern for all that are bare: most numbers fit none."""

    forms: Sequence[IdentityForm]
    bare: re.Pattern[str]
    has_written: bool


def _countrys(forms: Sequence[IdentityForm]) -> _CountrysForms:
    forms = (*_ANYWHERE, *forms)
    bare_ones = "|".join(form.shape.pattern for form in forms if not form.written)
    return _CountrysForms(forms, re.compile(f"0*(?:{bare_ones})"), any(form.written for form in forms))


_COUNTRIES = {country: _countrys(forms) for country, forms in _FORMS.items()}
_ELSEWHERE = _countrys(())


def refuse_persons_number(country: str, bank: str, written: str, number: str) -> None:
    """Refuse a bare account ``number`` that is a person's number in a register, or may be one.

    ``bank`` is a BIC or code, "" if it is not known. An account's number at a bank known to have numbers of this
    form is taken where the form alone does not show whose it is. Raises ``Rejected``.
    """
    known = _COUNTRIES.get(country, _ELSEWHERE)
    if known.bare.fullmatch(number) is None and (number == written or not known.has_written):
        return
    if found := _persons(known.forms, bank, written, number):
        if found.certain:
            raise Rejected(
                "personal-data",
                f"account_number: by its form this is {found.called} and no account: leave it out, and report the "
                "account that the money went to",
            )
        raise Rejected(
            "personal-data",
            f"account_number: this may be {found.called}, as this bank is not known to have account numbers of this "
            "form: check the number, and name the bank that holds the account; if both are right, ask the operator",
        )


def _persons(forms: Iterable[IdentityForm], bank: str, written: str, number: str) -> IdentityForm | None:
    """Return the form of persons' numbers that a number has, None if it has none or is an account's for sure."""
    unpadded = number.lstrip("0")
    for form in forms:
        if form.certain and not form.written and form.shape.fullmatch(unpadded) and form.valid(unpadded):
            return form
        if form.shape.fullmatch(written if form.written else number) is None or not form.valid(number):
            continue
        of_bank = has_form_of_bank(bank, number)
        if form.certain or of_bank is False or (of_bank is None and not form.known):
            return form
    return None


# Thailand's, bare or grouped as on the card, also behind a +.
_THAI_AS_PHONE = re.compile(r"\+?[1-8]([ -])\d{4}\1\d{5}\1\d\d\1\d|[1-8]\d{12}")


def refuse_persons_number_as_phone(text: str) -> None:
    """Refuse a Thai identity number in place of a telephone number. Raises ``Rejected``.

    Thirteen digits with a + are a telephone number of another country.
    """
    if _THAI_AS_PHONE.fullmatch(text) and pin.is_valid(text.removeprefix("+")):
        raise Rejected("personal-data", "this is a Thai identity number and no telephone number: leave it out")
