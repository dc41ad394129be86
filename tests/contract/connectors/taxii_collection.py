"""A collection of a TAXII server of either version, with one order of additions at any clock setting."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.contract.connectors.peer import Asked, HttpPeer, Said

COLLECTION = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
CREATOR = "identity--f431f809-377b-45e0-aa1c-6a4751cae5ff"
START = datetime(2026, 1, 1, tzinfo=UTC)


def indicator(number: int, modified: datetime | None = None, **more: Any) -> dict[str, Any]:
    said = (modified or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid.uuid5(uuid.NAMESPACE_DNS, str(number))}",
        "created_by_ref": CREATOR,
        "created": said,
        "modified": said,
        "pattern": f"[domain-name:value = 'h{number}.example.com']",
        "pattern_type": "stix",
        "valid_from": said,
        "labels": ["phishing"],
        "object_marking_refs": ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],
        **more,
    }


@dataclass
class Peer21(HttpPeer):
    """The collection of a TAXII 2.1 server."""

    added: list[tuple[datetime, dict[str, Any]]] = field(default_factory=list)
    step: timedelta = timedelta(microseconds=1)
    clock: timedelta = timedelta()
    can_read: bool = True
    headers: bool = True
    forgets: bool = False
    answers: int = 0

    def add(self, *objects: Any) -> None:
        for obj in objects:
            self.added.append((START + self.step * (len(self.added) + 1), obj))

    def answer(self, asked: Asked) -> Said:
        url = urlsplit(asked.path)
        if url.path.endswith(("/collections/alias/", f"/collections/{COLLECTION}/")):
            about = {"id": COLLECTION, "title": "Collection", "can_read": self.can_read, "can_write": False}
            return Said(200, about, self.type(asked))
        if url.path == f"/api/collections/{COLLECTION}/objects/":
            self.answers += 1
            return self.objects(asked, {name: values[0] for name, values in parse_qs(url.query).items()})
        return Said(404, {"title": "No"}, self.type(asked))

    def type(self, asked: Asked) -> dict[str, str]:
        return {"Content-Type": "Application/TAXII+JSON; Version=2.1"}

    def after(self, query: dict[str, str]) -> list[tuple[datetime, dict[str, Any]]]:
        since = datetime.fromisoformat(query["added_after"]) if "added_after" in query else START
        return [added for added in self.added if added[0] > since]

    def dated(self, some: list[tuple[datetime, dict[str, Any]]]) -> dict[str, str]:
        if not some or not self.headers:
            return {}
        first, last = (moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ") for moment in (some[0][0], some[-1][0]))
        return {"X-TAXII-Date-Added-First": first, "X-TAXII-Date-Added-Last": last}

    def objects(self, asked: Asked, query: dict[str, str]) -> Said:
        found = self.after(query)
        if self.forgets and "next" in query:
            return Said(400, {"title": "What next?"}, self.type(asked))
        start = int(query.get("next", "0"))
        end = start + int(query["limit"])
        envelope: dict[str, Any] = {"objects": [obj for _, obj in found[start:end]]} if found[start:end] else {}
        if end < len(found):
            envelope |= {"more": True, "next": str(end)}
        return Said(200, envelope, self.type(asked) | self.dated(found[start:end]))


class Peer20(Peer21):
    """The same for TAXII 2.0, with its media types, ranges and STIX 2.0."""

    ranges = True
    says_total = True

    def type(self, asked: Asked) -> dict[str, str]:
        return {"Content-Type": "application/vnd.oasis.taxii+json; version=2.0"}

    def objects(self, asked: Asked, query: dict[str, str]) -> Said:
        assert asked.headers["accept"] == "application/vnd.oasis.stix+json; version=2.0"
        found = self.after(query)
        start, _, last = asked.headers["range"][len("items=") :].partition("-")
        some = found[int(start) : int(last) + 1] if self.ranges else found
        if self.ranges and not some:
            return Said(416, {"title": "No more"}, self.type(asked))
        bundle = {
            "type": "bundle",
            "id": "bundle--1",
            "spec_version": "2.0",
            "objects": [as_2_0(obj) for _, obj in some],
        }
        total = str(len(found)) if self.says_total else "*"
        said = {"Content-Range": f"items {start}-{int(start) + len(some) - 1}/{total}"} if self.ranges else {}
        return Said(206 if self.ranges else 200, bundle, self.type(asked) | self.dated(some) | said)


def as_2_0(obj: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in obj.items() if name not in ("spec_version", "pattern_type")}
