import json
import math
import uuid
from typing import Any

import pytest
from hypothesis import given, strategies as st

from schemas.errors import Rejected
from server.release.guard.stix_object import check, id_and_version

GOOD: dict[str, Any] = {
    "type": "indicator",
    "spec_version": "2.1",
    "id": "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
    "created": "2026-01-01T00:00:00.000Z",
    "modified": "2026-01-02T00:00:00.000Z",
}


def text(**changes: Any) -> bytes:
    merged = {**GOOD, **changes}
    return json.dumps({name: value for name, value in merged.items() if value is not None}).encode()


def reason(raw: bytes) -> str:
    with pytest.raises(Rejected) as refused:
        check(raw)
    return refused.value.reason


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"type": None}, "missing-type"),
        ({"type": "Indicator"}, "malformed-type"),
        ({"type": 5}, "malformed-type"),
        ({"type": "bundle", "id": "bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"}, "bundle"),
        ({"id": None}, "missing-id"),
        ({"id": "indicator--1"}, "malformed-id"),
        ({"id": 7}, "malformed-id"),
        ({"id": "malware--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"}, "id-of-another-type"),
        ({"spec_version": "2.2"}, "unknown-spec-version"),
        ({"spec_version": 2.1}, "unknown-spec-version"),
        ({"type": "note", "id": f"note--{uuid.UUID(int=1)}", "spec_version": None}, "missing-spec-version"),
        ({"created": None}, "missing-created"),
        ({"modified": None}, "missing-modified"),
        ({"modified": "2026-01-02"}, "malformed-modified"),
        ({"modified": "2026-01-02T00:00:00+07:00"}, "malformed-modified"),
        ({"created": "2026-02-30T00:00:00Z"}, "malformed-created"),
        ({"created": 1767225600}, "malformed-created"),
        ({"created": "2026-01-03T00:00:00.000Z"}, "modified-before-created"),
        ({"revoked": "yes"}, "malformed-revoked"),
        ({"x_score": math.nan}, "not-a-number"),
        ({"x_score": {"deep": [math.inf]}}, "not-a-number"),
    ],
)
def test_an_object_that_breaks_a_common_rule_is_refused_with_its_reason(changes: dict[str, Any], why: str) -> None:
    assert reason(text(**changes)) == why


@pytest.mark.parametrize("name", ["spec_version", "created", "modified", "revoked"])
def test_null_is_no_value_of_a_common_property(name: str) -> None:
    assert reason(json.dumps({**GOOD, name: None}).encode()) in {f"malformed-{name}", "unknown-spec-version"}


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"[]", "not-an-object"),
        (b'"x"', "not-an-object"),
        (b"", "malformed-json"),
        (b"{", "malformed-json"),
        (b'{"a":1,}', "malformed-json"),
        (b'{"a":"\xff"}', "malformed-json"),
        (b"[" * 100_000 + b"]" * 100_000, "too-deep"),
    ],
)
def test_non_object_item_is_refused(raw: bytes, why: str) -> None:
    assert reason(raw) == why


@pytest.mark.parametrize(
    "more",
    [
        '"id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"',
        '"x":{"a":1,"a":1}',
        '"x":[{"b":[{"a\\"":1,"a\\"":2}]}]',
        '"x":{"a\\\\":1,"\\u0061\\\\":2}',
        '"big":1e400,"x":1,"x":2',
    ],
)
def test_duplicate_property_is_refused_at_any_depth(more: str) -> None:
    assert reason(text()[:-1] + f",{more}}}".encode()) == "duplicate-key"


@pytest.mark.parametrize(
    "more",
    [
        '"x_big":123456789012345678901234567890123456789',
        '"x_digits":' + "9" * 5000,
        '"x_huge":1e400',
        '"x_precise":0.1000000000000000055511151231257827021181583404541015625',
        '"x_ten":1.0e1',
        '"x_thai":"บัญชีม้า","x_escaped":"\\u0e1a\\/"',
        '"x_lone":"\\ud800"',
        '"x_spaces":" : , { } [ ] \\" \\\\"',
        '"extensions":{"extension-definition--1":{"a":[1,{"b":null}]}}',
        '"x_quoted":"\\":\\":"',
    ],
)
def test_properties_unknown_to_the_specification_pass_unchanged(more: str) -> None:
    raw = text()[:-1] + f",{more}}}".encode()
    item = check(raw)
    assert item.body.endswith(f",{more}}}".encode())
    assert item.id == GOOD["id"]


def test_only_white_space_is_removed() -> None:
    pretty = json.dumps({**GOOD, "x": [1, {"y": " z\n"}]}, indent=2).encode()
    assert check(pretty).body == json.dumps({**GOOD, "x": [1, {"y": " z\n"}]}, separators=(",", ":")).encode()


def test_the_version_is_modified_else_created_else_none() -> None:
    marking = {"type": "marking-definition", "id": f"marking-definition--{uuid.UUID(int=1)}", "modified": None}
    assert check(text()).version == 1767312000000000
    assert check(text(**marking)).version == 1767225600000000
    custom = {"type": "x-card", "id": f"x-card--{uuid.UUID(int=1)}", "created": None, "modified": None}
    assert check(text(**custom)).version is None
    assert check(text(**{**custom, "type": "url", "id": f"url--{uuid.UUID(int=1)}"})).version is None


def test_objects_of_stix_2_0_pass_as_such() -> None:
    assert check(text(spec_version=None)).spec_version == "2.0"
    assert check(text()).spec_version == "2.1"


def test_a_parsed_object_is_checked_by_the_same_rules() -> None:
    assert check(GOOD) == check(text())
    with pytest.raises(Rejected) as refused:
        check({**GOOD, "x": [math.nan]})
    assert refused.value.reason == "not-a-number"


def test_a_refused_object_is_named_by_its_own_id_and_version() -> None:
    assert id_and_version(text(created=None)) == (GOOD["id"], 1767312000000000)
    assert id_and_version(text(id="5", modified="x")) == (None, 1767225600000000)
    assert id_and_version(b"[]") == id_and_version(b"NaN") == id_and_version(b"{}") == (None, None)


def test_no_message_repeats_a_value() -> None:
    for changes in ({"id": "secret"}, {"type": "Secret"}, {"created": "secret"}, {"spec_version": "secret"}):
        with pytest.raises(Rejected) as refused:
            check(text(**changes))
        assert "secret" not in str(refused.value).lower()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(VALUES, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_any_property_passes_unchanged(value: Any, ascii_only: bool, indent: Any) -> None:
    raw = json.dumps({**GOOD, "x_any": value}, ensure_ascii=ascii_only, indent=indent)
    item = check(raw.encode("utf-8", "surrogatepass")) if raw.isascii() else check(raw.encode())
    assert json.loads(item.body) == {**GOOD, "x_any": value}


@given(st.binary(max_size=60))
def test_random_bytes_are_refused_without_any_other_error(raw: bytes) -> None:
    with pytest.raises(Rejected):
        check(raw)
