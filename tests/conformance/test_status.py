"""TAXII 2.1 §4.3: the status of a POST."""

import uuid
from typing import Any

import pytest

from tests.conformance.deployment import Deployment
from tests.conformance.peer import STAMP, Peer, indicator

LISTS = {"success_count": "successes", "failure_count": "failures", "pending_count": "pendings"}


@pytest.fixture
def objects() -> list[Any]:
    return [indicator(), indicator(created="yesterday"), {"type": "indicator"}, indicator()]


@pytest.fixture
def status(member: Peer, room: str, objects: list[Any]) -> dict[str, Any]:
    posted: dict[str, Any] = member.post(f"{room}objects/", objects)
    return posted


def test_required_properties_are_present(status: dict[str, Any]) -> None:  # §4.3.1
    assert uuid.UUID(status["id"]).version == 4
    assert status["id"] == str(uuid.UUID(status["id"]))
    assert status["status"] in ("complete", "pending")
    for count in ("total_count", *LISTS):
        assert type(status[count]) is int
        assert status[count] >= 0


def test_only_standard_properties_are_present(status: dict[str, Any]) -> None:  # §3.8
    known = {"id", "status", "request_timestamp", "total_count", *LISTS, *LISTS.values()}
    assert status.keys() <= known


def test_request_timestamp_has_microseconds(status: dict[str, Any]) -> None:  # §2 timestamp
    assert STAMP.fullmatch(status["request_timestamp"])


def test_counts_match_the_lists(status: dict[str, Any], objects: list[Any]) -> None:  # §4.3.1
    assert status["total_count"] == len(objects)
    assert sum(status[count] for count in LISTS) == len(objects)
    for count, listed in LISTS.items():
        assert len(status.get(listed, ())) == status[count]
    assert status["success_count"] == 2


def test_an_empty_list_is_left_out(member: Peer, room: str) -> None:  # §2 list
    status = member.post(f"{room}objects/", [indicator()])
    assert "failures" not in status
    assert "pendings" not in status


def test_details_name_the_object_and_its_version(status: dict[str, Any], objects: list[Any]) -> None:  # §4.3.1
    assert [(entry["id"], entry["version"]) for entry in status["successes"]] == [
        (item["id"], item["modified"]) for item in (objects[0], objects[3])
    ]
    for name in ("successes", "failures"):
        for entry in status[name]:
            assert entry.keys() <= {"id", "version", "message"}
            assert all(isinstance(value, str) and value for value in entry.values())


def test_failure_has_its_object_and_reason(status: dict[str, Any], objects: list[Any]) -> None:
    first, second = status["failures"]
    assert (first["id"], first["version"]) == (objects[1]["id"], objects[1]["modified"])
    assert "created" in first["message"]
    assert "id" in second["message"]


def test_version_of_an_unversioned_object(member: Peer, room: str) -> None:  # §4.3.1
    marking = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{uuid.uuid4()}",
        "created": "2026-01-02T03:04:05.678Z",
        "definition_type": "statement",
        "definition": {"statement": "x"},
    }
    domain = {"type": "domain-name", "spec_version": "2.1", "id": f"domain-name--{uuid.uuid4()}", "value": "a.example"}
    first, second = member.post(f"{room}objects/", [marking, domain])["successes"]
    assert first["version"] == marking["created"]
    [record] = member.get(f"{room}manifest/", {"match[id]": domain["id"]}).ok()["objects"]
    assert second["version"] == record["version"]
    assert member.get(f"{room}objects/{domain['id']}/versions/").ok()["versions"] == [second["version"]]


def test_status_can_be_read_again(member: Peer, status: dict[str, Any]) -> None:  # §4.3
    for _ in range(2):
        assert member.get(f"status/{status['id']}/").ok() == status


def test_another_partner_cannot_tell_that_it_exists(server: Deployment, status: dict[str, Any]) -> None:  # §4.3: 404
    there = server.peer("reader").get(f"status/{status['id']}/").refused(404)
    nowhere = server.peer("reader").get(f"status/{uuid.uuid4()}/").refused(404)
    assert there | {"error_id": ""} == nowhere | {"error_id": ""}


@pytest.mark.parametrize("status_id", ["2d086da7-4bdc-4f91-900e-d77486753710", "x", "2d086da7", "%20"])
def test_absent_resource_is_not_found(member: Peer, status_id: str) -> None:  # §4.3: MUST 404
    member.get(f"status/{status_id}/").refused(404)


def test_credentials_are_required(member: Peer, status: dict[str, Any]) -> None:  # §4.3: 401
    member.anonymous().get(f"status/{status['id']}/").refused(401)
