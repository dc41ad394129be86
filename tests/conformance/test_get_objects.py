"""TAXII 2.1 §5.4, §3.2, §3.3 and §3.7: getting objects."""

import pytest

from tests.conformance.deployment import Deployment
from tests.conformance.peer import FIRST, LAST, STAMP, Peer, indicator, version


def test_objects_are_in_an_envelope(member: Peer, room: str) -> None:  # §3.7: MUST
    one = indicator()
    member.post(f"{room}objects/", [one])
    said = member.get(f"{room}objects/").ok()
    assert said.keys() <= {"more", "next", "objects"}
    assert said["objects"] == [one]
    assert type(said.get("more", False)) is bool


def test_empty_envelope_has_no_properties(member: Peer, room: str) -> None:  # §5.4: MUST; §2: no empty list
    assert member.get(f"{room}objects/").ok() == {}
    member.post(f"{room}objects/", [indicator()])
    assert member.get(f"{room}objects/", {"match[type]": "malware"}).ok() == {}


def test_oldest_object_is_first(member: Peer, room: str) -> None:  # §3.3: MUST
    sent = [indicator() for _ in range(7)]
    for item in sent[:3]:
        member.post(f"{room}objects/", [item])
    member.post(f"{room}objects/", sent[3:])
    assert member.get(f"{room}objects/").ok()["objects"] == sent
    dates = [item["date_added"] for item in member.get(f"{room}manifest/").ok()["objects"]]
    assert dates == sorted(set(dates))


def test_new_version_is_at_its_own_position(member: Peer, room: str) -> None:  # §3.3
    first, second = indicator(), indicator()
    newer = version(first, "2026-02-01T00:00:00.000Z")
    for item in (first, second, newer):
        member.post(f"{room}objects/", [item])
    assert member.get(f"{room}objects/").ok()["objects"] == [second, newer]
    assert member.get(f"{room}objects/", {"match[version]": "all"}).ok()["objects"] == [first, second, newer]


def test_headers_have_the_dates_of_first_and_last_object(member: Peer, room: str) -> None:  # §3.2: MUST
    member.post(f"{room}objects/", [indicator() for _ in range(3)])
    answer = member.get(f"{room}objects/")
    dates = [item["date_added"] for item in member.get(f"{room}manifest/").ok()["objects"]]
    assert (answer.headers[FIRST], answer.headers[LAST]) == (dates[0], dates[-1])
    for name in (FIRST, LAST):
        assert STAMP.fullmatch(answer.headers[name])
        assert len(answer.headers.get_all(name) or ()) == 1


def test_one_object_is_first_and_last(member: Peer, room: str) -> None:
    member.post(f"{room}objects/", [indicator()])
    answer = member.get(f"{room}objects/")
    assert answer.headers[FIRST] == answer.headers[LAST]


def test_empty_page_has_no_date_headers(member: Peer, room: str) -> None:
    answer = member.get(f"{room}objects/")
    assert FIRST not in answer.headers
    assert LAST not in answer.headers


def test_client_can_continue_after_its_last_object(member: Peer, room: str) -> None:  # §3.5
    sent = [indicator() for _ in range(4)]
    member.post(f"{room}objects/", sent[:2])
    last = member.get(f"{room}objects/").headers[LAST]
    assert member.get(f"{room}objects/", {"added_after": last}).ok() == {}
    member.post(f"{room}objects/", sent[2:])
    assert member.get(f"{room}objects/", {"added_after": last}).ok()["objects"] == sent[2:]


def test_alias_works_like_the_id(member: Peer, server: Deployment, room: str) -> None:  # §5.2.1
    member.post(f"{room}objects/", [indicator()])
    alias = server.known[room.split("/")[1]]
    assert member.get(f"collections/{alias}/objects/").ok() == member.get(f"{room}objects/").ok()


def test_object_of_one_collection_is_in_no_other(member: Peer, server: Deployment, room: str) -> None:
    member.post(f"{room}objects/", [indicator()])
    assert member.get(f"collections/{server.collection()}/objects/").ok() == {}


def test_read_access_is_required(server: Deployment, room: str) -> None:  # §5.4: MUST
    server.peer("reader").get(f"{room}objects/").ok()
    server.peer("writer").get(f"{room}objects/").refused(403, 404)
    server.peer("outsider").get(f"{room}objects/").refused(404)
    server.peer("member").anonymous().get(f"{room}objects/").refused(401, 404)


@pytest.mark.parametrize(
    "query", [{"limit": "-5"}, {"limit": "x"}, {"added_after": "1"}, {"match[version]": "newest"}, {"next": "!"}]
)
def test_malformed_filter_is_a_bad_request(member: Peer, room: str, query: dict[str, str]) -> None:  # 400
    member.get(f"{room}objects/", query).refused(400)
