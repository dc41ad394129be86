"""The expressions of Safe Browsing: the text of a listed domain or URL whose SHA-256 its clients look for.

A client hashes several expressions of the address that it opens: its host and the domains above, each with its path and
the folders above. A listing is found if its one expression is among them.
"""

import hashlib
import re
from typing import NamedTuple

from schemas.reference.sites import is_shared

KINDS = frozenset(("domain", "url"))

_ESCAPE = re.compile(rb"%([0-9a-fA-F]{2})")
_SCHEME = re.compile(rb"\A[a-zA-Z][a-zA-Z0-9+.-]*://")
_PORT = re.compile(rb":[0-9]*$")
_PART_OF_ADDRESS = re.compile(rb"0[xX][0-9a-fA-F]*|[0-9]+")
_ESCAPED = bytes(byte for byte in range(256) if byte <= 0x20 or byte >= 0x7F or byte in b"#%")
_ESCAPES = {byte: f"%{byte:02X}".encode() for byte in _ESCAPED}


class CanonicalUrl(NamedTuple):
    """Host, path and query in the canonical form of Safe Browsing; ``query`` is None without a question mark."""

    host: bytes
    path: bytes
    query: bytes | None

    @property
    def expression(self) -> bytes:
        """Return the expression that stands for this page alone."""
        return self.host + self.path + (b"" if self.query is None else b"?" + self.query)


def canonical(url: str) -> CanonicalUrl:
    """Return the canonical form of a URL; scheme, credentials, port and fragment are left out.

    Bytes that are not UTF-8 are given as ``surrogateescape`` decodes them.
    """
    text = re.sub(rb"[\t\r\n]", b"", url.encode(errors="surrogateescape").strip(b" "))
    before, mark, query = _SCHEME.sub(b"", _unescaped(text.partition(b"#")[0])).partition(b"?")
    authority, _, path = before.partition(b"/")
    host = _PORT.sub(b"", authority.rpartition(b"@")[2])
    return CanonicalUrl(_escaped(_host(host)), _escaped(_path(path)), _escaped(query) if mark else None)


def full_hash(kind: str, value: str) -> bytes | None:
    """Return the SHA-256 of a normalised value's expression; None for a value that must not be listed by its hash.

    Other kinds have few possible values, which anybody could hash. The expression of a start page is that of all pages
    of its host, and the one of a page without a query is that of the page with any query: on hosts that strangers
    share, and on addresses, those may be the pages of others.
    """
    if kind == "domain":
        return hashlib.sha256(value.encode() + b"/").digest()
    if kind != "url":
        return None
    page = canonical(value)
    if page.query is None and (page.path == b"/" or _may_be_shared(page.host)):
        return None
    return hashlib.sha256(page.expression).digest()


def _may_be_shared(host: bytes) -> bool:
    name = host.decode("ascii")
    return re.search(r"[a-z]", name) is None or ":" in name or is_shared(name)


def _unescaped(text: bytes) -> bytes:
    """Return a text without escapes, also without those that unescaping brings about. Each round shortens the text."""
    while (shorter := _ESCAPE.sub(lambda found: bytes((int(found[1], 16),)), text)) != text:
        text = shorter
    return text


def _escaped(text: bytes) -> bytes:
    return b"".join(_ESCAPES.get(byte) or bytes((byte,)) for byte in text)


def _host(host: bytes) -> bytes:
    host = re.sub(rb"\.{2,}", b".", host).strip(b".").lower()
    return _address(host) or host


def _address(host: bytes) -> bytes | None:
    """Return an IPv4 address as four decimal numbers, from any form that resolvers read; None for a name."""
    parts = host.split(b".")
    if len(parts) > 4 or not all(_PART_OF_ADDRESS.fullmatch(part) for part in parts):
        return None
    try:
        numbers = [_number(part) for part in parts]
    except ValueError:
        return None
    *firsts, last = numbers
    if any(number > 255 for number in firsts) or last >= 256 ** (5 - len(numbers)):
        return None
    number = sum(first << 8 * (3 - place) for place, first in enumerate(firsts)) + last
    return ".".join(map(str, number.to_bytes(4))).encode()


def _number(part: bytes) -> int:
    if part[:2].lower() == b"0x":
        return int(part[2:] or b"0", 16)
    return int(part, 8 if part.startswith(b"0") else 10)


def _path(path: bytes) -> bytes:
    kept: list[bytes] = []
    parts = re.sub(rb"/{2,}", b"/", b"/" + path).split(b"/")[1:]
    for part in parts:
        if part == b"..":
            del kept[-1:]
        elif part != b".":
            kept.append(part)
    # A folder ends with a slash.
    if parts[-1:] in ([b".."], [b"."]):
        kept.append(b"")
    return b"/" + b"/".join(kept)
