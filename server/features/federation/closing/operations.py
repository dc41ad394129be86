"""Announce to other hubs that this hub closes."""

from datetime import datetime
from typing import ClassVar

from pydantic import Field

from server.features.federation import own_state
from server.operations.operation import Actor, Operation
from server.operations.rights import ADMINS
from server.release.hub import Hub
from server.store.database.engine import Tx
from server.store.database.times import micros


class AnnounceClosing(Operation[None]):
    """Announce to peers when this hub closes, so that they delete its reports then; without a time, that it goes on."""

    name: ClassVar[str] = "peer ends"
    rights: ClassVar[frozenset[str]] = ADMINS
    verb: ClassVar[str] = "ANNOUNCE"
    what: ClassVar[str] = "hub-end"

    at: datetime | None = Field(None, description="when this hub closes")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> None:
        """Let the publisher announce it in new heads. Raises ``NotPublished``."""
        own_state.announce_end(tx, None if self.at is None else micros(self.at))
