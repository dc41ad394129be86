"""Names of values: one for all spellings, with and without ``www.``, scheme or start page, in any kind."""

import re

from schemas import kinds

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
        return (f"host:{_bare(value)}",)
    if kind == "email":
        mailbox, _, host = value.lower().rpartition("@")
        return (f"email:{mailbox.partition('+')[0]}@{host}",)
    number = value.rpartition(":")[2]
    if kind in _NUMBERED and number.startswith("+"):
        return (f"number:{number}",)
    return (f"{kind}:{value}",)


def _of_url(url: str) -> tuple[str, ...]:
    parts = _URL.fullmatch(url)
    if parts is None:
        return (f"url:{url}",)
    host, port, path, query = parts.groups()
    place = _bare(host) + ("" if port in _PORTS else port or "")
    if _START.fullmatch(path):
        return (f"host:{place}",)
    page = f"page:{place}{re.sub('/+', '/', path).rstrip('/')}"
    return (f"{page}?{query}", page) if query else (page,)


def _bare(host: str) -> str:
    return host.strip("[]").removeprefix("www.")
