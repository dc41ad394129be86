"""IP addresses: four numbers (IPv4), or the form of RFC 5952 (IPv6)."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_address
from typing import ClassVar

from schemas.errors import Rejected
from schemas.kind import NO_DETAILS, Kind, Normal
from schemas.reference import hosts
from schemas.text import ascii_digits

_LONGEST = 100
_FOUR = r"\d{1,3}(?:\.\d{1,3}){3}"
_ORIGIN = re.compile(r"https?://([^/?#@\\]+)/?", re.IGNORECASE)
_WITH_PORT = re.compile(rf"(?:{_FOUR}|\[[0-9a-f:.]+\]):\d+|{_FOUR} \d+/(?:tcp|udp)", re.IGNORECASE)
_IN_NO_ADDRESS = re.compile(r"[^0-9a-fA-F:.]")
_SIZED = re.compile(r"([0-9a-f:.]+)/(\d{1,3})", re.IGNORECASE)
_SEVERAL = re.compile(rf"{_FOUR} ?[-–] ?[\d.]+|{_FOUR}/[\d.]+|\d{{1,3}}\.(?:\d{{1,3}}\.){{0,2}}\*(?:\.\*)*")
_ZEROS = re.compile(r"(?=.*(?:^|\.)0\d)[\d.]+")


class Ip(Kind):
    """One IPv4 or IPv6 address that the whole internet can reach.

    An address changes hands within weeks, so its life is short. Networks are refused: their other users did nothing.
    Ranges for documentation are accepted, as example domains are.
    """

    name: ClassVar[str] = "ip"
    title: ClassVar[Mapping[str, str]] = {"en": "IP address", "th": "หมายเลขไอพี"}
    time_to_live: ClassVar[timedelta] = timedelta(days=30)

    def normalise(self, raw: str, given: Mapping[str, str] = NO_DETAILS) -> Normal:
        """Return the address. ``http://address/`` and a network of one (``/32``, ``/128``) are read as the address."""
        text = raw if raw.isascii() else _plain(raw)
        if origin := _ORIGIN.fullmatch(text):
            text = origin[1]
        if _WITH_PORT.fullmatch(text):
            raise Rejected("ip-port", "an address and a port: give the address alone, or a URL")
        if sized := _SIZED.fullmatch(text):
            if int(sized[2]) != (128 if ":" in sized[1] else 32):
                raise _network()
            text = sized[1]
        try:
            return Normal(hosts.public_address(text.strip("[]")))
        except ValueError:
            raise _no_address(text) from None

    def recognises(self, raw: str) -> bool:
        """Return True if ``raw`` is an address, alone or with its port or network."""
        if len(raw) > _LONGEST or not raw or raw[-1] not in "0123456789abcdefABCDEF:]*":
            return False
        if _WITH_PORT.fullmatch(raw) or (_SEVERAL.fullmatch(raw) and "." in raw):
            return True
        text = raw.partition("/")[0].strip("[]")
        if "/" in raw and _SIZED.fullmatch(raw) is None:
            return False
        # Most texts are none, and the refusal of one takes longer than all that the other kinds look at.
        if ("." not in text and ":" not in text) or _IN_NO_ADDRESS.search(text.partition("%")[0]):
            return False
        try:
            ip_address(text)
        except ValueError:
            return False
        return True


def _plain(text: str) -> str:
    """Return digits and marks of any script or width as ASCII."""
    return ascii_digits(unicodedata.normalize("NFKC", text).replace("。", "."))


def _network() -> Rejected:
    return Rejected(
        "ip-network", "a network or a range: blocking it would hit its other users; give each address by itself"
    )


def _no_address(text: str) -> Rejected:
    """Return the reason why ``text`` is not an address, and a hint at its real kind."""
    if _SEVERAL.fullmatch(text):
        return _network()
    if "/" in text:
        return Rejected("url-not-ip", "this looks like a URL; report it as one (url)")
    if _ZEROS.fullmatch(text):
        return Rejected(
            "ip-form", "a zero in front of a number is left out by some and means octal to others; leave it out"
        )
    if hosts.RESOLVABLE.fullmatch(text.lower()):
        return Rejected("domain-not-ip", "this is a name; report it as a domain")
    return Rejected("ip-form", "not an IP address: four numbers from 0 to 255 (IPv4), or an IPv6 address")
