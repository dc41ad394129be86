"""TAXII over real sockets: gunicorn as the product runs it, taxii2-client and raw requests as partners send them."""

import base64
import gzip
import http.client
import json
import re
import socket
import subprocess
import sys
import time
import urllib.parse
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from taxii2client.common import TokenAuth
from taxii2client.v21 import ApiRoot, Collection, Server, Status, as_pages

from mappers import ids
from mappers.indicator import to_stix
from schemas.partner import Partner, PartnerKind
from schemas.reading import Reader
from server.store import Store, collections, partners
from server.store.passwords import Credentials

TAXII = "application/taxii+json;version=2.1"
SERVE = """
import logging, sys
from server.app import serve
from server.settings import Settings
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
settings = Settings(database_url=sys.argv[1], title="Test hub", contact="hub@example.org")
serve(settings, "127.0.0.1", int(sys.argv[2]), 2, 8)
"""


@dataclass(frozen=True)
class Hub:
    """A running server, and two partners of it: the bank has the room, the platform has nothing yet."""

    url: str
    log: Path
    room: str
    listening_only: str
    bank: Credentials
    platform: Credentials

    def ask(self, path: str, method: str = "GET", who: Credentials | None = None, **more: Any) -> requests.Response:
        headers = {"Accept": TAXII, **more.pop("headers", {})}
        if method == "POST":
            headers.setdefault("Content-Type", TAXII)
        asking = who or self.bank
        return requests.request(
            method,
            self.url + path,
            auth=(asking.user.encode(), asking.password),
            headers={name: value for name, value in headers.items() if value is not None},
            allow_redirects=False,
            timeout=30,
            **more,
        )

    @property
    def objects(self) -> str:
        return f"/feed/collections/{self.room}/objects/"


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("hub")
    url = f"sqlite:///{folder / 'hub.db'}"
    store = Store.open(url)
    store.migrate()
    with store.begin() as tx:
        collections.create_defaults(tx)
        room = collections.add(tx, "room", "Room")
        quiet = collections.add(tx, "quiet", "Quiet")
        bank = partners.add(
            tx, Partner(name="bänk", kind=PartnerKind.BANK, country="TH", identity=ids.identity("bänk"))
        )
        platform = partners.add(
            tx, Partner(name="platform", kind=PartnerKind.PLATFORM, identity=f"identity--{uuid.uuid4()}")
        )
        partners.grant(tx, bank.user, room, read=True, write=True)
        partners.grant(tx, bank.user, quiet, read=True)
        partners.grant(tx, bank.user, collections.get(tx, "inbox"), write=True)
        partners.grant(tx, bank.user, collections.get(tx, "takedown"), read=True, write=True)
        partners.grant(tx, platform.user, quiet, read=True)
    store.close()
    port = free_port()
    log = folder / "log"
    with log.open("w") as out:
        server = subprocess.Popen([sys.executable, "-c", SERVE, url, str(port)], stderr=out, stdout=out)
        running = Hub(f"http://127.0.0.1:{port}", log, room.id, quiet.id, bank, platform)
        try:
            deadline = time.monotonic() + 60
            while True:
                try:
                    assert requests.get(running.url + "/health", timeout=5).json() == {"status": "ok"}
                    break
                except requests.ConnectionError:
                    assert server.poll() is None, log.read_text()
                    assert time.monotonic() < deadline
                    time.sleep(0.1)
            yield running
        finally:
            server.terminate()
            assert server.wait(60) == 0


def indicator(**more: Any) -> dict[str, Any]:
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid.uuid4()}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "pattern": "[domain-name:value = 'scam.example']",
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
        **more,
    }


def error_of(response: requests.Response, status: int) -> dict[str, Any]:
    """Check that this is an error as TAXII has them, and nothing more than one."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == TAXII
    resource: dict[str, Any] = response.json()
    assert resource["http_status"] == str(status)
    assert resource["title"]
    uuid.UUID(resource["error_id"])
    assert not re.search(r"Traceback|sqlite|\.py|SELECT", response.text)
    return resource


# What taxii2-client does


@pytest.fixture(scope="module")
def root(hub: Hub) -> Iterator[ApiRoot]:
    server = Server(hub.url + "/taxii2/", user=hub.bank.user.encode(), password=hub.bank.password)
    assert (server.title, server.contact) == ("Test hub", "hub@example.org")
    assert server.default is not None
    yield server.default
    for one in server.api_roots:
        one.close()
    server.close()


@pytest.fixture
def room(root: ApiRoot) -> Collection:
    [found] = [one for one in root.collections if one.title == "Room"]
    return found


def test_taxii2_client_finds_its_way(hub: Hub, root: ApiRoot) -> None:
    assert root.url == hub.url + "/feed/"
    assert root.versions == [TAXII]
    assert root.max_content_length == 104_857_600
    assert {one.title: (one.can_read, one.can_write) for one in root.collections} == {
        "Inbox": (False, True),
        "Room": (True, True),
        "Quiet": (True, False),
        "Takedown": (True, False),
    }


def test_taxii2_client_writes_pages_looks_up_and_deletes(room: Collection, root: ApiRoot) -> None:
    sent = [indicator() for _ in range(25)]
    status: Status = room.add_objects({"objects": sent})
    assert (status.status, status.success_count, status.total_count) == ("complete", 25, 25)
    assert [one["id"] for one in status.successes] == [one["id"] for one in sent]
    assert root.get_status(status.id).success_count == 25

    pages = list(as_pages(room.get_objects, per_request=10, id=[one["id"] for one in sent]))
    assert [page["more"] for page in pages] == [True, True, False]
    assert "next" not in pages[-1]
    assert [one for page in pages for one in page["objects"]] == sent

    one = sent[7]
    assert room.get_object(one["id"])["objects"] == [one]
    newer = {**one, "modified": "2026-02-01T00:00:00.000Z"}
    room.add_objects({"objects": [newer]})
    assert room.get_object(one["id"])["objects"] == [newer]
    assert room.get_object(one["id"], version="first")["objects"] == [one]
    assert room.object_versions(one["id"])["versions"] == [one["modified"], newer["modified"]]
    [record] = room.get_manifest(id=one["id"])["objects"]
    assert (record["id"], record["version"]) == (one["id"], newer["modified"])
    assert record["media_type"] == "application/stix+json;version=2.1"

    room.delete_object(one["id"], version="last")
    assert room.get_object(one["id"])["objects"] == [one]
    room.delete_object(one["id"])
    with pytest.raises(requests.HTTPError, match="404"):
        room.get_object(one["id"])


def test_taxii2_client_may_come_with_a_token(hub: Hub) -> None:
    url = f"{hub.url}/feed/collections/{hub.room}/"
    with Collection(url, auth=TokenAuth(hub.bank.token)) as by_token:
        assert by_token.title == "Room"
    bearer = requests.get(url, headers={"Authorization": f"bearer {hub.bank.token}"}, timeout=30)
    assert bearer.json()["id"] == hub.room


def test_posting_again_is_a_success_and_changes_nothing(hub: Hub) -> None:
    one = indicator()
    answers = [hub.ask(hub.objects, "POST", json={"objects": [one, one]}) for _ in range(2)]
    for answer in answers:
        assert answer.status_code == 202
        assert answer.json()["success_count"] == 2
        assert "failures" not in answer.json()
    assert hub.ask(f"{hub.objects}{one['id']}/versions/").json()["versions"] == [one["modified"]]


def test_one_bad_object_never_stops_the_others(hub: Hub) -> None:
    good = indicator()
    body = json.dumps({"objects": [good, {"type": "indicator"}, indicator(created=None)]})
    body = body[:-2] + ', {"x": NaN}, 5, {"type": "url", "type": "url"}]}'
    status = hub.ask(hub.objects, "POST", data=body).json()
    assert [status[name] for name in ("total_count", "success_count", "failure_count", "pending_count")] == [6, 1, 5, 0]
    assert len(status["failures"]) == 5
    assert [one["message"].partition(":")[0] for one in status["failures"]] == [
        "missing-id",
        "malformed-created",
        "not-a-number",
        "not-an-object",
        "duplicate-key",
    ]
    assert status == hub.ask(f"/feed/status/{status['id']}/").json()


def test_what_is_posted_to_the_inbox_goes_through_the_release_rules(hub: Hub) -> None:
    report = {"kind": "domain", "reporter": "bänk", "reported_at": "2026-11-24T08:00:00.000Z", "tlp": "clear"}
    sent = to_stix(Reader(report).report({"value": f"{uuid.uuid4()}.example.com"}))
    answer = hub.ask("/feed/collections/inbox/objects/", "POST", json={"objects": [*sent, {"type": "x"}]})
    assert answer.status_code == 202
    status = answer.json()
    listed = [one["id"] for name in ("successes", "pendings", "failures") for one in status.get(name, ())]
    assert sorted(listed) == sorted([*(one["id"] for one in sent), f"objects[{len(sent)}]"])
    assert status["total_count"] == len(sent) + 1
    assert status == hub.ask(f"/feed/status/{status['id']}/").json()
    [known] = [one for one in sent if one["type"] == "indicator"]
    assert hub.ask(f"/feed/collections/takedown/objects/{known['id']}/").status_code == 404
    released = hub.ask("/feed/collections/takedown/objects/?match[type]=indicator").json()["objects"]
    assert known["pattern"] in [one["pattern"] for one in released]
    assert known["created_by_ref"] not in [one["created_by_ref"] for one in released]


def test_a_released_collection_is_filled_by_the_rules_alone(hub: Hub) -> None:
    error_of(hub.ask("/feed/collections/takedown/objects/", "POST", json={"objects": [indicator()]}), 403)
    error_of(hub.ask(f"/feed/collections/takedown/objects/indicator--{uuid.uuid4()}/", "DELETE"), 403)


def test_objects_come_back_value_for_value(hub: Hub) -> None:
    one = (
        json.dumps(indicator())[:-1]
        + ', "x_big": 123456789012345678901234567890, "x_ten": 1.0e1, "x_name": "บัญชี\\u2028"}'
    )
    hub.ask(hub.objects, "POST", data=f'{{"objects": [{one}]}}'.encode())
    back = hub.ask(f"{hub.objects}{json.loads(one)['id']}/").text
    assert '"x_big":123456789012345678901234567890,"x_ten":1.0e1,"x_name":"บัญชี\\u2028"' in back


def test_headers_say_when_the_ends_of_the_page_were_added(hub: Hub) -> None:
    sent = [indicator(type="tool", id=f"tool--{uuid.uuid4()}") for _ in range(3)]
    hub.ask(hub.objects, "POST", json={"objects": sent})
    query = "?match[id]=" + ",".join(one["id"] for one in sent)
    dates = [one["date_added"] for one in hub.ask(f"/feed/collections/{hub.room}/manifest/{query}").json()["objects"]]
    page = hub.ask(f"{hub.objects}{query}&limit=2")
    assert page.headers["X-TAXII-Date-Added-First"] == dates[0]
    assert page.headers["X-TAXII-Date-Added-Last"] == dates[1]
    after = urllib.parse.quote(dates[1])
    rest = hub.ask(f"{hub.objects}{query}&added_after={after}")
    assert rest.json() == {"more": False, "objects": sent[2:]}
    nothing = hub.ask(f"{hub.objects}{query}&added_after={urllib.parse.quote(dates[2])}")
    assert nothing.json() == {}
    assert not any(name.startswith("X-TAXII") for name in nothing.headers)


def test_next_is_good_without_its_filters_and_with_another_limit(hub: Hub) -> None:
    sent = [indicator(type="tool", id=f"tool--{uuid.uuid4()}") for _ in range(5)]
    hub.ask(hub.objects, "POST", json={"objects": sent})
    first = hub.ask(f"{hub.objects}?limit=2&match[id]=" + ",".join(one["id"] for one in sent)).json()
    rest = hub.ask(f"{hub.objects}?limit=100&next={first['next']}&added_after=2026-01-01T00:00:00Z").json()
    assert first["objects"] + rest["objects"] == sent
    assert rest["more"] is False


def test_gzip_on_request_and_in_requests(hub: Hub) -> None:
    sent = [indicator() for _ in range(20)]
    packed = gzip.compress(json.dumps({"objects": sent}).encode())
    answer = hub.ask(hub.objects, "POST", data=packed, headers={"Content-Encoding": "gzip"})
    assert answer.json()["success_count"] == 20
    query = "?match[id]=" + ",".join(one["id"] for one in sent)
    page = hub.ask(hub.objects + query, headers={"Accept-Encoding": "gzip"})
    assert page.headers["Content-Encoding"] == "gzip"
    assert page.json()["objects"] == sent
    plain = hub.ask(hub.objects + query, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    for wrong in (b"x", packed[:-5], packed + b"x"):
        error_of(hub.ask(hub.objects, "POST", data=wrong, headers={"Content-Encoding": "gzip"}), 400)
    error_of(hub.ask(hub.objects, "POST", data=packed, headers={"Content-Encoding": "br"}), 415)
    bomb = gzip.compress(b" " * (101 * 1024 * 1024))
    error_of(hub.ask(hub.objects, "POST", data=bomb, headers={"Content-Encoding": "gzip"}), 413)


# What stock Medallion gets wrong


def test_every_error_is_a_taxii_error_with_an_id_that_the_log_has(hub: Hub) -> None:
    for path, method, status in [
        ("/feed/collections/nothing/", "GET", 404),
        ("/feed/status/nothing/", "GET", 404),
        (hub.objects, "PUT", 405),
        (f"{hub.objects}?added_after=yesterday", "GET", 400),
        (f"{hub.objects}?match[colour]=red", "GET", 400),
        (f"{hub.objects}indicator--{uuid.uuid4()}/", "GET", 404),
        (f"{hub.objects}indicator--{uuid.uuid4()}/", "DELETE", 404),
        (f"{hub.objects}%00/", "GET", 404),
        ("/feed/collections/%00/", "GET", 404),
        ("/feed/status/%00%ff/", "GET", 404),
        ("/dashboard/", "GET", 404),
        ("/", "GET", 404),
    ]:
        resource = error_of(hub.ask(path, method), status)
        assert resource["error_id"] in hub.log.read_text()
    assert "GET" in hub.ask(hub.objects, "PUT").headers["Allow"]


@pytest.mark.parametrize(
    "accept",
    ["*/*", None, "application/taxii+json", "APPLICATION/taxii+json; version=2.1;q=0.3", "text/html, */*;q=0.1"],
)
def test_clients_are_understood_however_they_spell_the_media_type(hub: Hub, accept: str | None) -> None:
    for path in (
        "/taxii2/",
        "/feed/",
        "/feed/collections/",
        f"/feed/collections/{hub.room}/",
        f"{hub.objects}?limit=1",
    ):
        answer = hub.ask(path, headers={"Accept": accept})
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == TAXII


@pytest.mark.parametrize("accept", ["application/json", "application/taxii+json;version=2.0", "text/html"])
def test_other_media_types_are_not_acceptable(hub: Hub, accept: str) -> None:
    for path in ("/taxii2/", "/feed/", hub.objects):
        error_of(hub.ask(path, headers={"Accept": accept}), 406)


def test_a_body_may_leave_out_the_version_but_not_the_type(hub: Hub) -> None:
    body = json.dumps({"objects": [indicator()]})
    for good in ("application/taxii+json", "application/taxii+json; version=2.1"):
        assert hub.ask(hub.objects, "POST", data=body, headers={"Content-Type": good}).status_code == 202
    for bad in ("application/json", "application/taxii+json;version=2.0"):
        error_of(hub.ask(hub.objects, "POST", data=body, headers={"Content-Type": bad}), 415)


def test_chunked_bodies_are_taken_and_bounded(hub: Hub) -> None:
    one = json.dumps({"objects": [indicator()]}).encode()
    assert hub.ask(hub.objects, "POST", data=iter([one[:9], one[9:]])).json()["success_count"] == 1
    megabyte = b" " * 1024 * 1024
    connection = http.client.HTTPConnection(hub.url.removeprefix("http://"), timeout=60)
    given = base64.b64encode(f"{hub.bank.user}:{hub.bank.password}".encode()).decode()
    headers = {"Authorization": f"Basic {given}", "Content-Type": TAXII}
    connection.request("POST", hub.objects, body=(megabyte for _ in range(101)), headers=headers, encode_chunked=True)
    answer = connection.getresponse()
    assert answer.status == 413
    assert json.loads(answer.read())["http_status"] == "413"
    connection.close()


def test_a_declared_body_beyond_the_limit_is_refused_unread(hub: Hub) -> None:
    connection = http.client.HTTPConnection(hub.url.removeprefix("http://"), timeout=30)
    given = base64.b64encode(f"{hub.bank.user}:{hub.bank.password}".encode()).decode()
    connection.putrequest("POST", hub.objects)
    for name, value in (("Authorization", f"Basic {given}"), ("Content-Type", TAXII), ("Content-Length", "104857601")):
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_head_and_options_do_no_harm(hub: Hub) -> None:
    for path in (
        "/taxii2/",
        "/feed/",
        "/feed/collections/",
        f"/feed/collections/{hub.room}/",
        f"{hub.objects}?limit=1",
    ):
        assert hub.ask(path, "HEAD").status_code == 200
        assert hub.ask(path, "HEAD").content == b""
        assert "GET" in hub.ask(path, "OPTIONS").headers["Allow"]
    assert requests.options(hub.url + hub.objects, timeout=30).status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"[]", 400), (b"{", 400), (b"\xff", 400), (b'{"objects": 5}', 422), (b'{"objects": null}', 422)],
)
def test_what_is_no_envelope_is_refused(hub: Hub, body: bytes, status: int) -> None:
    error_of(hub.ask(hub.objects, "POST", data=body), status)


@pytest.mark.parametrize("body", [b"{}", b'{"objects": []}'])
def test_an_envelope_that_adds_nothing_is_refused(hub: Hub, body: bytes) -> None:
    error_of(hub.ask(hub.objects, "POST", data=body), 422)


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "Basic",
        "Basic !!!",
        "Basic é",
        "Basic " + base64.b64encode(b"platform").decode(),
        "Basic " + base64.b64encode(b"platform:wrong").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Basic " + base64.b64encode(b"a\x00b:x").decode(),
        "Bearer",
        "Bearer wrong",
        "Digest x",
    ],
)
def test_without_credentials_there_is_only_the_question_for_them(hub: Hub, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    for path in ("/taxii2/", "/feed/", "/feed/collections/", hub.objects, f"/feed/status/{uuid.uuid4()}/"):
        answer = requests.get(hub.url + path, headers=headers, timeout=30)
        error_of(answer, 401)
        assert "Basic " in answer.headers["WWW-Authenticate"]
        assert "Bearer " in answer.headers["WWW-Authenticate"]


def test_what_a_partner_may_not_see_looks_as_if_it_were_not_there(hub: Hub) -> None:
    status = hub.ask(hub.objects, "POST", json={"objects": [indicator()]}).json()
    there, nowhere = f"/feed/collections/{hub.room}", f"/feed/collections/{uuid.uuid4()}"

    def seen(path: str, method: str = "GET") -> tuple[int, str, dict[str, str]]:
        answer = hub.ask(path, method, who=hub.platform, data=b"{}" if method == "POST" else None)
        said = {**answer.json(), "error_id": ""}
        text = json.dumps(said).replace(path.split("/")[3], "")
        return answer.status_code, text, {k: v for k, v in answer.headers.items() if k != "Date"}

    for rest in ("/", "/objects/", "/manifest/", f"/objects/indicator--{uuid.UUID(int=4)}/", "/objects/x/versions/"):
        assert seen(there + rest)[0] == 404
        assert seen(there + rest) == seen(nowhere + rest)
    assert seen(there + "/objects/", "POST") == seen(nowhere + "/objects/", "POST")
    assert seen(f"/feed/status/{status['id']}/")[0] == 404
    assert seen(f"/feed/status/{status['id']}/") == seen(f"/feed/status/{uuid.uuid4()}/")
    listed = hub.ask("/feed/collections/", who=hub.platform).json()["collections"]
    assert [one["id"] for one in listed] == [hub.listening_only]


def test_reading_and_writing_are_granted_apart(hub: Hub) -> None:
    for rest in ("objects/", "manifest/", "objects/x/", "objects/x/versions/"):
        error_of(hub.ask(f"/feed/collections/inbox/{rest}"), 403)
    quiet = f"/feed/collections/{hub.listening_only}/objects/"
    error_of(hub.ask(quiet, "POST", data=b"{}"), 403)
    error_of(hub.ask(f"{quiet}indicator--{uuid.uuid4()}/", "DELETE"), 403)
    assert hub.ask("/feed/collections/inbox/").json()["can_read"] is False


def test_a_missing_slash_is_no_redirect(hub: Hub) -> None:
    for path in (
        "/taxii2",
        "/feed",
        "/feed/collections",
        f"/feed/collections/{hub.room}",
        hub.objects[:-1] + "?limit=1",
    ):
        answer = hub.ask(path, headers={"Host": "evil.example"})
        assert answer.status_code == 200
        assert "evil" not in answer.text


def test_the_root_is_right_behind_any_host(hub: Hub) -> None:
    discovery = hub.ask("/taxii2/", headers={"Host": "feed.bank.example"}).json()
    assert discovery["api_roots"] == ["/feed/"]
    assert discovery["default"] == "/feed/"


def test_an_alias_is_as_good_as_an_id(hub: Hub) -> None:
    assert hub.ask("/feed/collections/room/").json() == hub.ask(f"/feed/collections/{hub.room}/").json()
    assert hub.ask("/feed/collections/room/objects/?limit=1").status_code == 200


def test_no_secret_and_no_traceback_is_in_the_log(hub: Hub) -> None:
    said = hub.log.read_text()
    for partner in (hub.bank, hub.platform):
        for secret in (partner.password, partner.token):
            assert secret not in said
            assert base64.b64encode(f"{partner.user}:{partner.password}".encode()).decode() not in said
    assert "Traceback" not in said
