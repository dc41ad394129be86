"""Reads that leave an entry in the audit trail."""

from collections.abc import Iterable
from typing import ClassVar

from pydantic import Field

from server.operations.operation import ExternalAct, TrailEntry
from server.operations.rights import ANALYSTS


class ExportTrail(ExternalAct):
    """Export the audit trail to a file, which has this entry too."""

    name: ClassVar[str] = "audit export"
    rights: ClassVar[frozenset[str]] = ANALYSTS
    verb: ClassVar[str] = "EXPORT"
    what: ClassVar[str] = "audit"


class ExplainContributions(ExternalAct):
    """Search for a value or an id, and explain the contributions found."""

    name: ClassVar[str] = "explain"
    rights: ClassVar[frozenset[str]] = ANALYSTS
    verb: ClassVar[str] = "SEARCH"
    what: ClassVar[str] = "explain"

    found: str | None = Field(description="the id of the first contribution found")
    number: int = Field(description="the number of contributions found")

    def entries(self, result: None) -> Iterable[TrailEntry]:
        """Return the entry with the contribution found; the value that was searched for is in no trail."""
        return [TrailEntry(self.verb, self.what, reference=self.found, objects=self.number)]
