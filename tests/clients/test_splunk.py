"""Splunk's add-on for TAXII 2.1, request by request.

Follows splunk/ctis-taxii-splunk-app (it uses cti-taxii-client for its POSTs): API root, collections, then envelopes of
STIX 2.1 to a collection it may write to, and the status of each.
"""

import requests

from tests.conformance.deployment import Deployment
from tests.conformance.peer import indicator

TAXII = "application/taxii+json;version=2.1"


def test_it_submits_and_looks_at_the_status(server: Deployment, collection: str) -> None:
    told = server.database.partners["member"]
    session = requests.Session()
    session.auth = (told["user"], told["password"])
    session.headers.update({"Accept": TAXII, "Content-Type": TAXII})
    session.verify = server.verify
    listed = session.get(f"{server.url}/feed/collections/", timeout=30).json()["collections"]
    assert [one["can_write"] for one in listed if one["id"] == collection] == [True]
    objects = f"{server.url}/feed/collections/{collection}/objects/"
    posted = session.post(objects, json={"objects": [indicator(), indicator()]}, timeout=30)
    assert posted.status_code == 202
    status = session.get(f"{server.url}/feed/status/{posted.json()['id']}/", timeout=30).json()
    assert (status["status"], status["success_count"], status["failure_count"]) == ("complete", 2, 0)
