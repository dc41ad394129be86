"""Payment aliases: the systems that accept them instead of account numbers, and their forms."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from types import ModuleType
from typing import Any
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from stdnum.br import cnpj, cpf
from stdnum.my import nric
from stdnum.sg import uen
from stdnum.th import moa, pin

from schemas.errors import Rejected
from schemas.reference import company_registers, read_toml, telephone


@dataclass(frozen=True)
class AliasForm:
    """One form of alias: ``read`` returns a text's normal form, None if the text has another form.

    ``read`` raises ``Rejected`` if the text has the form but its check digit does not fit. ``description`` is the
    form's name for people; ``personal`` is true if such an alias is a person's number in a national register;
    ``verified`` if a check digit of the register's own was verified, so that the number is no payment card's.
    ``country`` is that of a form of telephone numbers.
    """

    read: Callable[[str], str | None]
    description: str
    personal: bool = False
    verified: bool = False
    country: str = ""


def _subscriber_form(country: str, *, mobile: bool) -> AliasForm:
    """Return the form of numbers of ``country`` in E.164, of mobile phones or of all telephones."""
    return AliasForm(
        lambda text: telephone.subscriber_number(text, country, mobile=mobile),
        f"a {'mobile' if mobile else 'telephone'} number ({country})",
        country=country,
    )


def _international(text: str) -> str | None:
    digits = telephone.digits_of(telephone.plain(text))
    if digits is None or not digits.startswith(("+", "00")):
        return None
    try:
        return telephone.e164(digits)
    except Rejected:
        return None


def _email(text: str) -> str | None:
    if "@" not in text:
        return None
    try:
        return validate_email(text.removeprefix("mailto:"), check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        return None


def _uuid(text: str) -> str | None:
    return str(UUID(text)) if re.fullmatch(r"(?i)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", text) else None


def _handle_form(pattern: str, description: str, marks: str = "") -> AliasForm:
    """Return the form of a handle or name, in lower case; ``marks`` may stand before it and are dropped."""
    shape = re.compile(pattern)

    def read(text: str) -> str | None:
        name = text.lower().lstrip(marks) if marks else text.lower()
        return name if shape.fullmatch(name) else None

    return AliasForm(read, description)


def _number_form(pattern: str, description: str) -> AliasForm:
    """Return the form of a number, or of letters and digits in capitals, with blanks and dashes allowed in it."""
    shape = re.compile(pattern)

    def read(text: str) -> str | None:
        number = re.sub(r"[\s-]", "", text).upper()
        return number if shape.fullmatch(number) else None

    return AliasForm(read, description)


def _register_form(module: ModuleType, shape: str, description: str, *, personal: bool = False) -> AliasForm:
    """Return the form of a register's number with a check digit, which a module of python-stdnum verifies.

    ``shape`` is the form of the bare number.
    """
    wanted = re.compile(shape)

    def read(text: str) -> str | None:
        number: str = module.compact(text) if text[:1].isalnum() else ""
        if wanted.fullmatch(number) is None:
            return None
        if not module.is_valid(number):
            raise Rejected("alias-checksum", f"looks like {description}, but its check digit or date does not fit")
        return number

    return AliasForm(read, description, personal, verified=True)


_NRIC_WEIGHTS = (2, 7, 6, 5, 4, 3, 2)
_NRIC_START = {"S": 0, "F": 0, "T": 4, "G": 4, "M": 3}
_NRIC_LETTERS = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "G": "XWUTRQPNMLK", "M": "XWUTRQPNJLK"}


def _nric(text: str) -> str | None:
    """Read the number of a Singaporean identity card (NRIC) or of a foreigner's (FIN)."""
    number = text.replace(" ", "").upper()
    if re.fullmatch(r"[STFGM]\d{7}[A-Z]", number) is None:
        return None
    total = sum(int(digit) * weight for digit, weight in zip(number[1:8], _NRIC_WEIGHTS, strict=True))
    if _NRIC_LETTERS[number[0]][(total + _NRIC_START[number[0]]) % 11] != number[8]:
        raise Rejected("alias-checksum", "looks like an NRIC or FIN, but its check letter does not fit")
    return number


def _registered_malaysian(text: str) -> str | None:
    """Read the number of a Malaysian company, in its present or its older form."""
    number = re.sub(r"[\s-]", "", text).upper()
    return (
        number if re.fullmatch(rf"{company_registers.MALAYSIAN}|{company_registers.MALAYSIAN_OLDER}", number) else None
    )


# A CPF as it is printed or bare; with one blank or dash it is more likely a telephone number.
_WRITTEN_CPF = re.compile(r"\d{11}|\d{3}\.\d{3}\.\d{3}-\d{2}")


def _cpf(text: str) -> str | None:
    return _ANY_CPF.read(text) if _WRITTEN_CPF.fullmatch(text) else None


def _brazilian_mobile(text: str) -> str | None:
    """Read a mobile number: what may be a CPF is one, as telephone keys of Pix begin with +55."""
    if _WRITTEN_CPF.fullmatch(text) and cpf.is_valid(text):
        return None
    return telephone.subscriber_number(text, "BR", mobile=True)


def _australian_phone(text: str) -> str | None:
    """Read a telephone number that begins as one: nine digits alone are a company's number."""
    return telephone.subscriber_number(text, "AU") if text[:1] in "+0(" else None


def _link_code(text: str) -> str | None:
    return text if re.fullmatch(r"(?=.*[A-Za-z])[A-Za-z0-9]{6,24}", text) else None


def _with_provider(text: str) -> str | None:
    """Read a Singaporean alias with the wallet it leads to: +6581234567#WALLET."""
    number, mark, provider = text.partition("#")
    found = telephone.subscriber_number(number, "SG", mobile=True)
    return f"{found}#{provider.upper()}" if found and mark and re.fullmatch(r"[A-Za-z0-9]{2,20}", provider) else None


def _emv_mobile(text: str) -> str | None:
    """Read a Thai mobile number as a QR code has it: 0066 and nine digits."""
    number = re.fullmatch(r"0066(\d{9})", text)
    return telephone.subscriber_number(f"+66{number[1]}", "TH", mobile=True) if number else None


_BILLER = re.compile(r"(\d{13})(\d{0,2})@([A-Z0-9]{1,20})")
_THAI_MOBILE = re.compile(r"(?:0|66|0066)[689]\d{8}")


def _biller_form(module: ModuleType, first: str, called: str, *, personal: bool = False) -> AliasForm:
    """Return the form of Thai billers whose tax number begins with ``first``: it, a suffix, @ and a reference."""

    def read(text: str) -> str | None:
        biller = re.sub(r"[\s-]", "", text).upper()
        if (found := _BILLER.fullmatch(biller)) is None or re.match(first, biller) is None:
            return None
        if not module.is_valid(found[1]):
            raise Rejected("alias-checksum", f"looks like {called}, but its check digit does not fit")
        if pin.is_valid(found[3]) or _THAI_MOBILE.fullmatch(found[3]):
            raise Rejected(
                "personal-data",
                "the reference behind the @ is a person's number: report the biller's tax number alone (promptpay)",
            )
        return biller

    return AliasForm(read, f"{called}, @ and the first reference", personal, verified=True)


_ANY_CPF = _register_form(cpf, r"\d{11}", "a CPF")
# By the names that ``aliases.toml`` calls them.
_NAMED_FORMS: Mapping[str, AliasForm] = {
    "any phone": AliasForm(_international, "a telephone number with its country code"),
    "email": AliasForm(_email, "an e-mail address"),
    "uuid": AliasForm(_uuid, "a random key (UUID)"),
    "link code": AliasForm(_link_code, "the code of a link"),
    "EMV mobile": AliasForm(_emv_mobile, "a mobile number as in a QR code (0066…)"),
    "Thai person": _register_form(pin, r"[1-8]\d{12}", "a national identity number", personal=True),
    "Thai company": _register_form(moa, r"0(?!066)\d{12}", "a tax number (13 digits)"),
    "Thai person's biller": _biller_form(pin, "[1-8]", "a person's biller number", personal=True),
    "Thai company's biller": _biller_form(moa, "0", "a company's biller number"),
    "Australian phone": AliasForm(_australian_phone, "a telephone number with its 0 or +61", country="AU"),
    "CPF": AliasForm(_cpf, "a CPF", personal=True),
    "Brazilian mobile": AliasForm(_brazilian_mobile, "a mobile number with +55", country="BR"),
    "CNPJ": _register_form(cnpj, company_registers.CNPJ, "a CNPJ"),
    "UEN": _register_form(uen, company_registers.UEN, "a UEN"),
    "NRIC": AliasForm(_nric, "an NRIC or FIN", personal=True),
    # Nobody who was born in 1919 or 2020 has an account yet, or still; companies' numbers begin with such years.
    "MyKad": _register_form(nric, rf"(?!{company_registers.MALAYSIAN})\d{{12}}", "a MyKad number", personal=True),
    "Malaysian company": AliasForm(_registered_malaysian, "a company's number (12 digits, or digits and a letter)"),
    "with provider": AliasForm(_with_provider, "a mobile number and its wallet (#WALLET)"),
}


@dataclass(frozen=True)
class PaymentSystem:
    """A payment system: its name in data, the names that people call it, the forms of its aliases.

    ``links`` are patterns of addresses that contain an alias, as their first group. ``shared`` is the pattern of
    aliases through which an institution collects for many payees.
    """

    name: str
    forms: tuple[AliasForm, ...]
    called: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    shared: re.Pattern[str] | None = None


_TABLE = dict(read_toml("aliases.toml"))
_SHARED = _TABLE.pop("shared")
UPI_HANDLES = frozenset(_SHARED["upi_handles"].split())


def _form(written: str | Mapping[str, Any]) -> AliasForm:
    """Return a form by its name or its country, or of a pattern."""
    if isinstance(written, str):
        name, _, country = written.partition(" ")
        if name in ("mobile", "phone"):
            return _subscriber_form(country, mobile=name == "mobile")
        return _form(_SHARED[written]) if written in _SHARED else _NAMED_FORMS[written]
    if "handle" in written:
        return _handle_form(written["handle"], written["called"], written.get("marks", ""))
    if "register" in written:
        return _register_form(import_module(f"stdnum.{written['register']}"), written["number"], written["called"])
    form = _number_form(written["number"], written["called"])
    return replace(form, personal=True) if written.get("personal") else form


SYSTEMS: Mapping[str, PaymentSystem] = {
    name: PaymentSystem(
        name,
        tuple(map(_form, entry["forms"])),
        tuple(entry.get("called", ())),
        tuple(entry.get("links", ())),
        re.compile(entry["shared"]) if "shared" in entry else None,
    )
    for name, entry in _TABLE.items()
}

_PUNCTUATION = re.compile(r"[\s.,()/'\"&_-]+")


def _key(name: str) -> str:
    return _PUNCTUATION.sub("", name).casefold()


_BY_NAME = {_key(name): system for system in SYSTEMS.values() for name in (system.name, *system.called)}


def _spellings() -> Iterable[str]:
    """Yield patterns of all names, the longest first."""
    names = {name for system in SYSTEMS.values() for name in (system.name, *system.called)}
    for name in sorted(names, key=len, reverse=True):
        yield r"[\s-]?".join(map(re.escape, re.split(r"[\s-]", name)))


_PREFIX = re.compile(
    rf"({'|'.join(_spellings())})(?:\s*[:：=|]\s*|\s+(?:id\s+|-\s+)?|(?<=[\u0e00-\u0e7f])(?=\d))(\S.*)", re.IGNORECASE
)
_LINKS = [(re.compile(link, re.IGNORECASE), system) for system in SYSTEMS.values() for link in system.links]


def find_system(name: str) -> PaymentSystem | None:
    """Return the system that ``name`` means, as data or people write it; None if none is known."""
    return _BY_NAME.get(_key(name))


def read_link(text: str) -> tuple[PaymentSystem, str] | None:
    """Return the system and the alias in an address, None if ``text`` is no such address."""
    for link, system in _LINKS:
        if found := link.fullmatch(text):
            return system, found[1]
    return None


def split_system_and_alias(text: str) -> tuple[PaymentSystem, str] | None:
    """Return the system in front of an alias, and the alias; None if no system is in front."""
    if (found := _PREFIX.fullmatch(text)) and (system := find_system(found[1])):
        return system, found[2].strip()
    return None
