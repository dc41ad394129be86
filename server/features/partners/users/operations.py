"""Add the users of a partner, change their roles, issue their one-time links, and remove them."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from pydantic import Field

from schemas.partner import Partner
from server.features.partners.access import changes as partner_access
from server.features.partners.issue import IssueAccess
from server.features.partners.users import changes as users
from server.operations.operation import Actor, Operation, Proposed, TrailEntry
from server.operations.rights import ADMINS
from server.release.hub import Hub
from server.store.database.engine import Tx
from server.store.operators.users import PartnerRole, User


class AddPartnerUser(IssueAccess[str]):
    """Add a user of a partner; the result is the secret of the one-time link that sets the password."""

    name: ClassVar[str] = "partner user add"
    verb: ClassVar[str] = "ADD"
    what: ClassVar[str] = "user"

    user: str = Field(description="the name of the person")
    role: PartnerRole = Field(description="the role of the user")

    def arguments(self, partner: Partner) -> Mapping[str, Any]:
        """Return the arguments of the proposal. Raises ``BadName``."""
        return partner_access.for_user(partner, self.user, self.role)

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> str:
        """Add the user. Raises ``UnknownPartner``, ``BadName`` and ``NameInUse``."""
        return users.add(tx, self.find(tx), self.user, self.role, actor.name)


class ChangePartnerUserRole(IssueAccess[User]):
    """Change the role of a partner's user, from the next request on; open proposals of a reader become void."""

    name: ClassVar[str] = "partner user role"
    verb: ClassVar[str] = "CHANGE"
    what: ClassVar[str] = "user"
    dual_control: ClassVar[str] = f"for a role with more rights, {IssueAccess.dual_control}"

    user: str = Field(description="the name of the person")
    role: PartnerRole = Field(description="the new role")

    def arguments(self, partner: Partner) -> Mapping[str, Any]:
        """Return the arguments of the proposal."""
        return partner_access.for_role(partner, self.user, self.role)

    def second_person(self, hub: Hub, tx: Tx, actor: Actor) -> Proposed | None:
        """Ask a second person for more rights at a partner with powers. Raises ``UnknownUser`` and ``SameRole``."""
        found = users.find(tx, self.find(tx), self.user)
        users.refuse_same(found, self.role)
        roles = [str(role) for role in PartnerRole]
        is_lower = roles.index(self.role) < roles.index(found.role)
        return None if is_lower else super().second_person(hub, tx, actor)

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> User:
        """Change the role. Raises ``UnknownPartner``, ``UnknownUser`` and ``SameRole``."""
        return users.change_role(hub, tx, self.find(tx), self.user, self.role, actor.name)


class RenewUserLink(IssueAccess[str]):
    """Issue a new one-time link to a user of a partner; the result is its secret. The old logins end at once."""

    name: ClassVar[str] = "partner user link"
    verb: ClassVar[str] = "LINK"
    what: ClassVar[str] = "user"

    user: str = Field(description="the name of the person")

    def arguments(self, partner: Partner) -> Mapping[str, Any]:
        """Return the arguments of the proposal."""
        return partner_access.for_link(partner, self.user)

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> str:
        """Issue the link. Raises ``UnknownPartner`` and ``UnknownUser``."""
        return users.renew_link(tx, self.find(tx), self.user, actor.name)


class RemovePartnerUser(Operation[User]):
    """Remove a user of a partner; the logins end at once, and the user's open proposals become void."""

    name: ClassVar[str] = "partner user remove"
    rights: ClassVar[frozenset[str]] = ADMINS
    verb: ClassVar[str] = "REMOVE"
    what: ClassVar[str] = "user"

    partner: Partner = Field(description="the partner, also one that has left")
    user: str = Field(description="the name of the person")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> User:
        """Remove the user. Raises ``UnknownUser``."""
        return users.remove(hub, tx, self.partner, self.user, actor.name)

    def entries(self, result: User) -> Iterable[TrailEntry]:
        """Return the entry with the id of the user."""
        return [TrailEntry(self.verb, self.what, partner=result.partner, reference=result.id)]
