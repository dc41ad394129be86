"""YAML documents, such as GraphSense's tag packs."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, ClassVar

import yaml

from feeds.errors import UnreadableFile
from feeds.format import Example, Format, Head
from feeds.readers import report_objects
from feeds.readers.rows import Row, Unreadable
from feeds.readers.source import Source

_LIMIT = 64 << 20
_DEPTH = 20
_KEY = re.compile(r"['\"]?[A-Za-z_][\w-]*['\"]?:(?:\s|$)")
_ITEM = re.compile(r"-\s+['\"]?[a-z_]+['\"]?:\s")
_ENOUGH = 100
# Events of a stream, a document and one scalar.
_FEWEST = 5


class Yaml(Format):
    """YAML whose scalars are read as plain texts: ``NO`` and ``0x1f`` stay ``NO`` and ``0x1f``.

    Properties next to a tag pack's ``tags`` apply to each tag. Aliases are refused, because they could expand a small
    file to a large one. YAML tags are ignored, so that no object is created.
    """

    name: ClassVar[str] = "yaml"
    endings: ClassVar[tuple[str, ...]] = ("yaml", "yml")

    def score(self, head: Head) -> float:
        """Return a high score for the beginning of a YAML document or of a list of objects in YAML."""
        named = "yaml" in head.suffixes or "yml" in head.suffixes
        lines = [line for line in head.lines if not line.startswith("#")]
        if not lines or not (named or lines[0] == "---" or any(map(_ITEM.match, lines[:50]))):
            return 0
        first = _KEY.match(lines[0]) or lines[0].startswith(("- ", "---"))
        return 0.8 if first and _begins_well(head.text) else 0

    def read(self, source: Source, path: str = "") -> Iterator[Row | Unreadable]:
        """Yield the items of each document's list of reports."""
        text = source.whole(_LIMIT)
        try:
            for whole in _documents(text):
                yield from report_objects.rows_of_document(whole, path, source.kind)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f" (line {mark.line + 1})" if mark else ""
            raise UnreadableFile(f"this is not YAML{where}") from None

    def examples(self) -> Iterable[Example]:
        yield Example(
            b"title: Phishing\ncreator: X\nabuse: phishing\ncurrency: BTC\nconfidence: forensic\nlastmod: 2021-11-12\n"
            b"tags:\n- address: 1Boat\n  label: X\n- address: 0x00\n  currency: ETH\n  abuse: sextortion\n",
            [
                {
                    "value": "1Boat",
                    "kind": "wallet",
                    "currency": "BTC",
                    "confidence": "50",
                    "reported_at": "2021-11-12",
                    "scam_type": "credential-phishing",
                },
                {
                    "value": "0x00",
                    "kind": "wallet",
                    "currency": "ETH",
                    "confidence": "50",
                    "reported_at": "2021-11-12",
                    "scam_type": "extortion",
                },
            ],
        )
        yield Example(
            b"title: X\ncategory: exchange\ncurrency: BTC\ntags:\n- address: 1Boat\n- address: 1Goat\n  abuse: scam\n",
            [{"value": "1Goat", "kind": "wallet", "currency": "BTC"}],
            ("not-a-scam",),
        )
        yield Example(
            b"---\n- a.example.com\n- 'b.example.com'\n---\n- {value: c.example.com}\n",
            [{"value": "a.example.com"}, {"value": "b.example.com"}, {"value": "c.example.com"}],
        )
        yield Example(
            b"---\nphones:\n- 0812345678\n- +66812345678\n",
            [{"value": "0812345678", "kind": "phone"}, {"value": "+66812345678", "kind": "phone"}],
        )


def _begins_well(text: str) -> bool:
    """Return whether ``text``, which may be truncated anywhere, is the beginning of YAML with more than one node."""
    events: list[yaml.Event] = []
    try:
        events.extend(islice(yaml.parse(text, yaml.CSafeLoader), _ENOUGH))
    except yaml.YAMLError:
        return False
    return len(events) > _FEWEST


def _documents(text: str) -> Iterator[Any]:
    """Yield each document as texts, lists and dictionaries."""
    events = iter(yaml.parse(text, yaml.CSafeLoader))
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            yield _node(next(events), events, 0)


def _node(event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Any:
    if isinstance(event, yaml.ScalarEvent):
        return event.value if event.value not in ("~", "null") or event.style else ""
    if isinstance(event, yaml.AliasEvent):
        raise UnreadableFile(f"{_place(event)}: an alias; write its content instead")
    if depth > _DEPTH:
        raise UnreadableFile(f"{_place(event)}: nested too deeply")
    if isinstance(event, yaml.SequenceStartEvent):
        items = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(_node(event, events, depth + 1))
        return items
    keys: dict[str, Any] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        key = _node(event, events, depth + 1)
        value = _node(next(events), events, depth + 1)
        if isinstance(key, str):
            keys[key] = value
    return keys


def _place(event: yaml.Event) -> str:
    return f"line {event.start_mark.line + 1}" if event.start_mark else "somewhere"
