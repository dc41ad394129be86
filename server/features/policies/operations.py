"""Propose another release policy, and apply the policy in force to all values."""

from collections.abc import Iterable, Sequence
from typing import ClassVar, Self

from pydantic import Field

from server.features.policies import change
from server.operations import dual_control
from server.operations.dual_control import DualControlAction
from server.operations.operation import Actor, ExternalAct, Operation, TrailEntry
from server.operations.rights import ANALYSTS, COMMANDS
from server.release.hub import Hub
from server.store.database.engine import Tx
from server.store.proposals.proposals import Effect, Proposal


class ProposePolicy(Operation[Proposal]):
    """Propose other release rules: a second person reads the effects and confirms them."""

    name: ClassVar[str] = "policy propose"
    rights: ClassVar[frozenset[str]] = ANALYSTS
    verb: ClassVar[str] = "PROPOSE"
    what: ClassVar[str] = "proposal"
    texts: ClassVar[tuple[str, ...]] = ("note",)
    dual_control: ClassVar[str] = "always, also where no operator has an account"
    actions: ClassVar[tuple[DualControlAction, ...]] = (change.ACTION,)

    rules: str = Field(description="the rules, as TOML")
    note: str = Field("", description="the reason, for the second person and for the history")
    trial: Sequence[Effect] = Field((), description="the effects of the rules on the latest reports")

    @classmethod
    def tried(cls, hub: Hub, rules: str, note: str) -> Self:
        """Return the operation with a trial of its rules, which only reads. Raises ``BadPolicy``."""
        return cls(rules=rules, note=note, trial=change.trial(hub, change.arguments(rules, note)))

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Proposal:
        """Propose the rules. Raises ``BadPolicy``, ``NotAllowed`` and ``TooManyOpen``."""
        given = change.arguments(self.rules, self.note)
        return dual_control.propose(hub, tx, change.ACTION, given, actor.name, self.note or None, shown=self.trial)

    def entries(self, result: Proposal) -> Iterable[TrailEntry]:
        """Return none: every proposal has its own entry."""
        return ()


class ApplyPolicy(ExternalAct):
    """Apply the release rules in force to all values, batch by batch."""

    name: ClassVar[str] = "policy apply"
    rights: ClassVar[frozenset[str]] = COMMANDS
    verb: ClassVar[str] = "APPLY"
    what: ClassVar[str] = "policy"
