"""Make collections, and set what they require of new readers."""

from collections.abc import Iterable
from typing import ClassVar

from pydantic import Field

from server.operations.operation import Actor, Operation, TrailEntry
from server.operations.rights import ADMINS, COMMANDS
from server.release.hub import Hub
from server.release.route.policy import shared_alias
from server.store import collections
from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.sandbox import certificates

_LONGEST_TITLE = 200


class AddCollection(Operation[list[Collection]]):
    """Make a collection that policy rules fill, with its full variant; or an exchange, which its members write."""

    name: ClassVar[str] = "collection add"
    rights: ClassVar[frozenset[str]] = ADMINS
    verb: ClassVar[str] = "ADD"
    what: ClassVar[str] = "collection"

    alias: str = Field(description="a short name for URLs: lower-case letters, digits and hyphens")
    title: str = Field(description="the title that readers see; unique in this hub")
    is_exchange: bool = Field(False, description="its members read and write it directly")
    needs_certificate: bool = Field(False, description="new readers need a client that passed its sandbox")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> list[Collection]:
        """Make the collection. Raises ``ValueError`` if alias or title is not allowed."""
        shared_alias(self.alias)
        if not self.title or len(self.title) > _LONGEST_TITLE or not self.title.isprintable():
            raise ValueError(f"a title has 1 to {_LONGEST_TITLE} letters, digits and spaces")
        if self.is_exchange:
            made = [collections.add(tx, self.alias, self.title, kind="exchange")]
        else:
            made = [*collections.add_released(tx, self.alias, self.title)]
        for collection in made if self.needs_certificate else ():
            certificates.require(tx, collection.number, required=True)
        return made

    def entries(self, result: list[Collection]) -> Iterable[TrailEntry]:
        """Return the entry with the id of the collection."""
        return [TrailEntry(self.verb, self.what, collection=result[0].id, reference=result[0].id)]


class SetCollection(Operation[Collection]):
    """Set whether new readers of a collection need a client that passed its sandbox."""

    name: ClassVar[str] = "collection set"
    rights: ClassVar[frozenset[str]] = COMMANDS
    verb: ClassVar[str] = "SET"
    what: ClassVar[str] = "collection"

    collection: str = Field(description="the alias or id of the collection; its full variant is set separately")
    needs_certificate: bool = Field(description="whether new readers need it; existing readers keep their access")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Collection:
        """Set the requirement. Raises ``UnknownCollection``."""
        found = collections.get(tx, self.collection)
        certificates.require(tx, found.number, required=self.needs_certificate)
        return found

    def entries(self, result: Collection) -> Iterable[TrailEntry]:
        """Return the entry with the id of the collection."""
        return [TrailEntry(self.verb, self.what, collection=result.id, reference=result.id)]
