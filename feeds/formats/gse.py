"""Signals of the Global Signal Exchange, as its API receives and sends them."""

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO, ClassVar

import orjson

from feeds.format import Example, Format, Head
from feeds.readers import report_objects, streams
from feeds.readers.rows import Row, Unreadable
from feeds.readers.signals import GSE_TYPES, signal_of
from feeds.readers.source import Source
from schemas.report import Report

_LISTS = frozenset({"data", "results", "signals", "items"})
_SIGNAL = re.compile(r'"signal"\s*:\s*"')
_ABUSE = re.compile(r'"abuse_type"\s*:')


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
        return report_objects.rows_of_signals(streams.items(source, _LISTS))

    def examples(self) -> Iterable[Example]:
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
        """Write a list of the signals for which the exchange has a type."""
        count, lead = 0, b"[\n"
        for report in reports:
            if report.kind in GSE_TYPES:
                out.write(lead + orjson.dumps(signal_of(report)))
                count += 1
                lead = b",\n"
        out.write(b"\n]\n" if count else b"[]\n")
        return count
