"""Objects of a running hub for readers of other makers: one file per reader, named after it."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from hub import ROOMS, Hub, serve


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with contextlib.ExitStack() as stack:
        yield stack.enter_context(serve(tmp_path_factory.mktemp("hub")))


@pytest.fixture(scope="session")
def pages(hub: Hub) -> dict[str, list[dict[str, Any]]]:
    """Return all objects of each collection by its alias."""
    served = {alias: hub.page(alias) for room in ROOMS for alias in (room, f"{room}-full")}
    assert all(served.values())
    return served
