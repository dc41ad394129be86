"""The site of a value: the domains above it whose listings are told with an answer about it, the same at every door.

A URL is asked about at its host and the domains above that, an e-mail address at its domain and those above, a domain
at those above it, down to the one that somebody registered. The listing of such a domain is about all of it. The climb
ends at a service that strangers share: what is below belongs to its customers. A URL at an IP address is asked about at
that address.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from schemas import kinds
from schemas.reference.sites import is_shared

# Of more domains above a value, those nearest to the registered one are asked about, and the value's own host.
MOST_PARENTS = 10
KINDS_WITH_PARENTS = frozenset(("domain", "email", "url"))
_URL_HOST = re.compile(r"https?://(\[[0-9a-f:.]+\]|[^/:?#]+)")
_START_PAGE = re.compile(_URL_HOST.pattern + r"(?::\d+)?/?")
_ADDRESS = re.compile(r"\[.+\]|[0-9.]+")


class ParentValue(NamedTuple):
    """A domain, or an IP address, whose listing is about a value at it too."""

    kind: str
    value: str

    @property
    def name(self) -> str:
        """Return the one name of all its forms, as ``kinds.name_of`` returns it."""
        return f"{self.kind}:{self.value}"


def parents_of(kind: str, value: str) -> tuple[ParentValue, ...]:
    """Return the values at which a normalised value is asked about too, the nearest first; most kinds have none."""
    if kind == "url":
        host = host_of_url(value)
        if host is None or _ADDRESS.fullmatch(host):
            return () if host is None else (ParentValue("ip", host.strip("[]")),)
    elif kind == "email":
        host = value.rpartition("@")[2]
    elif kind == "domain":
        host = value.partition(".")[2]
    else:
        return ()
    found = [ParentValue("domain", name) for name in _owned_by_one(host)]
    if len(found) > MOST_PARENTS:
        found = [found[0], *found[1 - MOST_PARENTS :]]
    return tuple(found)


def host_asked(kind: str, value: str) -> str | None:
    """Return the host whose listed pages are told with an answer about a normalised value; None for most values.

    A domain, an IP address and the start page of a host ask about a host. ``www.`` in front makes no difference.
    """
    if kind == "url":
        start = _START_PAGE.fullmatch(value)
        return None if start is None else bare_host(start[1])
    return bare_host(value) if kind in ("domain", "ip") else None


def host_of_page(name: str) -> str | None:
    """Return the host under which a value is told as a page, by the value's name; None where it is no URL."""
    host = host_of_url(name.removeprefix("url:")) if name.startswith("url:") else None
    return None if host is None else bare_host(host)


def bare_host(host: str) -> str:
    """Return a host without ``www.`` in front, and an address without brackets."""
    return host.strip("[]").removeprefix("www.")


def host_of_url(url: str) -> str | None:
    """Return the host of a normalised URL, None where it has none that can be read."""
    found = _URL_HOST.match(url)
    return None if found is None else found[1]


def _owned_by_one(host: str) -> Iterator[str]:
    """Yield a host and the domains above it up to the registered one, or to below what strangers share."""
    while "." in host and not is_shared(host):
        yield host
        host = host.partition(".")[2]


_URL = re.compile(r"https?://(\[[0-9a-f:.]+\]|[^/:?#]+)(:\d+)?([^?#]*)(?:\?([^#]*))?")
_START = re.compile(r"/*(?:(?:index|home|default|main)(?:\.\w{2,5})?/*)?", re.IGNORECASE)
_PORTS = frozenset((":80", ":443"))
# Kinds that share numbers: a messenger account, a payment alias and a telephone line may be one number.
_NUMBERED = frozenset(("phone", "social-account", "payment-alias"))


def names_of(kind: str, value: str) -> tuple[str, ...]:
    """Return the names under which a value in its normal form may be known, the widest last.

    A page with a query is also known by its page alone; all other values have one name.
    """
    kind, value = kinds.canonical(kind, value)
    if kind == "url":
        return _of_url(value)
    if kind in ("domain", "ip"):
        return (f"host:{bare_host(value)}",)
    if kind == "email":
        mailbox, _, host = value.lower().rpartition("@")
        return (f"email:{mailbox.partition('+')[0]}@{host}",)
    number = value.rpartition(":")[2]
    if kind in _NUMBERED and number.startswith("+"):
        return (f"number:{number}",)
    return (f"{kind}:{value}",)


def spellings_of(kind: str, value: str) -> tuple[str, ...]:
    """Return the names of a value, then those without its port: any port of a host is its owner's."""
    kind, value = kinds.canonical(kind, value)
    names = names_of(kind, value)
    parts = _URL.fullmatch(value) if kind == "url" else None
    if parts is None or not parts[2]:
        return names
    return names + names_of(kind, value[: parts.start(2)] + value[parts.end(2) :])


def _of_url(url: str) -> tuple[str, ...]:
    parts = _URL.fullmatch(url)
    if parts is None:
        return (f"url:{url}",)
    host, port, path, query = parts.groups()
    place = bare_host(host) + ("" if port in _PORTS else port or "")
    if _START.fullmatch(path):
        return (f"host:{place}",)
    page = f"page:{place}{re.sub('/+', '/', path).rstrip('/')}"
    return (f"{page}?{query}", page) if query else (page,)
