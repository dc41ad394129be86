"""cytaxii2 1.0.1 (PyPI) requests the discovery's ``default`` unchanged, and so needs a full URL there.

TAXII 2.1 §4.1.1 allows full URLs over https only. Behind a TLS-terminating proxy it needs ``public_url``: see
test_behind_a_proxy.py.
"""

import json
from typing import Any

import pytest
from cytaxii2 import cytaxii2

from tests.conformance.deployment import Deployment, Servers
from tests.conformance.peer import indicator


@pytest.fixture
def server(servers: Servers) -> Deployment:
    return servers.get("https-sqlite")


@pytest.fixture
def client(server: Deployment, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.verify))
    told = server.database.partners["member"]
    return cytaxii2.cytaxii2(f"{server.url}/taxii2/", told["user"], told["password"])


def test_it_discovers(client: Any, collection: str) -> None:
    assert client.discovery_request()["status_code"] == 200
    assert client.root_discovery()["response"]["versions"] == ["application/taxii+json;version=2.1"]
    listed = client.collection_request()["response"]["collections"]
    assert collection in [item["id"] for item in listed]
    assert client.collection_data_request(collection)["response"]["can_read"] is True


def test_it_polls_page_by_page(client: Any, collection: str, sent: list[Any]) -> None:
    got, token = [], None
    while True:
        page = client.poll_request(collection, limit=100, next=token)["response"]
        got += page["objects"]
        token = page.get("next")
        if not token:
            break
    assert got == sent
    assert client.poll_request(collection, object_id=sent[5]["id"])["response"]["objects"] == [sent[5]]
    assert (
        client.poll_request(collection, added_after="2100-01-01T00:00:00Z", object_type="indicator")["response"] == {}
    )


def test_it_posts(client: Any, collection: str) -> None:
    answer = client.inbox_request(collection, json.dumps({"objects": [indicator()]}))
    assert (answer["status_code"], answer["response"]["success_count"]) == (202, 1)
