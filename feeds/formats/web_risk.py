"""URIs submitted to Google Web Risk and judged by it, and matches of Safe Browsing."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from feeds.format import Example, Format, Head
from feeds.readers import streams
from feeds.readers.report_objects import text
from feeds.readers.rows import Row, Unreadable
from feeds.readers.source import Source

_LISTS = frozenset({"submissions", "operations", "matches", "requests", "uris"})
_OURS = re.compile(
    r'"submission"\s*:\s*\{|"threatInfo"\s*:\s*\{|"threat_info"\s*:\s*\{|google\.cloud\.webrisk|'
    r'"threatEntryType"\s*:|"threatTypes"\s*:\s*\[|"negativeExpireTime"\s*:|"newVersionToken"\s*:'
)
_PHISHING = frozenset({"SOCIAL_ENGINEERING", "SOCIAL_ENGINEERING_EXTENDED_COVERAGE"})
# The middle of the range that the level stands for (below 60, 60 to 80, above 80 per cent).
_LEVELS = {"LOW": "30", "MEDIUM": "70", "HIGH": "90"}
_ENDED = frozenset({"CLOSED", "CANCELLED", "FAILED"})


class WebRisk(Format):
    """Submissions (``uris.submit``), the operations started by them, and matches of Safe Browsing with a URI.

    Answers about hashes contain no URI, and are not reports. Comments are not read.
    """

    name: ClassVar[str] = "web-risk"
    endings: ClassVar[tuple[str, ...]] = ("json", "jsonl")

    def score(self, head: Head) -> float:
        """Return a high score for keys that only these services use."""
        start = head.text[:20_000].lstrip()
        return 0.98 if start[:1] in ("{", "[") and _OURS.search(start) else 0

    def read(self, source: Source, path: str = "") -> Iterator[Row | Unreadable]:
        """Yield each URI that was submitted or matched."""
        for item in streams.items(source, _LISTS):
            if isinstance(item, streams.MalformedLine):
                yield item.refused("URI")
            elif isinstance(item.value, dict):
                yield _row(item.number, item.value)
            else:
                yield Unreadable.of(item.number, text(item.value), "not-a-record", "not an object of Web Risk")

    def examples(self) -> Iterable[Example]:
        page = {"kind": "url", "value": "https://a.example.com/pay"}
        phishing = {"scam_type": "credential-phishing"}
        yield Example(
            b'{"submission":{"uri":"https://a.example.com/pay"},\n"threatInfo":{"abuseType":"SOCIAL_ENGINEERING",'
            b'"threatConfidence":{"level":"HIGH"},"threatJustification":{"labels":["USER_REPORT"],"comments":["X"]}},'
            b'"threatDiscovery":{"platform":"ANDROID","regionCodes":["TH","KH"]}}',
            [page | phishing | {"confidence": "90", "countries": "TH,KH"}],
        )
        yield Example(
            b'[{"submission":{"uri":"https://a.example.com/pay"},"threat_info":{"abuse_type":2,'
            b'"threat_confidence":{"score":0.55}}},{"submission":{}},1]',
            [page | phishing | {"confidence": "55"}],
            ("no-value", "not-a-record"),
        )
        yield Example(
            b'{"operations":[{"name":"projects/1/operations/2","done":true,"metadata":{"state":"SUCCEEDED",'
            b'"createTime":"2026-01-01T00:00:00Z"},"response":{"uri":"https://a.example.com/pay",'
            b'"threatTypes":["SOCIAL_ENGINEERING"]}},{"name":"projects/1/operations/3","done":true,'
            b'"metadata":{"state":"CLOSED"},"response":{"uri":"https://b.example.com/"}}]}',
            [page | phishing | {"reported_at": "2026-01-01T00:00:00Z", "reference": "projects/1/operations/2"}],
            ("not-a-scam",),
        )
        yield Example(
            b'{"matches":[{"threatType":"SOCIAL_ENGINEERING","platformType":"ANY_PLATFORM","threatEntryType":"URL",'
            b'"threat":{"url":"https://a.example.com/pay"}}]}',
            [page | phishing],
        )
        yield Example(
            b'{"threat":{"threatTypes":["MALWARE"],"expireTime":"2026-01-01T00:00:00Z"}}', [], ("not-a-report",)
        )


def _row(number: int, obj: Mapping[str, Any]) -> Row | Unreadable:
    submission = _object(obj, "submission") or _object(obj, "response") or _object(obj, "threat") or obj
    metadata, discovery = _object(obj, "metadata"), _object(obj, "threatDiscovery", "threat_discovery")
    threat = _object(obj, "threatInfo", "threat_info")
    uri = text(submission.get("uri", submission.get("url"))).strip()
    if not uri:
        if "submission" in obj or "response" in obj:
            return Unreadable.of(number, "", "no-value", "the submission has no URI")
        message = "the answer contains no URI, only information about one, or hashes of many"
        return Unreadable.of(number, text(obj.get("name")), "not-a-report", message)
    if text(metadata.get("state")) in _ENDED:
        message = "the review did not find the URI unsafe"
        return Unreadable.of(number, uri, "not-a-scam", message)
    types = {text(_first(threat, "abuseType", "abuse_type")), text(obj.get("threatType"))}
    types.update(map(text, _list(_first(submission, "threatTypes", "threat_types"))))
    countries = _list(_first(discovery, "regionCodes", "region_codes"))
    fields = {
        "kind": "url",
        "value": uri,
        "scam_type": "credential-phishing" if types & (_PHISHING | {"2"}) else "",
        "confidence": _confidence(_object(threat, "threatConfidence", "threat_confidence")),
        "countries": ",".join(code for code in map(text, countries) if len(code) == 2),
        "reported_at": text(metadata.get("createTime")),
        "reference": text(obj.get("name")),
    }
    return Row(number, {name: cell for name, cell in fields.items() if cell})


def _confidence(obj: Mapping[str, Any]) -> str:
    score = obj.get("score")
    if isinstance(score, int | float) and not isinstance(score, bool) and 0 <= score <= 1:
        return str(round(score * 100))
    return _LEVELS.get(text(obj.get("level")), "")


def _first(obj: Mapping[str, Any], *names: str) -> Any:
    """Return the value of the first existing one of ``names``: the APIs spell keys in two ways."""
    return next((obj[name] for name in names if name in obj), None)


def _object(obj: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    found = _first(obj, *names)
    return found if isinstance(found, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
