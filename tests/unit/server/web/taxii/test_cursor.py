import base64
import zlib
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from server.store.collections import Collection
from server.store.objects.query import Query, Versions
from server.web.taxii import filters
from server.web.taxii.filters import BadCursor, decode, encode

ROOM = Collection(1, "d4fbd8e2-cce8-4d8b-bf8a-b92b43264fda", "room", "Room", "", "exchange", 0)
SECRET = b"s" * 32
WORDS = st.lists(
    st.text(st.characters(exclude_characters="\x00", codec="utf-8"), min_size=1, max_size=20), max_size=3
).map(tuple)
MOMENTS = st.integers(-(2**60), 2**60)
QUERIES = st.builds(
    Query,
    after=MOMENTS,
    ids=WORDS,
    types=WORDS,
    spec_versions=WORDS,
    versions=st.builds(Versions, st.booleans(), st.booleans(), st.booleans(), st.lists(MOMENTS, max_size=2).map(tuple)),
)


@given(QUERIES, MOMENTS)
def test_cursor_contains_the_filters_and_the_position(query: Query, position: int) -> None:
    token = encode(SECRET, ROOM, query, position)
    assert token.isascii()
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert decode(SECRET, ROOM, token) == replace(query, after=position)


@given(QUERIES, MOMENTS)
def test_cursor_is_valid_for_its_collection_only(query: Query, position: int) -> None:
    other = replace(ROOM, id="00000000-0000-4000-8000-000000000000")
    with pytest.raises(BadCursor):
        decode(SECRET, other, encode(SECRET, ROOM, query, position))


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_anything_else_is_no_cursor(token: str) -> None:
    with pytest.raises(BadCursor):
        decode(SECRET, ROOM, token)


def test_too_long_text_is_no_cursor() -> None:
    with pytest.raises(BadCursor):
        decode(SECRET, ROOM, "A" * 100_000)


@pytest.mark.parametrize(
    "contents",
    [
        "[1]",
        "{}",
        "[2,5,2,[],[],[],[]]",
        '[1,"5",2,[],[],[],[]]',
        "[1,9223372036854775808,2,[],[],[],[]]",
        "[1,5,2,[1e400],[],[],[]]",
        "[1,5,2,[],[5],[],[]]",
        '[1,5,2,[],[],"ab",[]]',
        '[1,5,2,[],[],[],["\\u0000"]]',
    ],
)
def test_content_of_a_cursor_is_validated_like_other_input(contents: str) -> None:
    packed = zlib.compress(contents.encode())
    token = base64.urlsafe_b64encode(filters._code(SECRET, ROOM, packed) + packed).rstrip(b"=").decode()
    with pytest.raises(BadCursor):
        decode(SECRET, ROOM, token)


@given(QUERIES, MOMENTS, st.data())
def test_changed_or_foreign_cursor_is_refused(query: Query, position: int, data: st.DataObject) -> None:
    token = encode(SECRET, ROOM, query, position)
    with pytest.raises(BadCursor):
        decode(b"o" * 32, ROOM, token)
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(BadCursor):
        decode(SECRET, ROOM, base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode())


def test_foreign_data_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    def unpacks() -> None:
        raise AssertionError

    packed = zlib.compress(b"[1,5,2,[],[" + b'"word",' * 200_000 + b'""],[],[]]', 9)
    monkeypatch.setattr("zlib.decompressobj", unpacks)
    for code in (b"", b"\0" * 16, filters._code(b"", ROOM, packed)):
        with pytest.raises(BadCursor):
            decode(SECRET, ROOM, base64.urlsafe_b64encode(code + packed).rstrip(b"=").decode())
