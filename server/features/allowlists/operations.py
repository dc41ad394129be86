"""Add and remove entries of the allowlist, and replace lists."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from server.features.allowlists import entering
from server.features.reports.delistings import readership
from server.operations.dual_control import DualControlAction
from server.operations.operation import Actor, DualControlOperation, ExternalAct, Operation, Proposed, TrailEntry
from server.operations.patience import write_patiently
from server.operations.rights import ANALYSTS, APPROVERS, COMMANDS
from server.release.gate import rechecking
from server.release.guard.allowlists import entered, folder
from server.release.guard.allowlists.folder import StoredList
from server.release.guard.allowlists.lookup import Allowlists
from server.release.hub import Hub
from server.store.allowlist import entries
from server.store.allowlist.entries import AllowlistEntry, UnknownEntry
from server.store.database.engine import Tx


class AddAllowlistEntry(DualControlOperation[AllowlistEntry]):
    """Add a value as harmless, in place of an earlier entry: it is delisted, and its reports wait for a review."""

    name: ClassVar[str] = "allowlist add"
    rights: ClassVar[frozenset[str]] = ANALYSTS
    verb: ClassVar[str] = "ADD"
    what: ClassVar[str] = "allowlist"
    texts: ClassVar[tuple[str, ...]] = ("reason",)
    dual_control: ClassVar[str] = (
        "for every host below a domain, and for a value that is listed in public or that more partners read than the "
        "setting two_persons_readers allows"
    )
    actions: ClassVar[tuple[DualControlAction, ...]] = (entering.ENTER,)

    value: str = Field(description="the value, with or without its kind in front")
    reason: str = Field(description="why it is harmless; never a person's name or number")
    days: int | None = Field(None, description="the days after which the entry ends; without it, the entry has no end")
    below: bool = Field(False, description="of a domain: also every host below it, and their pages")

    def second_person(self, hub: Hub, tx: Tx, actor: Actor) -> Proposed | None:
        """Ask a second person where the entry may delist what many partners read. Raises ``BadEntry``."""
        entry = self._entry(actor)
        if not self.below and not readership(tx, [entry.subject]).is_more_than(hub.most_readers_by_one):
            return None
        return Proposed(entering.ENTER, {**self.model_dump(), "by": actor.name}, self.reason)

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> AllowlistEntry:
        """Store the entry, and delist its value. Raises ``BadEntry`` and ``TooManyEntries``."""
        return entering.enter(hub, tx, self._entry(actor))

    def finish(self, hub: Hub) -> None:
        """Delist the values at hosts below a domain."""
        if self.below:
            rechecking.run(hub)

    def _entry(self, actor: Actor) -> AllowlistEntry:
        return entered.entry_of(self.value, self.reason, actor.name, days=self.days, below=self.below)


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
    """Replace a list by a newer version; running servers use it within seconds, and delist its values."""

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
        """Write the file, and delist the values that it has now."""
        folder.save(self.folder, self.content)
        updated = replace(hub, allowlists=Allowlists(self.folder))
        write_patiently(hub.store, rechecking.begin)
        rechecking.run(updated)
