"""STIX: bundles, TAXII envelopes, lists of objects, and one object per line."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, BinaryIO, ClassVar

from feeds.format import Example, Format, Head
from feeds.readers import stix
from feeds.readers.rows import FileRow
from feeds.readers.source import Source
from mappers import common_objects, ids
from mappers.indicator import Profile, to_stix
from schemas.report import Report
from schemas.vocabulary import Tlp
from server.store.item import compact

_BUNDLE = re.compile(r'"type"\s*:\s*"bundle"')
_ID = re.compile(r'"id"\s*:\s*"[a-z0-9-]+--[0-9a-f]{8}-[0-9a-f]{4}-')


class Stix(Format):
    """STIX 2.0 and 2.1; written as one bundle of indicators and the objects that they refer to."""

    name: ClassVar[str] = "stix"
    endings: ClassVar[tuple[str, ...]] = ("json", "jsonl", "ndjson", "stix", "stix2")
    writes: ClassVar[bool] = True
    stix_objects: ClassVar[bool] = True

    def score(self, head: Head) -> float:
        """Return a high score for a bundle, or for ids in STIX's form."""
        text = head.text[:20_000].lstrip()
        return 0.99 if text[:1] in ("{", "[") and (_BUNDLE.search(text) or _ID.search(text)) else 0

    def read(self, source: Source, path: str = "") -> Iterator[FileRow]:
        return stix.rows(source)

    def examples(self) -> Iterable[Example]:
        head = (
            b'"spec_version":"2.1","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-02T00:00:00.000Z",'
            b'"valid_from":"2026-01-01T00:00:00Z","valid_until":"2026-03-01T00:00:00Z","pattern_type":"stix",'
        )
        indicator = (
            b'{"type":"indicator","id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",'
            + head
            + b'"labels":["phishing"],"confidence":70,"pattern":"[domain-name:value = \'a.example.com\']",'
            b'"object_marking_refs":["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]}'
        )
        row = {
            "kind": "domain",
            "value": "a.example.com",
            "reported_at": "2026-01-02T00:00:00.000Z",
            "scam_type": "credential-phishing",
            "first_seen": "2026-01-01T00:00:00.000Z",
            "valid_until": "2026-03-01T00:00:00.000Z",
            "confidence": "70",
            "tlp": "green",
            "lang": "en",
        }
        observable = (
            b'{"type":"domain-name","spec_version":"2.1","id":"domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7",'
            b'"value":"example.com"}'
        )
        revoked = indicator.replace(b'"confidence":70', b'"revoked":true')
        benign = indicator.replace(b'"phishing"', b'"benign"')
        identity = b'{"type":"identity","id":"identity--f431f809-377b-45e0-aa1c-6a4751cae5ff","name":"X"}'
        yield Example(b'{"type":"bundle","id":"bundle--1",\n"objects":[' + identity + b"," + indicator + b"]}", [row])
        yield Example(
            b'{"more":false,"objects":[' + indicator + b"," + observable + b"]}", [row], ("not-an-indicator",)
        )
        yield Example(b"[" + revoked + b",\n" + indicator + b"," + benign + b"]", [row], ("revoked", "not-a-scam"))
        yield Example(indicator + b"\n{broken\n" + observable + b"\n", [row], ("malformed-json", "not-an-indicator"))
        yield Example(
            b'{"type":"bundle","spec_version":"2.0","objects":['
            + indicator.replace(b'"spec_version":"2.1",', b"").replace(b'"pattern_type":"stix",', b"")
            + b"]}",
            [row],
        )
        yield Example(
            b'{"objects":[{"id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","date_added":"2026-01-01T00:00:00Z",'
            b'"version":"2026-01-01T00:00:00Z","media_type":"application/stix+json;version=2.1"}]}',
            [],
            ("not-an-indicator",),
        )
        yield Example(
            b"[" + indicator.replace(b"= 'a.example.com'", b"MATCHES '^a.+example'") + b",1]",
            [],
            ("pattern-not-comparable", "not-a-record"),
        )

    def write(self, reports: Iterable[Report], out: BinaryIO) -> int:
        """Write a bundle of one indicator per report, each after the objects that it refers to."""
        return self.copy(chain.from_iterable(_with_companions(reports)), out)

    def copy(self, objects: Iterable[Mapping[str, Any]], out: BinaryIO) -> int:
        count, lead = 0, b""
        for obj in objects:
            if not lead:
                out.write(_head({"first": obj["id"], "type": "bundle"}) + b',"objects":[\n')
            out.write(lead + compact(obj))
            count += obj["type"] == "indicator"
            lead = b",\n"
        # A bundle without objects has no list of them (STIX 2.1 §3.1: no list is empty).
        out.write(b"\n]}\n" if lead else _head({"type": "bundle"}) + b"}\n")
        return count


def _head(named: Mapping[str, str]) -> bytes:
    return b'{"type":"bundle","id":"bundle--' + ids.in_scamfeed(named).encode() + b'"'


def _with_companions(reports: Iterable[Report]) -> Iterator[list[dict[str, Any]]]:
    written: set[str] = set()
    levels: set[tuple[str, Tlp]] = set()
    for report in reports:
        beside: list[dict[str, Any]] = []
        if (report.reporter, report.tlp) not in levels:
            levels.add((report.reporter, report.tlp))
            around = common_objects.with_reporter(report.reporter, None, {report.tlp})
            beside = [obj for obj in around if obj["id"] not in written]
            written.update(obj["id"] for obj in beside)
        yield [*beside, *to_stix(report, Profile.CORE)]
