import base64
import zlib
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from server.store.collections import Collection
from server.store.query import Query, Versions
from server.taxii import cursor
from server.taxii.cursor import BadCursor, decode, encode

ROOM = Collection(1, "d4fbd8e2-cce8-4d8b-bf8a-b92b43264fda", "room", "Room", "", "exchange", 0)
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
def test_a_cursor_carries_the_filters_and_the_place(query: Query, position: int) -> None:
    token = encode(ROOM, query, position)
    assert token.isascii()
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert decode(ROOM, token) == replace(query, after=position)


@given(QUERIES, MOMENTS)
def test_a_cursor_is_good_for_its_collection_only(query: Query, position: int) -> None:
    other = replace(ROOM, id="00000000-0000-4000-8000-000000000000")
    with pytest.raises(BadCursor):
        decode(other, encode(ROOM, query, position))


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_anything_else_is_no_cursor(token: str) -> None:
    with pytest.raises(BadCursor):
        decode(ROOM, token)


def test_nor_is_what_is_longer_than_any() -> None:
    with pytest.raises(BadCursor):
        decode(ROOM, "A" * 100_000)


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
def test_a_forged_cursor_is_looked_at_like_any_other_input(contents: str) -> None:
    packed = zlib.compress(contents.encode())
    token = base64.urlsafe_b64encode(cursor._check(ROOM, packed) + packed).rstrip(b"=").decode()
    with pytest.raises(BadCursor):
        decode(ROOM, token)
