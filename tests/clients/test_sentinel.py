"""Microsoft Sentinel's TAXII connector: API root and collection id by hand, Basic, polls by ``added_after``.

Follows MicrosoftDocs/azure-docs, articles/sentinel/connect-threat-intelligence-taxii.md, for the operator's input (the
API root, the collection id, user name and password). Its maintainers describe its position in Azure/Azure-Sentinel
issue 12234: it continues from X-TAXII-Date-Added-Last, and reads everything again from a server without that header.
Its requests are not published. Those below are the standard's, with these inputs.
"""

from typing import Any

import requests

from tests.conformance.deployment import Deployment
from tests.conformance.peer import LAST, Peer, indicator

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
        assert session.get(root, timeout=60).json()["versions"] == ["application/taxii+json;version=2.1"]
        assert session.get(f"{root}collections/{collection}/", timeout=60).json()["can_read"] is True
        got, query = [], {"added_after": "2020-01-01T00:00:00.000Z"}
        while True:
            answer = session.get(f"{root}collections/{collection}/objects/", params=query, timeout=60)
            page = answer.json()
            got += page.get("objects", [])
            if not page.get("more"):
                break
            query["next"] = page["next"]
        assert got == sent
        # A row costs money, so known objects are not sent again.
        query = {"added_after": answer.headers[LAST]}
        assert session.get(f"{root}collections/{collection}/objects/", params=query, timeout=60).json() == {}
        later = indicator()
        member.post(f"collections/{collection}/objects/", [later])
        again = session.get(f"{root}collections/{collection}/objects/", params=query, timeout=60).json()
        assert again["objects"] == [later]


def test_every_page_names_its_end(server: Deployment, member: Peer, collection: str, sent: list[Any]) -> None:
    query = {"limit": "100"}
    for size in (100, 100, 50):
        answer = member.get(f"collections/{collection}/objects/", query)
        assert len(answer.ok()["objects"]) == size
        query["added_after"] = answer.headers[LAST]
