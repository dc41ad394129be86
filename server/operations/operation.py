"""The shape of an operation: its parameters, the right it needs, its effect, and its entry in the audit trail."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeVar

from pydantic import BaseModel, ConfigDict

from schemas.partner import Partner
from server.operations.dual_control import DualControlAction
from server.operations.rights import APPROVERS, PROGRAM, SYSTEM, VISITOR, right_of
from server.release.guard.ends import Sender
from server.release.hub import Hub
from server.store import audit
from server.store.database.engine import Tx
from server.store.operators import users
from server.store.operators.users import User
from server.store.proposals.proposals import Effect

Result = TypeVar("Result")


class Actor(NamedTuple):
    """Somebody who runs an operation: the name in the audit trail, the right, and the partner of a partner's user."""

    name: str
    right: str
    partner: str | None = None

    @classmethod
    def system(cls, name: str) -> Self:
        """Return the person at the command line of the hub's own machine, who has every right."""
        return cls(name, SYSTEM)

    @classmethod
    def person(cls, user: User) -> Self:
        """Return a user of the pages, with all factors proven."""
        return cls(user.name, right_of(user), user.partner)

    @classmethod
    def program(cls, partner: Partner, remote: str) -> Self:
        """Return a partner's program that proved its credentials, by the address that it connects from.

        A connection without an address, as one over a Unix socket, is named by the partner.
        """
        return cls(remote or partner.name, PROGRAM, partner.name)

    @classmethod
    def anybody(cls) -> Self:
        """Return a visitor of whom nothing is known; the audit trail has no name of the person and no address."""
        return cls(audit.VISITOR, VISITOR)

    def needs_second_person(self, tx: Tx) -> bool:
        """Return whether dual control applies: at the command line, once two operators can confirm proposals."""
        if self.right != SYSTEM:
            return True
        operators = [user for user in users.all_users(tx) if user.partner is None]
        return sum(right_of(user) in APPROVERS for user in operators) > 1

    @property
    def sender(self) -> Sender:
        """The sender of the actor's contributions: a partner's user by name, so that another one can confirm them."""
        is_partners_user = self.partner is not None and self.right != PROGRAM
        return Sender(self.name if is_partners_user else "", actor=self.name)


class TrailEntry(NamedTuple):
    """An entry of the audit trail; ``reference`` names the object of the act by an id, never by a value.

    Entries about objects of a collection are in the collection's own ``chain``, named by its id.
    """

    verb: str
    what: str
    partner: str | None = None
    collection: str | None = None
    reference: str | None = None
    objects: int = 1
    status: int = 200
    chain: str = audit.REQUESTS


class Proposed(NamedTuple):
    """An act that needs a second person: the arguments of its proposal, and further lines shown to the first person.

    ``now`` is the part that one person may do. It is applied before the rest is proposed, without ``finish``.
    """

    action: DualControlAction
    arguments: Mapping[str, Any]
    note: str | None = None
    shown: Sequence[Effect] = ()
    now: "Act[Any] | None" = None


class Act(BaseModel, Generic[Result]):
    """The part that all operations share. The fields of a subclass are the parameters of the act.

    Derive from ``Operation``, or from ``DualControlOperation`` where a second person may have to confirm the act.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    # The words of the command, which also name the operation in docs/operations.md: "objection decide".
    name: ClassVar[str]
    # The rights that may run it; the command line may run every operation.
    rights: ClassVar[frozenset[str]]
    # The verb and the object in the audit trail.
    verb: ClassVar[str]
    what: ClassVar[str]
    # When a second person has to confirm it, in words for docs/operations.md; empty: never.
    dual_control: ClassVar[str] = ""
    # The fields with free text that others read or the hub keeps: personal data in them is refused.
    texts: ClassVar[tuple[str, ...]] = ()
    # The actions that it may propose; nobody can confirm another one.
    actions: ClassVar[tuple[DualControlAction, ...]] = ()

    @abstractmethod
    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Result:
        """Do the act in the transaction, and return the result.

        It locks what it reads, and does no I/O outside the store. It runs again from the start where other writers hold
        what it needs, so it changes nothing outside the transaction. It raises ``Rejected``, ``LookupError`` or
        ``ValueError`` with a message for people where the act is not possible.
        """

    def acts_for(self) -> str | None:
        """Return the name of the partner in whose name the act is done; None for the hub itself."""
        return None

    def entries(self, result: Result) -> Iterable[TrailEntry]:
        """Return the entries of the audit trail; none where nothing was changed."""
        return [TrailEntry(self.verb, self.what)]

    def finish(self, hub: Hub) -> None:
        """Do the work that is left after the commit, in transactions of its own."""
        del hub


class Operation(Act[Result]):
    """An act that one person may always do, or that makes the proposals of its parts itself.

    A bulk decision does the second: it decides what one person may decide, and proposes the rest.
    """


class ExternalAct(Operation[None]):
    """An act that works outside the store, or in transactions of its own; only its entry is written here."""

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> None:
        """Change nothing in this transaction."""


class DualControlOperation(Act[Result]):
    """An act that needs a second person in some cases."""

    @abstractmethod
    def second_person(self, hub: Hub, tx: Tx, actor: Actor) -> Proposed | None:
        """Return the proposal where a second person has to confirm the act, None where one person may do it."""
