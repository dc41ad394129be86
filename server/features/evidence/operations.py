"""Add files of evidence, share them, send them out, and remove those that no report or case has."""

from collections.abc import Iterable
from typing import IO, ClassVar

from pydantic import Field

from schemas.tlog.signatures import SigningKeys
from server.features.evidence import desk
from server.features.evidence.desk import Access, Added, Export, Given, Measured, StoredEvidence
from server.operations.operation import Actor, ExternalAct, Operation, TrailEntry
from server.operations.rights import APPROVERS, COMMANDS, PARTNER_WRITERS, PARTNERS, PROGRAMS
from server.operations.run import run
from server.release.hub import Hub
from server.store import partners
from server.store.database.engine import Tx


class AddEvidence(Operation[Added]):
    """Add a file as evidence of a report or a case."""

    name: ClassVar[str] = "evidence add"
    rights: ClassVar[frozenset[str]] = PARTNER_WRITERS | PROGRAMS
    verb: ClassVar[str] = "ADDED"
    what: ClassVar[str] = "evidence"

    object_id: str = Field(description="the id of the report or case, as it was contributed")
    partner: str | None = Field(description="its contributor; needed if several partners have one with this id")
    file: Measured = Field(description="the hash, size and media type of the file")
    stored_limit: int | None = Field(
        description="the maximum of stored bytes of the contributor; none: the file stays with its holder"
    )

    def acts_for(self) -> str | None:
        """Return the contributor of the report or case."""
        return self.partner

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Added:
        """Link the file to the report or case. Raises ``UnknownEvidence`` and ``EvidenceRefused``."""
        key, holder = desk.object_key(tx, self.object_id, self.partner)
        return desk.add(tx, key, holder, self.file, self.stored_limit, actor.name)

    def entries(self, result: Added) -> Iterable[TrailEntry]:
        """Return an entry if the file is new there; storing and time-stamping have entries of their own."""
        if result.is_new:
            yield TrailEntry(self.verb, self.what, partner=result.file.partner, reference=result.file.sha256)


def add_file(hub: Hub, operation: AddEvidence, content: IO[bytes], place: StoredEvidence | None, actor: Actor) -> Added:
    """Add a file and store its content if there is a ``place`` for it. Raises as the operation."""
    added = run(hub, operation, actor)
    if place is not None and added.file.place is None:
        desk.keep_content(hub.store, added.file, content, place, actor.name)
    return added


class _ChangeAccess(Operation[Access]):
    """The parameters of both changes."""

    rights: ClassVar[frozenset[str]] = APPROVERS
    what: ClassVar[str] = "evidence"

    object_id: str = Field(description="the id of the report or case, as it was contributed")
    partner: str | None = Field(None, description="its contributor; needed if several partners have one with this id")
    to: str = Field(description="the partner whose access changes")

    def entries(self, result: Access) -> Iterable[TrailEntry]:
        """Return an entry for each file; one with the id of the report or case if it has no files yet."""
        if result.is_changed:
            references = [file.sha256 for file in result.files] or [self.object_id]
            yield from (
                TrailEntry(self.verb, self.what, partner=self.to, reference=reference) for reference in references
            )


class HandOverEvidence(_ChangeAccess):
    """Give a partner access to the files of a report or a case, including later ones."""

    name: ClassVar[str] = "evidence hand-over"
    verb: ClassVar[str] = "HANDED-OVER"

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Access:
        """Give access. Raises ``UnknownEvidence`` and ``UnknownPartner``."""
        member = partners.get(tx, self.to)
        key, _ = desk.object_key(tx, self.object_id, self.partner)
        return desk.hand_over(tx, key, member, actor.name)


class TakeBackEvidence(_ChangeAccess):
    """End a partner's access to the files of a report or a case; it keeps its copies."""

    name: ClassVar[str] = "evidence take-back"
    verb: ClassVar[str] = "TAKEN-BACK"

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Access:
        """End access, also of a partner that left. Raises ``UnknownEvidence``."""
        key, _ = desk.object_key(tx, self.object_id, self.partner)
        return desk.take_back(tx, key, self.to, actor.name)


class GiveEvidence(Operation[Given]):
    """Send a stored file to a partner that may have it."""

    name: ClassVar[str] = "evidence get"
    rights: ClassVar[frozenset[str]] = PARTNERS | PROGRAMS
    verb: ClassVar[str] = "GIVEN"
    what: ClassVar[str] = "evidence"

    sha256: str = Field(description="the SHA-256 of the file")
    to: str = Field(description="the partner that gets it")
    request: str | None = Field(
        None,
        description="the takedown request to that partner whose sender attached the file; without it, its own access",
    )

    def acts_for(self) -> str | None:
        """Return the partner that gets the file."""
        return self.to

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Given:
        """Return the file. Raises ``UnknownEvidence``."""
        return desk.give(tx, self.sha256, self.to, actor.name, self.request)

    def entries(self, result: Given) -> Iterable[TrailEntry]:
        """Return an entry unless the same actor got the file within the last hour."""
        return [TrailEntry(self.verb, self.what, partner=self.to, reference=self.sha256)] if result.is_noted else ()


class ExportEvidence(Operation[Export]):
    """Export the files of a report or a case as one bag for a partner that may have them."""

    name: ClassVar[str] = "evidence export"
    rights: ClassVar[frozenset[str]] = APPROVERS
    verb: ClassVar[str] = "EXPORTED"
    what: ClassVar[str] = "evidence"

    object_id: str = Field(description="the id of the report or case, as it was contributed")
    partner: str | None = Field(None, description="its contributor; needed if several partners have one with this id")
    to: str = Field(description="the partner that gets the bag")
    keys: SigningKeys = Field(repr=False, description="the keys that sign the custody")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Export:
        """Return the files and the signed custody. Raises ``LookupError`` and ``BadSigningKey``."""
        key, _ = desk.object_key(tx, self.object_id, self.partner)
        return desk.begin_export(tx, key, self.keys, partners.get(tx, self.to).name, actor.name)

    def entries(self, result: Export) -> Iterable[TrailEntry]:
        """Return an entry for each file."""
        return [TrailEntry(self.verb, self.what, partner=self.to, reference=file.sha256) for file in result.files]


class TidyEvidence(ExternalAct):
    """Remove stored files that no partner may have any longer."""

    name: ClassVar[str] = "evidence tidy"
    rights: ClassVar[frozenset[str]] = COMMANDS
    verb: ClassVar[str] = "TIDY"
    what: ClassVar[str] = "evidence"
