"""One server over https and one over http, as for partners' clients."""

import contextlib
from collections.abc import Iterator

import pytest

from tests.conformance.deployment import Deployment, Servers
from tests.conformance.peer import Peer, indicator


@pytest.fixture(autouse=True)
def _own_authority(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let clients trust the authority of the test, since requests otherwise uses the environment."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with contextlib.ExitStack() as stack:
        yield Servers(tmp_path_factory.mktemp("clients"), stack)


@pytest.fixture(scope="session", params=["http-sqlite", "https-sqlite"])
def server(request: pytest.FixtureRequest, servers: Servers) -> Deployment:
    return servers.get(request.param)


@pytest.fixture
def member(server: Deployment) -> Peer:
    return server.peer("member")


@pytest.fixture
def collection(server: Deployment) -> str:
    """Return the id of a collection that no other test uses."""
    return server.collection()


@pytest.fixture
def sent(member: Peer, collection: str) -> list[dict[str, object]]:
    """Fill the collection with 250 indicators, in two transactions."""
    objects = [indicator() for _ in range(250)]
    for part in (objects[:120], objects[120:]):
        member.post(f"collections/{collection}/objects/", part)
    return objects
