"""The peers of the settings, by the names that operators give them."""

from typing import Annotated

import typer

from server.release.hub import Hub
from server.release.peers import PeerHub

PeerName = Annotated[str, typer.Argument(help="the name of the peer in its [[peer]] table, or its origin")]


class UnknownPeer(LookupError):
    """No ``[[peer]]`` table has this name or origin."""


def find_peer(hub: Hub, name: str) -> PeerHub:
    """Return the peer with this name or origin. Raises ``UnknownPeer``."""
    for peer in hub.peers:
        if name in (peer.name, peer.origin):
            return peer
    known = ", ".join(peer.name for peer in hub.peers) or "none"
    raise UnknownPeer(f"{name}: no [[peer]] table has this name or key; there are: {known}")
