"""TAXII 2.1 §5.7: deleting an object."""

import uuid

import pytest

from tests.conformance.deployment import Deployment
from tests.conformance.peer import TAXII, Peer, indicator, version


def test_deleted_object_is_in_no_resource(member: Peer, room: str) -> None:  # §5.7: MUST 404, MUST NOT return
    one, other = indicator(), indicator()
    member.post(f"{room}objects/", [one, version(one, "2026-02-01T00:00:00.000Z"), other])
    answer = member.send("DELETE", f"/feed/{room}objects/{one['id']}/")
    assert (answer.status, answer.headers["Content-Type"], answer.body) == (200, TAXII, b"")
    member.get(f"{room}objects/{one['id']}/").refused(404)
    member.get(f"{room}objects/{one['id']}/versions/").refused(404)
    for asked in ("last", "all"):
        assert member.get(f"{room}objects/", {"match[version]": asked}).ok()["objects"] == [other]
        listed = member.get(f"{room}manifest/", {"match[version]": asked}).ok()["objects"]
        assert [record["id"] for record in listed] == [other["id"]]


@pytest.mark.parametrize(
    ("asked", "left"), [("last", [0, 1]), ("first", [1, 2]), ("all", []), ("2026-02-01T00:00:00.000Z", [0, 2])]
)
def test_single_version_can_be_deleted(member: Peer, room: str, asked: str, left: list[int]) -> None:  # §5.7
    first = indicator()
    sent = [first, *(version(first, f"2026-0{month}-01T00:00:00.000Z") for month in (2, 3))]
    member.post(f"{room}objects/", sent)
    path = f"{room}objects/{first['id']}/"
    assert member.send("DELETE", f"/feed/{path}?match[version]={asked}").status == 200
    there = member.get(f"{room}objects/", {"match[version]": "all"}).ok().get("objects", [])
    assert there == [sent[index] for index in left]
    for gone in (item for item in sent if item not in there):
        member.get(path, {"match[version]": gone["modified"]}).refused(404)
    if left:
        assert member.get(path).ok()["objects"] == [sent[left[-1]]]


def test_single_stix_version_can_be_deleted(member: Peer, room: str) -> None:  # §5.7
    new = indicator()
    old = {key: value for key, value in new.items() if key != "spec_version"}
    member.post(f"{room}objects/", [old, new])
    path = f"/feed/{room}objects/{new['id']}/"
    assert member.send("DELETE", f"{path}?match[spec_version]=2.1").status == 200
    assert member.send("GET", path).ok()["objects"] == [old]
    assert member.send("DELETE", path).status == 200
    member.send("GET", path).refused(404)


def test_deleted_object_can_be_added_again(member: Peer, room: str) -> None:
    one = indicator()
    member.post(f"{room}objects/", [one])
    member.send("DELETE", f"/feed/{room}objects/{one['id']}/")
    assert member.post(f"{room}objects/", [one])["success_count"] == 1
    assert member.get(f"{room}objects/").ok()["objects"] == [one]


def test_absent_items_are_not_found(member: Peer, room: str) -> None:  # §5.7: 404
    one = indicator()
    member.post(f"{room}objects/", [one])
    path = f"/feed/{room}objects/{one['id']}/"
    member.send("DELETE", f"/feed/{room}objects/indicator--{uuid.uuid4()}/").refused(404)
    member.send("DELETE", f"{path}?match[version]=1999-01-01T00:00:00.000Z").refused(404)
    assert member.send("DELETE", path).status == 200
    member.send("DELETE", path).refused(404)


@pytest.mark.parametrize("query", ["match[version]=x", "match[type]=indicator", "match[id]=x"])
def test_malformed_filter_deletes_nothing(member: Peer, room: str, query: str) -> None:  # §5.7: 400
    one = indicator()
    member.post(f"{room}objects/", [one])
    member.send("DELETE", f"/feed/{room}objects/{one['id']}/?{query}").refused(400)
    assert member.get(f"{room}objects/").ok()["objects"] == [one]


def test_deletion_needs_read_and_write_access(server: Deployment, room: str) -> None:  # §5.7, table: MUST
    one = indicator()
    server.peer("member").post(f"{room}objects/", [one])
    path = f"/feed/{room}objects/{one['id']}/"
    server.peer("outsider").send("DELETE", path).refused(404)
    server.peer("reader").send("DELETE", path).refused(403)
    server.peer("writer").send("DELETE", path).refused(403)
    server.peer("member").anonymous().send("DELETE", path).refused(401, 404)
    assert server.peer("member").send("GET", path).ok()["objects"] == [one]


def test_another_collection_keeps_its_copy(member: Peer, server: Deployment, room: str) -> None:  # §5.7
    one, elsewhere = indicator(), f"collections/{server.collection()}/"
    for collection in (room, elsewhere):
        member.post(f"{collection}objects/", [one])
    member.send("DELETE", f"/feed/{room}objects/{one['id']}/")
    assert member.get(f"{elsewhere}objects/").ok()["objects"] == [one]
