"""Propose the erasure of a value, and finish erasures that have begun."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from pydantic import Field

from server.features.erasures import action, job
from server.operations import dual_control
from server.operations.dual_control import DualControlAction
from server.operations.operation import Actor, Operation, TrailEntry
from server.operations.rights import ANALYSTS, COMMANDS
from server.release.hub import Hub
from server.store import erased
from server.store.database.engine import Tx
from server.store.proposals.proposals import Proposal


class ProposeErasure(Operation[Proposal]):
    """Propose to erase every trace of a value; nothing restores it."""

    name: ClassVar[str] = "erase"
    rights: ClassVar[frozenset[str]] = ANALYSTS
    verb: ClassVar[str] = "PROPOSE"
    what: ClassVar[str] = "proposal"
    texts: ClassVar[tuple[str, ...]] = ("reason",)
    dual_control: ClassVar[str] = "always, also where no operator has an account"
    actions: ClassVar[tuple[DualControlAction, ...]] = (action.ACTION,)

    value: str = Field(description="the value, in any spelling")
    kind: str | None = Field(None, description="the kind of the value, where the text may mean several")
    reason: str = Field(description="the reason, which is stored: without the value, and without any name")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Proposal:
        """Propose the erasure. Raises ``BadReason``, ``NothingKnown``, ``Rejected`` and ``TooManyOpen``."""
        arguments = action.arguments(tx, self.value, self.kind, self.reason)
        return dual_control.propose(hub, tx, action.ACTION, arguments, actor.name)

    def entries(self, result: Proposal) -> Iterable[TrailEntry]:
        """Return none: every proposal has its own entry."""
        return ()


class FinishErasures(Operation[Sequence[str]]):
    """Finish the erasures that have begun; the workers of the server do it too."""

    name: ClassVar[str] = "erasure finish"
    rights: ClassVar[frozenset[str]] = COMMANDS
    verb: ClassVar[str] = "FINISH"
    what: ClassVar[str] = "erasure"

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Sequence[str]:
        """Return the ids of the erasures that have not ended."""
        return [record.id for record in erased.all_erasures(tx, only_open=True)]

    def finish(self, hub: Hub) -> None:
        """Erase what is left, and rewrite the files. Raises ``StoreUnavailable``."""
        action.finish(hub)
        job.rewrite_files(hub.store)
