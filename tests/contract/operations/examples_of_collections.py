"""Examples of the operations on collections and sandboxes, as ``examples`` has them."""

from collections.abc import Callable, Mapping
from typing import Any

from server.features.collections.operations import AddCollection, SetCollection
from server.features.sandbox import play
from server.features.sandbox.operations import StartSandbox, StopSandbox
from server.operations.operation import Act
from server.release.hub import Hub
from tests import operators_desk as desk


def _stop(hub: Hub) -> Act[Any]:
    with hub.store.begin() as tx:
        play.start(tx, desk.REPORTER)
    return StopSandbox(partner=desk.REPORTER)


EXAMPLES: Mapping[str, Callable[[Hub], Act[Any]]] = {
    "collection add": lambda hub: AddCollection(alias="task-force", title="Task force", is_exchange=True),
    "collection set": lambda hub: SetCollection(collection="takedown", needs_certificate=True),
    "sandbox start": lambda hub: StartSandbox(partner=desk.REPORTER),
    "sandbox stop": _stop,
}
