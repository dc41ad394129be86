"""TAXII 2.1 §5.6: getting an object."""

import pytest

from tests.conformance.deployment import Deployment
from tests.conformance.peer import FIRST, LAST, Peer, indicator, version


def test_newest_version_is_in_an_envelope(member: Peer, room: str) -> None:  # §5.6: MUST
    one = indicator()
    newer = version(one, "2026-02-01T00:00:00.000Z")
    member.post(f"{room}objects/", [one, newer, indicator()])
    answer = member.get(f"{room}objects/{one['id']}/")
    assert answer.ok()["objects"] == [newer]
    [record] = member.get(f"{room}manifest/", {"match[id]": one["id"]}).ok()["objects"]
    assert answer.headers[FIRST] == answer.headers[LAST] == record["date_added"]  # §3.2


def test_version_filter_works_as_for_collections(member: Peer, room: str) -> None:  # §5.6, §3.4.1
    first = indicator()
    second = version(first, "2026-02-01T00:00:00.000Z")
    third = version(first, "2026-03-01T00:00:00.123456Z")
    member.post(f"{room}objects/", [first, second, third])
    for asked, got in {
        "first": [first],
        "last": [third],
        "all": [first, second, third],
        "first,last": [first, third],
        second["modified"]: [second],
        f"{second['modified']},{third['modified']}": [second, third],
        f"first,{second['modified']},last": [first, second, third],
    }.items():
        assert member.get(f"{room}objects/{first['id']}/", {"match[version]": asked}).ok()["objects"] == got


def test_paging_works_as_for_collections(member: Peer, room: str) -> None:  # §5.6
    first = indicator()
    sent = [first, *(version(first, f"2026-0{month}-01T00:00:00.000Z") for month in (2, 3))]
    member.post(f"{room}objects/", sent)
    path = f"{room}objects/{first['id']}/"
    page = member.get(path, {"match[version]": "all", "limit": "2"}).ok()
    assert (page["objects"], page["more"]) == (sent[:2], True)
    rest = member.get(path, {"match[version]": "all", "limit": "2", "next": page["next"]}).ok()
    assert rest["objects"] == sent[2:]
    assert "next" not in rest


def test_filtered_out_object_is_an_empty_envelope(member: Peer, room: str) -> None:  # §5.6: MUST
    one = indicator()
    member.post(f"{room}objects/", [one])
    path = f"{room}objects/{one['id']}/"
    for query in ({"added_after": "2100-01-01T00:00:00.000000Z"}, {"match[spec_version]": "2.0"}):
        answer = member.get(path, query)
        assert answer.ok() == {}
        assert FIRST not in answer.headers


@pytest.mark.parametrize(
    "object_id", ["indicator--9cfa669c-ee94-4ece-afd2-f8edac37d8fd", "x", "indicator--", "%27", "%00"]
)
def test_absent_resource_is_not_found(member: Peer, room: str, object_id: str) -> None:  # §5.6: 404
    member.get(f"{room}objects/{object_id}/").refused(404)


def test_the_only_matches_are_version_and_spec_version(member: Peer, room: str) -> None:  # §5.6
    one = indicator()
    member.post(f"{room}objects/", [one])
    for name in ("id", "type"):
        member.get(f"{room}objects/{one['id']}/", {f"match[{name}]": one[name]}).refused(400)
    member.get(f"{room}objects/{one['id']}/", {"match[spec_version]": "2.1"}).ok()


def test_read_access_is_required(server: Deployment, room: str) -> None:  # §5.6: MUST
    one = indicator()
    server.peer("member").post(f"{room}objects/", [one])
    path = f"{room}objects/{one['id']}/"
    server.peer("reader").get(path).ok()
    server.peer("writer").get(path).refused(403, 404)
    server.peer("outsider").get(path).refused(404)
    server.peer("member").anonymous().get(path).refused(401, 404)
