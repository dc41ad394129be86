"""JSON documents that are, or contain, a list of values or objects."""

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO, ClassVar

import orjson

from feeds.errors import UnreadableFile
from feeds.format import Example, Format, Head
from feeds.readers import report_objects, streams
from feeds.readers.rows import Row, Unreadable
from feeds.readers.source import Source
from schemas import tabular
from schemas.report import Report

_LIMIT = 128 << 20


# Not "[2026-05-01 10:14] …", with which chats and logs begin.
_NUMBER_FIRST = re.compile(r"\[\s*-?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,3})?\s*(?:[,\]]|$)")


class Json(Format):
    """One JSON document: a list, read item by item, or an object, read as a whole.

    In an object, the list of reports is found by its usual names, or set by the user: ``json:data.items``.
    """

    name: ClassVar[str] = "json"
    endings: ClassVar[tuple[str, ...]] = ("json",)
    writes: ClassVar[bool] = True

    def score(self, head: Head) -> float:
        """Return a high score if the first characters are those of a JSON object or list."""
        text = head.text.lstrip()
        if text[:1] not in ("{", "["):
            return 0
        inside = text[1:].lstrip()[:1]
        if text[0] == "{":
            return 0.9 if inside in ('"', "}", "") else 0
        if inside == "-" or inside.isdigit():
            return 0.9 if _NUMBER_FIRST.match(text) else 0
        return 0.9 if inside in ("{", "[", '"', "]") else 0

    def read(self, source: Source, path: str = "") -> Iterator[Row | Unreadable]:
        """Yield the items of the document's list of reports, and those of its other lists as unreadable."""
        if not path and source.head.lstrip()[:1] == b"[":
            yield from report_objects.rows_of_list(_items(source), source.kind)
            return
        text = source.whole(_LIMIT)
        try:
            whole = report_objects.loads(text)
        except ValueError as error:
            place = getattr(error, "lineno", None)
            where = f" (line {place}, column {error.colno})" if place and hasattr(error, "colno") else ""
            raise UnreadableFile(f"this is not a complete JSON document{where}") from None
        yield from report_objects.rows_of_document(whole, path, source.kind)

    def examples(self) -> Iterable[Example]:
        two = [{"value": "a.example.com"}, {"value": "b.example.com"}]
        of_kind = [row | {"kind": "domain"} for row in two]
        yield Example(b'["a.example.com",\n "b.example.com"]', two)
        yield Example(b'{"domains": ["a.example.com", "b.example.com"]}', of_kind)
        yield Example(b'\xef\xbb\xbf{"tlp": "white", "data": {"items": ["a.example.com"]}}', [two[0]])
        yield Example(
            b'{"cases": [{"victim": {"phone": "+66812345678"}, "suspect": {"phones": ["+66812345679"], "accounts":'
            b' [{"bank": {"name": "KBANK"}, "no": "123-4-56789-0"}]}}], "contact": {"phone": "+66812345670"}}',
            [
                {"value": "+66812345679", "kind": "phone"},
                {"account_number": "123-4-56789-0", "bank": "KBANK", "kind": "bank-account"},
            ],
            ("not-a-scammers",),
        )
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
        yield Example(b'{"currency": "BTC", "addresses": ["x"]}', [{"value": "x", "kind": "wallet", "currency": "BTC"}])

    def write(self, reports: Iterable[Report], out: BinaryIO) -> int:
        """Write a list of objects that reads back as the same reports."""
        count, lead = 0, b"[\n"
        for report in reports:
            out.write(lead + orjson.dumps(tabular.report_columns(report)))
            count += 1
            lead = b",\n"
        out.write(b"\n]\n" if count else b"[]\n")
        return count


def _items(source: Source) -> Iterator[object]:
    for item in streams.items(source, frozenset()):
        if isinstance(item, streams.MalformedLine):
            raise UnreadableFile("this is not a single JSON document: there is text after its end")
        yield item.value
