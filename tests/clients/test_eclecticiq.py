"""EclecticIQ's incoming feed for TAXII 2.1: pages of 100, each from the last header of the previous one.

Follows docs.eclecticiq.com/extensions/current/generic/taxii21/incoming-taxii21-poll for the operator's input and the
defaults: collections from the discovery, Basic, from 1970 on, at most 100 objects per request, "advancing". Its
requests are not published. Its use of the headers is known from two reports of servers that it failed on:
OpenCTI-Platform/opencti issue 6973 (a header with the text "undefined") and mitre-attack/attack-workbench-taxii-server
issue 32 (a header not in RFC 3339 form).
"""

import datetime
from typing import Any
from urllib.parse import urljoin

from tests.conformance.deployment import Deployment
from tests.conformance.peer import FIRST, LAST, Peer


def test_its_auto_discovery_lists_the_collections(server: Deployment, member: Peer, collection: str) -> None:
    discovery = f"{server.url}/taxii2/"
    for root in member.send("GET", "/taxii2/").ok()["api_roots"]:
        assert urljoin(discovery, root) == f"{server.url}/feed/"
    assert collection in [listed["id"] for listed in member.get("collections/").ok()["collections"]]


def test_it_continues_from_the_header(member: Peer, collection: str, sent: list[Any]) -> None:
    got: list[Any] = []
    query = {"limit": "100", "added_after": "1970-01-01T00:00:00Z"}
    while True:
        answer = member.get(f"collections/{collection}/objects/", query)
        got += answer.ok().get("objects", [])
        if LAST not in answer.headers:
            break
        for name in (FIRST, LAST):
            assert datetime.datetime.fromisoformat(answer.headers[name]).tzinfo is not None
        query["added_after"] = answer.headers[LAST]
    assert got == sent
    assert FIRST not in answer.headers


def test_client_certificate_is_optional(server: Deployment, collection: str) -> None:
    server.peer("reader").get(f"collections/{collection}/").ok()
