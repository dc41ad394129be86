"""Requests to the upload API of Microsoft Sentinel, one per line."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, BinaryIO, ClassVar

from feeds.format import Example, Format, Head
from feeds.readers import stix
from feeds.readers.rows import FileRow
from feeds.readers.source import Source
from mappers.indicator import Profile, to_stix
from schemas.report import Report
from server.store.item import compact

_SOURCE = "Scamfeed"
# Maximum number of indicators in one request.
_PER_REQUEST = 100
_UPLOAD = re.compile(r'"stixobjects"\s*:\s*\[')


class Sentinel(Format):
    """Bodies for ``threat-intelligence-stix-objects:upload``, of at most 100 indicators; each is posted separately."""

    name: ClassVar[str] = "sentinel"
    endings: ClassVar[tuple[str, ...]] = ("json", "jsonl")
    writes: ClassVar[bool] = True
    stix_objects: ClassVar[bool] = True

    def score(self, head: Head) -> float:
        """Return 1 for the list that only these requests have."""
        text = head.text[:20_000].lstrip()
        return 1 if text.startswith("{") and _UPLOAD.search(text) else 0

    def read(self, source: Source, path: str = "") -> Iterator[FileRow]:
        return stix.rows(source)

    def examples(self) -> Iterable[Example]:
        yield Example(
            b'{"sourcesystem":"Example","stixobjects":[{"type":"indicator","spec_version":"2.1",\n'
            b'"id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","created":"2026-01-01T00:00:00.000Z",'
            b'"modified":"2026-01-01T00:00:00.000Z","valid_from":"2026-01-01T00:00:00Z",'
            b'"valid_until":"2026-03-01T00:00:00Z","pattern_type":"stix",'
            b'"pattern":"[domain-name:value = \'example.com\']"},'
            b'{"type":"indicator","id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd40","revoked":true}]}\n',
            [
                {
                    "kind": "domain",
                    "value": "example.com",
                    "reported_at": "2026-01-01T00:00:00.000Z",
                    "first_seen": "2026-01-01T00:00:00.000Z",
                    "valid_until": "2026-03-01T00:00:00.000Z",
                    "tlp": "amber",
                    "lang": "en",
                }
            ],
            ("revoked",),
        )

    def write(self, reports: Iterable[Report], out: BinaryIO) -> int:
        return self.copy((to_stix(report, Profile.CORE)[0] for report in reports), out)

    def copy(self, objects: Iterable[Mapping[str, Any]], out: BinaryIO) -> int:
        """Write the indicators among the objects; the API has no markings, and needs no identities."""
        indicators = (obj for obj in objects if obj["type"] == "indicator")
        count = 0
        while request := list(islice(indicators, _PER_REQUEST)):
            body = {"sourcesystem": _SOURCE, "stixobjects": request}
            out.write(compact(body) + b"\n")
            count += len(request)
        return count
