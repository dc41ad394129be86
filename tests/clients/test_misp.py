"""MISP's TAXII servers: its push through its bundled client, and the browsing of a collection.

Follows MISP/MISP. app/files/scripts/taxii/taxii_push.py (push_content): taxii2-client, the login from base64, addresses
joined without a final slash, envelopes as bytes up to ``max_content_length``. app/Model/TaxiiServer.php (queryInstance,
getCollections, getObjects, getObject): ``basic`` in lower case, pages of 50.
"""

import base64
import json
from typing import Any

import pytest
import requests
import taxii2client
from requests.auth import HTTPBasicAuth

from tests.conformance.deployment import Deployment
from tests.conformance.peer import indicator

TAXII = "application/taxii+json;version=2.1"


@pytest.fixture
def api_key(server: Deployment) -> str:
    """Return the login as MISP stores it."""
    told = server.database.partners["member"]
    return base64.b64encode(f"{told['user']}:{told['password']}".encode()).decode()


def test_it_pushes_events_as_envelopes_of_bytes(server: Deployment, collection: str, api_key: str) -> None:
    auth = HTTPBasicAuth(*base64.b64decode(api_key.encode()).split(b":"))
    root = f"{server.url}/feed"
    with taxii2client.ApiRoot(root, auth=auth, verify=server.verify) as api_root:
        most = api_root.max_content_length
    address = f"{root}/collections/{collection}"
    with taxii2client.Collection(address, auth=auth, verify=server.verify) as room:
        event = [indicator(), indicator(type="identity", id=indicator()["id"].replace("indicator", "identity"))]
        envelope = json.dumps({"objects": event}).encode()
        assert len(envelope) < most
        for _ in range(2):
            status = room.add_objects(bytes(bytearray(envelope)), wait_for_completion=False)
            assert (status.failure_count, status.success_count) == (0, 2)
        assert room.get_objects()["objects"] == event


class Browser:
    """MISP's requests for a person who views a TAXII server."""

    def __init__(self, server: Deployment, api_key: str) -> None:
        self.base = server.url
        self.verify = server.verify
        self.headers = {"Accept": TAXII, "Content-type": TAXII, "Authorization": f"basic {api_key}"}

    def query(self, uri: str, **query: Any) -> Any:
        answer = requests.get(f"{self.base}{uri}", params=query, headers=self.headers, verify=self.verify, timeout=60)
        assert answer.ok
        return answer.json()


def test_a_person_browses_the_collections_and_their_objects(
    server: Deployment, collection: str, api_key: str, sent: list[Any]
) -> None:
    browser = Browser(server, api_key)
    assert collection in [listed["id"] for listed in browser.query("/feed/collections/")["collections"]]
    objects, following = [], None
    while True:
        page = browser.query(f"/feed/collections/{collection}/objects/", limit=50, next=following)
        objects += page["objects"]
        following = page.get("next")
        if not following:
            break
        assert len(page["objects"]) == 50
    assert objects == sent
    one = sent[7]["id"]
    assert browser.query(f"/feed/collections/{collection}/objects/{one}/")["objects"][0] == sent[7]
