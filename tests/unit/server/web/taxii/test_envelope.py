import io
import json

import pytest
from hypothesis import given, strategies as st

from server.web.taxii.envelope import LARGEST_OBJECT, READ_AT_ONCE, Envelope, Scanner, join, split
from server.web.taxii.errors import TaxiiError


@pytest.mark.parametrize(
    ("body", "objects"),
    [
        (
            b' {"more" : false, "objects" : [ {"a": 1} , {"b":1e400} ], "x":{"objects":[3]}} ',
            [b'{"a": 1}', b'{"b":1e400}'],
        ),
        (b'{"objects":[{"a":[]},{"b":"]}\\""}]}', [b'{"a":[]}', b'{"b":"]}\\""}']),
        (b'{"x":-1.5e3,"objects":[1 , "2"],"y":[]}', [b"1", b'"2"']),
        (b'{"obj\\u0065cts":[{"a":"\\ud83d\\ude00 \\\\ud800"}]}', [b'{"a":"\\ud83d\\ude00 \\\\ud800"}']),
    ],
)
def test_objects_of_an_envelope_keep_their_bytes(body: bytes, objects: list[bytes]) -> None:
    assert split(body, 10) == objects
    assert list(Scanner(io.BytesIO(body), 10)) == objects


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b'{"x":NaN,"objects":[1]}', 400),
        (b'{"x":NaN}', 400),
        (b'{"x":-Infinity, "objects": [ ] }', 400),
        (b'{"x":"\\ud800","objects":[1]}', 400),
        (b'{"objects":[{"x":"\\ude00\\ud83d"}]}', 400),
        (b'{"objects":["\xed\xa0\x80"]}', 400),
        (b'{"objects":[1],"x":"\xff"}', 400),
        (b'{"objects":[1,]}', 400),
        (b'{"objects":[1],}', 400),
        (b'{"objects":[,1]}', 400),
        (b'"objects"', 400),
        (b"NaN", 400),
        (b'{"objects":[}', 400),
        (b'{"objects":[1 2]}', 400),
        (b'{"objects":[1]} x', 400),
        (b'{"objects":[1', 400),
        (b'{"x":NaN "objects":[]}', 400),
        (b'{"x":NaN,}', 400),
        (b"{x:NaN}", 400),
        (b'{"objects":"\xff"}', 400),
        (b'{"objects":' + b"[" * 200_000, 400),
        (b"{}", 422),
        (b'{"objects":[]}', 422),
        (b'{"x":-1, "objects": [ ] }', 422),
        (b'{"objects":{}}', 422),
        (b'{"objects":null}', 422),
        (b'{"objects":5}', 422),
    ],
)
def test_malformed_envelope_is_refused_as_a_whole(body: bytes, status: int) -> None:
    with pytest.raises(TaxiiError) as refused:
        split(body, 10)
    assert refused.value.status == status


@given(
    st.lists(
        st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=5), max_size=3), min_size=1, max_size=4
    )
)
def test_joined_objects_can_be_split_again(objects: list[object]) -> None:
    bodies = [json.dumps(item, separators=(",", ":")).encode() for item in objects]
    page = join(bodies, "token")
    assert split(page, 10) == bodies
    read = json.loads(page)
    assert read["objects"] == objects
    assert (read["more"], read["next"]) == (True, "token")


def test_last_page_has_no_next_and_an_empty_one_no_fields() -> None:
    assert json.loads(join([b"{}"], None)) == {"more": False, "objects": [{}]}
    assert json.loads(join([], None)) == {}


@given(st.binary(max_size=50))
def test_random_bytes_are_refused_or_split(body: bytes) -> None:
    try:
        split(body, 10)
    except TaxiiError as refused:
        assert refused.status in (400, 422)  # noqa: PT017  # either way is right


def test_too_deeply_nested_object_is_refused_alone() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    assert split(b'{"objects":[%s,{}]}' % deep, 10) == [deep, b"{}"]


@pytest.mark.parametrize("element", [b"1", b"{}", b'"x"', b"[[]]", b"null", b'{"a":{"b":[1,2,"]"]}}'])
def test_too_many_objects_are_refused_unread(element: bytes) -> None:
    taken = b'{"objects":[' + b",".join([element] * 10) + b"]}"
    assert split(taken, 10) == list(Scanner(io.BytesIO(taken), 10)) == [element] * 10
    for count in (11, 500_000):
        body = b'{"objects":[' + b",".join([element] * count) + b"]}"
        with pytest.raises(TaxiiError, match="more than 10 objects") as refused:
            Envelope(io.BytesIO(body), len(body), 10)
        assert refused.value.status == 413


def test_long_body_is_split_like_a_short_one() -> None:
    objects = [json.dumps({"n": n, "text": '["\\' * n, "more": ["ü" * n, {}]}).encode() for n in range(1_500)]
    body = b'{"x":[1], "objects" : [ ' + b" , ".join(objects) + b' ],\n"objectsx":[3]}'
    assert len(body) > READ_AT_ONCE
    envelope = Envelope(io.BytesIO(body), len(body), 1_500)
    assert (envelope.count, envelope.is_short) == (1_500, False)
    assert list(envelope) == objects
    assert list(envelope) == objects


@pytest.mark.parametrize(
    "value", [b'"%s"' % (b"x\\\\" * LARGEST_OBJECT), b"9" * (2 * LARGEST_OBJECT), b"[%s0]" % (b"0," * LARGEST_OBJECT)]
)
def test_too_long_object_is_skipped_and_the_next_one_read(value: bytes) -> None:
    body = b'{"objects":[%s, {"a":1}, {"b":%s}, [2]]}' % (value, value)
    assert list(Envelope(io.BytesIO(body), len(body), 10)) == [b"", b'{"a":1}', b"", b"[2]"]


@pytest.mark.parametrize("count", [5, 9])
@pytest.mark.parametrize(
    "end",
    [
        b"\xff",
        b"]}x",
        b"]",
        b"",
        b",]}",
        b'],"objects":[1]}',
        b'],"obj\\u0065cts":[1]}',
        b'],"x":NaN}',
        b'],"x":"\\ud800"}',
    ],
)
def test_long_truncated_body_is_refused_as_a_whole(end: bytes, count: int) -> None:
    body = b'{"objects":[%s' % b",".join([b'"%s"' % (b"y" * 1_000_000)] * count) + end
    with pytest.raises(TaxiiError) as refused:
        list(Envelope(io.BytesIO(body), len(body), 10))
    assert refused.value.status in (400, 422)


def test_endless_brackets_are_refused_at_the_limit() -> None:
    body = b'{"objects":[%s]}' % (b"[" * 5_000_000)
    with pytest.raises(TaxiiError) as refused:
        Envelope(io.BytesIO(body), len(body), 10)
    assert refused.value.status == 413


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    ),
    st.booleans(),
)
def test_end_of_any_json_value_is_found(value: object, escaped: bool) -> None:
    text = json.dumps(value, ensure_ascii=escaped).encode()
    assert list(Scanner(io.BytesIO(b'{"y":%s,"objects":[%s ,%s],"z":%s}' % ((text,) * 4)), 2)) == [text, text]
