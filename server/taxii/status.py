"""The status of a POST (TAXII 2.1 §4.3.1): counts and lists that agree, and a reason for each refused object."""

import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson

from server.release.results import Result
from server.store.database.times import stamp, stix_stamp

# Nonsense costs its sender next to nothing, so not all of it is listed.
LISTED_FAILURES = 1_000


@dataclass(slots=True)
class Status:
    """The result of each object of a request, which came at ``requested`` (microseconds)."""

    requested: int
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    successes: list[dict[str, str]] = field(default_factory=list)
    failures: list[dict[str, str]] = field(default_factory=list)
    pendings: list[dict[str, str]] = field(default_factory=list)
    # How many failures have which reason, those that are not listed too.
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def taken(self) -> int:
        """The number of objects that are kept."""
        return len(self.successes) + len(self.pendings)

    def fail(self, failure: dict[str, str]) -> None:
        """Add a refused object; of very many the first are listed, and all are counted."""
        self.reasons[failure["message"].partition(":")[0][:80]] += 1
        if len(self.failures) < LISTED_FAILURES:
            self.failures.append({**failure, "message": f"{Result.REFUSED}: {failure['message']}"})

    def resource(self) -> bytes:
        """Return the status resource; a list in it is whole, or left out."""
        failed = self.reasons.total()
        resource: dict[str, Any] = {
            "id": self.id,
            "status": "pending" if self.pendings else "complete",
            "request_timestamp": stamp(self.requested),
            "total_count": self.taken + failed,
            "success_count": len(self.successes),
            "failure_count": failed,
            "pending_count": len(self.pendings),
        }
        if self.successes:
            resource["successes"] = self.successes
        if failed > len(self.failures):
            # Clients refuse a status whose list has not as many as its count says.
            resource["x_scamfeed_failure_reasons"] = dict(self.reasons.most_common(100))
            resource["x_scamfeed_first_failures"] = self.failures
        elif self.failures:
            resource["failures"] = self.failures
        if self.pendings:
            resource["pendings"] = self.pendings
        return orjson.dumps(resource)


def detail(object_id: str, version: int | None, requested: int, message: str | None = None) -> dict[str, str]:
    """Return the entry of one object; one that has no version has that of the request."""
    entry = {"id": object_id, "version": stamp(requested) if version is None else stix_stamp(version)}
    if message:
        entry["message"] = message
    return entry
