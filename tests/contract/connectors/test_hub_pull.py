"""``hub-pull`` and a hub that sends garbage with status 200; tests/integration/federation has its other tests."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest

from feeds.connectors import build
from feeds.errors import TryLater
from feeds.transport.client import LoginSettings
from feeds.transport.hub import PeerClient
from tests.contract.connectors.contract import PARTNER
from tests.contract.connectors.garbage import GARBAGE
from tests.contract.connectors.peer import Asked, HttpPeer, Said, serving


@dataclass
class Nothing(HttpPeer):
    """A hub that only sends garbage."""

    def answer(self, asked: Asked) -> Said:
        return Said(404)


@pytest.fixture
def peer() -> Iterator[Nothing]:
    peer = Nothing()
    with serving(peer):
        yield peer


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_is_neither_heads_nor_a_page(peer: Nothing, garbage: str) -> None:
    table = {"name": "tested", "connector": "taxii-pull", "url": peer.url, "contribute_as": PARTNER}
    settings = build({**table, "allow_private": True, "retries": 0, "timeout": "300ms"}).settings
    assert isinstance(settings, LoginSettings)
    peer.garbage = GARBAGE[garbage]
    with closing(PeerClient(settings, peer.url)) as client:
        with pytest.raises(TryLater):
            client.heads("")
        with pytest.raises(TryLater):
            list(client.pages("hub-reports", {}, 10))
