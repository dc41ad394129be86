"""Cortex XSOAR's TAXII 2 feed, call by call.

Follows demisto/content, Packs/ApiModules/Scripts/TAXII2ApiModule/TAXII2ApiModule.py (init_server, init_roots,
init_collections, poll_collection): the root by the last segment of its path, the collection by its title, pages of 100,
a list in match[type], and ``relationship`` added to it.
"""

from typing import Any

import pytest
from taxii2client import v20, v21

from tests.conformance.deployment import Deployment
from tests.conformance.peer import Peer, indicator


@pytest.fixture
def chosen(server: Deployment, collection: str) -> v21.Collection:
    told = server.database.partners["member"]
    hub = v21.Server(f"{server.url}/taxii2/", user=told["user"], password=told["password"], verify=server.verify)
    [root] = [one for one in hub.api_roots if one.url.strip("/").split("/")[-1] == "feed"]
    title = f"Room {server.known[collection]}"
    [found] = [one for one in root.collections if one.title == title]
    return found


def test_it_polls_by_type_in_pages_of_100(chosen: v21.Collection, sent: list[Any]) -> None:
    wanted = ["indicator", "malware", "relationship"]
    pages = list(v21.as_pages(chosen.get_objects, per_request=100, type=wanted, added_after="2020-01-01T00:00:00Z"))
    assert [len(page["objects"]) for page in pages] == [100, 100, 50]
    assert [one for page in pages for one in page["objects"]] == sent


def test_other_types_are_left_out(chosen: v21.Collection, member: Peer, collection: str, sent: list[Any]) -> None:
    tool = indicator(type="tool", id=f"tool--{sent[0]['id'][11:]}")
    member.post(f"collections/{collection}/objects/", [tool])
    pages = v21.as_pages(chosen.get_objects, per_request=100, type=["tool"])
    assert [one for page in pages for one in page["objects"]] == [tool]


def test_an_empty_collection_gives_no_objects(chosen: v21.Collection) -> None:
    [page] = v21.as_pages(chosen.get_objects, per_request=100, type=["indicator"])
    assert page.get("objects", []) == []


def test_taxii_2_0_is_refused_so_that_it_tries_2_1(server: Deployment) -> None:
    told = server.database.partners["member"]
    hub = v20.Server(f"{server.url}/taxii2/", user=told["user"], password=told["password"], verify=server.verify)
    with pytest.raises(Exception, match="406"):
        hub.refresh()
