"""taxii2-client 2.3.0 (PyPI), every call of it. XSOAR's module and MISP's import contain it too."""

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from taxii2client.common import TokenAuth
from taxii2client.v21 import ApiRoot, Collection, Server, Status, as_pages

from tests.conformance.deployment import Deployment
from tests.conformance.peer import indicator, version


@pytest.fixture
def root(server: Deployment) -> Iterator[ApiRoot]:
    told = server.database.partners["member"]
    hub = Server(f"{server.url}/taxii2/", user=told["user"], password=told["password"], verify=server.verify)
    assert hub.default is not None
    yield hub.default
    for closable in [*hub.api_roots, hub]:
        closable.close()


@pytest.fixture
def room(root: ApiRoot, collection: str) -> Collection:
    [found] = [item for item in root.collections if item.id == collection]
    return found


def test_it_discovers_roots_and_collections(root: ApiRoot, room: Collection, server: Deployment) -> None:
    assert root.url == f"{server.url}/feed/"
    assert root.versions == ["application/taxii+json;version=2.1"]
    assert root.max_content_length > 0
    assert (room.can_read, room.can_write) == (True, True)
    assert "application/stix+json;version=2.1" in room.media_types


def test_it_pages_through_objects_and_manifest(room: Collection, sent: list[Any]) -> None:
    for limit in (0, 7, 100, 250, 1000):
        pages = list(as_pages(room.get_objects, per_request=limit))
        assert [item for page in pages for item in page["objects"]] == sent
    records = [item for page in as_pages(room.get_manifest, per_request=60) for item in page["objects"]]
    assert [item["id"] for item in records] == [item["id"] for item in sent]


def test_it_filters(room: Collection, sent: list[Any]) -> None:
    assert room.get_objects(id=[sent[3]["id"], sent[9]["id"]])["objects"] == [sent[3], sent[9]]
    assert room.get_objects(type="malware") == {}
    assert len(room.get_objects(type=["malware", "indicator"], limit=5)["objects"]) == 5
    assert room.get_objects(added_after=datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)) == {}
    modified = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    assert room.get_objects(id=sent[0]["id"], version=[modified])["objects"] == sent[:1]
    assert room.get_objects(id=sent[0]["id"], spec_version=["2.0", "2.1"])["objects"] == sent[:1]


def test_it_adds_and_reads_the_status(room: Collection, root: ApiRoot) -> None:
    status: Status = room.add_objects({"objects": [indicator(), {"type": "indicator"}]})
    assert (status.status, status.success_count, status.failure_count) == ("complete", 1, 1)
    assert root.get_status(status.id).failures == status.failures


def test_it_gets_versions_and_deletes(room: Collection) -> None:
    one = indicator()
    newer = version(one, "2026-02-01T00:00:00.000Z")
    room.add_objects({"objects": [one, newer]})
    assert room.get_object(one["id"])["objects"] == [newer]
    assert room.get_object(one["id"], version="first")["objects"] == [one]
    assert room.object_versions(one["id"])["versions"] == [one["modified"], newer["modified"]]
    room.delete_object(one["id"])
    with pytest.raises(requests.HTTPError, match="404"):
        room.get_object(one["id"])


def test_it_works_with_a_token(server: Deployment, collection: str) -> None:
    auth = TokenAuth(server.database.partners["member"]["token"])
    url = f"{server.url}/feed/collections/{collection}/"
    with Collection(url, auth=auth, verify=server.verify) as by_token:
        assert by_token.id == collection
