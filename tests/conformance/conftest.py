"""One server for each database and scheme, and a collection for each test."""

import contextlib
from collections.abc import Iterator

import pytest

from tests.conformance.deployment import Deployment, Servers
from tests.conformance.peer import Peer


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with contextlib.ExitStack() as stack:
        yield Servers(tmp_path_factory.mktemp("conformance"), stack)


@pytest.fixture(scope="session", params=Servers.NAMES)
def server(request: pytest.FixtureRequest, servers: Servers) -> Deployment:
    return servers.get(request.param)


@pytest.fixture
def member(server: Deployment) -> Peer:
    return server.peer("member")


@pytest.fixture
def room(server: Deployment) -> str:
    """Return the path below the API root of a collection that no other test uses."""
    return f"collections/{server.collection()}/"
