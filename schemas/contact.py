"""Where an organisation is reached about something: a role's address, or a page; never a person."""

import re
from urllib.parse import urlsplit

from schemas.errors import Rejected

_ADDRESS = re.compile(r"([A-Za-z0-9._+-]{1,64})@((?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63})")
_WORD = re.compile(r"[a-z]+")
_LONGEST = 200
# What desks are called. An address without any of these may be a person's.
_ROLE = re.compile(
    r"abuse|aml|antifraud|antiscam|case|cases|centre|center|cert|child|complaints|compliance|contact|"
    r"counter|csirt|cyber|cybercrime|department|desk|disclosure|duty|enquiries|enforcement|fiu|focal|"
    r"focalpoint|fraud|help|helpdesk|helpline|hotline|info|inquiries|intake|legal|liaison|mail|mailbox|"
    r"office|operations|ops|partners|partnership|partnerships|police|point|prevention|privacy|prosecution|"
    r"prosecutor|protection|referral|referrals|report|reports|request|requests|response|safety|scam|scams|"
    r"secretariat|security|service|services|soc|support|takedown|task|team|trafficking|trust|unit|victim|"
    r"victims|welfare"
)


def checked(text: str) -> str:
    """Give a contact as it is kept. Raises ``Rejected``."""
    text = text.strip()
    if len(text) > _LONGEST:
        raise Rejected("contact-form", f"longer than {_LONGEST} characters: give an address or a page alone")
    if address := _ADDRESS.fullmatch(text):
        if not any(map(_ROLE.fullmatch, _WORD.findall(address[1].lower()))):
            raise Rejected(
                "contact-of-a-person",
                "this may be a person's address: give a role's, as protection@… or fraud-desk@…, or a page",
            )
        return f"{address[1]}@{address[2].lower()}"
    if _is_page(text):
        return text
    raise Rejected("contact-form", "neither a role's address (protection@agency.example) nor a page (https://…)")


def _is_page(text: str) -> bool:
    try:
        parts = urlsplit(text)
        plain = parts.username is None and not any(char.isspace() or char in '<>"' for char in text)
        return parts.scheme == "https" and bool(parts.hostname) and plain
    except ValueError:
        return False
