"""Payment QR codes (EMVCo, merchant-presented mode): the alias in their payload."""

import re
from binascii import crc_hqx
from contextlib import suppress

from schemas.errors import Rejected

_START = "000201"
# The identifier of a system in its template, and the fields of the template that may hold the alias.
_TEMPLATES = {
    "A000000677010111": ("promptpay", ("01", "02", "03")),
    "SG.PAYNOW": ("paynow", ("02",)),
    "BR.GOV.BCB.PIX": ("pix", ("01",)),
    "HK.COM.HKICL": ("fps", ("02", "03", "04")),
}


def is_payload(text: str) -> bool:
    """Return True if ``text`` begins as the payload of a payment QR code."""
    return text.startswith(_START)


def read(text: str) -> tuple[str, str]:
    """Return the name of the system and the alias that a payload pays. Raises ``Rejected``."""
    body, crc = text[:-4], text[-4:].upper()
    if not (body.endswith("6304") and crc == f"{crc_hqx(body.encode(), 0xFFFF):04X}"):
        raise Rejected("qr-checksum", "a payment QR code whose check digits do not fit: read the code again")
    for tag, value in _fields(body).items():
        if "26" <= tag <= "51":
            template = _fields(value)
            system, places = _TEMPLATES.get(template.get("00", "").upper(), ("", ()))
            for place in places:
                if place in template:
                    return system, template[place]
    raise Rejected("system-unknown", "a payment QR code of a system whose aliases are not known, or with a bill in it")


def _fields(text: str) -> dict[str, str]:
    """Return the fields of a text of tags and lengths of two digits and values, up to where the text is none."""
    fields: dict[str, str] = {}
    with suppress(ValueError):
        while re.match(r"\d{4}", text):
            size = int(text[2:4])
            fields[text[:2]] = text[4 : 4 + size]
            text = text[4 + size :]
    return fields
