"""Signals of the Global Signal Exchange, as its API receives and sends them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC
from typing import Any, BinaryIO, ClassVar

import orjson

from feeds.format import Example, Format, Head
from feeds.readers import json_stream
from feeds.readers.columns.vocabulary import kind_of_word, scam_type_of_tags
from feeds.readers.report_objects import text
from feeds.readers.rows import Row, Unreadable
from feeds.readers.source import Source
from schemas.report import Report
from schemas.vocabulary import ScamType

_LISTS = frozenset({"data", "results", "signals", "items"})
_SIGNAL = re.compile(r'"signal"\s*:\s*"')
_ABUSE = re.compile(r'"abuse_type"\s*:')
# Kinds of abuse that are no scams: partners that act on scams must not act on these.
_RIGHTS = frozenset({"copyright", "piracy", "trademark"})
# Confidence of a signal that an algorithm predicts and nobody has confirmed.
_PREDICTED = "50"
_TYPES = {"url": "url", "domain": "domain name", "ip": "ip address"}


class Gse(Format):
    """A list of signals with ``signal``, ``report_date`` and ``abuse_type``.

    Only kinds that the exchange accepts are written: URLs, domains and IP addresses.
    """

    name: ClassVar[str] = "gse"
    endings: ClassVar[tuple[str, ...]] = ("json", "jsonl")
    writes: ClassVar[bool] = True

    def score(self, head: Head) -> float:
        """Return a high score for the keys that every signal has."""
        start = head.text[:20_000].lstrip()
        return 0.99 if start[:1] in ("{", "[") and _SIGNAL.search(start) and _ABUSE.search(start) else 0

    def read(self, source: Source, path: str = "") -> Iterator[Row | Unreadable]:
        """Yield each signal."""
        for item in json_stream.items(source, _LISTS):
            if isinstance(item, json_stream.MalformedLine):
                yield Unreadable.of(item.number, item.raw, "malformed-json", "the line is no JSON: one signal a line")
            elif isinstance(item.value, dict):
                yield _row(item.number, item.value)
            else:
                yield Unreadable.of(item.number, text(item.value), "not-a-record", "not an object with a signal")

    def examples(self) -> Iterable[Example]:
        """Yield signals as they are sent, and as they are received."""
        yield Example(
            b'[{"signal":"https://a.example.com/pay","report_date":"2026-01-01 08:00:00","abuse_type":"phishing",\n'
            b'"predictive":false,"confidence_score":90,"signal_type":"url"}]',
            [
                {"value": "https://a.example.com/pay", "kind": "url", "reported_at": "2026-01-01 08:00:00"}
                | {"scam_type": "credential-phishing", "confidence": "90"}
            ],
        )
        yield Example(
            b'{"data":[{"id":7,"signal":"a.example.com","signal_type":"hostname","abuse_type":"scam","source":"x",'
            b'"predictive":1,"report_date":"2026-01-01 08:00:00"},{"signal":"b.example.com","abuse_type":"trademark"},'
            b'{"signal":"c.example.com","abuse_type":"scam","status":"feedback_false_positive"},'
            b'{"signal":"","abuse_type":"scam"},7]}',
            [
                {"value": "a.example.com", "kind": "domain", "reported_at": "2026-01-01 08:00:00"}
                | {"confidence": "50", "reference": "7"}
            ],
            ("not-a-scam", "not-a-scam", "no-value", "not-a-record"),
        )
        yield Example(
            b'{"signal":"+66812345678","abuse_type":"fraud"}\n{"signal":\n{"signal":"192.0.2.7","abuse_type":"impersonation",'
            b'"signal_type":"ip address"}\n',
            [{"value": "+66812345678"}, {"value": "192.0.2.7", "kind": "ip"}],
            ("malformed-json",),
        )

    def write(self, reports: Iterable[Report], out: BinaryIO) -> int:
        """Write a list of the signals that the exchange has a type for."""
        count, lead = 0, b"[\n"
        for report in reports:
            if report.kind in _TYPES:
                out.write(lead + orjson.dumps(_signal(report)))
                count += 1
                lead = b",\n"
        out.write(b"\n]\n" if count else b"[]\n")
        return count


def _row(number: int, signal: Mapping[str, Any]) -> Row | Unreadable:
    value, abuse = text(signal.get("signal")).strip(), text(signal.get("abuse_type")).lower()
    if not value:
        return Unreadable.of(number, "", "no-value", "the signal is empty")
    if abuse in _RIGHTS:
        return Unreadable.of(number, value, "not-a-scam", "reported for somebody's rights, not as part of a scam")
    if "false" in text(signal.get("status")).lower():
        return Unreadable.of(number, value, "not-a-scam", "its status says that the report was false")
    kind = text(signal.get("signal_type"))
    score = text(signal.get("confidence_score"))
    predicted = signal.get("predictive") in (True, 1, "1", "true")
    fields = {
        "value": value,
        "kind": kind_of_word(kind) or kind,
        "reported_at": text(signal.get("report_date")),
        "scam_type": scam_type_of_tags([abuse]),
        "confidence": score or (_PREDICTED if predicted else ""),
        "reference": text(signal.get("id")),
    }
    return Row(number, {name: cell for name, cell in fields.items() if cell})


def _signal(report: Report) -> dict[str, Any]:
    abuse = "impersonation" if report.scam_type.startswith("impersonation-") else "scam"
    signal: dict[str, Any] = {
        "signal": report.value,
        "report_date": report.reported_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        "abuse_type": "phishing" if report.scam_type == ScamType.CREDENTIAL_PHISHING else abuse,
        "signal_type": _TYPES[report.kind],
    }
    if report.confidence is not None:
        signal["confidence_score"] = report.confidence
    return signal
