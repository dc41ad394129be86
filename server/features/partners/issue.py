"""The rule that operations share which issue access to a partner."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from pydantic import Field

from schemas.partner import Partner
from server.features.partners import powers
from server.features.partners.access import changes as partner_access
from server.operations.dual_control import DualControlAction
from server.operations.operation import Actor, DualControlOperation, Proposed, Result, TrailEntry
from server.operations.rights import ADMINS
from server.release.hub import Hub
from server.store import partners
from server.store.database.engine import Tx


class IssueAccess(DualControlOperation[Result]):
    """An act that lets somebody act in the name of a partner."""

    rights: ClassVar[frozenset[str]] = ADMINS
    dual_control: ClassVar[str] = "where the partner has powers, or had them within the last 30 days"
    actions: ClassVar[tuple[DualControlAction, ...]] = (partner_access.ISSUE,)

    partner: Partner = Field(description="the partner")

    @abstractmethod
    def arguments(self, partner: Partner) -> Mapping[str, Any]:
        """Return the arguments of the proposal."""

    def find(self, tx: Tx) -> Partner:
        """Return the partner as it is now. Raises ``UnknownPartner``."""
        return partners.get(tx, self.partner.name)

    def second_person(self, hub: Hub, tx: Tx, actor: Actor) -> Proposed | None:
        """Ask a second person for a partner with powers."""
        partner = self.find(tx)
        return Proposed(partner_access.ISSUE, self.arguments(partner)) if powers.takes_two(tx, partner) else None

    def entries(self, result: Result) -> Iterable[TrailEntry]:
        """Return none: the step has its own entry, also where a proposal is confirmed."""
        return ()
