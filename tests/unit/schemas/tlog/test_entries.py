import json
from hashlib import sha256

import orjson
import pytest
import rfc8785
from hypothesis import given, settings, strategies as st

from schemas.tlog import BadFormat, entries
from schemas.tlog.entries import Entry, EntryKind, Opening, canonical, canonical_or_raw, digest_part, digest_text
from tests.searches import examples

_SALT = bytes(range(1, 17))
_MOMENT = "2026-11-26T08:00:00.123456Z"

_texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
_numbers = st.one_of(
    st.integers(-(2**53) + 1, 2**53 - 1), st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=True)
)
_values = st.recursive(
    st.one_of(st.none(), st.booleans(), _numbers, _texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_texts, inner, max_size=4)),
    max_leaves=12,
)


def test_the_canonical_form_is_that_of_rfc_8785() -> None:
    given = (
        rb'{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],'
        rb'"string":"\u20ac$\u000F\u000aA\u0027\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}'
    )
    wanted = (
        r'{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        r'"string":"€$\u000f\nA' + r"'B\"\\\\\"/" + '"}'
    )
    assert canonical(given).decode() == wanted


@given(_values)
@settings(max_examples=examples(400), deadline=None)
def test_fast_path_gives_the_same_bytes(value: object) -> None:
    body = json.dumps(value).encode()
    assert canonical(body) == rfc8785.dumps(json.loads(body))


@pytest.mark.parametrize("number", ["9007199254740992", "-9007199254740992", "123456789012345678901234567890"])
def test_numbers_read_differently_have_no_canonical_form(number: str) -> None:
    body = f'{{"n":{number}}}'.encode()
    with pytest.raises(BadFormat):
        canonical(body)
    assert canonical_or_raw(body) == (body, False)
    entry = Entry.parse(entries.entry_of(body, 5, _SALT))
    assert entry == Entry(EntryKind.PUBLISHED_RAW, 5, sha256(_SALT + body).digest())


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":1}',
        b'{"a":1,"b":[{"c":"x","c":"y"}]}',
        rb'{"a":1,"\u0061":2}',
        b'{"a":1.5,"a":1}',
        b'{ "a" : 1 , "a" : 22222222222 }',
        '{"ก":1,"ก":2}'.encode(),
    ],
)
def test_a_document_with_a_name_twice_has_no_canonical_form(body: bytes) -> None:
    with pytest.raises(BadFormat):
        canonical(body)
    assert canonical_or_raw(body) == (body, False)


def test_entry_has_41_bytes_and_reveals_nothing() -> None:
    body = orjson.dumps({"type": "indicator", "id": "indicator--1", "name": "กขค"})
    entry = entries.entry_of(body, 1_795_680_000_123_456, _SALT)
    assert len(entry) == entries.LENGTH == 41
    assert Entry.parse(entry).date_added == 1_795_680_000_123_456
    assert entries.entry_of(body, 1_795_680_000_123_456, _SALT[::-1])[9:] != entry[9:]


def test_opening_and_object_give_the_entry_in_any_key_order() -> None:
    body = b'{"id":"indicator--1","created":"2026-11-26T08:00:00Z"}'
    moment = entries.read_moment(_MOMENT)
    entry = entries.entry_of(body, moment, _SALT)
    opening = Opening(3, 1, _MOMENT, _SALT.hex(), id="indicator--1")
    assert opening.entry(b'{ "created": "2026-11-26T08:00:00Z", "id": "indicator--1" }') == entry
    assert opening.entry(body.replace(b"--1", b"--2")) != entry


def test_removals_and_statements_need_no_object_to_open() -> None:
    removed = Opening(9, 3, _MOMENT, _SALT.hex(), removed=4)
    assert Entry.parse(removed.entry()).digest == sha256(_SALT + b'{"removed":4}').digest()
    stated = Opening(9, 4, _MOMENT, _SALT.hex(), statement={"b": 1, "a": 2})
    assert Entry.parse(stated.entry()).digest == sha256(_SALT + b'{"a":2,"b":1}').digest()


@pytest.mark.parametrize(
    "opening",
    [
        Opening(0, 1, _MOMENT, "00" * 16),
        Opening(0, 1, _MOMENT, "01" * 15),
        Opening(0, 1, _MOMENT, "zz" * 16),
        Opening(0, 1, "2026-11-26T08:00:00.1+07:00", "01" * 16),
        Opening(0, 1, "yesterday", "01" * 16),
        Opening(0, 3, _MOMENT, "01" * 16),
        Opening(0, 7, _MOMENT, "01" * 16),
    ],
)
def test_malformed_opening_is_refused(opening: Opening) -> None:
    with pytest.raises(BadFormat):
        opening.entry(b"{}")


@pytest.mark.parametrize("data", [b"", bytes(41), b"\x05" + bytes(40), b"\x01" + bytes(41)])
def test_malformed_entry_is_refused(data: bytes) -> None:
    with pytest.raises(BadFormat):
        Entry.parse(data)


def test_digest_of_one_object_is_its_hash() -> None:
    assert digest_text(digest_part("a", "b")) == sha256(b"a b").hexdigest()


def test_digest_of_no_object_is_zero() -> None:
    assert digest_text(0) == "0" * 64
