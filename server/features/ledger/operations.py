"""Change witnesses and the hubs that this one is a witness for, seal the ledger, and rotate its key."""

from collections.abc import Iterable
from typing import ClassVar

from pydantic import Field

from schemas.tlog.notes import SignerKey, VerifierKey
from server.features.federation import own_state
from server.features.ledger import keys
from server.features.ledger.keys import LedgerKeys, NewLedgerKey
from server.operations.operation import Actor, ExternalAct, Operation, TrailEntry
from server.operations.rights import COMMANDS
from server.release.hub import Hub
from server.store.database.engine import Tx
from server.store.ledger import witnesses
from server.store.ledger.witnesses import OtherHub, Witness


class AddWitness(Operation[None]):
    """Let a witness cosign this hub's ledger."""

    name: ClassVar[str] = "witness add"
    rights: ClassVar[frozenset[str]] = COMMANDS
    verb: ClassVar[str] = "ADD"
    what: ClassVar[str] = "witness"

    witness: str = Field(description="the name of the witness")
    key: VerifierKey = Field(description="its public key for cosignatures")
    url: str | None = Field(description="the address where the hub asks it; none: it asks the hub")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> None:
        """Register the witness. Raises ``WitnessExists``."""
        witnesses.add(tx, Witness(self.witness, self.key, self.url))


class RemoveWitness(Operation[None]):
    """Stop a witness from cosigning this hub's ledger; its cosignatures stay."""

    name: ClassVar[str] = "witness remove"
    rights: ClassVar[frozenset[str]] = COMMANDS
    verb: ClassVar[str] = "REMOVE"
    what: ClassVar[str] = "witness"

    witness: str = Field(description="the name of the witness")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> None:
        """Remove the witness. Raises ``UnknownWitness``."""
        witnesses.remove(tx, self.witness)


class TrustHub(Operation[None]):
    """Be a witness for another hub."""

    name: ClassVar[str] = "witness trust"
    rights: ClassVar[frozenset[str]] = COMMANDS
    verb: ClassVar[str] = "TRUST"
    what: ClassVar[str] = "witness"

    hub: str = Field(description="the name of the other hub")
    key: VerifierKey = Field(description="the public key of its logs")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> None:
        """Register the other hub. Raises ``WitnessExists``."""
        witnesses.trust(tx, OtherHub(self.hub, self.key))


class DistrustHub(Operation[None]):
    """Stop being a witness for another hub, and forget its logs."""

    name: ClassVar[str] = "witness distrust"
    rights: ClassVar[frozenset[str]] = COMMANDS
    verb: ClassVar[str] = "DISTRUST"
    what: ClassVar[str] = "witness"

    hub: str = Field(description="the name of the other hub")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> None:
        """Remove the other hub. Raises ``UnknownWitness``."""
        witnesses.distrust(tx, self.hub)


class SealLedger(ExternalAct):
    """Seal published objects at once."""

    name: ClassVar[str] = "log seal"
    rights: ClassVar[frozenset[str]] = COMMANDS
    verb: ClassVar[str] = "SEAL"
    what: ClassVar[str] = "ledger"


class ExportProof(ExternalAct):
    """Export a published object with the proof that its log has it."""

    name: ClassVar[str] = "evidence object"
    rights: ClassVar[frozenset[str]] = COMMANDS
    verb: ClassVar[str] = "EXPORT"
    what: ClassVar[str] = "object"

    id: str = Field(description="the id of the object")

    def entries(self, result: None) -> Iterable[TrailEntry]:
        """Return the entry with the id of the object."""
        return [TrailEntry(self.verb, self.what, reference=self.id)]


class RotateLedgerKey(Operation[LedgerKeys]):
    """Sign the logs with a new key; the old one signs too until readers know the new one."""

    name: ClassVar[str] = "log rotate"
    rights: ClassVar[frozenset[str]] = COMMANDS
    verb: ClassVar[str] = "ROTATE"
    what: ClassVar[str] = "ledger-key"

    new: NewLedgerKey = Field(repr=False, description="the new key, which is in the key file already")
    overlap: int = Field(description="the time for which the old key signs too, in microseconds")
    recovery: SignerKey | None = Field(None, repr=False, description="the recovery key, by which peers accept the new")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> LedgerKeys:
        """Register the new key, sign the newest checkpoint of each log with both, and announce it to peers.

        Raises ``BadSigningKey``.
        """
        after = keys.rotate(tx, self.new, self.overlap)
        own_state.announce_rotation(tx, self.new.before, self.new.key, self.recovery)
        return after


class PublishRecoveryKey(Operation[None]):
    """Publish the recovery key in the heads of hub reports, so that peers accept a new key that it signs."""

    name: ClassVar[str] = "log recovery-key"
    rights: ClassVar[frozenset[str]] = COMMANDS
    verb: ClassVar[str] = "PUBLISH"
    what: ClassVar[str] = "recovery-key"

    key: VerifierKey = Field(description="the public key for recovery")
    signing: VerifierKey = Field(description="the public key of the logs")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> None:
        """Publish the key in the next heads."""
        own_state.announce_recovery_key(tx, self.key, self.signing)
