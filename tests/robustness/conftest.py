"""A server of its own for those who mean it no good."""

import contextlib
from collections.abc import Iterator

import pytest

from tests.conformance.deployment import Deployment, Servers


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with contextlib.ExitStack() as stack:
        yield Servers(tmp_path_factory.mktemp("robustness"), stack).get("http-sqlite")
