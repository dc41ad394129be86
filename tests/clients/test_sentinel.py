"""Microsoft Sentinel's TAXII connector: API root and collection id by hand, Basic, polls by ``added_after``.

Follows MicrosoftDocs/azure-docs, articles/sentinel/connect-threat-intelligence-taxii.md: the operator enters the API
root URL, the collection id, and a user name and password.
"""

from typing import Any

import requests

from tests.conformance.deployment import Deployment
from tests.conformance.peer import Peer, indicator

HEADERS = {"Accept": "application/taxii+json;version=2.1"}


def test_it_reads_the_root_the_collection_and_then_its_objects(
    server: Deployment, member: Peer, collection: str, sent: list[Any]
) -> None:
    told = server.database.partners["member"]
    root = f"{server.url}/feed/"
    with requests.Session() as session:
        session.auth = (told["user"], told["password"])
        session.headers.update(HEADERS)
        session.verify = server.verify
        assert session.get(root, timeout=30).json()["versions"] == ["application/taxii+json;version=2.1"]
        assert session.get(f"{root}collections/{collection}/", timeout=30).json()["can_read"] is True
        got, query = [], {"added_after": "2020-01-01T00:00:00.000Z"}
        while True:
            answer = session.get(f"{root}collections/{collection}/objects/", params=query, timeout=30)
            page = answer.json()
            got += page.get("objects", [])
            if not page.get("more"):
                break
            query["next"] = page["next"]
        assert got == sent
        # A row costs money: what it has is not given again.
        query = {"added_after": answer.headers["X-TAXII-Date-Added-Last"]}
        assert session.get(f"{root}collections/{collection}/objects/", params=query, timeout=30).json() == {}
        later = indicator()
        member.post(f"collections/{collection}/objects/", [later])
        again = session.get(f"{root}collections/{collection}/objects/", params=query, timeout=30).json()
        assert again["objects"] == [later]
