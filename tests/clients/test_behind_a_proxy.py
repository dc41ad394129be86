"""Behind a TLS-terminating proxy, ``public_url`` gives a full URL to clients that accept no path."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from cytaxii2 import cytaxii2
from taxii2client.v21 import Server

from tests.clients.terminator import terminate
from tests.conformance.authority import issue
from tests.conformance.deployment import Deployment, prepare, serve


@pytest.fixture
def front() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.fixture(params=["", "public"])
def public(request: pytest.FixtureRequest, front: socket.socket, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the operator's setting: nothing, or the address of the proxy."""
    url = f"https://127.0.0.1:{front.getsockname()[1]}" if request.param else ""
    monkeypatch.setenv("SCAMFEED_PUBLIC_URL", url)
    return url


@pytest.fixture
def hub(public: str, tmp_path: Path) -> Iterator[Deployment]:
    database = prepare(f"sqlite:///{tmp_path / 'hub.db'}")
    with serve(database, tmp_path, None) as running:
        yield running
    database.store.close()


def test_every_client_finds_the_api_root(
    hub: Deployment, public: str, front: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = issue(tmp_path)
    told = hub.database.partners["member"]
    login = (told["user"], told["password"])
    outside = f"https://127.0.0.1:{front.getsockname()[1]}"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pem.authority))
    with terminate(pem, hub.address, front):
        # The server itself received http, also from clients that use https.
        said = requests.get(f"{outside}/taxii2/", auth=login, timeout=60).json()
        assert said["default"] == f"{public}/feed/"
        assert said["api_roots"] == [said["default"]]

        with Server(f"{outside}/taxii2/", user=login[0], password=login[1]) as joins_paths:
            assert [root.url for root in joins_paths.api_roots] == [f"{outside}/feed/"]
            joins_paths.api_roots[0].close()

        takes_whole_urls = cytaxii2.cytaxii2(f"{outside}/taxii2/", *login)
        assert takes_whole_urls.root_discovery()["status"] is bool(public)
