"""Envelopes posted over real sockets: valid, partly invalid, compressed, chunked and too large."""

import base64
import gzip
import http.client
import json
import uuid

import pytest

from mappers.indicator import to_stix
from schemas.tabular import ReportReader
from tests.integration.peers import TAXII
from tests.integration.taxii.conftest import Hub, error_of
from tests.integration.taxii_hub import indicator
from tests.times import text_ago


def test_repeated_post_succeeds_and_changes_nothing(hub: Hub) -> None:
    one = indicator()
    answers = [hub.ask(hub.objects, "POST", json={"objects": [one, one]}) for _ in range(2)]
    for answer in answers:
        assert answer.status_code == 202
        assert answer.json()["success_count"] == 2
        assert "failures" not in answer.json()
    assert hub.ask(f"{hub.objects}{one['id']}/versions/").json()["versions"] == [one["modified"]]


def test_one_bad_object_does_not_stop_the_others(hub: Hub) -> None:
    good = indicator()
    body = json.dumps({"objects": [good, {"type": "indicator"}, indicator(created=None)]})
    body = body[:-2] + ', 5, {"type": "url", "type": "url"}]}'
    status = hub.ask(hub.objects, "POST", data=body).json()
    assert [status[name] for name in ("total_count", "success_count", "failure_count", "pending_count")] == [5, 1, 4, 0]
    assert len(status["failures"]) == 4
    assert {entry["message"].split(": ")[0] for entry in status["failures"]} == {"refused"}
    assert [entry["message"].split(": ")[1] for entry in status["failures"]] == [
        "missing-id",
        "malformed-created",
        "not-an-object",
        "duplicate-key",
    ]
    assert status == hub.ask(f"/feed/status/{status['id']}/").json()


def test_posts_to_the_inbox_pass_the_release_rules(hub: Hub) -> None:
    report = {"kind": "domain", "reporter": "bänk", "reported_at": text_ago(days=8), "tlp": "clear"}
    sent = to_stix(ReportReader(report).report({"value": f"{uuid.uuid4()}.example.com"}))
    answer = hub.ask("/feed/collections/inbox/objects/", "POST", json={"objects": [*sent, {"type": "x"}]})
    assert answer.status_code == 202
    status = answer.json()
    listed = [entry["id"] for name in ("successes", "pendings", "failures") for entry in status.get(name, ())]
    assert sorted(listed) == sorted([*(item["id"] for item in sent), f"objects[{len(sent)}]"])
    assert status["total_count"] == len(sent) + 1
    assert status == hub.ask(f"/feed/status/{status['id']}/").json()
    [known] = [item for item in sent if item["type"] == "indicator"]
    assert hub.ask(f"/feed/collections/takedown/objects/{known['id']}/").status_code == 404
    released = hub.ask("/feed/collections/takedown/objects/?match[type]=indicator").json()["objects"]
    assert known["pattern"] in [item["pattern"] for item in released]
    assert known["created_by_ref"] not in [item["created_by_ref"] for item in released]


def test_objects_are_returned_unchanged(hub: Hub) -> None:
    one = (
        json.dumps(indicator())[:-1]
        + ', "x_big": 123456789012345678901234567890, "x_ten": 1.0e1, "x_name": "บัญชี\\u2028"}'
    )
    hub.ask(hub.objects, "POST", data=f'{{"objects": [{one}]}}'.encode())
    back = hub.ask(f"{hub.objects}{json.loads(one)['id']}/").text
    assert '"x_big":123456789012345678901234567890,"x_ten":1.0e1,"x_name":"บัญชี\\u2028"' in back


def test_gzip_on_request_and_in_requests(hub: Hub) -> None:
    sent = [indicator() for _ in range(20)]
    packed = gzip.compress(json.dumps({"objects": sent}).encode())
    answer = hub.ask(hub.objects, "POST", data=packed, headers={"Content-Encoding": "gzip"})
    assert answer.json()["success_count"] == 20
    query = "?match[id]=" + ",".join(item["id"] for item in sent)
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


def test_a_body_may_leave_out_the_version_but_not_the_type(hub: Hub) -> None:
    body = json.dumps({"objects": [indicator()]})
    for good in ("application/taxii+json", "application/taxii+json; version=2.1"):
        assert hub.ask(hub.objects, "POST", data=body, headers={"Content-Type": good}).status_code == 202
    for bad in ("application/json", "application/taxii+json;version=2.0"):
        error_of(hub.ask(hub.objects, "POST", data=body, headers={"Content-Type": bad}), 415)


def test_chunked_bodies_are_accepted_and_bounded(hub: Hub) -> None:
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
    connection = http.client.HTTPConnection(hub.url.removeprefix("http://"), timeout=60)
    given = base64.b64encode(f"{hub.bank.user}:{hub.bank.password}".encode()).decode()
    connection.putrequest("POST", hub.objects)
    for name, value in (("Authorization", f"Basic {given}"), ("Content-Type", TAXII), ("Content-Length", "104857601")):
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"[]", 400), (b"{", 400), (b"\xff", 400), (b'{"objects": 5}', 422), (b'{"objects": null}', 422)],
)
def test_malformed_envelope_is_refused(hub: Hub, body: bytes, status: int) -> None:
    error_of(hub.ask(hub.objects, "POST", data=body), status)


@pytest.mark.parametrize("body", [b"{}", b'{"objects": []}'])
def test_envelope_without_objects_is_refused(hub: Hub, body: bytes) -> None:
    error_of(hub.ask(hub.objects, "POST", data=body), 422)
