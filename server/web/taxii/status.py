"""The status resource of a POST (TAXII 2.1 §4.3)."""

import uuid
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Self

import orjson

from server.release.results import Result, Results
from server.store.database.times import stamp, stix_stamp

# Invalid objects are cheap to send, so not all of them are listed.
LISTED_FAILURES = 1_000


@dataclass(slots=True)
class Status:
    """The result of each object of a request received at ``requested`` (microseconds)."""

    requested: int
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    successes: list[dict[str, str]] = field(default_factory=list)
    failures: list[dict[str, str]] = field(default_factory=list)
    pendings: list[dict[str, str]] = field(default_factory=list)
    # The number of failures by reason, including unlisted ones.
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def taken(self) -> int:
        """The number of stored objects."""
        return len(self.successes) + len(self.pendings)

    def copy(self) -> Self:
        """Return a status to which an attempt to store a part may add."""
        return replace(
            self,
            successes=[*self.successes],
            failures=[*self.failures],
            pendings=[*self.pendings],
            reasons=self.reasons.copy(),
        )

    def note(self, outcome: Results) -> None:
        """Add the results of objects."""
        requested = self.requested
        self.successes += [detail(entry.id, entry.version, requested, entry.message) for entry in outcome.accepted]
        for result, entries in ((Result.HELD, outcome.held), (Result.KEPT, outcome.kept)):
            self.pendings += [
                detail(entry.id, entry.version, requested, f"{result}: {entry.message}") for entry in entries
            ]
        for entry in outcome.failed:
            self.fail(detail(entry.id, entry.version, requested, entry.message))

    def fail(self, failure: dict[str, str]) -> None:
        """Add a rejected object. If there are very many, only the first are listed, but all are counted."""
        self.reasons[failure["message"].partition(":")[0][:80]] += 1
        if len(self.failures) < LISTED_FAILURES:
            self.failures.append({**failure, "message": f"{Result.REFUSED}: {failure['message']}"})

    def resource(self) -> bytes:
        """Return the status resource. A list in it is complete or omitted."""
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
            # Clients reject a status whose list does not match its count.
            resource["x_scamfeed_failure_reasons"] = dict(self.reasons.most_common(100))
            resource["x_scamfeed_first_failures"] = self.failures
        elif self.failures:
            resource["failures"] = self.failures
        if self.pendings:
            resource["pendings"] = self.pendings
        return orjson.dumps(resource)


def detail(object_id: str, version: int | None, requested: int, message: str | None = None) -> dict[str, str]:
    """Return the entry of one object. An object without a version gets the time of the request."""
    entry = {"id": object_id, "version": stamp(requested) if version is None else stix_stamp(version)}
    if message:
        entry["message"] = message
    return entry
