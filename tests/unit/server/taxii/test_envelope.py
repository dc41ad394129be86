import json

import pytest
from hypothesis import given, strategies as st

from server.taxii.envelope import join, split
from server.taxii.errors import TaxiiError


@pytest.mark.parametrize(
    ("body", "objects"),
    [
        (
            b' {"more" : false, "objects" : [ {"a": 1} , {"b":1e400} ], "x":{"objects":[3]}} ',
            [b'{"a": 1}', b'{"b":1e400}'],
        ),
        (b'{"objects":[{"a":NaN},{"b":"]}\\""}]}', [b'{"a":NaN}', b'{"b":"]}\\""}']),
        (b'{"x":NaN,"objects":[1 , "2"],"y":[]}', [b"1", b'"2"']),
    ],
)
def test_the_objects_of_an_envelope_are_the_bytes_they_came_in(body: bytes, objects: list[bytes]) -> None:
    assert split(body) == objects


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
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
        (b'{"x":-Infinity, "objects": [ ] }', 422),
        (b'{"x":NaN}', 422),
        (b'{"objects":{}}', 422),
        (b'{"objects":null}', 422),
        (b'{"objects":5}', 422),
    ],
)
def test_what_is_no_envelope_is_refused_whole(body: bytes, status: int) -> None:
    with pytest.raises(TaxiiError) as refused:
        split(body)
    assert refused.value.status == status


@given(
    st.lists(
        st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=5), max_size=3), min_size=1, max_size=4
    )
)
def test_what_is_joined_comes_apart_again(objects: list[object]) -> None:
    bodies = [json.dumps(one, separators=(",", ":")).encode() for one in objects]
    page = join(bodies, "token")
    assert split(page) == bodies
    read = json.loads(page)
    assert read["objects"] == objects
    assert (read["more"], read["next"]) == (True, "token")


def test_the_last_page_has_no_next_and_an_empty_one_nothing() -> None:
    assert json.loads(join([b"{}"], None)) == {"more": False, "objects": [{}]}
    assert json.loads(join([], None)) == {}


@given(st.binary(max_size=50))
def test_random_bytes_are_refused_or_taken_apart(body: bytes) -> None:
    try:
        split(body)
    except TaxiiError as refused:
        assert refused.status in (400, 422)  # noqa: PT017  # either way is right
