"""Add and remove entries of the allowlist, and replace lists."""

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from server.operations.operation import Actor, ExternalAct, Operation, TrailEntry
from server.operations.rights import ANALYSTS, APPROVERS, COMMANDS
from server.release.guard.allowlists import entered, folder
from server.release.guard.allowlists.folder import StoredList
from server.release.hub import Hub
from server.store.allowlist import entries
from server.store.allowlist.entries import AllowlistEntry, UnknownEntry
from server.store.database.engine import Tx


class AddAllowlistEntry(Operation[AllowlistEntry]):
    """Add a value as harmless, in place of an earlier entry; existing listings stay."""

    name: ClassVar[str] = "allowlist add"
    rights: ClassVar[frozenset[str]] = ANALYSTS
    verb: ClassVar[str] = "ADD"
    what: ClassVar[str] = "allowlist"
    texts: ClassVar[tuple[str, ...]] = ("reason",)

    value: str = Field(description="the value, with or without its kind in front")
    reason: str = Field(description="why it is harmless; never a person's name or number")
    days: int | None = Field(None, description="the days after which the entry ends; without it, the entry has no end")
    below: bool = Field(False, description="of a domain: also every host below it, and their pages")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> AllowlistEntry:
        """Store the entry. Raises ``BadEntry`` and ``TooManyEntries``."""
        entry = entered.entry_of(self.value, self.reason, actor.name, days=self.days, below=self.below)
        entries.put(tx, entry)
        return entry


class RemoveAllowlistEntry(Operation[AllowlistEntry]):
    """Remove an entry of the allowlist: later reports of its value pass."""

    name: ClassVar[str] = "allowlist remove"
    rights: ClassVar[frozenset[str]] = APPROVERS
    verb: ClassVar[str] = "REMOVE"
    what: ClassVar[str] = "allowlist"

    subject: str = Field(description="the value, with its kind in front")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> AllowlistEntry:
        """Remove the entry, and return it. Raises ``UnknownEntry``."""
        found = entries.find(tx, self.subject)
        if not entries.remove(tx, self.subject):
            raise UnknownEntry("the allowlist has no such entry")
        return found


class UpdateList(ExternalAct):
    """Replace a list by a newer version; running servers use it within seconds."""

    name: ClassVar[str] = "lists update"
    rights: ClassVar[frozenset[str]] = COMMANDS
    verb: ClassVar[str] = "UPDATE"
    what: ClassVar[str] = "allowlist"

    folder: Path = Field(description="the folder of updated lists")
    content: StoredList = Field(description="the list with its new entries")

    def entries(self, result: None) -> Iterable[TrailEntry]:
        """Return the entry with the name of the list."""
        return [TrailEntry(self.verb, self.what, reference=self.content.allowlist.name)]

    def finish(self, hub: Hub) -> None:
        """Write the file."""
        folder.save(self.folder, self.content)
