"""Add, change and remove operators."""

from collections.abc import Iterable, Mapping
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field

from schemas.text import plain_address
from server.features.partners.users.changes import person_name
from server.features.people import admins
from server.features.people.admins import MadeAdmin
from server.operations import dual_control
from server.operations.dual_control import DualControlAction
from server.operations.operation import Actor, DualControlOperation, Operation, Proposed, TrailEntry
from server.operations.rights import ADMINS, SYSTEM
from server.release.hub import Hub
from server.store.database.engine import Tx
from server.store.operators import users
from server.store.operators.users import OperatorRole, UnknownUser, User

_NAME = Field(description="the operator's name")
_ADDRESS = "e-mail address: two accounts with the same address count as one person"
# Only MakeAdmin makes an administrator.
Role = Literal[OperatorRole.VIEWER, OperatorRole.ANALYST, OperatorRole.APPROVER]


class NoAddress(ValueError):
    """The text is no e-mail address."""


class NotAlone(ValueError):
    """A person may not do this alone, or not to the own account; ``reason`` is a stable code."""

    def __init__(self, reason: str, message: str) -> None:
        """Refuse it for ``reason``."""
        super().__init__(message)
        self.reason = reason


class IssuedLink(NamedTuple):
    """The id of a user, and the secret of the link that sets the password."""

    user: str
    secret: str


class AddOperator(Operation[IssuedLink]):
    """Add an operator who is no administrator, with a link that sets the password once."""

    name: ClassVar[str] = "operator add"
    rights: ClassVar[frozenset[str]] = ADMINS
    verb: ClassVar[str] = "ADD"
    what: ClassVar[str] = "user"

    operator: str = _NAME
    role: Role = Field(description="the role")
    email: str | None = Field(None, description=_ADDRESS)

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> IssuedLink:
        """Add the operator. Raises ``BadName``, ``NoAddress``, ``NameInUse`` and ``NotAlone``."""
        _refuse_alone(actor, str(self.role))
        name = person_name(self.operator)
        secret = users.add(tx, name, self.role, actor.name, email=_address(self.email))
        return IssuedLink(users.get(tx, name).id, secret)

    def entries(self, result: IssuedLink) -> Iterable[TrailEntry]:
        """Return the entry with the id of the user."""
        return [TrailEntry(self.verb, self.what, reference=result.user)]


class MakeAdmin(DualControlOperation[MadeAdmin]):
    """Add an administrator or an approver, or make an operator one."""

    name: ClassVar[str] = "operator make-admin"
    rights: ClassVar[frozenset[str]] = ADMINS
    verb: ClassVar[str] = "CHANGE"
    what: ClassVar[str] = "user"
    dual_control: ClassVar[str] = "always"
    actions: ClassVar[tuple[DualControlAction, ...]] = (admins.MAKE_ADMIN,)

    operator: str = _NAME
    email: str | None = Field(None, description=f"{_ADDRESS}; only for a new operator")
    role: Literal[OperatorRole.APPROVER, OperatorRole.ADMIN] = Field(OperatorRole.ADMIN, description="the role")

    def second_person(self, hub: Hub, tx: Tx, actor: Actor) -> Proposed | None:
        """Ask a second person for every administrator. Raises ``BadName`` and ``NoAddress``."""
        return Proposed(admins.MAKE_ADMIN, self._arguments())

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> MadeAdmin:
        """Make the administrator. Raises ``BadName``, ``NoAddress`` and ``NameInUse``."""
        return admins.make_admin(tx, self._arguments(), actor.name, shown_to=actor.name)

    def _arguments(self) -> Mapping[str, str]:
        return admins.arguments(self.operator, _address(self.email), self.role)

    def entries(self, result: MadeAdmin) -> Iterable[TrailEntry]:
        """Return the entry of the added or changed user."""
        return [TrailEntry(result.verb, self.what, reference=result.user)]


class RenewOperatorLink(Operation[IssuedLink]):
    """Issue a new link for an operator; the password, the second factor and all sessions end at once."""

    name: ClassVar[str] = "operator link"
    rights: ClassVar[frozenset[str]] = ADMINS
    verb: ClassVar[str] = "LINK"
    what: ClassVar[str] = "user"

    operator: str = _NAME

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> IssuedLink:
        """Issue the link. Raises ``UnknownUser`` and ``NotAlone``."""
        found = find_operator(tx, self.operator)
        _refuse_alone(actor, found.role)
        return IssuedLink(found.id, users.renew_link(tx, found.name, actor.name))

    def entries(self, result: IssuedLink) -> Iterable[TrailEntry]:
        """Return the entry with the id of the user."""
        return [TrailEntry(self.verb, self.what, reference=result.user)]


class ChangeOperatorRole(Operation[User]):
    """Change an operator's role, from the next request on; open proposals of a viewer become void."""

    name: ClassVar[str] = "operator role"
    rights: ClassVar[frozenset[str]] = ADMINS
    verb: ClassVar[str] = "CHANGE"
    what: ClassVar[str] = "user"

    operator: str = _NAME
    role: Role = Field(description="the new role")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> User:
        """Change the role. Raises ``UnknownUser`` and ``NotAlone``."""
        found = find_operator(tx, self.operator)
        _refuse_own(actor, found)
        if found.role != OperatorRole.ADMIN:
            _refuse_alone(actor, str(self.role))
        users.change_role(tx, found.name, self.role)
        if self.role is OperatorRole.VIEWER:
            dual_control.void_of_user(hub, tx, found, actor.name)
        return found

    def entries(self, result: User) -> Iterable[TrailEntry]:
        """Return the entry with the id of the user."""
        return [TrailEntry(self.verb, self.what, reference=result.id)]


class SetOperatorAddress(Operation[User]):
    """Set or remove an operator's e-mail address: two accounts with the same address count as one person."""

    name: ClassVar[str] = "operator email"
    rights: ClassVar[frozenset[str]] = ADMINS
    verb: ClassVar[str] = "CHANGE"
    what: ClassVar[str] = "user"

    operator: str = _NAME
    email: str | None = Field(None, description="the e-mail address; without it, the address is removed")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> User:
        """Set the address. Raises ``UnknownUser`` and ``NoAddress``."""
        found = find_operator(tx, self.operator)
        users.set_email(tx, found.name, _address(self.email))
        return found

    def entries(self, result: User) -> Iterable[TrailEntry]:
        """Return the entry with the id of the user."""
        return [TrailEntry(self.verb, self.what, reference=result.id)]


class RemoveOperator(Operation[User]):
    """Remove an operator; all sessions end at once, and open proposals become void."""

    name: ClassVar[str] = "operator remove"
    rights: ClassVar[frozenset[str]] = ADMINS
    verb: ClassVar[str] = "REMOVE"
    what: ClassVar[str] = "user"

    operator: str = _NAME

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> User:
        """Remove the operator. Raises ``UnknownUser`` and ``NotAlone``."""
        found = find_operator(tx, self.operator)
        _refuse_own(actor, found)
        dual_control.void_of_user(hub, tx, found, actor.name)
        users.remove(tx, found.name)
        return found

    def entries(self, result: User) -> Iterable[TrailEntry]:
        """Return the entry with the id of the user."""
        return [TrailEntry(self.verb, self.what, reference=result.id)]


def find_operator(tx: Tx, name: str) -> User:
    """Return the operator of this name. Raises ``UnknownUser``, also for a user of a partner."""
    found = users.get(tx, name)
    if found.partner is not None:
        raise UnknownUser(f"{name} is a user of {found.partner}: scamfeed partner user")
    return found


def _refuse_alone(actor: Actor, role: str) -> None:
    """Let no administrator get an account that confirms proposals without a second person. Raises ``NotAlone``.

    At the command line of the hub's machine a lost account is replaced.
    """
    if actor.right != SYSTEM and role in (OperatorRole.APPROVER, OperatorRole.ADMIN):
        raise NotAlone("operator-confirms", "an account that confirms proposals needs a second person")


def _refuse_own(actor: Actor, user: User) -> None:
    """Let nobody end the own rights by mistake. Raises ``NotAlone``."""
    if actor.right != SYSTEM and actor.name == user.name:
        raise NotAlone("operator-own", "another administrator changes or removes your account")


def _address(text: str | None) -> str | None:
    """Return an e-mail address as it is stored. Raises ``NoAddress``."""
    if text is None:
        return None
    address = plain_address(text)
    if address is None:
        raise NoAddress("this is no e-mail address")
    return address
