"""TAXII 2.1 §5.8: the versions of an object."""

import uuid

import pytest

from tests.conformance.deployment import Deployment
from tests.conformance.peer import FIRST, LAST, STAMP, Peer, indicator, version


def test_versions_are_the_unchanged_modified_timestamps(member: Peer, room: str) -> None:  # §5.8
    first = indicator()
    sent = [first, *(version(first, at) for at in ("2026-02-01T00:00:00.123Z", "2026-03-01T00:00:00.123456Z"))]
    member.post(f"{room}objects/", sent)
    answer = member.get(f"{room}objects/{first['id']}/versions/")
    said = answer.ok()
    assert said.keys() <= {"more", "next", "versions"}
    assert said["versions"] == [item["modified"] for item in sent]
    manifest = member.get(f"{room}manifest/", {"match[version]": "all"}).ok()["objects"]
    dates = [record["date_added"] for record in manifest]
    assert (answer.headers[FIRST], answer.headers[LAST]) == (dates[0], dates[-1])  # §3.2: MUST


def test_unversioned_object_has_its_creation_date(member: Peer, room: str) -> None:  # §5.8: MUST
    marking = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{uuid.uuid4()}",
        "created": "2026-01-02T03:04:05.678Z",
        "definition_type": "statement",
        "definition": {"statement": "x"},
    }
    member.post(f"{room}objects/", [marking])
    path = f"{room}objects/{marking['id']}/"
    assert member.get(f"{path}versions/").ok()["versions"] == [marking["created"]]
    [record] = member.get(f"{room}manifest/").ok()["objects"]
    assert record["version"] == marking["created"]  # §5.3.1
    assert member.get(path, {"match[version]": marking["created"]}).ok()["objects"] == [marking]  # §3.4.1


def test_undated_object_has_one_constant_version(member: Peer, room: str) -> None:  # §5.3.1: SHOULD
    domain = {"type": "domain-name", "spec_version": "2.1", "id": f"domain-name--{uuid.uuid4()}", "value": "a.example"}
    member.post(f"{room}objects/", [domain])
    [record] = member.get(f"{room}manifest/").ok()["objects"]
    assert STAMP.fullmatch(record["version"])
    path = f"{room}objects/{domain['id']}/"
    assert member.get(f"{path}versions/").ok()["versions"] == [record["version"]]
    assert member.get(path, {"match[version]": record["version"]}).ok()["objects"] == [domain]


def test_versions_are_paged(member: Peer, room: str) -> None:  # §5.8
    first = indicator()
    sent = [first, *(version(first, f"2026-0{month}-01T00:00:00.000Z") for month in (2, 3, 4, 5))]
    member.post(f"{room}objects/", sent)
    path, got, query = f"{room}objects/{first['id']}/versions/", [], {"limit": "2"}
    while True:
        page = member.get(path, query).ok()
        assert len(page["versions"]) <= 2
        got += page["versions"]
        if not page.get("more"):
            break
        query["next"] = page["next"]
    assert got == [item["modified"] for item in sent]


def test_added_after_and_spec_version_filter(member: Peer, room: str) -> None:  # §5.8
    first = indicator()
    member.post(f"{room}objects/", [first])
    path = f"{room}objects/{first['id']}/versions/"
    after = member.get(path).headers[LAST]
    assert member.get(path, {"added_after": after}).ok() == {}
    member.post(f"{room}objects/", [version(first, "2026-02-01T00:00:00.000Z")])
    assert member.get(path, {"added_after": after}).ok()["versions"] == ["2026-02-01T00:00:00.000Z"]
    assert member.get(path, {"match[spec_version]": "2.0"}).ok() == {}  # §5.8.1: MUST be omitted
    assert len(member.get(path, {"match[spec_version]": "2.0,2.1"}).ok()["versions"]) == 2


@pytest.mark.parametrize("object_id", ["indicator--9cfa669c-ee94-4ece-afd2-f8edac37d8fd", "x"])
def test_versions_of_an_absent_object_are_not_found(member: Peer, room: str, object_id: str) -> None:  # §5.8: 404
    member.get(f"{room}objects/{object_id}/versions/").refused(404)


@pytest.mark.parametrize("query", [{"limit": "0"}, {"added_after": "x"}, {"next": "x"}, {"match[type]": "x"}])
def test_malformed_filter_is_a_bad_request(member: Peer, room: str, query: dict[str, str]) -> None:  # 400
    one = indicator()
    member.post(f"{room}objects/", [one])
    member.get(f"{room}objects/{one['id']}/versions/", query).refused(400)


def test_read_access_is_required(server: Deployment, room: str) -> None:  # §5.8: MUST
    one = indicator()
    server.peer("member").post(f"{room}objects/", [one])
    path = f"{room}objects/{one['id']}/versions/"
    server.peer("reader").get(path).ok()
    server.peer("writer").get(path).refused(403, 404)
    server.peer("outsider").get(path).refused(404)
    server.peer("member").anonymous().get(path).refused(401, 404)
