"""Payment QR codes in EMVCo's form, and their payee: an alias in a payment system or a bank account.

Only the text of a code is read; a page that a code names is never fetched.
"""

import re
from binascii import crc_hqx
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from schemas.errors import Rejected
from schemas.reference import read_toml

_SCHEMES: Mapping[str, Mapping[str, Any]] = read_toml("payment_qr.toml")
# The payload's format, and the tag and length of the next field. Numbers of accounts and cards are shorter.
_START = re.compile(r"000201\d{4}", re.ASCII)
# EMVCo's codes have 512 characters at most.
_SHORTEST, _LONGEST = 40, 600
_ACCOUNT = re.compile(r"[A-Z]{2}:[A-Z0-9]+:[A-Z0-9]+", re.ASCII | re.IGNORECASE)
_PLACE = re.compile(r"<(\d\d)(?:\.(\d\d))?(?:\[(\d*):(\d*)\])?>")
# The address of a code that its payment service creates for each payment.
_PIX_LOCATION = "25"


class QrPayee(NamedTuple):
    """The payee of a code: the alias in a ``system``, or if that is "" a bank account as COUNTRY:BANK:NUMBER."""

    system: str
    name: str


def is_qr_code(text: str) -> bool:
    """Return True if ``text`` begins like the payload of a payment QR code."""
    return _SHORTEST <= len(text) <= _LONGEST and _START.match(text) is not None


def pays_account(text: str) -> bool:
    """Return True if ``text`` is the valid payload of a code that pays a bank account."""
    try:
        return is_qr_code(text) and not read_qr_code(text).system
    except Rejected:
        return False


def read_qr_code(text: str) -> QrPayee:
    """Return the payee of a payload; of several schemes the first that is known. Raises ``Rejected``."""
    text = text.strip()
    body, crc = text[:-4], text[-4:].upper()
    if not (body.endswith("6304") and crc == f"{crc_hqx(body.encode(), 0xFFFF):04X}"):
        raise Rejected("qr-checksum", "a payment QR code with wrong check digits: scan the code again")
    is_dynamic = False
    for tag, value in _fields(body).items():
        if not "26" <= tag <= "51":
            continue
        template = _fields(value)
        identifier = template.get("00", "").upper()
        scheme = _SCHEMES.get("@" if "@" in identifier else identifier, {})
        if payee := _payee(scheme, template):
            return payee
        is_dynamic = is_dynamic or (scheme.get("system") == "pix" and _PIX_LOCATION in template)
    if is_dynamic:
        raise Rejected(
            "qr-of-one-payment",
            "this code names only a page that the payment service made for one payment: report the key or the "
            "account that the receipt names",
        )
    raise Rejected("system-unknown", "a payment QR code of a scheme that is not known here, or that names no payee")


def _payee(scheme: Mapping[str, Any], template: Mapping[str, str]) -> QrPayee | None:
    """Return the payee that a template of ``scheme`` names, None if it names none."""
    for tag, text in scheme.get("cards", {}).items():
        if template.get(tag, "").upper() == text:
            raise Rejected("card-number", "this code pays the number of a card: cards are never taken, delete the row")
    for key in ("alias", "account"):
        for form in scheme.get(key, ()):
            name = _filled(form, template)
            if name is not None and (key == "alias" or _ACCOUNT.fullmatch(name)):
                return QrPayee(scheme["system"] if key == "alias" else "", name)
    return None


def _filled(form: str, template: Mapping[str, str]) -> str | None:
    """Return ``form`` with the texts of its tags, None if one is missing."""
    missing = False

    def text_of(place: re.Match[str]) -> str:
        nonlocal missing
        text = template.get(place[1], "")
        if place[2]:
            text = _fields(text).get(place[2], "")
        if place[3] is not None:
            text = text[int(place[3] or 0) : int(place[4]) if place[4] else None]
        missing = missing or not text
        return text

    filled = _PLACE.sub(text_of, form)
    return None if missing else filled


def _fields(text: str) -> dict[str, str]:
    """Return the fields of a text: tag and length, two digits each, and value. Stop at the first malformed field."""
    fields: dict[str, str] = {}
    with suppress(ValueError):
        while re.match(r"\d{4}", text, re.ASCII):
            size = int(text[2:4])
            fields[text[:2]] = text[4 : 4 + size]
            text = text[4 + size :]
    return fields
