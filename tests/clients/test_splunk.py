"""Splunk's add-on that contributes over TAXII 2.1, call by call.

Follows splunk/ctis-taxii-splunk-app: TA_CTIS_TAXII/package/bin/taxii_config_validator.py (the discovery's title tests a
configuration) and common.py (get_taxii_collection, submit_grouping: taxii2-client with the API root, and a STIX bundle
as the body). The TAXII 2 requests of Splunk Enterprise Security itself (8.2 and newer) are not published.
"""

import json
import uuid

import pytest
from taxii2client.v21 import ApiRoot, Server

from tests.conformance.deployment import Deployment
from tests.conformance.peer import indicator


def test_a_configuration_is_tested_by_the_title_of_the_discovery(server: Deployment) -> None:
    told = server.database.partners["member"]
    with Server(url=f"{server.url}/taxii2/", user=told["user"], password=told["password"], verify=server.verify) as hub:
        assert hub.title
        for root in hub.api_roots:
            root.close()


@pytest.mark.parametrize("address", ["/feed/", "/feed"])
def test_it_submits_a_bundle_to_a_collection_that_it_may_write(
    server: Deployment, collection: str, address: str
) -> None:
    told = server.database.partners["member"]
    url = server.url + address
    with ApiRoot(url=url, user=told["user"], password=told["password"], verify=server.verify) as root:
        listed = {found.id: found for found in root.collections}
        assert listed[collection]._raw["can_write"] is True
        bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": [indicator(), indicator()]}
        answer = listed[collection].add_objects(json.dumps(bundle))
        assert (answer.status, answer.success_count, answer.failure_count) == ("complete", 2, 0)
        got = listed[collection].get_objects(id=[item["id"] for item in bundle["objects"]])
        assert got["objects"] == bundle["objects"]


def test_unwritable_collection_is_reported(server: Deployment, collection: str) -> None:
    told = server.database.partners["reader"]
    with ApiRoot(f"{server.url}/feed/", user=told["user"], password=told["password"], verify=server.verify) as root:
        assert {found.id: found.can_write for found in root.collections}[collection] is False
