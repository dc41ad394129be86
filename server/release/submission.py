"""What came: an object version of a contribution, read once."""

from typing import Any, NamedTuple

from schemas.errors import Rejected
from schemas.report import Report
from server.release.guard.allowlists.catalogue import AllowlistMatch
from server.release.route import annotation_targets
from server.store import value_index
from server.store.item import Item


class Submission(NamedTuple):
    """An object version as it came; ``report`` is what an indicator says, or the refusal of it.

    ``hit`` says of a report's value that it is on a list of what is harmless. ``key`` is the object's in the inbox.
    """

    item: Item
    obj: dict[str, Any]
    report: Report | Rejected | None = None
    hit: AllowlistMatch | None = None
    key: str = ""

    @property
    def subject(self) -> str | None:
        """Give the name of the value that it is about, None where it is about no single one."""
        return value_index.subject_of(self.report.kind, self.report.value) if isinstance(self.report, Report) else None

    @property
    def size(self) -> int:
        """Return what it counts against a partner's volume: one, or as many as it has references to others."""
        return max(1, len(annotation_targets.refs(self.obj))) if self.obj["type"] in ("opinion", "sighting") else 1
