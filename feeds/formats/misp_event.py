"""MISP events in MISP's own JSON: one, a list of them, or the response to a search."""

import re
from collections.abc import Iterable, Iterator
from typing import ClassVar

from feeds.format import Example, Format, Head
from feeds.readers import misp
from feeds.readers.rows import Row, Unreadable
from feeds.readers.source import Source

_EVENT = re.compile(r'\s*[\[{]\s*(?:"response"\s*:\s*)?[\[{]?\s*(?:\{\s*)?"(?:Event|Attribute)"\s*:\s*[\[{]')
_DETECTION = re.compile(r'"to_ids"\s*:')


class MispEvent(Format):
    """Events with attributes and objects; ``scamfeed export`` writes events as the format ``misp-feed``."""

    name: ClassVar[str] = "misp-event"
    endings: ClassVar[tuple[str, ...]] = ("json", "jsonl", "ndjson")

    def score(self, head: Head) -> float:
        """Return a high score for an event, or for the flag that only its attributes have."""
        text = head.text.lstrip()
        if text[:1] not in ("{", "["):
            return 0
        return 0.99 if _EVENT.match(text) or (_DETECTION.search(text) and '"Attribute"' in text) else 0

    def read(self, source: Source, path: str = "") -> Iterator[Row | Unreadable]:
        """Yield each attribute that is intended for detection."""
        return misp.rows(source)

    def examples(self) -> Iterable[Example]:
        row = {"kind": "domain", "value": "a.example.com"}
        yield Example(
            b'{"Event":{"info":"X","Attribute":[{"type":"domain","to_ids":true,"value":"a.example.com",\n'
            b'"timestamp":"1767225600","first_seen":"2025-12-01T00:00:00+00:00","comment":"X","uuid":"u1",'
            b'"Tag":[{"name":"phishing"},{"name":"tlp:amber"}]}],\n"Tag":[{"name":"tlp:white"}]}}',
            [
                row
                | {"scam_type": "credential-phishing", "tlp": "amber", "reported_at": "1767225600", "reference": "u1"}
                | {"first_seen": "2025-12-01T00:00:00+00:00"}
            ],
        )
        yield Example(
            b'{"response":[{"Event":{"Attribute":[{"type":"ip-dst|port","to_ids":"1","value":"192.0.2.7|443"},'
            b'{"type":"text","to_ids":false,"value":"X"},{"type":"domain","to_ids":true,"deleted":true,"value":"x"},'
            b'{"type":"md5","to_ids":true,"value":"x"},{"type":"target-email","to_ids":true,"value":"x"},'
            b'{"type":"email-dst","to_ids":true,"value":"x"},{"type":"url","to_ids":true,"value":""},'
            b'{"type":"url","to_ids":true,"value":"x","Tag":[{"name":"false-positive:confirmed=\\"true\\""}]}]}}]}',
            [{"kind": "ip", "value": "192.0.2.7"}],
            ("not-actionable", "deleted", "unknown-kind", "personal-data", "personal-data", "no-value", "not-a-scam"),
        )
        yield Example(
            b'[{"Event":{"Object":[{"name":"bank-account","Attribute":['
            b'{"type":"bank-account-nr","object_relation":"account","to_ids":true,"value":"1234567890"},'
            b'{"type":"bic","object_relation":"swift","to_ids":true,"value":"KASITHBK"},'
            b'{"type":"text","object_relation":"account-name","to_ids":false,"value":"X"}]},'
            b'{"name":"coin-address","Attribute":['
            b'{"type":"text","object_relation":"address-crypto","to_ids":true,"value":"0x00"},'
            b'{"type":"text","object_relation":"symbol","to_ids":false,"value":"ETH"}]}],'
            b'"Tag":[{"name":"scam:type=\\"investment\\""},{"name":"misp:confidence-level=\\"usually-confident\\""}]}}]',
            [
                {"kind": "bank-account", "account_number": "1234567890", "bic": "KASITHBK"}
                | {"scam_type": "investment", "confidence": "75"},
                {"kind": "wallet", "value": "0x00", "currency": "ETH", "scam_type": "investment", "confidence": "75"},
            ],
        )
        yield Example(
            b'{"response":{"Attribute":[{"type":"hostname","category":"Network activity","to_ids":true,'
            b'"value":"a.example.com"},{"type":"iban","to_ids":true,"value":"DE89370400440532013000"},'
            b'{"type":"btc","to_ids":true,"value":"1Boat"}]}}',
            [
                row,
                {"kind": "bank-account", "iban": "DE89370400440532013000"},
                {"kind": "wallet", "chain": "bitcoin", "value": "1Boat"},
            ],
        )
        yield Example(b'{"Event":{"info":"X","uuid":"u"}}', [])
        yield Example(b'[{"Event":{"Attribute":[]}},{"x":1}]', [], ("not-a-report",))
