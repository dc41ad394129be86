"""Platforms that people have accounts on: handles, the platforms' own numbers, addresses of profiles."""

import re
from functools import cache

from schemas.reference.platforms.communities import COMMUNITIES
from schemas.reference.platforms.messengers import MESSENGERS
from schemas.reference.platforms.networks import NETWORKS
from schemas.reference.sites import Site, SiteMatch, Sites, word_key
from schemas.reference.urls import split_address

# What stands beside a platform's name without changing which one it is.
_BESIDE = re.compile(
    r"\b(?:page|group|account|profile|user ?name|user|id|channel|oa|official|handle|chat|app|add)\b|@"
    r"|แอด|เพิ่มเพื่อน|ทัก|บัญชี|ไอดี|เพจ|กลุ่ม|ช่อง|แอป(?:พลิเคชัน)?",
    re.IGNORECASE,
)


@cache
def _sites() -> Sites:
    return Sites((*NETWORKS, *MESSENGERS, *COMMUNITIES))


def every() -> tuple[Site, ...]:
    """Return all platforms; a platform's name is its ``account_type`` in STIX."""
    return _sites().every


def hosts() -> frozenset[str]:
    """Return the hosts whose pages may be an account's."""
    return _sites().hosts


def find(word: str) -> Site | None:
    """Return the platform that people call ``word``: its name, an abbreviation, its host, in English and Thai."""
    found = _sites().find(word)
    if found is None and (rest := _BESIDE.sub(" ", word)) != word and word_key(rest):
        found = _sites().find(rest)
    return found


def read_address(text: str) -> SiteMatch | None:
    """Return the account that an address names; its name is "" for any other page of a platform."""
    return _sites().read_address(text)


def read_name(platform: Site, text: str) -> SiteMatch | None:
    """Return the account that ``text`` names on a platform; None if it is no handle and no id there."""
    return _sites().read_name(platform, text)


def read_address_on_own_host(platform: Site, url: str) -> SiteMatch | None:
    """Return the account in an address on a host of its own, as networks of many hosts have; else None."""
    address = split_address(url)
    if address is None or "host" not in platform.groups:
        return None
    first = address.path.removeprefix("users/").removeprefix("@").partition("/")[0]
    return read_name(platform, first if "@" in first else f"{first}@{address.host}")


def is_profile(url: str) -> bool:
    """Return True if ``url`` is the address of an account, not of a post, a video or another page."""
    found = _sites().read_address(url)
    return found is not None and bool(found.name) and not found.is_post
