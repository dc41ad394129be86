"""Numbers of persons in addresses of pages, whose own numbers are of all kinds."""

import re

from schemas.reference.numbers import is_card
from server.release.guard.personal_data import contacts
from server.release.guard.personal_data.contacts import Own

URL = re.compile(r"(?:https?|hxxps?|ftp)(?:\[?:\]?//)\S+", re.IGNORECASE)
# An address that begins a chat has a scammer's number, and nobody else's.
_CHATS = re.compile(
    r"[a-z]+://(?:[\w.]*\.)?(?:wa\.me|whatsapp\.com|line\.me|viber\.com|t\.me)(?:[/?:]|$)", re.IGNORECASE
)
_URL_SEPARATORS = re.compile(r"[/?&=#;,:]+")
_URL_NUMBER = re.compile(r"\+?[\d\-. ()_]{7,30}")
_NOT_DIGITS = re.compile(r"\D")
# What sites with numbers of their own call them, before the number: story_fbid=…, /status/….
_OF_THE_SITE = re.compile(
    r"(?:\w*id|p|v|t|n|no|status|statuses|posts?|videos?|photos?|reel|permalink|groups?|pages?|profile\.php|item|items"
    r"|product|products|order|news|article|detail|ts|time|timestamp|_t|_|rnd|r|cb|ref|sku|set|fbclid|events?)",
    re.IGNORECASE,
)
_CARD_LENGTHS = (15, 16)


def url_has_card(url: str) -> bool:
    """Tell whether a payment card's number stands in an address."""
    parts = _URL_SEPARATORS.split(url)[2:]
    for before, part in zip(["", *parts], parts, strict=False):
        number = _NOT_DIGITS.sub("", part)
        shaped = len(number) in _CARD_LENGTHS and _URL_NUMBER.fullmatch(part) and is_card(number)
        if shaped and _OF_THE_SITE.fullmatch(before) is None:
            return True
    return False


def url_has_number(url: str, regions: tuple[str, ...], is_own: Own) -> bool:
    """Tell whether a person's telephone number stands in an address."""
    if _CHATS.match(url):
        return False
    for part in _URL_SEPARATORS.split(url)[2:]:
        if part[:1] in ("+", "0", "(", " ") and _URL_NUMBER.fullmatch(part.strip()):
            written = ("+" if part.lstrip()[:1] == "+" else "") + _NOT_DIGITS.sub("", part)
            if contacts.is_number(written, regions, is_own):
                return True
    return False
