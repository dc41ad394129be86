"""MISP's push to a TAXII server, request by request.

Follows MISP/MISP, app/Model/TaxiiServer.php and app/files/scripts/taxii/taxii_push.py (taxii2-client inside): the API
root, its collections, the collection, and then one POST an event, which is to be answered with 202.
"""

from taxii2client.v21 import ApiRoot, Collection

from tests.conformance.deployment import Deployment
from tests.conformance.peer import indicator


def test_it_finds_the_collection_and_pushes(server: Deployment, collection: str) -> None:
    told = server.database.partners["member"]
    login = {"user": told["user"], "password": told["password"], "verify": server.verify}
    with ApiRoot(f"{server.url}/feed/", **login) as root:
        assert root.title
        assert collection in [one.id for one in root.collections]
    with Collection(f"{server.url}/feed/collections/{collection}/", **login) as room:
        for _ in range(2):
            event = [indicator(), indicator(type="identity", id=indicator()["id"].replace("indicator", "identity"))]
            status = room.add_objects({"objects": event})
            assert (status.status, status.success_count) == ("complete", 2)
