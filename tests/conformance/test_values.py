"""TAXII 2.1 §2, §1.6.7: objects are returned with unchanged values."""

import json
import uuid

import pytest

from tests.conformance.peer import Peer, indicator

VALUES = [
    "0",
    "-0",
    "1.0",
    "1e3",
    "1E+3",
    "10.0e-1",
    "0.1",
    "-0.0",
    "9007199254740993",
    "18446744073709551616",
    "123456789012345678901234567890",
    "1e400",
    "1.000000000000000000000000000001",
    "true",
    "null",
    "[]",
    "{}",
    '""',
    '"\\u0e1a\\u0e31\\u0e0d\\u0e0a\\u0e35"',
    '"บัญชี"',
    '"\\ud83d\\ude00 😀"',
    '"\\u0000"',
    '"\\/ / \\" \\\\"',
    '"\\u2028\\u2029"',
    '"\u2028"',
    '"é e\u0301"',
    '{"b":1,"a":2,"":3}',
    '{"type":"bundle","id":"x","objects":[]}',
    '"objects\\":["',
    "[" * 60 + "]" * 60,
    '"' + "x" * 100_000 + '"',
]


def written(value: str, *, spaced: bool = False) -> str:
    head = json.dumps(indicator(), ensure_ascii=False)[:-1]
    return f'{head} ,\n\t "x_value" : {value} }}' if spaced else f'{head},"x_value":{value}}}'


@pytest.mark.parametrize("value", VALUES, ids=lambda value: ascii(value[:20]))
@pytest.mark.parametrize("spaced", [False, True])
def test_value_is_returned_unchanged(member: Peer, room: str, value: str, spaced: bool) -> None:
    one = written(value, spaced=spaced)
    body = f'{{"objects":[{one}]}}'.encode()
    assert member.send("POST", f"/feed/{room}objects/", body=body).ok(202)["success_count"] == 1
    back = member.get(f"{room}objects/").body.decode()
    assert f'"x_value":{value}' in back
    assert json.loads(back)["objects"] == [json.loads(one)]


def test_keys_keep_their_order(member: Peer, room: str) -> None:
    names = ["zeta", "alpha", "id", "Mid", "omega", "ünicode", "type"]
    one = {name: indicator().get(name, 1) for name in names} | {"created": "2026-01-01T00:00:00Z"}
    one |= {"modified": one["created"], "id": f"x-thing--{uuid.uuid4()}", "type": "x-thing"}
    member.post(f"{room}objects/", [one])
    [back] = member.get(f"{room}objects/").ok()["objects"]
    assert list(back) == list(one)
    assert back == one


def test_deep_nesting_is_returned_or_refused_individually(member: Peer, room: str) -> None:
    good = indicator()
    for depth in (200, 1_000, 5_000, 100_000):
        deep = written("[" * depth + "]" * depth)
        body = f'{{"objects":[{deep},{json.dumps(good)}]}}'.encode()
        answer = member.send("POST", f"/feed/{room}objects/", body=body)
        if answer.status == 202:
            assert answer.json()["total_count"] == 2
            assert answer.json()["success_count"] >= 1
        else:
            answer.refused(400, 422)
    member.get(f"{room}objects/").ok()


def test_timestamps_keep_their_digits(member: Peer, room: str) -> None:
    stamps = [
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.1Z",
        "2026-01-01T00:00:00.123Z",
        "2026-01-01T00:00:00.123456Z",
    ]
    sent = [indicator(modified=stamp) for stamp in stamps]
    assert member.post(f"{room}objects/", sent)["success_count"] == len(sent)
    assert member.get(f"{room}objects/").ok()["objects"] == sent
