"""Hubs that serve over real sockets and exchange signed hub reports; each has its own identity and key."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.initial_stores import initial_url
from tests.integration.federation.exchanging import ExchangingHub

MakeHub = Callable[..., ExchangingHub]


@pytest.fixture
def make_hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeHub]:
    """Make a hub of a name, which serves once its peers are known; on PostgreSQL if a test requests it."""
    with ExitStack() as stack:

        def make(name: str) -> ExchangingHub:
            url = initial_url(request, tmp_path, f"{name}.db")
            return stack.enter_context(ExchangingHub(name, url, tmp_path / name))

        yield make
