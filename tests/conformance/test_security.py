"""TAXII 2.1 §1.6.9, §8.2.2 and appendix B: authentication and secure transport."""

import ssl
from dataclasses import replace
from urllib.parse import quote

import pytest

from tests.conformance.deployment import Deployment, Servers
from tests.conformance.peer import Peer, basic, indicator

# A sample of RFC 7540 appendix A still known to OpenSSL: no forward secrecy, or no authenticated encryption.
FORBIDDEN = (
    "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-ECDSA-AES256-SHA384",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-ECDSA-CAMELLIA128-SHA256",
)
ALL = ("/taxii2/", "/feed/", "/feed/collections/", "/feed/{room}", "/feed/{room}manifest/", "/feed/{room}objects/")


@pytest.mark.parametrize("path", ALL)
@pytest.mark.parametrize(
    "authorization",
    [None, "", "Basic", "Basic !!!", "Basic Og==", "Bearer", "Bearer x", "Digest x", "Basic AP8=", "x" * 4_000],
    ids=lambda given: str(given)[:12],
)
def test_requests_without_credentials_are_asked_for_them(
    member: Peer, room: str, path: str, authorization: str | None
) -> None:  # §1.6.9
    answer = replace(member, authorization=authorization).send("GET", path.format(room=room))
    answer.refused(401)
    schemes = {header.split()[0] for header in answer.headers.get_all("WWW-Authenticate") or ()}
    assert schemes == {"Basic", "Bearer"}  # RFC 9110 §11.6.1; registered with IANA


@pytest.mark.parametrize("method", ["POST", "DELETE", "HEAD", "PUT"])
def test_credentials_are_required_for_every_method(member: Peer, room: str, method: str) -> None:  # §1.6.9
    path = f"/feed/{room}objects/" + ("" if method == "POST" else "indicator--c410e480-e42b-47d1-9476-85307c12bcbf/")
    answer = member.anonymous().send(method, path, body={"objects": [indicator()]})
    assert answer.status in ((401, 405) if method == "PUT" else (401,))


def test_wrong_password_is_like_none(member: Peer, server: Deployment) -> None:
    user = server.database.partners["member"]["user"]
    for given in (basic(user, "wrong"), basic("nobody", "wrong"), basic(user, ""), "Bearer " + "A" * 43):
        replace(member, authorization=given).send("GET", "/feed/").refused(401)


def test_authentication_scheme_is_case_insensitive(member: Peer, server: Deployment) -> None:  # RFC 9110 §11.1
    told = server.database.partners["member"]
    proof = (member.authorization or "").removeprefix("Basic ")
    for given in (f"basic {proof}", f"BASIC {proof}", f"bearer {told['token']}", f"Bearer {told['token']}"):
        replace(member, authorization=given).send("GET", "/feed/").ok()


def test_reader_writer_and_outsider_get_their_statuses(server: Deployment, room: str) -> None:
    path = f"/feed/{room}objects/"
    assert [server.peer(name).send("GET", path).status for name in ("reader", "writer", "outsider")] == [200, 403, 404]


def test_partner_without_access_cannot_detect_objects(server: Deployment, room: str) -> None:
    one = indicator()
    server.peer("member").post(f"{room}objects/", [one])
    outsider, nowhere = server.peer("outsider"), "collections/9cfa669c-ee94-4ece-afd2-f8edac37d8fd/"
    for end in (
        "",
        "objects/",
        f"objects/{one['id']}/",
        f"objects/{one['id']}/versions/",
        "manifest/",
        "objects/?limit=x",
    ):
        there, not_there = (outsider.send("GET", f"/feed/{place}{end}") for place in (room, nowhere))
        assert there.refused(404) | {"error_id": ""} == not_there.refused(404) | {"error_id": ""}
        assert set(there.headers.keys()) == set(not_there.headers.keys())


def test_responses_are_not_stored_by_shared_caches(member: Peer, room: str) -> None:
    cached = member.get(f"{room}objects/").headers.get("Cache-Control", "private")
    assert "public" not in cached


def test_path_traversal_is_refused(member: Peer) -> None:
    for path in ("../../etc/passwd", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", quote("../../../etc/passwd", safe="")):
        member.send("GET", f"/feed/collections/{path}").refused(404)


def _handshake(server: Deployment, context: ssl.SSLContext) -> str | None:
    peer = replace(server.peer("member"), tls=context)
    connection = peer.connect()
    try:
        connection.connect()
        return connection.sock.version()
    except (ssl.SSLError, ConnectionError):
        return None
    finally:
        connection.close()


def _context(server: Deployment) -> ssl.SSLContext:
    assert server.pem is not None
    return ssl.create_default_context(cafile=str(server.pem.authority))


@pytest.fixture
def secure(servers: Servers) -> Deployment:
    return servers.get("https-postgresql")


@pytest.mark.parametrize(
    ("version", "name"), [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")]
)
def test_tls_1_2_and_1_3_are_accepted(secure: Deployment, version: ssl.TLSVersion, name: str) -> None:  # §8.2.2 2
    context = _context(secure)
    context.minimum_version = context.maximum_version = version
    assert _handshake(secure, context) == name


def test_older_tls_is_refused(secure: Deployment) -> None:
    context = _context(secure)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    assert _handshake(secure, context) is None


@pytest.mark.parametrize("cipher", FORBIDDEN)
def test_ciphers_that_http_2_forbids_are_not_agreed_on(secure: Deployment, cipher: str) -> None:  # §8.2.2 4: SHOULD NOT
    context = _context(secure)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{cipher}:@SECLEVEL=0")
    assert _handshake(secure, context) is None


def test_plain_http_on_the_tls_port_gets_nothing(secure: Deployment) -> None:
    plain = replace(secure.peer("member"), tls=None)
    assert b"200 OK" not in plain.raw(b"GET /taxii2/ HTTP/1.1\r\nHost: x\r\n\r\n")
