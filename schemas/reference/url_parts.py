"""What chooses the page behind a host: paths and queries of URLs, in one spelling, without who clicked."""

import re
from urllib.parse import unquote

from schemas.reference import hosts

# RFC 3986 §2: what stands in a path or query as it is. The apostrophe may, but some clients strip it from patterns.
_ESCAPING = re.compile(r"%([0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~!$&()*+,;=:@/?]")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

# Parameters that say who clicked, or on which advertisement: browsers strip them, and a page has as many as clicks.
_TRACKING_WORDS = """
    fbclid gclid dclid gclsrc gbraid wbraid gad_source gad_campaignid srsltid msclkid ttclid twclid yclid li_fat_id
    igsh igshid _ga _gl mc_cid mc_eid mkt_tok _hsenc _hsmi __hsfp __hssc __hstc hsctatracking vero_id vero_conv
    oly_anon_id oly_enc_id rb_clickid wickedid _openstat sccid epik
"""
_TRACKING = frozenset(_TRACKING_WORDS.split())
# Parameters in which pages that ask for a password are told whom they ask.
_WHOM = frozenset(
    {"e", "em", "mail", "email", "emailaddress", "email_address", "login", "login_hint"}
    | {"user", "usr", "username", "userid", "user_id"}
)
_MAILBOX = re.compile(r"(?<![^/=?&:;, ])[A-Za-z0-9._+-]+@((?:[a-z0-9-]+\.)+[a-z]{2,})(?![^/=?&:;, ])", re.IGNORECASE)


def spelled(text: str) -> str:
    """Give a path or query, as parsers of URLs write it, in RFC 3986's one spelling."""
    return _ESCAPING.sub(_escaped, text) if _ESCAPING.search(text) else text


def query(text: str) -> str:
    """Give a query without empty parameters and those that say who clicked; the others stay as and where they are."""
    return "&".join([part for part in spelled(text).split("&") if part and not _says_who(part)])


def names_a_mailbox(text: str) -> bool:
    """Tell whether there is an e-mail address in a path or query, by itself between marks."""
    if "@" not in text and "%40" not in text:
        return False
    return any(hosts.has_suffix(found[1].lower()) for found in _MAILBOX.finditer(unquote(text)))


def _says_who(part: str) -> bool:
    """Tell whether a part of a query says who clicked, or where on."""
    name, _, value = part.partition("=")
    name = name.lower()
    if name in _TRACKING or name.startswith("utm_"):
        return True
    if "@" not in part and "%40" not in part:
        return False
    return (name in _WHOM or not value) and _is_mailbox(unquote(value or part))


def _is_mailbox(text: str) -> bool:
    found = _MAILBOX.fullmatch(text)
    return found is not None and hosts.has_suffix(found[1].lower())


def _escaped(found: re.Match[str]) -> str:
    """Give a character as RFC 3986 §6.2.2 writes it: plain where it is unreserved, else %XX in upper case."""
    if found[1] is None:
        return f"%{ord(found[0]):02X}"
    char = chr(int(found[1], 16))
    return char if char in _UNRESERVED else found[0].upper()
