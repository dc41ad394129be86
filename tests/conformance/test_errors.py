"""TAXII 2.1 §3.6: every error is an error resource."""

import uuid

import pytest

from tests.conformance.deployment import Deployment
from tests.conformance.peer import Peer, indicator

OPTIONAL = {"description", "error_id", "error_code", "http_status", "external_details", "details"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/feed/collections/", {"Authorization": None}, 401),
        ("GET", "/nowhere/", {}, 404),
        ("GET", "/feed/collections/x/", {}, 404),
        ("PUT", "/feed/collections/", {}, 405),
        ("GET", "/taxii2/", {"Accept": "text/html"}, 406),
        ("GET", "/feed/{room}objects/?limit=0", {}, 400),
        ("POST", "/feed/{room}objects/", {"Content-Type": "text/plain"}, 415),
        ("POST", "/feed/{room}objects/", {}, 400),
        ("POST", "/feed/{room}objects/", {"Content-Encoding": "br"}, 415),
        ("DELETE", "/feed/{room}objects/x/", {}, 404),
    ],
)
def test_they_have_a_title_and_the_status_of_the_header(
    member: Peer, room: str, method: str, path: str, headers: dict[str, str], status: int
) -> None:  # §3.6.1: MUST match
    body = b"{" if method == "POST" else None
    resource = member.send(method, path.format(room=room), headers, body).refused(status)
    assert resource.keys() <= {"title"} | OPTIONAL


def test_each_error_has_a_unique_logged_id(server: Deployment, member: Peer) -> None:
    seen = {member.send("GET", "/feed/collections/x/").refused(404)["error_id"] for _ in range(5)}
    assert len(seen) == 5
    log = server.log.read_text()
    assert all(error_id in log for error_id in seen)


def test_error_repeats_nothing_of_the_request(member: Peer, room: str) -> None:
    secret = "4111111111111111"
    for path in (f"{room}objects/{secret}/", f"{room}objects/?limit={secret}x", f"collections/{secret}/"):
        assert secret not in member.send("GET", f"/feed/{path}").body.decode()
    answer = member.send("POST", f"/feed/{room}objects/", body=b'{"objects": "' + secret.encode() + b'"}')
    assert secret not in answer.body.decode()


def test_a_refused_object_is_named_but_not_repeated(member: Peer, room: str) -> None:
    secret = "4111111111111111"
    bad = [indicator(created=secret), {"type": secret}, indicator(id=secret), {"id": f"malware--{uuid.uuid4()}"}]
    answer = member.send("POST", f"/feed/{room}objects/", body={"objects": bad})
    assert answer.ok(202)["failure_count"] == 4
    assert secret not in answer.body.decode()
