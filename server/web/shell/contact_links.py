"""Contacts as links."""

import re

_MAIL = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", re.ASCII)
_TEL = re.compile(r"tel:\+?[0-9]{3,15}", re.ASCII)
_URL = re.compile(r"https?://[!-~]+", re.ASCII)


def link_of(contact: str) -> str:
    """Return where a contact leads, "" for one that is no mail address, URL or number."""
    if _MAIL.fullmatch(contact):
        return f"mailto:{contact}"
    return contact if _URL.fullmatch(contact) or _TEL.fullmatch(contact) else ""
