"""JSON lines: one object, or one value, per line."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO, ClassVar

import orjson

from feeds.format import Example, Format, Head
from feeds.readers import report_objects
from feeds.readers.columns.columns import key_of_kind
from feeds.readers.columns.values_in_cells import SAMPLE
from feeds.readers.rows import Row, Unreadable
from feeds.readers.source import HEAD, Source, decode, numbered_lines
from schemas import tabular
from schemas.report import Report

_BAD = (
    "malformed-json",
    "the line is not JSON: write one object per line, in double quotes, without line breaks inside",
)


class JsonLines(Format):
    """One JSON object per line, with the columns of a CSV as keys; a string alone is a value."""

    name: ClassVar[str] = "jsonl"
    endings: ClassVar[tuple[str, ...]] = ("jsonl", "ndjson")
    writes: ClassVar[bool] = True

    def score(self, head: Head) -> float:
        """Return a high score if each of the first lines is a separate object."""
        lines = [line for line in head.lines[:20] if not line.startswith("#")]
        objects = [line for line in lines if line.startswith("{") and _is_object(line.rstrip(","))]
        if not objects or len(objects) * 2 < len(lines) or lines[0].startswith("["):
            return 0
        if len(lines) == 1 and "jsonl" not in head.suffixes and "ndjson" not in head.suffixes:
            return 0.5
        return 0.97

    def read(self, source: Source, path: str = "") -> Iterator[Row | Unreadable]:
        found = _found(source)
        for line in numbered_lines(source):
            if isinstance(line, Unreadable):
                yield line
                continue
            number, text = line
            try:
                yield from report_objects.rows(number, orjson.loads(text), found=found)
            except orjson.JSONDecodeError:
                text = text.strip()
                if text and not text.startswith(("#", "//")):
                    yield from _rows_of_loose_json(number, text, found)

    def examples(self) -> Iterable[Example]:
        yield Example(
            b'{"kind":"domain","value":"a.example.com"}\n{"kind":"domain","value":"b.example.com"}\n',
            [{"kind": "domain", "value": "a.example.com"}, {"kind": "domain", "value": "b.example.com"}],
        )
        yield Example(
            b'# exported\n{"PhoneNumber": 66812345678, "name": "X"},\n\n'
            b'{"phone": "+66812345678", "tlp": "TLP:WHITE"}\n',
            [
                {"value": "66812345678", "kind": "phone"},
                {"value": "+66812345678", "kind": "phone", "tlp": "clear"},
            ],
        )
        yield Example(
            b'{"value": "a.example.com", "countries": ["TH", "KH"]}\n{"value": \n["x"]\n'
            b'{"bank": "KBANK"}\n{"value": ""}\n'
            b'{"value": "b.example.com", "classification": "legitimate"}\n"c.example.com"\n',
            [{"value": "a.example.com", "countries": "TH,KH"}, {"value": "c.example.com"}],
            ("malformed-json", "not-a-record", "no-value-column", "no-value", "not-a-scam"),
            name="x.jsonl",
        )

    def write(self, reports: Iterable[Report], out: BinaryIO) -> int:
        count = 0
        for report in reports:
            out.write(orjson.dumps(tabular.report_columns(report), option=orjson.OPT_APPEND_NEWLINE))
            count += 1
        return count


def _found(source: Source) -> tuple[str, str] | None:
    """Return the key with values of the source's kind and that kind, if no known key has values."""
    if source.kind is None:
        return None
    objects = []
    for line in decode(source.head[:HEAD]).splitlines()[:SAMPLE]:
        try:
            objects.append(orjson.loads(line))
        except orjson.JSONDecodeError:
            continue
    key = key_of_kind(objects, source.kind)
    return None if key is None else (key, source.kind)


def _rows_of_loose_json(number: int, text: str, found: tuple[str, str] | None) -> list[Row | Unreadable]:
    """Return the rows of a line cut out of an array, or with JSON that is looser than the standard allows."""
    try:
        return report_objects.rows(number, report_objects.loads(text.rstrip(",")), found=found)
    except ValueError:
        return [Unreadable.of(number, text, *_BAD)]


def _is_object(line: str) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False
