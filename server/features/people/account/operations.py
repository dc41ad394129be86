"""Change the own account: its password, second factor and passkeys, and the end of its sessions.

Each operation concerns the actor's own account; a parameter cannot name another one.
"""

from collections.abc import Iterable
from typing import ClassVar, NamedTuple

from pydantic import Field

from server.operations.operation import Actor, Operation, TrailEntry
from server.operations.rights import EVERY_USER
from server.release.hub import Hub
from server.store.database.engine import Tx
from server.store.operators import passkeys, sessions, users
from server.store.operators.users import LinkOver, User


class ChangedAccount(NamedTuple):
    """The user, and the number of changed objects."""

    user: User
    changed: int = 1


class _OwnAccount(Operation[ChangedAccount]):
    """The part that all these operations share."""

    rights: ClassVar[frozenset[str]] = EVERY_USER

    def entries(self, result: ChangedAccount) -> Iterable[TrailEntry]:
        """Return the entry with the id of the user."""
        if not result.changed:
            return ()
        own = result.user
        return [TrailEntry(self.verb, self.what, partner=own.partner, reference=own.id, objects=result.changed)]


class SetOwnPassword(_OwnAccount):
    """Set the own password by a one-time link, which is then used up."""

    name: ClassVar[str] = "own password set"
    verb: ClassVar[str] = "SET"
    what: ClassVar[str] = "password"

    link: str = Field(description="the secret of the link", repr=False)
    password: str = Field(description="the new password", repr=False)

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> ChangedAccount:
        """Set the password. Raises ``LinkOver``, also for another user's link."""
        own = users.set_password(tx, self.link, self.password)
        if own.name != actor.name:
            raise LinkOver
        return ChangedAccount(own)


class SetOwnSecondFactor(_OwnAccount):
    """Set the own second factor, which a code has proven."""

    name: ClassVar[str] = "own second-factor set"
    verb: ClassVar[str] = "SET"
    what: ClassVar[str] = "second-factor"

    encrypted: bytes = Field(description="the encrypted secret of the codes", repr=False)
    step: int = Field(description="the time step of the code that proved it")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> ChangedAccount:
        """Store the second factor."""
        own = users.get(tx, actor.name)
        users.set_totp(tx, own.id, self.encrypted, self.step)
        return ChangedAccount(own)


class AddOwnPasskey(_OwnAccount):
    """Add a passkey of one's own."""

    name: ClassVar[str] = "own passkey add"
    verb: ClassVar[str] = "SET"
    what: ClassVar[str] = "passkey"

    id: bytes = Field(description="the id of the passkey")
    label: str = Field(description="the name that the person gave it")
    public_key: bytes = Field(description="its public key, which has signed the challenge")
    signatures: int = Field(0, description="the number of signatures that it counts")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> ChangedAccount:
        """Add the passkey. Raises ``PasskeyRefused``."""
        own = users.get(tx, actor.name)
        passkeys.add(tx, self.id, own.id, self.label, self.public_key, self.signatures)
        return ChangedAccount(own)


class RemoveOwnPasskey(_OwnAccount):
    """Remove a passkey of one's own."""

    name: ClassVar[str] = "own passkey remove"
    verb: ClassVar[str] = "REMOVE"
    what: ClassVar[str] = "passkey"

    id: bytes = Field(description="the id of the passkey")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> ChangedAccount:
        """Remove the passkey, if the person has it."""
        own = users.get(tx, actor.name)
        return ChangedAccount(own, int(passkeys.remove(tx, own.id, self.id)))


class EndOwnSessions(_OwnAccount):
    """End one of the own sessions, or all but the present one."""

    name: ClassVar[str] = "own sessions end"
    verb: ClassVar[str] = "END"
    what: ClassVar[str] = "session"

    present: bytes = Field(description="the hash of the present session", repr=False)
    ended: bytes = Field(b"", description="the hash of the session that ends; empty: all others end", repr=False)

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> ChangedAccount:
        """End the sessions."""
        own = users.get(tx, actor.name)
        if self.ended:
            return ChangedAccount(own, sessions.end_of_user(tx, own.id, self.ended))
        return ChangedAccount(own, sessions.end_others(tx, own.id, self.present))
