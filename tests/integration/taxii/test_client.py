"""taxii2-client against a real server."""

from collections.abc import Iterator

import pytest
import requests
from taxii2client.common import TokenAuth
from taxii2client.v21 import ApiRoot, Collection, Server, Status, as_pages

from tests.integration.peers import TAXII
from tests.integration.taxii.conftest import Hub
from tests.integration.taxii_hub import indicator


@pytest.fixture(scope="module")
def root(hub: Hub) -> Iterator[ApiRoot]:
    server = Server(hub.url + "/taxii2/", user=hub.bank.user.encode(), password=hub.bank.password)
    assert (server.title, server.contact) == ("Test hub", "hub@example.org")
    assert server.default is not None
    yield server.default
    for root in server.api_roots:
        root.close()
    server.close()


@pytest.fixture
def room(root: ApiRoot) -> Collection:
    [found] = [collection for collection in root.collections if collection.title == "Room"]
    return found


def test_taxii2_client_discovers_collections(hub: Hub, root: ApiRoot) -> None:
    assert root.url == hub.url + "/feed/"
    assert root.versions == [TAXII]
    assert root.max_content_length == 104_857_600
    assert {collection.title: (collection.can_read, collection.can_write) for collection in root.collections} == {
        "Inbox": (False, True),
        "Room": (True, True),
        "Quiet": (True, False),
        "Takedown": (True, False),
    }


def test_taxii2_client_writes_pages_looks_up_and_deletes(room: Collection, root: ApiRoot) -> None:
    sent = [indicator() for _ in range(25)]
    status: Status = room.add_objects({"objects": sent})
    assert (status.status, status.success_count, status.total_count) == ("complete", 25, 25)
    assert [entry["id"] for entry in status.successes] == [item["id"] for item in sent]
    assert root.get_status(status.id).success_count == 25

    pages = list(as_pages(room.get_objects, per_request=10, id=[item["id"] for item in sent]))
    assert [page["more"] for page in pages] == [True, True, False]
    assert "next" not in pages[-1]
    assert [item for page in pages for item in page["objects"]] == sent

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


def test_taxii2_client_can_use_a_token(hub: Hub) -> None:
    url = f"{hub.url}/feed/collections/{hub.room}/"
    with Collection(url, auth=TokenAuth(hub.bank.token)) as by_token:
        assert by_token.title == "Room"
    bearer = requests.get(url, headers={"Authorization": f"bearer {hub.bank.token}"}, timeout=60)
    assert bearer.json()["id"] == hub.room
