"""Delete objects from exchanges."""

from collections.abc import Iterable
from typing import ClassVar

from pydantic import Field

from schemas.partner import Partner
from server.features.exchanges import limits as exchanges
from server.operations.operation import Actor, Operation, TrailEntry
from server.operations.rights import PROGRAMS
from server.release.hub import Hub
from server.store import collections, log
from server.store.database.engine import Tx
from server.store.exchanges import makers
from server.store.objects.query import Query


class NotYours(ValueError):
    """Another member of the exchange made the object."""


class UnknownObject(LookupError):
    """The exchange has no such version of the object."""


class DeleteObject(Operation[int]):
    """Delete an object of an exchange, or some of its versions; only its maker may."""

    name: ClassVar[str] = "object delete"
    rights: ClassVar[frozenset[str]] = PROGRAMS
    verb: ClassVar[str] = "DELETE"
    what: ClassVar[str] = "object"

    partner: Partner = Field(description="the member that made the object")
    collection: str = Field(description="the id of the exchange")
    versions: Query = Field(description="the id of the object, and the versions to delete")

    def acts_for(self) -> str | None:
        """Return the member that made the object."""
        return self.partner.name

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> int:
        """Delete the versions, and return their number. Raises ``NotYours`` and ``UnknownObject``."""
        exchange = collections.get(tx, self.collection)
        [object_id] = self.versions.ids
        if not exchanges.is_own(tx, self.partner, exchange, object_id):
            raise NotYours("another member of the exchange made the object")
        deleted = log.delete(tx, exchange, self.versions)
        if deleted == 0:
            raise UnknownObject("the exchange has no such version of the object")
        if not log.has(tx, exchange, object_id):
            makers.forget(tx, exchange, object_id)
        return deleted

    def entries(self, result: int) -> Iterable[TrailEntry]:
        """Return the entry with the number of versions, in the chain of the exchange."""
        id_ = self.collection
        return [TrailEntry(self.verb, self.what, self.partner.name, id_, objects=result, chain=id_)]
