"""Cells of accounts as people fill them: bank and number in any order, an IFSC, or an alias of a service."""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from functools import lru_cache

from feeds.readers.columns.word_tables import plain
from schemas import kinds
from schemas.errors import Rejected
from schemas.refang import refang
from schemas.reference.aliases import find_system
from schemas.reference.sites import PLATFORMS

_PLAIN = re.compile(r"[\d\s.-]+")
# One number of six digits or more with words next to it: "BCA 2831029384", "019-283-7465 (SCB)".
_DIGITS = r"\d(?:[\s.-]?\d){5,24}"
_NAMED = re.compile(rf"[^\d\n]{{2,60}}?[\s:：./(–-]*{_DIGITS}\)?[^\d\n]{{0,40}}|{_DIGITS}[\s:：,/(–-]+[^\d\n]{{2,60}}")
_IFSC = re.compile(r"(?<![A-Za-z0-9])(?:IFSC\W{0,3})?([A-Z]{4}0[A-Z0-9]{6})(?![A-Za-z0-9])")
_NUMBER = re.compile(rf"(?<!\d){_DIGITS}(?!\d)")
_SYSTEM = re.compile(r"android|ios(?![a-z])")
_OF_SERVICES = ("system", "platform", "channel", "payment_rail")
# An ISPB has eight digits; one that lost more than two zeros may be another bank's code of three digits.
_CUT_ISPB = re.compile(r"\d{1,5}")
ISPB_CUT = ("digits-lost", "an ISPB has eight digits: zeros in front of it were lost; write it as text, with its zeros")
# Columns of an account's check digit in Brazil, and the digit.
_OF_DIGITS = frozenset({"dv", "dígito", "digito", "dígitoverificador", "digitoverificador", "díg", "dig", "dac"})
_DIGIT = re.compile(r"[0-9Xx]")
# No number has these.
_OF_ALIAS = re.compile(r"[^\W\d_].*[@:\d]|[@$]", re.DOTALL)
_LETTER = re.compile(r"[^\W\d_]{2}")


def is_named_number(text: str) -> bool:
    """Return whether a text is one long number with the name of its bank or service next to it."""
    return _LETTER.search(text) is not None and _NAMED.fullmatch(text) is not None


def is_alias(text: str) -> bool:
    """Return whether a text is an alias that names its system, or has the form of only one system."""
    if _OF_ALIAS.search(text) is None or any(map(kinds.get("bank-account").recognises, text.split())):
        return False
    try:
        kinds.get("payment-alias").normalise(refang(text))
    except Rejected:
        return False
    return True


def ispb_places(names: Sequence[str], fields: Iterable[tuple[str, int]]) -> list[int]:
    """Return the columns of banks that are named after the ISPB, the code of a bank in Brazil."""
    return [place for field, place in fields if field == "bank" and "ispb" in plain(names[place])]


def cut_ispb(fields: Mapping[str, str], cells: Sequence[str], places: Iterable[int]) -> str:
    """Return the bank of a row if it is from a column of ISPBs, has too few digits to be one, and is no name."""
    bank = fields.get("bank", "")
    is_cut = _CUT_ISPB.fullmatch(bank) is not None and any(cells[place].strip() == bank for place in places)
    return bank if is_cut else ""


def digit_places(names: Sequence[str], fields: Iterable[tuple[str, int]]) -> list[int]:
    """Return the columns of check digits that stand directly behind a column of account numbers."""
    accounts = {place for field, place in fields if field == "account_number"}
    return [place for place, name in enumerate(names) if place - 1 in accounts and plain(name) in _OF_DIGITS]


def with_digit(fields: dict[str, str], cells: Sequence[str], places: Iterable[int]) -> dict[str, str]:
    """Return the fields of a row, with the check digit that has a cell of its own: without it the number is another."""
    for place in places:
        digit = cells[place].strip()
        number = fields.get("account_number", "")
        if _DIGIT.fullmatch(digit) and number == cells[place - 1].strip():
            return {**fields, "account_number": f"{number}-{digit}"}
    return fields


def read(fields: dict[str, str]) -> dict[str, str]:
    """Return the fields of a row, with the bank, the service or the code that the cell of its account names."""
    number = fields.get("account_number")
    if "platform" in fields and "value" in fields:
        return _with_platform(fields) if "kind" not in fields else _of_payment_app(fields)
    if number is None or "value" in fields:
        return fields
    if _PLAIN.fullmatch(number) is None:
        fields = _apart(fields, number)
    return _with_service(fields) if "bank" in fields else fields


def _apart(fields: dict[str, str], text: str) -> dict[str, str]:
    others = {name: cell for name, cell in fields.items() if name != "account_number"}
    if "@" in text and not text.startswith("@"):
        return {**others, "kind": "payment-alias", "value": text}
    if "bank" not in fields and (code := _IFSC.search(text)):
        numbers = _NUMBER.findall(text[: code.start()] + " " + text[code.end() :])
        if len(numbers) == 1:
            return {**others, "bank": code[1], "account_number": numbers[0]}
    # The kind reads a bank's name and a number in any order if the number has no column of its own.
    return {**others, "value": text} if is_named_number(text) else fields


def _with_platform(fields: dict[str, str]) -> dict[str, str]:
    """Return the fields of a row, with the kind of a value that only its platform shows: LINE and a handle."""
    try:
        kinds.recognise(refang(fields["value"]))
    except Rejected as refusal:
        if refusal.reason != "kind-not-recognised":
            return _with_system(fields)
        return {**fields, "kind": "social-account"} if _platform(fields["platform"]) else fields
    return _with_system(fields)


def _of_payment_app(fields: dict[str, str]) -> dict[str, str]:
    """Return the alias of a handle on a platform that is a payment service: Venmo and a user name."""
    system = None if _platform(fields["platform"]) else _service(fields["platform"])
    if fields["kind"] != "social-account" or system is None or not _is_alias(fields["value"], system):
        return fields
    others = {name: text for name, text in fields.items() if name != "platform"}
    return {**others, "kind": "payment-alias", "system": system}


def _with_system(fields: dict[str, str]) -> dict[str, str]:
    """Return the fields of a row, with the operating system that an app's platform names: Android app."""
    found = _SYSTEM.findall(fields["platform"].casefold())
    return {**fields, "os": found[0]} if len({*found}) == 1 and "os" not in fields else fields


@lru_cache(maxsize=1024)
def _platform(name: str) -> bool:
    return PLATFORMS.find(name.strip()) is not None


def _with_service(fields: dict[str, str]) -> dict[str, str]:
    """Return the alias of an account whose bank is a payment service: GCash and a number."""
    number = fields.get("account_number", "")
    if not number or (system := _service(fields["bank"])) is None or not _is_alias(number, system):
        return fields
    others = {name: text for name, text in fields.items() if name not in ("bank", "account_number", "branch")}
    return {**others, "kind": "payment-alias", "system": system, "value": number}


@lru_cache(maxsize=1024)
def _service(name: str) -> str | None:
    system = find_system(name.strip().casefold())
    return system.name if system else None


def service_beside(texts: Mapping[str, str], rails: Container[str]) -> str:
    """Return the payment service that a column beside an account without a bank names, "" for none or several.

    ``rails`` are the words for ways of payment between banks, which do not name the provider of the account.
    """
    found = {field: text for field in _OF_SERVICES if (text := texts.get(field, "")) and _service(text)}
    named = {text for field, text in found.items() if field == "system" or plain(text) not in rails}
    return named.pop() if len(named) == 1 else ""


def _is_alias(text: str, system: str) -> bool:
    try:
        kinds.get("payment-alias").normalise(text, {"system": system})
    except Rejected:
        return False
    return True
