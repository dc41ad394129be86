"""Sign an exported file."""

from collections.abc import Iterable
from typing import ClassVar

from pydantic import Field

from server.operations.operation import ExternalAct, TrailEntry
from server.operations.rights import COMMANDS


class SignExport(ExternalAct):
    """Sign an exported file with the hub's keys."""

    name: ClassVar[str] = "export"
    rights: ClassVar[frozenset[str]] = COMMANDS
    verb: ClassVar[str] = "SIGN"
    what: ClassVar[str] = "export"

    collection: str = Field(description="the id of the exported collection")
    digest: str = Field(description="the SHA-256 of the file, in hexadecimal")

    def entries(self, result: None) -> Iterable[TrailEntry]:
        """Return the entry with the collection and the digest of the file."""
        return [TrailEntry(self.verb, self.what, collection=self.collection, reference=self.digest)]
