"""EclecticIQ's incoming feed for TAXII 2.1: pages of 100, each after the last header of the one before.

Follows docs.eclecticiq.com (incoming feeds, TAXII 2.1): it goes on by X-TAXII-Date-Added-Last, reads it as RFC 3339,
and expects no header at all where there is no date.
"""

import datetime
from typing import Any

from tests.conformance.deployment import Deployment
from tests.conformance.peer import FIRST, LAST, Peer


def test_it_goes_on_by_the_header(member: Peer, collection: str, sent: list[Any]) -> None:
    got: list[Any] = []
    query = {"limit": "100"}
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


def test_a_client_certificate_is_no_need(server: Deployment, collection: str) -> None:
    server.peer("reader").get(f"collections/{collection}/").ok()
