"""Cortex XSOAR's TAXII 2 feed, call by call, with its bundled client.

Follows demisto/content: Packs/ApiModules/Scripts/TAXII2ApiModule/TAXII2ApiModule.py (init_roots: TAXII 2.0 first, 2.1
if the error contains 406; set_api_root: the root by the last segment of its path; init_collection_to_fetch: by title;
poll_collection: a list in match[type], and ``relationship`` added to it) and
Packs/FeedTAXII/Integrations/FeedTAXII2/FeedTAXII2.py (fetch_indicators_command: the next ``added_after`` is the latest
``modified`` of a fetched indicator; filter_previously_fetched_indicators).
"""

import datetime
from typing import Any

import pytest
from requests.auth import HTTPBasicAuth
from taxii2client import v20, v21
from taxii2client.common import _HTTPConnection

from tests.conformance.deployment import Deployment
from tests.conformance.peer import Peer, indicator


class Feed:
    """One instance of the integration: its settings, and its state between two fetches."""

    def __init__(self, server: Deployment, title: str) -> None:
        self.server = server
        self.title = title
        self.tried: list[str] = []
        self.last_run: str | None = None
        self.latest: dict[str, str] = {}

    def connect(self) -> v21.Collection:
        try:
            root = self._root(v20, "2.0")
        except Exception as error:
            if "406 Client Error" not in str(error) and "version=2.1" not in str(error):
                raise
            root = self._root(v21, "2.1")
        [found] = [collection for collection in root.collections if collection.title == self.title]
        return found

    def _root(self, taxii: Any, version: str) -> Any:
        self.tried.append(version)
        told = self.server.database.partners["member"]
        auth = HTTPBasicAuth(told["user"], told["password"])
        connection = _HTTPConnection(verify=self.server.verify, version=version, auth=auth)
        hub = taxii.Server(f"{self.server.url}/taxii2/", verify=self.server.verify, conn=connection)
        roots = {}
        for root in hub.api_roots:
            root._conn.close()
            roots[str(root.url).split("/")[-2]] = root
        root = roots["feed"]
        root._conn = connection
        return root

    def fetch(self, *types: str) -> list[Any]:
        room = self.connect()
        # Listed collections share the connection of the root, which was changed.
        added_after = self.last_run or "2020-01-01T00:00:00.000000Z"
        wanted = [*types, "relationship"] if len(types) > 1 else list(types)
        pages = list(v21.as_pages(room.get_objects, per_request=100, type=wanted, added_after=added_after))
        room.close()
        assert all(len(page["objects"]) <= 100 for page in pages if page)
        fetched = [item for page in pages for item in page.get("objects", [])]
        if fetched:
            self.last_run = max(item["modified"] for item in fetched)
        fresh = [item for item in fetched if self.latest.get(item["id"], "") < item["modified"]]
        self.latest = {item["id"]: item["modified"] for item in fetched}
        return fresh


@pytest.fixture
def feed(server: Deployment, collection: str) -> Feed:
    return Feed(server, f"Room {server.known[collection]}")


def test_it_starts_with_taxii_2_0_and_continues_with_2_1(feed: Feed) -> None:
    assert feed.connect().can_read is True
    assert feed.tried == ["2.0", "2.1"]


def test_it_fetches_by_type_in_pages_of_100(feed: Feed, sent: list[Any]) -> None:
    assert feed.fetch("indicator", "malware") == sent


def test_other_types_are_left_out(feed: Feed, member: Peer, collection: str, sent: list[Any]) -> None:
    tool = indicator(type="tool", id=f"tool--{sent[0]['id'][11:]}")
    member.post(f"collections/{collection}/objects/", [tool])
    assert feed.fetch("tool") == [tool]


def test_it_continues_by_modified_and_misses_nothing(
    feed: Feed, member: Peer, collection: str, sent: list[Any]
) -> None:
    assert feed.fetch("indicator") == sent
    assert feed.fetch("indicator") == []
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    # The second one is older than the objects fetched before it, like a late report.
    later = [indicator(modified=now), indicator(modified="2026-01-02T00:00:00.000Z")]
    for item in later:
        member.post(f"collections/{collection}/objects/", [item])
        assert feed.fetch("indicator") == [item]
    assert feed.fetch("indicator") == []


def test_an_empty_collection_gives_no_objects(feed: Feed) -> None:
    assert feed.fetch("indicator") == []
