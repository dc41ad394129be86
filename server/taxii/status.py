"""The status of a POST (TAXII 2.1 §4.3.1): counts and lists that agree, and a reason for each refused object."""

import uuid
from dataclasses import dataclass, field

import orjson

from server.store.times import stamp, stix_stamp


@dataclass(slots=True)
class Status:
    """What became of each object of a request, which came at ``requested`` (microseconds)."""

    requested: int
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    successes: list[dict[str, str]] = field(default_factory=list)
    failures: list[dict[str, str]] = field(default_factory=list)
    pendings: list[dict[str, str]] = field(default_factory=list)

    def resource(self) -> bytes:
        """Write it as TAXII has it."""
        lists = {"successes": self.successes, "failures": self.failures, "pendings": self.pendings}
        return orjson.dumps(
            {
                "id": self.id,
                "status": "pending" if self.pendings else "complete",
                "request_timestamp": stamp(self.requested),
                "total_count": sum(map(len, lists.values())),
                "success_count": len(self.successes),
                "failure_count": len(self.failures),
                "pending_count": len(self.pendings),
                **{name: details for name, details in lists.items() if details},
            }
        )


def detail(object_id: str, version: int | None, requested: int, message: str | None = None) -> dict[str, str]:
    """Say of one object what became of it; one that has no version counts as of the request."""
    said = {"id": object_id, "version": stamp(requested) if version is None else stix_stamp(version)}
    if message:
        said["message"] = message
    return said
