"""IANA's lists of RDAP servers (RFC 9224): fetched weekly, stored, and read."""

import json
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any

from sqlalchemy import delete, insert, select

from server.features.registries.tables import rdap_lists
from server.store.database.engine import Tx

NAMES = ("dns", "ipv4", "ipv6")
# A list of another size is none: IANA's longest has 100 KB.
LONGEST = 4 << 20
_MOST_SERVICES = 20_000
_b = rdap_lists.c


class RdapServers:
    """The server of each top-level domain and network; ``own`` are the operator's, by top-level domain or network."""

    def __init__(self, lists: Mapping[str, str], own: Mapping[str, str]) -> None:
        """Read these lists; one that cannot be read has no servers."""
        self._domains: dict[str, str] = {}
        self._networks: list[tuple[Any, str]] = []
        for name in NAMES:
            for keys, url in _services(lists.get(name, "")):
                self._add(keys, url)
        for key, url in own.items():
            self._add([key], url)
        self._networks.sort(key=lambda entry: entry[0].prefixlen, reverse=True)

    def of_domain(self, name: str) -> str | None:
        """Return the server of the longest suffix of a name, without a slash at the end."""
        while name:
            if name in self._domains:
                return self._domains[name]
            name = name.partition(".")[2]
        return None

    def of_address(self, address: IPv4Address | IPv6Address) -> str | None:
        """Return the server of the smallest network of an address."""
        return next((url for network, url in self._networks if address in network), None)

    def _add(self, keys: list[str], url: str) -> None:
        for key in keys:
            try:
                self._networks.insert(0, (ip_network(key), url.rstrip("/")))
            except ValueError:
                self._domains[key.lower()] = url.rstrip("/")


def _services(body: str) -> Iterator[tuple[list[str], str]]:
    """Yield the keys and the server of each entry of a list; entries of another shape are left out."""
    try:
        services = json.loads(body)["services"][:_MOST_SERVICES] if body else []
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    for entry in services:
        try:
            keys, urls = entry
            url = next(url for url in sorted(map(str, urls), reverse=True) if url.startswith(("https://", "http://")))
            yield [str(key) for key in keys], url
        except (ValueError, TypeError, StopIteration):
            continue


def stored(tx: Tx) -> dict[str, str]:
    """Return the stored lists by name."""
    return {row[0]: row[1] for row in tx.execute(select(_b.name, _b.body))}


def oldest(tx: Tx) -> int:
    """Return when the oldest of the lists was fetched (microseconds), 0 if one is missing."""
    found = {row[0]: row[1] for row in tx.execute(select(_b.name, _b.fetched))}
    return min(int(found.get(name, 0)) for name in NAMES)


def store(tx: Tx, name: str, body: str, at: int) -> None:
    """Store a list."""
    tx.execute(delete(rdap_lists).where(_b.name == name))
    tx.execute(insert(rdap_lists).values(name=name, body=body, fetched=at))


def is_list(body: str) -> bool:
    """Return whether a text is a list with at least one server."""
    return next(_services(body), None) is not None
