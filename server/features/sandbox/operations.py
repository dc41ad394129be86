"""Start and stop the rehearsal of a partner's client."""

from collections.abc import Iterable
from typing import ClassVar

from pydantic import Field

from server.features.sandbox import play
from server.operations.operation import Actor, Operation, TrailEntry
from server.operations.rights import COMMANDS, PARTNER_WRITERS
from server.release.hub import Hub
from server.store.database.engine import Tx
from server.store.sandbox.runs import Rehearsal


class NoSandbox(LookupError):
    """The partner has no sandbox."""


class StartSandbox(Operation[Rehearsal]):
    """Fill the sandbox collection of a partner again; its clock starts with the first read of the client."""

    name: ClassVar[str] = "sandbox start"
    rights: ClassVar[frozenset[str]] = PARTNER_WRITERS
    verb: ClassVar[str] = "START"
    what: ClassVar[str] = "sandbox"

    partner: str = Field(description="the name of the partner")

    def acts_for(self) -> str | None:
        """Return the partner."""
        return self.partner

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Rehearsal:
        """Begin the rehearsal. Raises ``UnknownPartner``."""
        return play.start(tx, self.partner)

    def entries(self, result: Rehearsal) -> Iterable[TrailEntry]:
        """Return the entry with the partner."""
        return [TrailEntry(self.verb, self.what, partner=self.partner)]


class StopSandbox(Operation[None]):
    """End the rehearsal of a partner, and revoke its sandbox collection; its certificate stays."""

    name: ClassVar[str] = "sandbox stop"
    rights: ClassVar[frozenset[str]] = COMMANDS
    verb: ClassVar[str] = "STOP"
    what: ClassVar[str] = "sandbox"

    partner: str = Field(description="the name of the partner")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> None:
        """End the rehearsal. Raises ``NoSandbox``."""
        if not play.stop(tx, self.partner):
            raise NoSandbox(f"{self.partner} has no sandbox; start it with scamfeed sandbox start")

    def entries(self, result: None) -> Iterable[TrailEntry]:
        """Return the entry with the partner."""
        return [TrailEntry(self.verb, self.what, partner=self.partner)]
