"""JSON in parts: any split gives the same items, in no more memory than the largest item needs."""

import tracemalloc
from collections.abc import Iterator
from itertools import islice
from typing import Any
from unittest.mock import patch

import orjson
import pytest
from hypothesis import given, settings, strategies as st

from feeds.errors import UnreadableFile
from feeds.readers import streams
from feeds.readers.streams import JsonItem, MalformedLine
from tests.searches import examples

LISTS = frozenset({"objects"})
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


class Chunks:
    """A source that returns a few bytes at a time."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data, self._size = data, size

    def blocks(self) -> Iterator[bytes]:
        for start in range(0, len(self._data), self._size):
            yield self._data[start : start + self._size]


def read(data: bytes, size: int = 1 << 20, largest: int = 1 << 20) -> list[JsonItem | MalformedLine]:
    return list(streams.items(Chunks(data, size), LISTS, largest))


def values(data: bytes, size: int = 1 << 20) -> list[Any]:
    return [item.value for item in read(data, size) if isinstance(item, JsonItem)]


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(VALUES, max_size=5), st.integers(1, 20), st.sampled_from([0, 1 << 18]), st.booleans())
def test_items_are_the_same_for_any_split(wanted: list[Any], size: int, near: int, indented: bool) -> None:
    option = orjson.OPT_INDENT_2 if indented else None
    bundle = {"type": "bundle", "more": [1], "objects": wanted, "next": None}
    with patch.object(streams, "_NEAR", near):
        assert values(orjson.dumps(wanted, option=option), size) == wanted
        assert values(orjson.dumps(bundle, option=option), size) == wanted
        records = [{"a": item} for item in wanted]
        assert values(b"\n".join(map(orjson.dumps, records)), size) == records


@settings(max_examples=examples(200), deadline=None)
@given(st.text(alphabet='[]{}":,1e-.\\u0041 tfn\n', max_size=40), st.integers(1, 9))
def test_non_json_text_is_malformed_or_unreadable(text: str, size: int) -> None:
    with patch.object(streams, "_NEAR", 0):
        try:
            found = read(text.encode(), size)
        except UnreadableFile:
            return
    assert [item.number for item in found] == list(range(1, len(found) + 1))


def test_numbers_that_a_part_cuts_in_two_stay_whole() -> None:
    with patch.object(streams, "_NEAR", 0):
        assert values(b"[123456,-1.5e10,7]", 2) == [123456, -1.5e10, 7]


def test_malformed_line_loses_only_itself() -> None:
    data = b'{"a":1}\n{"b":\n{"c":3}\n{"d":4'
    assert read(data) == [
        JsonItem(1, {"a": 1}),
        MalformedLine(2, '{"b":'),
        JsonItem(3, {"c": 3}),
        MalformedLine(4, '{"d":4'),
    ]


@pytest.mark.parametrize(
    "data", [b'{"objects":[{"a":1},{"b"', b'[{"a":1},{"b":', b'[{"a":1},{"b" 2}]', b'[{"a":1} {}]']
)
def test_items_before_the_damage_are_read(data: bytes) -> None:
    with patch.object(streams, "_NEAR", 0):
        found = streams.items(Chunks(data, 8), LISTS)
        assert next(found) == JsonItem(1, {"a": 1})
        with pytest.raises(UnreadableFile, match="not a complete JSON document"):
            list(found)


def test_damage_is_located() -> None:
    with pytest.raises(UnreadableFile, match=r"line 2, column 4\)"):
        read(b"[1,\n2, x]")


def test_endlessly_nested_lists_are_refused() -> None:
    with pytest.raises(UnreadableFile, match="nested too deeply"):
        read(b"[" * 100_000)


@pytest.mark.parametrize("data", [b'[1,"' + b"x" * 5000, b'{"a":"' + b"x" * 5000, b'{"b":[' + b"1," * 5000])
def test_an_item_without_an_end_is_refused(data: bytes) -> None:
    with patch.object(streams, "_NEAR", 0), pytest.raises(UnreadableFile, match="larger than"):
        read(data, 100, largest=1000)


def test_many_members_next_to_the_list_are_refused_too() -> None:
    members = b",".join(b'"%d":"xxxxxxxxxx"' % number for number in range(1000))
    with patch.object(streams, "_NEAR", 0), pytest.raises(UnreadableFile, match="larger than"):
        read(b"{" + members + b"}", 100, largest=1000)


def test_invalid_utf_8_loses_no_item() -> None:
    assert values(b'["caf\xe9", "caf\xc3\xa9"]\n') == ["café", "cafÃ©"]
    assert values(b'["caf\xe9",\n "caf\xc3\xa9"]\n') == ["café", "café"]


class Endless:
    """A bundle that never ends."""

    def blocks(self) -> Iterator[bytes]:
        yield b'{"type":"bundle","objects":['
        while True:
            yield b'{"id":"x","text":"' + b"y" * 1000 + b'"},'


@pytest.mark.long
def test_memory_does_not_grow_with_the_document() -> None:
    found = streams.items(Endless(), LISTS)
    list(islice(found, 2_000))
    tracemalloc.start()
    for _ in islice(found, 20_000):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000
