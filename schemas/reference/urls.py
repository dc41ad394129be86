"""URLs: their parts as browsers read them, and paths and queries in one spelling."""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

import ada_url

from schemas.reference import hosts

# A longer address is nobody's page.
MAX_LENGTH = 2048
_WITH_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:[/\\]{2}", re.IGNORECASE)
_WITHOUT = re.compile(r"(?://)?(?:[\w-]+\.)+[a-z]{2,}(?::\d+)?[/?#]", re.IGNORECASE)
_BEGINNING = re.compile(rf"{_WITH_SCHEME.pattern}|(?:[\w-]+\.)+[a-z]{{2,}}(?::\d+)?/", re.IGNORECASE)


# Punctuation of the sentence behind an address, and brackets that the address does not open itself.
_OF_A_SENTENCE = frozenset(".,;:!?'\"。，、；：！？）」』】》")
_BRACKETS = {")": "(", "]": "[", "}": "{", ">": "<"}


class WebAddress(NamedTuple):
    """An address in parts: the host, with the scheme if that is not the web's, and the path without outer slashes."""

    host: str
    path: str
    query: Mapping[str, str]
    fragment: str


@lru_cache(maxsize=64)
def split_address(text: str) -> WebAddress | None:
    """Return the parts of an address, with or without its scheme; None if ``text`` is none."""
    if len(text) > MAX_LENGTH or not ("/" in text or "\\" in text):
        return None
    if not _WITH_SCHEME.match(text):
        if not _WITHOUT.match(text):
            return None
        text = "https://" + text.removeprefix("//")
    try:
        url = ada_url.URL(text if text[-1].isalnum() else without_punctuation(text))
        query = dict(reversed(parse_qsl(url.search[1:], errors="replace", max_num_fields=100))) if url.search else {}
    except ValueError:
        return None
    web = url.protocol in ("http:", "https:")
    host = url.hostname.casefold().rstrip(".") if web else f"{url.protocol}//{url.hostname}".casefold()
    parts = [_part(part) for part in url.pathname.split("/") if part]
    return WebAddress(host, "/".join(parts), query, _part(url.hash[1:]).strip("/"))


def without_punctuation(text: str) -> str:
    """Return an address without the punctuation of the sentence around it."""
    end = len(text)
    unopened = {bracket: text.count(bracket) - text.count(opens) for bracket, opens in _BRACKETS.items()}
    while end and ((last := text[end - 1]) in _OF_A_SENTENCE or unopened.get(last, 0) > 0):
        end -= 1
        if last in unopened:
            unopened[last] -= 1
    return text[:end]


def looks_like_address(text: str) -> bool:
    """Return True if ``text`` begins with a scheme or host as addresses do, whether or not it is one."""
    return _BEGINNING.match(text) is not None


def _part(text: str) -> str:
    """Return one part of an address as a person reads it; a hidden slash begins no new part."""
    return unicodedata.normalize("NFC", unquote(text)).replace("/", "\ufffd") if "%" in text else text


# RFC 3986 §2: characters that need no escape in a path or query. The apostrophe is left out: some clients strip it.
_ESCAPING = re.compile(r"%([0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~!$&()*+,;=:@/?]")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

# Parameters that identify who clicked, or on which advertisement; they do not select the page.
_TRACKING_WORDS = """
    fbclid gclid dclid gclsrc gbraid wbraid gad_source gad_campaignid srsltid msclkid ttclid twclid yclid li_fat_id
    igsh igshid _ga _gl mc_cid mc_eid mkt_tok _hsenc _hsmi __hsfp __hssc __hstc hsctatracking vero_id vero_conv
    oly_anon_id oly_enc_id rb_clickid wickedid _openstat sccid epik
"""
_TRACKING = frozenset(_TRACKING_WORDS.split())
# Parameters that carry the mailbox of the visitor to pages that ask for a password.
_WHOM = frozenset(
    {"e", "em", "mail", "email", "emailaddress", "email_address", "login", "login_hint"}
    | {"user", "usr", "username", "userid", "user_id"}
)
_MAILBOX = re.compile(r"(?<![^/=?&:;, ])[A-Za-z0-9._+-]+@((?:[a-z0-9-]+\.)+[a-z]{2,})(?![^/=?&:;, ])", re.IGNORECASE)


def canonical_escapes(text: str) -> str:
    """Return a path or query, as parsers of URLs write it, in RFC 3986's one spelling."""
    return _ESCAPING.sub(_escaped, text) if _ESCAPING.search(text) else text


def canonical_query(text: str) -> str:
    """Return a query without empty parameters and those that identify who clicked; the others keep their order."""
    return "&".join([part for part in canonical_escapes(text).split("&") if part and not _identifies_visitor(part)])


def contains_mailbox(text: str) -> bool:
    """Return True if a path or query contains an e-mail address, by itself between marks."""
    if "@" not in text and "%40" not in text:
        return False
    return any(hosts.has_public_suffix(found[1].lower()) for found in _MAILBOX.finditer(unquote(text)))


def _identifies_visitor(part: str) -> bool:
    """Return True if a part of a query identifies who clicked, or on which advertisement."""
    name, _, value = part.partition("=")
    name = name.lower()
    if name in _TRACKING or name.startswith("utm_"):
        return True
    if "@" not in part and "%40" not in part:
        return False
    return (name in _WHOM or not value) and _is_mailbox(unquote(value or part))


def _is_mailbox(text: str) -> bool:
    found = _MAILBOX.fullmatch(text)
    return found is not None and hosts.has_public_suffix(found[1].lower())


def _escaped(found: re.Match[str]) -> str:
    """Return a character as RFC 3986 §6.2.2 writes it: plain if it is unreserved, else %XX in upper case."""
    if found[1] is None:
        return f"%{ord(found[0]):02X}"
    char = chr(int(found[1], 16))
    return char if char in _UNRESERVED else found[0].upper()
