"""Registers of companies: the form and check digit of each country's numbers, one entry each.

Numbers of persons (sole traders who are listed by the number of their identity card) have none of these forms.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType

from phonenumbers import SUPPORTED_REGIONS
from stdnum import lei
from stdnum.ar import cuit
from stdnum.at import businessid
from stdnum.au import abn, acn
from stdnum.be import vat as be_vat
from stdnum.bg import vat as bg_vat
from stdnum.br import cnpj
from stdnum.ch import uid
from stdnum.cl import rut
from stdnum.cn import uscc
from stdnum.cz import dic
from stdnum.de import handelsregisternummer
from stdnum.dk import cvr
from stdnum.ee import registrikood
from stdnum.es import cif
from stdnum.fi import ytunnus
from stdnum.fr import siren, siret
from stdnum.gr import vat as gr_vat
from stdnum.hu import anum
from stdnum.il import hp
from stdnum.it import iva
from stdnum.jp import cn
from stdnum.kr import brn
from stdnum.mx import rfc
from stdnum.no import orgnr as no_orgnr
from stdnum.pe import ruc
from stdnum.pt import nif
from stdnum.ro import cui
from stdnum.ru import ogrn
from stdnum.se import orgnr as se_orgnr
from stdnum.sg import uen
from stdnum.th import moa
from stdnum.tr import vkn
from stdnum.tw import ubn
from stdnum.ua import edrpou
from stdnum.vn import mst

from schemas.errors import Rejected

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


_REGISTERS: Mapping[str, tuple[CompanyRegister, ...]] = {
    "AR": (_checked("CUIT", cuit, r"3[034]\d{9}"),),
    "AT": (CompanyRegister("FN (Firmenbuchnummer)", _austrian),),
    "AU": (_checked("ACN", acn, r"\d{9}"), _checked("ABN", abn, r"\d{11}")),
    "BE": (_checked("enterprise number", be_vat, r"[01]\d{9}", "BE"),),
    "BG": (_checked("EIK", bg_vat, r"\d{9}", "BG"),),
    "BR": (_checked("CNPJ", cnpj, CNPJ),),
    "CH": (_checked("UID", uid, _UID),),
    "CL": (_checked("RUT", rut, r"[5-9]\d{7}[\dK]"),),
    "CN": (_checked("unified social credit code", uscc, r"[\dA-HJ-NPQRTUWXY]{18}"),),
    "CZ": (_checked("IČO", dic, r"\d{8}"),),
    "DE": (CompanyRegister("register number behind its court, as in: Aachen HRB, number", _german),),
    "DK": (_checked("CVR number", cvr, r"\d{8}", "DK"),),
    "EE": (_checked("registrikood", registrikood, r"\d{8}"),),
    "ES": (_checked("CIF", cif, r"[ABCDEFGHJNPQRSUVW]\d{7}[\dA-J]", "ES"),),
    "FI": (_checked("Y-tunnus", ytunnus, r"\d{8}"),),
    "FR": (CompanyRegister("SIREN (9 digits) or SIRET (14)", _french),),
    "GB": (_shaped("company number (8 digits, or two letters and six)", r"\d{8}|[A-Z]{2}\d{6}|R\d{7}", 8),),
    "GR": (_checked("AFM", gr_vat, r"\d{9}", "EL"),),
    "HK": (_shaped("company or business registration number (7 or 8 digits)", r"\d{8}|F\d{7}", 8),),
    "HU": (_checked("tax number (8 digits)", anum, r"\d{8}", "HU"), _shaped("registry number", r"\d{10}")),
    "IE": (_shaped("company number (up to 6 digits)", r"\d{6}", 6),),
    "IL": (_checked("company number", hp, r"5\d{8}"),),
    "IN": (
        _shaped("CIN (21 characters)", _CIN),
        _shaped("LLPIN", r"[A-Z]{3}\d{4}"),
    ),
    "IT": (_checked("partita IVA", iva, r"\d{11}", "IT"),),
    "JP": (_checked("corporate number", cn, r"\d{13}"),),
    "KR": (CompanyRegister("business registration number", _korean),),
    "MX": (_checked("RFC", rfc, r"[A-ZÑ&]{3}\d{6}[A-Z\d]{3}"),),
    "MY": (
        _shaped("registration number", MALAYSIAN),
        _shaped("registration number of the older form", MALAYSIAN_OLDER),
    ),
    "NL": (_shaped("KvK number (8 digits)", r"\d{8}"),),
    "NO": (_checked("organisation number", no_orgnr, r"[89]\d{8}"),),
    "PE": (_checked("RUC", ruc, r"20\d{9}"),),
    "PL": (_shaped("KRS number (10 digits)", r"\d{10}"),),
    "PT": (_checked("NIPC", nif, r"[5-9]\d{8}", "PT"),),
    "RO": (_checked("CUI", cui, r"\d{2,10}", "RO"),),
    "RU": (_checked("OGRN", ogrn, r"[15]\d{12}"),),
    "SE": (_checked("organisation number", se_orgnr, r"\d{2}[2-9]\d{7}"),),
    "SG": (_checked("UEN", uen, UEN),),
    "TH": (_checked("juristic person's number (13 digits)", moa, r"0\d{12}"),),
    "TR": (_checked("VKN", vkn, r"\d{10}"),),
    "TW": (_checked("UBN", ubn, r"\d{8}"),),
    "UA": (_checked("EDRPOU", edrpou, r"\d{8}"),),
    "VN": (_checked("MST", mst, r"\d{10}"),),
}
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
    registers = (_LEI,) if place == LEI else _REGISTERS.get(place, (_ANY,))
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
