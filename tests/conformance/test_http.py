"""TAXII 2.1 §3.1 and §8.2.1: endpoints in HTTP terms."""

import http.client
import json

import pytest

from tests.conformance.deployment import Deployment
from tests.conformance.peer import Peer, indicator

GONE = "collections/9cfa669c-ee94-4ece-afd2-f8edac37d8fd/"
ENDPOINTS = {
    "/taxii2/": {"GET"},
    "/feed/": {"GET"},
    "/feed/status/2d086da7-4bdc-4f91-900e-d77486753710/": {"GET"},
    "/feed/collections/": {"GET"},
    "/feed/{room}": {"GET"},
    "/feed/{room}manifest/": {"GET"},
    "/feed/{room}objects/": {"GET", "POST"},
    "/feed/{room}objects/indicator--c410e480-e42b-47d1-9476-85307c12bcbf/": {"GET", "DELETE"},
    "/feed/{room}objects/indicator--c410e480-e42b-47d1-9476-85307c12bcbf/versions/": {"GET"},
}


@pytest.mark.parametrize("path", ENDPOINTS)
def test_every_endpoint_exists(member: Peer, room: str, path: str) -> None:  # §3.1, table
    for method in ENDPOINTS[path]:
        answer = member.send(method, path.format(room=room), body=b"{}" if method == "POST" else None)
        assert answer.status in (200, 404, 422)
        assert answer.json() is not None


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST", "DELETE"])
def test_other_methods_are_refused_with_the_allowed_ones(member: Peer, room: str, path: str, method: str) -> None:
    if method in ENDPOINTS[path]:  # RFC 9110 §15.5.6
        return
    answer = member.send(method, path.format(room=room), body=b"{}")
    answer.refused(405)
    assert {value.strip() for value in answer.headers["Allow"].split(",")} >= ENDPOINTS[path]


def test_unknown_method_is_refused(member: Peer) -> None:
    member.send("BREW", "/feed/").refused(400, 405, 501)  # RFC 9110 §9.1
    member.send("GET", "/feed/").ok()


@pytest.mark.parametrize("path", ["/taxii2/", "/feed/", "/feed/collections/", "/feed/{room}objects/"])
def test_head_equals_get_without_a_body(member: Peer, room: str, path: str) -> None:  # RFC 9110 §9.3.2
    member.post(f"{room}objects/", [indicator()])
    there = path.format(room=room)
    head, get = member.send("HEAD", there), member.send("GET", there)
    assert (head.status, head.body) == (200, b"")
    for name in ("Content-Type", "X-TAXII-Date-Added-First", "X-TAXII-Date-Added-Last"):
        assert head.headers[name] == get.headers[name]
    if "Content-Length" in head.headers:
        assert head.headers["Content-Length"] == get.headers["Content-Length"]


def test_head_of_an_absent_resource_has_no_body(member: Peer) -> None:
    answer = member.send("HEAD", f"/feed/{GONE}objects/")
    assert (answer.status, answer.body) == (404, b"")


@pytest.mark.parametrize("path", ["/taxii2/", "/feed/{room}objects/"])
def test_options_lists_the_methods_and_changes_nothing(member: Peer, room: str, path: str) -> None:
    answer = member.send("OPTIONS", path.format(room=room))
    assert answer.status in (200, 204)
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere/",
        "/feed/nowhere/",
        "/feed/collections/x/y/",
        "/other/collections/",
        "/feed//collections/",
        "/feed/../etc/passwd",
        "/feed/%2e%2e/",
        "/feed/collections/%00/",
        "/feed/collections/%ff%fe/objects/",
        "/taxii/",
    ],
)
def test_absent_items_are_not_found(member: Peer, path: str) -> None:  # §3.6
    member.send("GET", path).refused(404)


def test_path_without_its_slash_redirects_to_no_other_host(member: Peer, room: str) -> None:  # §3.1
    for path in ("/taxii2", "/feed", f"/feed/{room}objects"):
        answer = member.send("GET", path)
        assert answer.status in (200, 404)
        assert "Location" not in answer.headers


def test_a_client_needs_no_user_agent(member: Peer) -> None:  # §8.2.1 7
    member.send("GET", "/taxii2/", {"User-Agent": None}).ok()
    member.send("GET", "/taxii2/", {"User-Agent": "x" * 2_000}).ok()


def test_chunked_body_is_accepted(member: Peer, room: str) -> None:  # RFC 9112 §7.1
    one = indicator()
    sent = json.dumps({"objects": [one]}).encode()
    parts = iter([sent[:7], sent[7:90], sent[90:]])
    answer = member.send("POST", f"/feed/{room}objects/", {"Transfer-Encoding": "chunked"}, parts)
    assert answer.ok(202)["success_count"] == 1
    assert member.get(f"{room}objects/").ok()["objects"] == [one]


def test_client_can_wait_for_100_continue(member: Peer, room: str) -> None:  # RFC 9110 §10.1.1
    body = json.dumps({"objects": [indicator()]}).encode()
    connection = member.connect()
    connection.putrequest("POST", f"/feed/{room}objects/")
    for name, value in {
        "Authorization": member.authorization or "",
        "Accept": "application/taxii+json;version=2.1",
        "Content-Type": "application/taxii+json;version=2.1",
        "Content-Length": str(len(body)),
        "Expect": "100-continue",
    }.items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(body)
    assert connection.getresponse().status == 202
    connection.close()


def test_many_requests_go_over_one_connection(member: Peer, room: str) -> None:
    connection = member.connect()
    headers = {"Authorization": member.authorization or "", "Accept": "application/taxii+json;version=2.1"}
    for path, status in [("/taxii2/", 200), (f"/feed/{GONE}", 404), ("/feed/", 200), (f"/feed/{room}objects/", 200)]:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        assert response.status == status
        assert len(response.read()) == int(response.headers["Content-Length"])
    connection.close()


def test_http_1_0_is_answered(member: Peer) -> None:
    head = f"GET /taxii2/ HTTP/1.0\r\nAuthorization: {member.authorization}\r\n\r\n"
    assert b" 200 " in member.raw(head.encode()).partition(b"\r\n")[0]


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\x01\x02\x03",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /feed/ HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /feed/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /feed/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=lambda sent: repr(sent[:40]),
)
def test_malformed_http_causes_no_server_error(server: Deployment, member: Peer, sent: bytes) -> None:
    # The server may wait for the rest of an endless line.
    status = member.raw(sent, patience=2).partition(b"\r\n")[0]
    assert status == b"" or status.split()[1].startswith(b"4"), status
    member.send("GET", "/taxii2/").ok()


def test_responses_have_their_length(member: Peer, room: str) -> None:
    member.post(f"{room}objects/", [indicator()])
    answer = member.get(f"{room}objects/")
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    assert isinstance(answer.headers, http.client.HTTPMessage)
