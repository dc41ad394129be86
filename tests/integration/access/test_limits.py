"""Rate limits, quotas and the brake on password guessing, over real workers."""

import socket
import uuid
from collections import Counter

import pytest
import requests

from server.setup import set_up
from server.store import collections, partners
from tests.integration.access.conftest import TAXII, Serve, tool

LIMIT = 60


@pytest.mark.parametrize("workers", [1, 2])
def test_rate_limit_is_exact_over_all_workers(serve: Serve, workers: int) -> None:
    hub = serve(workers=workers, rate_limit=LIMIT)
    answers = [hub.get() for _ in range(2 * LIMIT)]
    counted = Counter(answer.status_code for answer in answers)
    assert set(counted) == {200, 429}
    assert counted[200] <= LIMIT
    # When the first worker refuses, each other worker may still hold one tenth of the limit.
    assert counted[200] >= LIMIT - (workers - 1) * LIMIT // 10
    refused = answers[-1]
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.json()["http_status"] == "429"
    assert refused.headers["Content-Type"].startswith("application/taxii+json")


def test_rate_limit_of_one_partner_does_not_affect_others(serve: Serve) -> None:
    hub = serve(rate_limit=2)
    assert [hub.get().status_code for _ in range(3)] == [200, 200, 429]
    with hub.store.begin() as tx:
        other = partners.add(
            tx, partners.get(tx, "bank").model_copy(update={"name": "ngo", "identity": f"identity--{uuid.uuid4()}"})
        )
        collections.grant(tx, "ngo", hub.room, read=True)
    assert hub.get(auth=(other.user, other.password)).status_code == 200


def test_daily_object_quota_is_enforced(serve: Serve) -> None:
    hub = serve(quota_objects_per_day=10)

    def some(count: int) -> requests.Response:
        return hub.post([tool(id=f"tool--{uuid.uuid4()}") for _ in range(count)])

    assert some(6).status_code == 202
    refused = some(5)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 86_400
    assert some(4).status_code == 202
    assert some(1).status_code == 429
    assert len(hub.get().json()["objects"]) == 10


def test_findings_count_against_the_object_quota(serve: Serve) -> None:
    hub = serve(quota_objects_per_day=150)

    def answered(count: int) -> requests.Response:
        account = {"kind": "bank-account", "details": {"bank": "004", "country": "TH"}, "code": "genuine"}
        answers = [{"value": f"{number:010d}", **account} for number in range(1_234_567_890, 1_234_567_890 + count)]
        headers = {"Authorization": f"Bearer {hub.bank.token}"}
        return requests.post(f"{hub.url}/api/answers", json={"answers": answers}, headers=headers, timeout=60)

    set_up(hub.store)
    with hub.store.begin() as tx:
        collections.grant(tx, "bank", collections.get(tx, "inbox"), write=True)
    assert answered(100).status_code == 200
    refused = answered(100)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 86_400
    assert answered(50).status_code == 200
    assert answered(1).status_code == 429
    assert answered(101).status_code in (400, 422)


def test_exhausted_quota_is_reported_before_the_body_is_read(serve: Serve) -> None:
    hub = serve(quota_objects_per_day=2)
    assert hub.post([tool(id=f"tool--{uuid.uuid4()}") for _ in range(2)]).status_code == 202
    path = hub.objects.removeprefix(hub.url)
    host, port = hub.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as line:
        login = f"Host: hub\r\nAuthorization: Bearer {hub.bank.token}\r\nAccept: {TAXII}\r\nContent-Type: {TAXII}"
        line.sendall(f"POST {path} HTTP/1.1\r\n{login}\r\nContent-Length: 50000000\r\n\r\n".encode())
        assert line.recv(100).startswith(b"HTTP/1.1 429 ")


def test_envelope_above_the_object_limit_is_rejected(serve: Serve) -> None:
    hub = serve(max_objects=3)
    assert hub.post([tool(id=f"tool--{uuid.uuid4()}") for _ in range(3)]).status_code == 202
    refused = hub.post([tool(id=f"tool--{uuid.uuid4()}") for _ in range(4)])
    assert refused.status_code == 413
    assert "more than 3 objects" in refused.json()["description"]
    assert len(hub.get().json()["objects"]) == 3


def test_password_guesser_is_slowed_down_and_the_partner_is_not(serve: Serve) -> None:
    hub = serve()
    assert hub.get().status_code == 200
    for user in ("bank", "nobody"):
        counted = Counter(hub.get(auth=(user, f"guess {n}")).status_code for n in range(13))
        assert counted[401] >= 10
        assert counted[429] >= 1
        assert set(counted) == {401, 429}
    assert hub.get().status_code == 200
    assert hub.get(auth=None, headers={"Authorization": f"Bearer {hub.bank.token}"}).status_code == 200
