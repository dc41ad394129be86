"""JSON documents: a list of values or objects, alone or somewhere inside."""

from collections.abc import Iterable, Iterator
from typing import ClassVar

from feeds import document, record
from feeds.format import Example, Format, Head, Row, Unreadable, UnreadableFile
from feeds.source import Source

_LIMIT = 128 << 20


class Json(Format):
    """One JSON document, read as a whole; its list of reports is found by its name, or named: ``json:data.items``."""

    name: ClassVar[str] = "json"
    endings: ClassVar[tuple[str, ...]] = ("json",)

    def score(self, head: Head) -> float:
        """Look at the first characters."""
        text = head.text.lstrip()
        if text[:1] not in ("{", "["):
            return 0
        inside = text[1:].lstrip()[:1]
        if text[0] == "{":
            return 0.9 if inside in ('"', "}", "") else 0
        return 0.9 if inside in ("{", "[", '"', "]", "-") or inside.isdigit() else 0

    def read(self, source: Source, path: str = "") -> Iterator[Row | Unreadable]:
        """Give the items of the document's list of reports, and why those of its other lists are none."""
        text = source.whole(_LIMIT)
        try:
            whole = record.loads(text)
        except ValueError as error:
            place = getattr(error, "lineno", None)
            where = f" (line {place}, column {error.colno})" if place and hasattr(error, "colno") else ""
            raise UnreadableFile(f"this is no complete JSON document{where}") from None
        yield from document.rows(whole, path)

    def examples(self) -> Iterable[Example]:
        """Give documents."""
        two = [{"value": "a.example.com"}, {"value": "b.example.com"}]
        of_kind = [row | {"kind": "domain"} for row in two]
        yield Example(b'["a.example.com",\n "b.example.com"]', two)
        yield Example(b'{"domains": ["a.example.com", "b.example.com"]}', of_kind)
        yield Example(b'\xef\xbb\xbf{"tlp": "white", "data": {"items": ["a.example.com"]}}', [two[0]])
        yield Example(
            b'{"version": 2, "fuzzylist": ["x.example.com"], "whitelist": ["y.example.com"],\n'
            b' "blacklist": ["a.example.com", "b.example.com"]}',
            two,
            ("not-a-report", "not-a-report"),
        )
        yield Example(
            b'{"allow": ["*.example.org"], "deny": ["a.example.com"], "denySub": ["b.example.com"]}',
            two,
            ("not-a-report",),
        )
        yield Example(b'{"whitelist": ["x.example.com"], "more": ["y.example.com"]}', [], ("not-a-report",) * 2)
        yield Example(b'{"whitelist": ["x.example.com"]}', [], ("not-a-report",))
        yield Example(
            b'[{"date": "2025-10-30", "url": "a.example.com"},\n {"date": "2025-10-30", "url": null}, null, []]',
            [{"value": "a.example.com", "reported_at": "2025-10-30"}],
            ("no-value", "not-a-record", "not-a-record"),
        )
        yield Example(b'[{"bic": "NABAATWW", "name": "X"}, {"bank_code": "1"}]', [], ("no-value-column",) * 2)
        yield Example(
            b'{"name": "X", "list": ["a.example.com"], "type": "hostname", "matching_attributes": ["domain"]}',
            [],
            ("not-a-report",) * 2,
        )
        yield Example(b'{"type": "bundle", "objects": [{"type": "url", "value": "x"}]}', [], ("not-a-report",))
        yield Example(b'{"currency": "BTC", "addresses": ["x"]}', [{"value": "x", "kind": "wallet", "currency": "BTC"}])
