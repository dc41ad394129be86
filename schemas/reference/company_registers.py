"""Registers of companies: the form and check digit of each country's numbers."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from types import ModuleType

from phonenumbers import SUPPORTED_REGIONS
from stdnum import lei
from stdnum.at import businessid
from stdnum.de import handelsregisternummer
from stdnum.fr import siren, siret
from stdnum.kr import brn

from schemas.errors import Rejected
from schemas.reference import read_rows

LEI = "LEI"
# Forms that payment systems take for aliases too.
CNPJ = r"[A-Z\d]{12}\d{2}"
UEN = r"(?:\d{8,9}|[RST]\d{2}[A-Z]{2}\d{4})[A-Z]"
# The year, a sort of company and six digits; and the older form, which is still in use.
MALAYSIAN = r"(?:19[4-9]\d|20[0-4]\d)0[1-6]\d{6}"
MALAYSIAN_OLDER = r"\d{4,7}[A-Z]"
# Forms that only one country's numbers have.
_CIN, _UID = r"[LU]\d{5}[A-Z]{2}\d{4}[A-Z]{3}\d{6}", r"CHE\d{9}"


@dataclass(frozen=True)
class CompanyRegister:
    """A register: the name that people give its numbers, and ``read``, which returns a number in one spelling.

    ``read`` returns None if the text has another form, and raises ``Rejected`` if the check digit does not fit.
    """

    called: str
    read: Callable[[str], str | None]


def _bare(text: str) -> str:
    return re.sub(r"[\s.\-/,]+", "", text).upper()


def _checked(called: str, module: ModuleType, shape: str, prefix: str = "") -> CompanyRegister:
    """Return a register whose numbers a module of python-stdnum verifies; ``shape`` is the form of the bare number."""
    wanted = re.compile(shape)

    def read(text: str) -> str | None:
        number = _bare(text)
        number = number if wanted.fullmatch(number) else number.removeprefix(prefix)
        if wanted.fullmatch(number) is None:
            return None
        if not module.is_valid(number):
            raise Rejected("company-checksum", f"looks like a {called}, but its check digit does not fit")
        return number

    return CompanyRegister(called, read)


def _shaped(called: str, shape: str, filled: int = 0) -> CompanyRegister:
    """Return a register whose numbers have no check digit; digits alone are filled with zeros up to ``filled``."""
    wanted = re.compile(shape)

    def read(text: str) -> str | None:
        number = _bare(text)
        if number.isdecimal() and filled:
            number = number.zfill(filled)
        return number if wanted.fullmatch(number) else None

    return CompanyRegister(called, read)


def _french(text: str) -> str | None:
    """Read a SIREN, or the SIREN in front of the number of one of the company's places (SIRET)."""
    number = _bare(text)
    if re.fullmatch(r"\d{9}|\d{14}", number) is None:
        return None
    if not (siren.is_valid(number) if len(number) == 9 else siret.is_valid(number)):
        raise Rejected("company-checksum", "looks like a SIREN or SIRET, but its check digit does not fit")
    return number[:9]


def _korean(text: str) -> str | None:
    """Read a business registration number: ten digits, the last their check digit (National Tax Service)."""
    number = _bare(text)
    if not brn.is_valid(number):
        return None
    total = sum(int(digit) * weight for digit, weight in zip(number, (1, 3, 7, 1, 3, 7, 1, 3, 5), strict=False))
    if (10 - (total + int(number[8]) * 5 // 10) % 10) % 10 != int(number[9]):
        raise Rejected(
            "company-checksum", "looks like a business registration number, but its check digit does not fit"
        )
    return number


def _german(text: str) -> str | None:
    """Read court, register and number: a number alone is another company's at every other court."""
    written = re.sub(r"^\s*(?:amtsgericht|ag|registergericht)\s+", "", text, flags=re.IGNORECASE)
    found = handelsregisternummer.is_valid(written)
    return str(handelsregisternummer.validate(written)) if found else None


def _austrian(text: str) -> str | None:
    return str(businessid.validate(text)) if businessid.is_valid(text) else None


# The readers of registers that python-stdnum alone does not read, by the names in the table.
_READERS: Mapping[str, Callable[[str], str | None]] = {
    "austrian": _austrian,
    "french": _french,
    "german": _german,
    "korean": _korean,
}


@lru_cache(maxsize=512)
def _registers(country: str) -> tuple[CompanyRegister, ...]:
    """Return the registers of a country; one of any number if none is known."""
    rows = [row for row in read_rows("company_registers.csv") if row["country"] == country]
    return tuple(map(_register, rows)) or (_ANY,)


def _register(row: Mapping[str, str]) -> CompanyRegister:
    if row["check"] in _READERS:
        return CompanyRegister(row["called"], _READERS[row["check"]])
    if row["check"]:
        return _checked(row["called"], import_module(f"stdnum.{row['check']}"), row["shape"], row["prefix"])
    return _shaped(row["called"], row["shape"], int(row["filled"] or 0))


# Registered by state, province or emirate, whose numbers repeat.
_BY_PART = frozenset({"AE", "CA", "US"})
_LEI = _checked("LEI", lei, r"[A-Z0-9]{18}\d{2}")
# The form of numbers of all other registers.
_ANY = _shaped("number", r"(?=.*\d)[A-Z0-9]{2,25}")
_PLACE = re.compile(r"([A-Z]{2})(?:-([A-Z0-9]{1,3}))?")


def checked_place(country: str) -> str:
    """Return the country, or the part of it, that has the register (``GB``, ``US-DE``). Raises ``Rejected``."""
    place = country.strip().upper()
    place = "GB" if place == "UK" else place
    found = _PLACE.fullmatch(place)
    if found is None or found[1] not in SUPPORTED_REGIONS:
        raise Rejected("country-form", "the country is not given as ISO 3166 has it: GB, or US-DE for a state")
    if found[1] in _BY_PART and found[2] is None:
        raise Rejected(
            "register-missing",
            "this country's companies are registered by its states, provinces or emirates, whose numbers repeat: give "
            "the country with that part, as US-DE (ISO 3166-2)",
        )
    return place if found[1] in _BY_PART else found[1]


def checked_number(place: str, text: str) -> str:
    """Return the number that ``text`` is in the register of ``place``, in one spelling. Raises ``Rejected``."""
    registers = (_LEI,) if place == LEI else _registers(place)
    refusals = []
    for register in registers:
        try:
            if (read := register.read(text)) is not None:
                return read
        except Rejected as refusal:
            refusals.append(refusal)
    if refusals:
        raise refusals[0]
    called = " or ".join(register.called for register in registers)
    raise Rejected("company-form", f"not a number of the register that is meant: that has a {called}")


def place_of(text: str) -> str:
    """Return the place of the only register whose numbers have this form, "" if several registers have it."""
    bare = _bare(text)
    if len(bare) == 20 and lei.is_valid(bare):
        return LEI
    if re.fullmatch(_CIN, bare):
        return "IN"
    return "CH" if re.fullmatch(_UID, bare) else ""
