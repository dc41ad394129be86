"""Confirm, reject and withdraw proposals."""

from collections.abc import Iterable
from typing import ClassVar

from pydantic import Field

from server.operations import dual_control, registry
from server.operations.dual_control import Confirmation, NotAllowed
from server.operations.operation import Actor, Operation, TrailEntry
from server.operations.rights import ADMINS, ANALYSTS, APPROVERS, SYSTEM
from server.release.hub import Hub
from server.store.database.engine import Tx
from server.store.proposals import proposals
from server.store.proposals.proposals import Proposal

_ID = Field(description="the id of the proposal")


class NeedsAdmin(NotAllowed):
    """Only an administrator may confirm the proposal."""


def rights_to_confirm(action: str) -> frozenset[str]:
    """Return the rights that may confirm proposals of an action."""
    found = registry.actions().get(action)
    return ADMINS if found is not None and found.shows_secrets else APPROVERS


class ConfirmProposal(Operation[Confirmation]):
    """Carry out another person's proposal; if it would now have other effects, it becomes void."""

    name: ClassVar[str] = "proposal confirm"
    rights: ClassVar[frozenset[str]] = APPROVERS
    verb: ClassVar[str] = "CONFIRM"
    what: ClassVar[str] = "proposal"

    id: str = _ID

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Confirmation:
        """Carry it out. Raises ``UnknownProposal``, ``NotAllowed``, and the errors of the action."""
        action = proposals.find(tx, self.id).action
        if actor.right != SYSTEM and actor.right not in rights_to_confirm(action):
            raise NeedsAdmin("only an administrator may confirm this: a link or credentials are shown then, once")
        return dual_control.confirm(hub, tx, registry.actions(), self.id, actor.name)

    def entries(self, result: Confirmation) -> Iterable[TrailEntry]:
        """Return none: the end of a proposal has its own entry, also if its proposer is removed."""
        return ()


class RejectProposal(Operation[Proposal]):
    """Reject a proposal, also one's own: it is not carried out."""

    name: ClassVar[str] = "proposal reject"
    rights: ClassVar[frozenset[str]] = ANALYSTS
    verb: ClassVar[str] = "REJECT"
    what: ClassVar[str] = "proposal"

    id: str = _ID

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Proposal:
        """Reject it. Raises ``UnknownProposal`` and ``NotAllowed``."""
        return dual_control.reject(hub, tx, self.id, actor.name)

    def entries(self, result: Proposal) -> Iterable[TrailEntry]:
        """Return none: the end of a proposal has its own entry."""
        return ()


class WithdrawProposal(Operation[Proposal]):
    """Withdraw one's own proposal: it is not carried out."""

    name: ClassVar[str] = "proposal withdraw"
    rights: ClassVar[frozenset[str]] = ANALYSTS
    verb: ClassVar[str] = "WITHDRAW"
    what: ClassVar[str] = "proposal"

    id: str = _ID

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Proposal:
        """Withdraw it. Raises ``UnknownProposal`` and ``NotAllowed``."""
        return dual_control.withdraw(hub, tx, self.id, actor.name)

    def entries(self, result: Proposal) -> Iterable[TrailEntry]:
        """Return none: the end of a proposal has its own entry."""
        return ()
