"""TAXII 2.1 §5.5: adding objects."""

import contextlib
import gzip
import json
import uuid
from typing import Any

import pytest

from tests.conformance.deployment import Deployment
from tests.conformance.peer import Peer, indicator, version


def test_accepted_object_is_visible_at_once(member: Peer, room: str) -> None:
    sent = [indicator(), indicator()]
    status = member.post(f"{room}objects/", sent)
    assert (status["status"], status["success_count"]) == ("complete", 2)
    assert member.get(f"{room}objects/").ok()["objects"] == sent


def test_an_exact_duplicate_is_no_error_and_changes_nothing(member: Peer, room: str) -> None:  # §5.5: MUST
    one = indicator()
    for objects in ([one], [one], [one, one]):
        status = member.post(f"{room}objects/", objects)
        assert (status["success_count"], status["failure_count"]) == (len(objects), 0)
    assert len(member.get(f"{room}manifest/", {"match[version]": "all"}).ok()["objects"]) == 1


def test_bad_object_does_not_stop_the_good_ones(member: Peer, room: str) -> None:
    good = [indicator(), indicator()]
    status = member.post(f"{room}objects/", [good[0], {"type": "indicator"}, good[1]])
    assert (status["total_count"], status["success_count"], status["failure_count"]) == (3, 2, 1)
    assert member.get(f"{room}objects/").ok()["objects"] == good


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in indicator().items() if key != name}


@pytest.mark.parametrize(
    "refused",
    [
        {},
        [],
        None,
        5,
        "indicator",
        True,
        without("type"),
        without("id"),
        without("created"),
        without("modified"),
        indicator(type="Indicator"),
        indicator(type=5),
        indicator(id="indicator--1"),
        indicator(id=str(uuid.uuid4())),
        indicator(id=5),
        indicator(id=f"malware--{uuid.uuid4()}"),
        indicator(created="2026-01-01"),
        indicator(created="2026-13-01T00:00:00.000Z"),
        indicator(modified="2026-01-01T00:00:00"),
        indicator(modified="2026-01-01T00:00:00+07:00"),
        indicator(modified="2025-01-01T00:00:00.000Z"),
        indicator(modified=1767225600),
        indicator(spec_version="3.0"),
        indicator(spec_version=2.1),
        indicator(revoked="no"),
        {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": [indicator()]},
        {"type": "note", "id": f"note--{uuid.uuid4()}", "created": "2026-01-01T00:00:00Z", "content": "x"},
    ],
)
def test_non_stix_object_is_refused_individually(member: Peer, room: str, refused: Any) -> None:  # §3.7: MUST
    good = indicator()
    status = member.post(f"{room}objects/", [refused, good])
    assert (status["success_count"], status["failure_count"]) == (1, 1)
    assert status["failures"][0]["message"]
    assert member.get(f"{room}objects/", {"match[version]": "all"}).ok()["objects"] == [good]


@pytest.mark.parametrize(
    "text",
    [
        '{"type": "indicator", "type": "indicator"}',
        '{"x": {"y": 1, "y": 1}}',
    ],
)
def test_object_with_a_duplicate_name_is_refused_individually(member: Peer, room: str, text: str) -> None:
    good = json.dumps(indicator())
    bad = good[:-1] + ", " + text[1:]
    status = member.send("POST", f"/feed/{room}objects/", body=f'{{"objects": [{bad}, {good}]}}'.encode()).ok(202)
    assert (status["success_count"], status["failure_count"]) == (1, 1)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    "text",
    [
        '{"x": NaN}',
        '{"x": Infinity}',
        '{"x": [-Infinity]}',
        '{"x": "\\ud800"}',
        '{"x": "\\ude00\\ud83d"}',
        '{"x\\udfff": 1}',
        '{"x": "\udcff"}',
        '{"x": "\udced\udca0\udc80"}',
        '{"x": 01}',
        "{\"x\": 'y'}",
    ],
)
def test_body_that_is_not_utf_8_json_is_refused_as_a_whole(member: Peer, room: str, text: str, packed: bool) -> None:
    good = json.dumps(indicator())
    for body in (
        f'{{"objects": [{good}, {good[:-1]}, {text[1:]}]}}',
        f'{{"objects": [{good}], "more": {text}}}',
    ):
        sent = body.encode(errors="surrogateescape")
        headers = {"Content-Encoding": "gzip"} if packed else {}
        answer = member.send("POST", f"/feed/{room}objects/", headers, body=gzip.compress(sent) if packed else sent)
        answer.refused(400, 422)
    assert member.get(f"{room}objects/").ok() == {}


def test_envelope_of_too_many_objects_is_refused_as_a_whole(member: Peer, room: str) -> None:
    for count in (20_001, 100_000):
        body = b'{"objects": [' + b",".join([b"1"] * count) + b"]}"
        error = member.send("POST", f"/feed/{room}objects/", body=body).refused(413)
        assert "20,000" in error["description"]
    most = member.send("POST", f"/feed/{room}objects/", body=body[: 13 + 2 * 20_000 - 1] + b"]}").ok(202)
    assert (most["failure_count"], most["total_count"]) == (20_000, 20_000)
    # A list is complete or absent, because clients reject any other form.
    assert "failures" not in most
    assert most["x_scamfeed_failure_reasons"] == {"not-an-object": 20_000}
    assert len(most["x_scamfeed_first_failures"]) == 1_000
    assert member.get(f"status/{most['id']}/").ok() == most


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"[",
        b"objects",
        b'{"objects": [{]}',
        b'{"objects": ',
        b'{"objects": [1,]}',
        b"\xff\xfe{}",
        b"[]",
        b"5",
        b"null",
        b'"x"',
        b"{}",
        b'{"more": false}',
        b'{"objects": []}',
        b'{"objects": {}}',
        b'{"objects": null}',
        b'{"objects": "x"}',
        b"[" * 100_000,
        b'{"objects":' + b"[" * 100_000,
    ],
    ids=lambda body: repr(body[:20]),
)
def test_malformed_envelope_is_refused_as_a_whole(member: Peer, room: str, body: bytes) -> None:  # §5.5: 400, 422
    member.send("POST", f"/feed/{room}objects/", body=body).refused(400, 422)
    assert member.get(f"{room}objects/").ok() == {}


def test_custom_types_extensions_and_properties_pass(member: Peer, room: str) -> None:  # §7.1
    sent = [
        indicator(x_acme_score=5, extensions={"extension-definition--" + str(uuid.uuid4()): {"a": [1]}}),
        indicator(type="x-acme-thing", id=f"x-acme-thing--{uuid.uuid4()}"),
        {"type": "bank-account", "spec_version": "2.1", "id": f"bank-account--{uuid.uuid4()}", "iban": "x"},
    ]
    body = {"x_acme_note": {"a": 1}, "objects": sent}
    assert member.send("POST", f"/feed/{room}objects/", body=body).ok(202)["success_count"] == 3
    assert member.get(f"{room}objects/").ok()["objects"] == sent


def test_both_stix_versions_are_stored(member: Peer, room: str) -> None:
    old = without("spec_version")
    new = indicator()
    both = [old | {"id": new["id"]}, new]
    assert member.post(f"{room}objects/", [old, *both])["success_count"] == 3
    assert member.get(f"{room}objects/").ok()["objects"] == [old, new]
    query = {"match[spec_version]": "2.0,2.1"}
    assert member.get(f"{room}objects/", query).ok()["objects"] == [old, *both]


def test_late_older_version_is_stored_but_is_not_the_latest(member: Peer, room: str) -> None:
    one = indicator()
    newer = version(one, "2026-02-01T00:00:00.000Z")
    member.post(f"{room}objects/", [newer])
    member.post(f"{room}objects/", [one])
    assert member.get(f"{room}objects/").ok()["objects"] == [newer]
    assert member.get(f"{room}objects/", {"match[version]": "first"}).ok()["objects"] == [one]


def test_write_access_is_required(server: Deployment, room: str) -> None:  # §5.5: MUST
    path, body = f"/feed/{room}objects/", {"objects": [indicator()]}
    server.peer("writer").send("POST", path, body=body).ok(202)
    server.peer("reader").send("POST", path, body=body).refused(403, 404)
    server.peer("outsider").send("POST", path, body=body).refused(404)
    server.peer("member").anonymous().send("POST", path, body=body).refused(401, 404)


def test_a_body_longer_than_allowed_is_refused_unread(member: Peer, room: str) -> None:  # §4.2.1, §5.5: 413
    largest = member.get("").ok()["max_content_length"]
    connection = member.connect()
    connection.putrequest("POST", f"/feed/{room}objects/")
    for name, value in {
        "Authorization": member.authorization or "",
        "Content-Type": "application/taxii+json;version=2.1",
        "Content-Length": str(largest + 1),
    }.items():
        connection.putheader(name, value)
    with contextlib.closing(connection):
        connection.endheaders()
        response = connection.getresponse()
        assert response.status == 413
        assert json.loads(response.read())["http_status"] == "413"


def test_large_body_is_accepted(member: Peer, room: str) -> None:  # §4.2.1: MUST NOT be 413
    status = member.post(f"{room}objects/", [indicator(description="x" * 1_000_000) for _ in range(3)])
    assert status["success_count"] == 3
