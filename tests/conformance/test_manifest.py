"""TAXII 2.1 §5.3: object manifests."""

import pytest

from tests.conformance.deployment import Deployment
from tests.conformance.peer import FIRST, LAST, STAMP, Peer, indicator, version


def test_records_have_exactly_the_required_properties(member: Peer, room: str) -> None:  # §5.3.1
    sent = [indicator() for _ in range(3)]
    member.post(f"{room}objects/", sent)
    said = member.get(f"{room}manifest/").ok()
    assert said.keys() <= {"more", "next", "objects"}
    assert said.get("more", False) is False
    for record, one in zip(said["objects"], sent, strict=True):
        assert record.keys() == {"id", "date_added", "version", "media_type"}
        assert (record["id"], record["version"]) == (one["id"], one["modified"])
        assert STAMP.fullmatch(record["date_added"])


def test_the_media_type_is_one_of_the_collections(member: Peer, room: str) -> None:  # §5.3.1
    old = {key: value for key, value in indicator().items() if key != "spec_version"}
    member.post(f"{room}objects/", [indicator(), old])
    types = [item["media_type"] for item in member.get(f"{room}manifest/").ok()["objects"]]
    assert types == ["application/stix+json;version=2.1", "application/stix+json;version=2.0"]
    assert set(types) <= set(member.get(room).ok()["media_types"])


def test_empty_manifest_is_an_empty_object(member: Peer, room: str) -> None:  # §5.3.1
    answer = member.get(f"{room}manifest/")
    assert answer.ok() == {}
    assert FIRST not in answer.headers


def test_headers_have_the_dates_of_first_and_last_object(member: Peer, room: str) -> None:  # §3.2
    member.post(f"{room}objects/", [indicator() for _ in range(3)])
    answer = member.get(f"{room}manifest/", {"limit": 2})
    dates = [item["date_added"] for item in answer.ok()["objects"]]
    assert [answer.headers[FIRST], answer.headers[LAST]] == dates


def test_manifest_lists_the_same_objects_as_get_objects(member: Peer, room: str) -> None:  # §5.3: identical filtering
    first = indicator()
    sent = [first, version(first, "2026-02-01T00:00:00.000Z"), indicator(type="tool", id="tool--" + first["id"][11:])]
    member.post(f"{room}objects/", sent)
    for query in (
        {},
        {"match[type]": "tool"},
        {"match[id]": first["id"]},
        {"match[version]": "all"},
        {"match[version]": "first"},
        {"match[version]": first["modified"]},
        {"match[spec_version]": "2.0"},
        {"match[id]": first["id"], "match[version]": "all", "limit": 1},
        {"added_after": "2100-01-01T00:00:00Z"},
    ):
        manifest, objects = member.get(f"{room}manifest/", query), member.get(f"{room}objects/", query)
        assert [(item["id"], item["version"]) for item in manifest.ok().get("objects", ())] == [
            (item["id"], item["modified"]) for item in objects.ok().get("objects", ())
        ]
        for header in (FIRST, LAST):
            assert manifest.headers[header] == objects.headers[header]


def test_manifest_is_paged(member: Peer, room: str) -> None:  # §3.5
    sent = [indicator() for _ in range(5)]
    member.post(f"{room}objects/", sent)
    got, query = [], {"limit": "2"}
    while True:
        page = member.get(f"{room}manifest/", query).ok()
        got += [item["id"] for item in page["objects"]]
        if not page.get("more"):
            break
        query["next"] = page["next"]
    assert got == [item["id"] for item in sent]


@pytest.mark.parametrize("query", [{"limit": "0"}, {"added_after": "x"}, {"match[version]": "x"}, {"next": "x"}])
def test_malformed_filter_is_a_bad_request(member: Peer, room: str, query: dict[str, str]) -> None:  # 400
    member.get(f"{room}manifest/", query).refused(400)


def test_read_access_is_required(server: Deployment, room: str) -> None:  # §5.3: MUST
    server.peer("reader").get(f"{room}manifest/").ok()
    server.peer("writer").get(f"{room}manifest/").refused(403, 404)
    server.peer("outsider").get(f"{room}manifest/").refused(404)
    server.peer("member").anonymous().get(f"{room}manifest/").refused(401, 404)
