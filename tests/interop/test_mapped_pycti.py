"""pycti (OpenCTI 7): its importer accepts all objects mapped for ``opencti``, in types and properties that it stores.

OpenCTI itself does not run here, so its processing of the mutations is not tested.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hub import CONTEXT, bundle, of_type
from mapped import objects
from opencti import Platform, stand_in
from pycti import OpenCTIApiClient, OpenCTIStix2Splitter, OpenCTIStix2Utils

# The identifying properties of observables in OpenCTI; accounts need all three.
IDENTITY = {
    "bank-account": ("iban",),
    "user-account": ("account_type", "user_id", "account_login"),
    "software": ("name",),
}
VALUE = ("value",)


def observables() -> list[dict[str, Any]]:
    """Return the observables of the indicators."""
    based_on = {one["target_ref"] for one in of_type(objects("opencti"), "relationship")}
    return [one for one in objects("opencti") if one["id"] in based_on]


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    with stand_in() as standing:
        client = OpenCTIApiClient(standing.url, "token", perform_health_check=False, log_level="error")
        went, left_out = client.stix2.import_bundle_from_json(json.dumps(bundle(objects("opencti"))), update=True)
        assert left_out == []
        assert len(went) == len([one for one in objects("opencti") if one["type"] != "extension-definition"])
        yield standing


def test_splitter_accepts_everything_except_the_extension_definition() -> None:
    text = json.dumps(bundle(objects("opencti")))
    _, left_out, parts = OpenCTIStix2Splitter().split_bundle_with_expectations(text, cleanup_inconsistent_bundle=True)
    assert [one["type"] for one in left_out] == ["extension-definition"]
    assert sum(len(json.loads(part)["objects"]) for part in parts) == len(objects("opencti")) - 1


def test_each_indicator_names_its_observable_type_in_opencti_terms() -> None:
    types = {one["id"]: one["type"] for one in observables()}
    based_on = {one["source_ref"]: types[one["target_ref"]] for one in of_type(objects("opencti"), "relationship")}
    for one in of_type(objects("opencti"), "indicator"):
        (named,) = [
            each["main_observable_type"] for each in one["extensions"].values() if "main_observable_type" in each
        ]
        assert named == OpenCTIStix2Utils.stix_observable_opencti_type(based_on[one["id"]])


def test_each_observable_has_the_identifying_properties_of_opencti() -> None:
    assert len({one["type"] for one in observables()}) > 7
    for one in observables():
        assert {name for name in IDENTITY.get(one["type"], VALUE) if name in one}
        # Its id depends on nothing else, so it is the same observable from every source.
        assert one.keys() - {"type", "spec_version", "id", "extensions"} <= set(IDENTITY.get(one["type"], VALUE))


def test_every_observable_arrives_under_our_id_with_its_identifying_properties(platform: Platform) -> None:
    sent = {one["stix_id"]: one for one in platform.sent["stixCyberObservableAdd"]}
    assert sent.keys() == {one["id"] for one in observables()}
    for one in observables():
        said = sent[one["id"]]
        assert said["type"] == OpenCTIStix2Utils.stix_observable_opencti_type(one["type"])
        given = said[said["type"].replace("-", "")]
        for name in IDENTITY.get(one["type"], VALUE):
            assert given.get(name) == one.get(name)


def test_every_indicator_arrives_under_our_id_with_its_pattern(platform: Platform) -> None:
    sent = {one["input"]["stix_id"]: one["input"] for one in platform.sent["indicatorAdd"]}
    indicators = of_type(objects("opencti"), "indicator")
    assert sent.keys() == {one["id"] for one in indicators}
    for one in indicators:
        assert sent[one["id"]]["pattern"] == one["pattern"]
        assert sent[one["id"]]["x_opencti_score"] == int(CONTEXT["confidence"])
