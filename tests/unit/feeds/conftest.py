"""Fixtures for tests that call servers of other organisations."""

import ssl
from collections.abc import Iterator

import pytest

from tests.unit.feeds.scripted import Peer, Script, Serve


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start scripted servers, and stop them after the test."""
    peers: list[Peer] = []

    def start(script: Script, context: ssl.SSLContext | None = None) -> Peer:
        peers.append(Peer(script, context))
        return peers[-1]

    yield start
    for peer in peers:
        peer.close()
