"""The feeds that exchange with peers: one for each ``[[peer]]`` table with a ``url``, and the feeds it replaces."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from server.release.peers import PeerHub

_PORTS = {"http": 80, "https": 443}
_EVERY = "1m"
_OTHER = re.compile(r"[^a-z0-9]+")
_LONGEST = 60


def peer_feeds(peers: Iterable[PeerHub], feeds: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the tables of the feeds that read from ``peers``, beside the configured ``feeds``."""
    known = list(peers)
    replaces = {peer.origin: names for peer in known if (names := _replaced(peer, feeds))}
    return [
        {
            "every": _EVERY,
            **peer.connection,
            "name": feed_name(peer),
            "connector": "hub-pull",
            "peer": peer.name,
            "url": peer.url,
            "replaces": replaces,
        }
        for peer in known
        if peer.url
    ]


def copying_partners(peers: Iterable[PeerHub], feeds: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Return the partners for whom feeds contribute only the listings of ``peers``."""
    return frozenset(name for peer in peers for name in _replaced(peer, feeds))


def feed_name(peer: PeerHub) -> str:
    """Return the name of the feed that reads from a peer: its name in plain letters, else that of its key."""
    plain = _OTHER.sub("-", peer.name.lower()).strip("-")
    if not plain or len(plain) > _LONGEST or not peer.name.isascii():
        plain = _OTHER.sub("-", peer.origin.lower()).strip("-")[:_LONGEST]
    return f"peer-{plain}"


def is_at(peer: PeerHub, url: str) -> bool:
    """Return whether a URL is on the server of a peer: that of its ``url``, or of the name of its key."""
    places = {_place(peer.url), _place(f"https://{peer.origin}")} - {""}
    return _place(url) in places


def _place(url: str) -> str:
    """Return host and port of a URL, empty for any other text."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return ""
    return f"{parts.hostname}:{port}" if parts.hostname and port else ""


def _replaced(peer: PeerHub, feeds: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the partners in whose names the feeds contribute that read from a peer, and no other feed does."""
    mine = {str(table["contribute_as"]) for table in feeds if _reads(table) and is_at(peer, str(table.get("url", "")))}
    others = {
        str(table["contribute_as"]) for table in feeds if _reads(table) and not is_at(peer, str(table.get("url", "")))
    }
    return sorted(mine - others)


def _reads(table: Mapping[str, Any]) -> bool:
    return isinstance(table.get("contribute_as"), str)
