"""TAXII 2.1 §1.6.8 and §3.1: media types, negotiated by RFC 9110 §12.5.1."""

import pytest

from tests.conformance.peer import TAXII, Peer, indicator

PATHS = ["/taxii2/", "/feed/", "/feed/collections/", "/feed/{room}", "/feed/{room}manifest/", "/feed/{room}objects/"]


@pytest.mark.parametrize("path", PATHS)
def test_every_response_has_its_media_type_with_version(member: Peer, room: str, path: str) -> None:  # §3.1
    member.send("GET", path.format(room=room)).ok()


@pytest.mark.parametrize(
    "accept",
    [
        TAXII,
        "application/taxii+json",
        "application/taxii+json; version=2.1",
        "application/taxii+json ; version=2.1",
        "application/taxii+json;version=2.1 ",
        'application/taxii+json;version="2.1"',
        "APPLICATION/TAXII+JSON;VERSION=2.1",
        "Application/Taxii+Json; Version=2.1",
        "application/taxii+json;version=2.1;charset=utf-8",
        "application/taxii+json;version=2.1;q=0.1",
        "application/taxii+json;q=1.000",
        "application/*",
        "*/*",
        "*/*;q=0.001",
        "text/html, application/taxii+json;version=2.1",
        "text/html,*/*;q=0.8",
        "application/taxii+json;version=2.1,application/stix+json;version=2.1",  # §5.3
        "application/taxii+json;version=2.0, application/taxii+json;version=2.1;q=0.5",
        "application/vnd.oasis.taxii+json; version=2.0, application/taxii+json; version=2.1",
        "application/taxii+json;version=2.2, application/taxii+json",
        "application/taxii+json;version=3.0, */*;q=0.1",
        "text/html;q=0, application/taxii+json",
        "*/*;q=0, application/taxii+json;version=2.1",
        "application/json;q=0.9, application/*;q=0.2",
        ", application/taxii+json;version=2.1,",
    ],
)
def test_client_that_accepts_taxii_gets_it(member: Peer, room: str, accept: str) -> None:  # §3.1: MUST NOT be 406
    for path in ("/taxii2/", f"/feed/{room}objects/"):
        member.send("GET", path, {"Accept": accept}).ok()


def test_accept_may_be_given_over_several_lines(member: Peer) -> None:  # RFC 9110 §5.3
    member.send("GET", "/taxii2/", {"Accept": ["text/html", TAXII]}).ok()


def test_missing_accept_means_anything(member: Peer, room: str) -> None:  # RFC 9110 §12.5.1
    for path in PATHS:
        member.send("GET", path.format(room=room), {"Accept": None}).ok()


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "application/json",
        "application/taxii+json;version=2.0",
        "application/taxii+json;version=2.10",
        "application/taxii+json;version=2",
        'application/taxii+json;version="3.0"',
        "application/vnd.oasis.taxii+json; version=2.0",
        "application/taxii+xml",
        "application/taxii+json;version=2.1;q=0",
        "application/taxii+json;q=0.0",
        "*/*;q=0",
        "application/*;q=0",
        "*/*, application/taxii+json;q=0",
        "application/taxii+json;version=2.1;q=0, */*",
        "text/*",
        "nonsense",
    ],
)
def test_client_without_taxii_2_1_gets_a_taxii_error(member: Peer, room: str, accept: str) -> None:  # §4, §5: 406
    for path in PATHS:
        member.send("GET", path.format(room=room), {"Accept": accept}).refused(406)


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_unacceptable_request_changes_nothing(member: Peer, room: str, method: str) -> None:  # §5.5, §5.7: 406
    one = indicator()
    path = f"/feed/{room}objects/"
    if method == "POST":
        member.send("POST", path, {"Accept": "text/html"}, {"objects": [one]}).refused(406)
        assert member.send("GET", path).ok() == {}
    else:
        member.post(f"{room}objects/", [one])
        member.send("DELETE", f"{path}{one['id']}/", {"Accept": "text/html"}).refused(406)
        assert member.send("GET", path).ok()["objects"] == [one]


@pytest.mark.parametrize(
    "content_type",
    [
        TAXII,
        "application/taxii+json",
        "application/taxii+json; version=2.1",
        "application/taxii+json ;version=2.1",
        'application/taxii+json;version="2.1"',
        "Application/TAXII+JSON;Version=2.1",
        "application/taxii+json;version=2.1;charset=utf-8",
        "application/taxii+json;charset=UTF-8;version=2.1",
    ],
)
def test_taxii_body_is_accepted(member: Peer, room: str, content_type: str) -> None:  # §3.1: MUST NOT be 415
    sent = {"objects": [indicator()]}
    assert member.send("POST", f"/feed/{room}objects/", {"Content-Type": content_type}, sent).ok(202)["success_count"]


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "application/json",
        "application/stix+json;version=2.1",
        "application/taxii+json;version=2.0",
        "application/vnd.oasis.taxii+json; version=2.0",
        "application/vnd.oasis.stix+json; version=2.0",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "*/*",
        "application/*",
        "nonsense",
        "application/taxii+json, application/taxii+json",
    ],
)
def test_other_body_is_refused(member: Peer, room: str, content_type: str | None) -> None:  # §5.5
    path = f"/feed/{room}objects/"
    member.send("POST", path, {"Content-Type": content_type}, {"objects": [indicator()]}).refused(415)
    assert member.send("GET", path).ok() == {}
