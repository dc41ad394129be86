"""Several nodes of one hub on one database, and partners that contribute to them concurrently."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from server.release.hub import Hub
from server.release.route.policy import Policy
from server.setup import set_up
from server.store import Store
from tests.integration.parallel.contributors import Contributor
from tests.postgres import Postgres
from tests.unit.server.release.hubs import NOBODY_NEW


@pytest.fixture
def postgresql_url(postgres: Postgres, postgres_template: str) -> Iterator[str]:
    """Return the URL of a separate database with the tables for this test."""
    name = postgres.database(postgres_template)
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture
def open_hub(postgresql_url: str) -> Iterator[Callable[[], Hub]]:
    """Open another node."""
    with ExitStack() as opened:

        def open_() -> Hub:
            store = Store.open(postgresql_url)
            opened.callback(store.close)
            return Hub(store, Policy(newcomers=NOBODY_NEW))

        yield open_


@pytest.fixture
def hub(open_hub: Callable[[], Hub]) -> Hub:
    hub = open_hub()
    set_up(hub.store)
    return hub


@pytest.fixture
def bank(hub: Hub) -> Contributor:
    return Contributor.join(hub, "Example Bank")


@pytest.fixture
def other(hub: Hub) -> Contributor:
    return Contributor.join(hub, "Other Bank")
