"""A client of Safe Browsing v5, written from its specification and sharing no code with the hub.

It hashes the expressions of a URL, keeps a list of prefixes by its updates, and searches full hashes over HTTP.
"""

import base64
import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

import requests

from schemas.reference.hosts import registrable_domain

Fields = dict[int, list[Any]]


def canonicalize(url: bytes) -> tuple[bytes, bytes, bytes, bool]:
    """Return scheme, host with port, path with query, and whether there is a query."""
    for gone in (b"\t", b"\r", b"\n"):
        url = url.replace(gone, b"")
    url = url.strip(b" ").split(b"#", 1)[0]
    while (once := unquote_to_bytes(url)) != url:
        url = once
    scheme, rest = url.split(b"://", 1) if b"://" in url.split(b"?")[0] else (b"http", url)
    before, mark, query = rest.partition(b"?")
    host, _, path = before.partition(b"/")
    return scheme, _escape(_host(host)), _escape(_path(path) + mark + query), bool(mark)


def _host(host: bytes) -> bytes:
    host = host.rsplit(b"@", 1)[-1]
    name, colon, port = host.partition(b":") if not host.startswith(b"[") else (host, b"", b"")
    name = b".".join(part for part in name.split(b".") if part).lower()
    if name.isdigit():
        name = b".".join(b"%d" % byte for byte in struct.pack(">I", int(name)))
    return name + colon + port


def _path(path: bytes) -> bytes:
    out: list[bytes] = []
    parts = [part for place, part in enumerate(path.split(b"/")) if part or place == path.count(b"/")]
    for part in parts:
        if part == b"..":
            out = out[:-1]
        elif part not in (b".", b""):
            out.append(part)
    ends = not parts or parts[-1] in (b"", b".", b"..")
    return b"/" + b"/".join(out) + (b"/" if ends and out else b"")


def _escape(text: bytes) -> bytes:
    return b"".join(b"%%%02X" % c if c <= 32 or c >= 127 or c in b"#%" else bytes([c]) for c in text)


def expressions(url: str) -> list[str]:
    """Return the expressions of a URL: at most five hosts with at most six paths each."""
    _, host, path, has_query = canonicalize(url.encode())
    name = host.decode().split(":")[0] if not host.startswith(b"[") else host.decode()
    hosts = [name]
    if not name.replace(".", "").isdigit() and not name.startswith("["):
        labels = name.split(".")
        site = registrable_domain(name) or ".".join(labels[-2:])
        shortest = site.count(".") + 1
        hosts += [".".join(labels[-n:]) for n in range(shortest, shortest + 4) if n < len(labels)]
    whole = path.decode()
    bare = whole.split("?")[0]
    paths = [whole, bare] if has_query else [bare]
    folders = bare.split("/")[1:-1]
    paths += ["/" + "".join(f"{folder}/" for folder in folders[:depth]) for depth in range(4) if depth <= len(folders)]
    return list(dict.fromkeys(each + path for each in hosts for path in paths))


def full_hash(expression: str) -> bytes:
    return hashlib.sha256(expression.encode()).digest()


def decode_rice(first: int, parameter: int, count: int, data: bytes) -> list[int]:
    """Return the coded numbers; ``IndexError`` if the bits end too early."""
    bits = _bits(data)
    numbers = [first]
    for _ in range(count):
        quotient = 0
        while next(bits):
            quotient += 1
        remainder = sum(next(bits) << place for place in range(parameter))
        numbers.append(numbers[-1] + (quotient << parameter) + remainder)
    return numbers


def _bits(data: bytes) -> Iterator[int]:
    for byte in data:
        for place in range(8):
            yield byte >> place & 1
    raise IndexError("the bits end before the numbers do")


def decode_message(data: bytes) -> Fields:
    """Return the fields of a protobuf message by number, as they were sent."""
    found: Fields = {}
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        if key & 7 == 0:
            value: Any
            value, at = _varint(data, at)
        else:
            assert key & 7 == 2, "another wire type"
            size, at = _varint(data, at)
            value, at = data[at : at + size], at + size
            assert len(value) == size, "truncated"
        found.setdefault(key >> 3, []).append(value)
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


@dataclass
class LocalList:
    """A list of prefixes as a client keeps it."""

    prefixes: list[int] = field(default_factory=list)
    version: bytes = b""
    wait: int = 0
    was_partial: bool = False

    def apply(self, message: bytes) -> None:
        """Apply a ``HashList`` in protobuf, and check its checksum."""
        fields = decode_message(message)
        self.was_partial = bool(fields.get(3, [0])[0])
        kept = list(self.prefixes) if self.was_partial else []
        if 5 in fields:
            assert self.was_partial
            gone = set(_numbers(fields[5][0]))
            assert max(gone) < len(kept)
            kept = [prefix for place, prefix in enumerate(kept) if place not in gone]
        if 4 in fields:
            kept = sorted({*kept, *(added := _numbers(fields[4][0]))})
            assert added == sorted(added)
        self.prefixes, self.version = kept, fields[2][0]
        self.wait = decode_message(fields[6][0])[1][0] if 6 in fields else 0
        if 7 in fields:
            assert hashlib.sha256(struct.pack(f">{len(kept)}I", *kept)).digest() == fields[7][0]
        else:
            assert 4 not in fields
            assert 5 not in fields


def _numbers(message: bytes) -> list[int]:
    fields = decode_message(message)
    first, parameter, count = (fields.get(number, [0])[0] for number in (1, 2, 3))
    assert 3 <= parameter <= 30
    return decode_rice(first, parameter, count, fields.get(4, [b""])[0])


@dataclass
class SafeBrowsingClient:
    """Checks URLs against a hub as browsers do."""

    base: str
    token: str | None = None

    def get(self, path: str, *pairs: tuple[str, str]) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return requests.get(self.base + path, list(pairs), headers=headers, timeout=60)

    def search(self, *urls: str) -> dict[str, bool]:
        """Return for each URL whether a full hash of its expressions is listed; the hub learns four bytes of each."""
        hashes = {url: {full_hash(expression) for expression in expressions(url)} for url in urls}
        prefixes = sorted({full[:4] for found in hashes.values() for full in found})
        asked = [("hashPrefixes", base64.urlsafe_b64encode(prefix).decode()) for prefix in prefixes]
        response = self.get("/v5/hashes:search", *asked)
        assert response.status_code == 200, response.text
        assert response.headers["Content-Type"] == "application/x-protobuf"
        fields = decode_message(response.content)
        assert decode_message(fields[2][0]).get(1, [0])[0] >= 0
        listed = set()
        for message in map(decode_message, fields.get(1, [])):
            assert [decode_message(detail) for detail in message[2]] == [{1: [2]}]
            listed.add(message[1][0])
        return {url: not listed.isdisjoint(found) for url, found in hashes.items()}

    def update(self, local: LocalList, name: str = "se-4b", *more: tuple[str, str]) -> LocalList:
        """Bring a list up to date, with one request."""
        held = [("version", base64.urlsafe_b64encode(local.version).decode())] if local.version else []
        response = self.get(f"/v5/hashList/{name}", *held, *more)
        assert response.status_code == 200, response.text
        local.apply(response.content)
        return local
