"""E-mail addresses: lower case, the domain as A-labels, without the name beside it."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar
from urllib.parse import unquote

from email_validator import EmailNotValidError, validate_email

from schemas.errors import Rejected
from schemas.kind import NO_DETAILS, Kind, Normal
from schemas.reference import hosts
from schemas.reference.numbers import refuse_card_in

_LONGEST = 1000

# The form of nearly all addresses; the official validator of STIX accepts no other mailbox.
_MAILBOX = r"(?!\.)(?!.*\.[.@])[a-z0-9_.+-]{1,64}"
_PLAIN = re.compile(
    rf"(?=.{{6,254}}$)({_MAILBOX})@((?:[a-z0-9](?:[a-z0-9-]{{0,61}}[a-z0-9])?\.)+[a-z][a-z0-9-]{{0,61}}[a-z0-9])"
)
_SHAPE = re.compile(r"[^@\s/:<>,;%]+@([^@\s/:<>,;]+\.[^@\s/:<>,;.]{2,})\.?")
_COMMENT = re.compile(r"\s*\([^()]*\)\s*")
_FULL_WIDTH = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)} | {0x3002: "."}


class Email(Kind):
    """An address that scammers write from or ask to write to.

    The mailbox is lower-cased too: no provider of consequence distinguishes case. Dots and ``+tags`` stay: they mean
    nothing with some providers and much with others. The name beside an address is dropped: it may be a person's.
    """

    name: ClassVar[str] = "email"
    title: ClassVar[Mapping[str, str]] = {"en": "E-mail address", "th": "อีเมล"}
    time_to_live: ClassVar[timedelta] = timedelta(days=90)

    def normalise(self, raw: str, given: Mapping[str, str] = NO_DETAILS) -> Normal:
        """Return the address alone. ``mailto:`` and ``Name <address>`` are read as the address."""
        text = raw.lower()
        plain = _PLAIN.fullmatch(text)
        if plain is None or "--" in text:
            text = _checked(_alone(raw).lower())
            plain = _PLAIN.fullmatch(text)
        if plain is None:
            raise Rejected(
                "mailbox-form",
                "such a mailbox may exist, but STIX readers take letters a to z, digits and . _ + - alone before the @",
            )
        if not hosts.has_public_suffix(plain[2]):
            raise Rejected(
                "unknown-suffix", "its domain ends in no suffix of the Public Suffix List: no mail gets there"
            )
        refuse_card_in(text)
        return Normal(text)

    def recognises(self, raw: str) -> bool:
        """Return True if ``raw`` is a mailbox at a name with a public suffix."""
        text = raw[7:] if raw[:7].lower() == "mailto:" else raw
        if len(text) > _LONGEST or not (shape := _SHAPE.fullmatch(text.partition("?")[0])):
            return False
        return hosts.has_public_suffix(hosts.a_labels(shape[1].lower()))


def _alone(raw: str) -> str:
    """Return the address without scheme, name, comments and needless quotes."""
    if len(raw) > _LONGEST:
        raise Rejected("email-form", "far longer than an address; give the address alone")
    text = raw.translate(_FULL_WIDTH)
    if text[:7].lower() == "mailto:":
        text = unquote(text[7:].partition("?")[0])
    if "://" in text:
        raise Rejected("url-not-email", "this is a URL; report it as one (url)")
    if text.count("@") > 1 and (text.count("<") > 1 or "," in text.partition("@")[2] or ";" in text):
        raise Rejected("several-values", "several addresses in one value; give each its own row")
    if "<" in text:
        text = text.rpartition("<")[2]
    return _COMMENT.sub("", text).strip(" <>\"'").replace('"@', "@").rstrip(".")


def _checked(text: str) -> str:
    """Return an address that the rules of mail allow, its domain as A-labels. Raises ``Rejected``."""
    mailbox, at, domain = text.rpartition("@")
    if at and not mailbox:
        raise Rejected("handle-not-email", "a handle, not an address; report it as one (social-account)")
    if mailbox and re.fullmatch(r"[a-z0-9]{2,30}", domain) and domain != "localhost":
        raise Rejected(
            "alias-not-email",
            "behind the @ is no domain: if it is a payment alias (UPI), report it as one (payment-alias)",
        )
    try:
        valid = validate_email(text, check_deliverability=False, strict=True)
    except EmailNotValidError:
        raise Rejected("email-form", "not an e-mail address: a mailbox, one @, and a domain with a dot") from None
    return f"{valid.local_part}@{valid.ascii_domain}".lower()
