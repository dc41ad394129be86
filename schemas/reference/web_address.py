"""Addresses of pages, taken apart as browsers take them apart."""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

import ada_url

# A longer address is nobody's page.
LONGEST = 2048
_WITH_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:[/\\]{2}", re.IGNORECASE)
_WITHOUT = re.compile(r"(?://)?(?:[\w-]+\.)+[a-z]{2,}(?::\d+)?[/?#]", re.IGNORECASE)
_BEGINNING = re.compile(rf"{_WITH_SCHEME.pattern}|(?:[\w-]+\.)+[a-z]{{2,}}(?::\d+)?/", re.IGNORECASE)


# Signs behind an address that belong to the sentence, and brackets that it does not open itself.
_OF_A_SENTENCE = frozenset(".,;:!?'\"。，、；：！？）」』】》")
_BRACKETS = {")": "(", "]": "[", "}": "{", ">": "<"}


class Address(NamedTuple):
    """An address in its parts: the host with the scheme where that is not the web's, the path without outer slashes."""

    host: str
    path: str
    query: Mapping[str, str]
    fragment: str


@lru_cache(maxsize=64)
def read_address(text: str) -> Address | None:
    """Take an address apart, with or without its scheme; None where it is none."""
    if len(text) > LONGEST or not ("/" in text or "\\" in text):
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
    parts = [_part(each) for each in url.pathname.split("/") if each]
    return Address(host, "/".join(parts), query, _part(url.hash[1:]).strip("/"))


def without_punctuation(text: str) -> str:
    """Give an address without the signs behind it that are no part of it."""
    end = len(text)
    unopened = {bracket: text.count(bracket) - text.count(opens) for bracket, opens in _BRACKETS.items()}
    while end and ((last := text[end - 1]) in _OF_A_SENTENCE or unopened.get(last, 0) > 0):
        end -= 1
        if last in unopened:
            unopened[last] -= 1
    return text[:end]


def begins_as_address(text: str) -> bool:
    """Tell whether ``text`` begins with a scheme or a host as addresses do, whether or not the rest makes it one."""
    return _BEGINNING.match(text) is not None


def _part(text: str) -> str:
    """Give one part of an address as a person reads it; a hidden slash makes no new part."""
    return unicodedata.normalize("NFC", unquote(text)).replace("/", "\ufffd") if "%" in text else text
