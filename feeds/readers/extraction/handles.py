"""Handles in running text: the accounts that words beside them, or the heading above, place on a platform."""

import re
from typing import NamedTuple

from schemas.reference import platforms
from schemas.reference.sites import Site

_PLATFORM = (
    r"telegram|เทเลแกรม|(?-i:LINE|Line)(?:@| ?oa)?|ไลน์|facebook|เฟซบุ๊ก|เฟสบุ๊ก|เฟสบุ๊ค|เพจ|instagram|tiktok|ติ๊กต็อก|"
    r"wechat|微信|"
    r"whatsapp|zalo|twitter|discord|skype|viber|signal|kakao ?talk|snapchat|qq|weibo|微博|threads|youtube"
)
_NAMED = re.compile(rf"(?<![A-Za-z])(?:{_PLATFORM})(?![A-Za-z])", re.IGNORECASE)
_INLINE = re.compile(
    rf"(?<![A-Za-z])(?P<platform>{_PLATFORM})(?![A-Za-z])[\s:：=]{{0,3}}"
    r"(?:(?:(?P<id>id|ไอดี)|user ?name|user|account|handle|channel|group|号|號)[\s:：=]{0,3})?"
    r"(?P<handle>@[A-Za-z0-9_][\w.-]{2,63}|(?(id)[A-Za-z0-9_][A-Za-z0-9_.-]{2,63}|(?!)))",
    re.IGNORECASE,
)
_HANDLE = re.compile(r"@[A-Za-z0-9_][\w.]{2,63}")
_TOKEN = re.compile(r"@?[A-Za-z0-9_][A-Za-z0-9_.-]{2,63}")


class Handle(NamedTuple):
    """A handle as it stands in a line, its platform, and where."""

    raw: str
    platform: str
    start: int


def handles(text: str, label: str, heading: str) -> list[Handle]:
    """Return the handles of a line, whose values of other kinds are blanked out."""
    found = [
        Handle(match["handle"].rstrip(".-"), site.name, match.start("handle"))
        for match in _INLINE.finditer(text)
        if (site := _site(match["platform"])) and match["handle"]
    ]
    if found:
        return found
    if site := _site(label) or _in(label):
        first = _HANDLE.search(text) or (_TOKEN.fullmatch(text.strip()) if not text.strip().isdecimal() else None)
        return [Handle(first[0].rstrip(".-"), site.name, first.start())] if first else []
    if (site := _in(heading)) and (first := _HANDLE.match(text.strip())):
        return [Handle(first[0].rstrip("."), site.name, text.index(first[0]))]
    return []


def _site(word: str) -> Site | None:
    return platforms.find(word) if word else None


def _in(words: str) -> Site | None:
    """Return the one platform that a heading or label names."""
    named = {site.name: site for match in _NAMED.finditer(words) if (site := _site(match[0]))}
    return next(iter(named.values())) if len(named) == 1 else None
