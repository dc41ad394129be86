"""pycti (OpenCTI 7): its splitter and its complete importer as in OpenCTI's workers, up to the mutations sent.

OpenCTI itself does not run here, so its processing of the mutations is not tested.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hub import CONTEXT, WRONG, bundle, of_type
from opencti import Platform, stand_in
from pycti import Indicator, OpenCTIApiClient, OpenCTIStix2Splitter, OpenCTIStix2Utils

FULL = ("takedown-full", "mule-accounts-full", "wallets-full", "sightings-full")
OBSERVABLES = (
    *("domain-name", "url", "email-addr", "ipv4-addr", "ipv6-addr", "user-account", "software"),
    *("phone-number", "cryptocurrency-wallet", "bank-account"),
)
SAYING = {"value", "iban", "bic", "account_number", "account_type", "account_login", "user_id", "name"}
# Types unsupported by OpenCTI: descriptions are in both languages anyway.
LEFT_OUT = {"extension-definition", "language-content"}


def split(objects: list[dict[str, Any]], *, clean: bool) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the objects passed on to the workers in order, and the dropped ones."""
    expected, left_out, bundles = OpenCTIStix2Splitter().split_bundle_with_expectations(
        json.dumps(bundle(objects)), cleanup_inconsistent_bundle=clean
    )
    assert expected == len(bundles)
    return [one for part in bundles for one in json.loads(part)["objects"]], left_out


@pytest.mark.parametrize("room", FULL)
def test_splitter_accepts_everything_that_opencti_supports(room: str, pages: dict[str, list[Any]]) -> None:
    went, left_out = split(pages[room], clean=False)
    assert {one["type"] for one in left_out} == {one["type"] for one in pages[room]} & LEFT_OUT
    assert sorted(one["id"] for one in went + left_out) == sorted(one["id"] for one in pages[room])


def test_cleanup_drops_a_sighting_without_its_indicator(
    pages: dict[str, list[Any]],
) -> None:
    for room in FULL:
        _, left_out = split(pages[room], clean=True)
        lone = ["sighting"] if room == "sightings-full" else []
        assert [one["type"] for one in left_out if one["type"] not in LEFT_OUT] == lone


@pytest.mark.parametrize("room", FULL)
def test_it_removes_only_self_references_of_creators(room: str, pages: dict[str, list[Any]]) -> None:
    before = {one["id"]: one for one in pages[room]}
    for one in split(pages[room], clean=True)[0]:
        one.pop("nb_deps")
        lost = {name for name in before[one["id"]] if one.get(name) != before[one["id"]][name]}
        assert lost <= ({"created_by_ref"} if one["type"] == "identity" else set())


def test_referenced_objects_come_first(pages: dict[str, list[Any]]) -> None:
    place = {one["id"]: number for number, one in enumerate(split(pages["takedown-full"], clean=True)[0])}
    for link in of_type(pages["takedown-full"], "relationship"):
        assert max(place[link["source_ref"]], place[link["target_ref"]]) < place[link["id"]]


def test_indicators_name_the_observable_types_of_opencti(pages: dict[str, list[Any]]) -> None:
    main_types = {
        extension["main_observable_type"]
        for one in of_type(pages["public"], "indicator")
        for extension in one["extensions"].values()
        if "main_observable_type" in extension
    }
    assert main_types == {OpenCTIStix2Utils.stix_observable_opencti_type(name) for name in OBSERVABLES}


def test_own_indicator_id_of_opencti_differs_so_ours_is_kept(pages: dict[str, list[Any]]) -> None:
    for one in of_type(pages["public"], "indicator"):
        assert Indicator.generate_id(one["pattern"]) != one["id"]


@pytest.fixture(scope="module")
def platform(pages: dict[str, list[Any]]) -> Iterator[Platform]:
    """Run an OpenCTI stand-in, and import everything meant for it."""
    with stand_in() as standing:
        client = OpenCTIApiClient(standing.url, "token", perform_health_check=False, log_level="error")
        for room in FULL:
            went, left_out = client.stix2.import_bundle_from_json(json.dumps(bundle(pages[room])), update=True)
            assert len(went) == len([one for one in pages[room] if one["type"] not in LEFT_OUT])
            assert left_out == []
        yield standing


def test_every_indicator_arrives_under_our_id_with_all_properties(
    platform: Platform, pages: dict[str, list[Any]]
) -> None:
    sent = {one["input"]["stix_id"]: one["input"] for one in platform.sent["indicatorAdd"]}
    for room in FULL[:3]:
        for one in of_type(pages[room], "indicator"):
            said = sent[one["id"]]
            for name in ("name", "description", "pattern", "pattern_type", "valid_from", "valid_until", "lang"):
                assert said[name] == one[name], name
            assert said["createdBy"] == one["created_by_ref"]
            assert said["objectMarking"] == one["object_marking_refs"]
            assert said["confidence"] == said["x_opencti_score"] == int(CONTEXT["confidence"])
            assert said["x_opencti_detection"] is True
            assert said["x_opencti_main_observable_type"].lower() == one["pattern"][1:].partition(":")[0]
            assert len(said["objectLabel"]) == len(one["labels"])


def test_retraction_arrives_as_a_revocation(platform: Platform) -> None:
    [said] = [one["input"] for one in platform.sent["indicatorAdd"] if WRONG["value"] in one["input"]["pattern"]]
    assert said["revoked"] is True
    assert said["valid_until"] < CONTEXT["valid_until"]


def test_every_observable_arrives_under_our_id_and_the_link_to_it(
    platform: Platform, pages: dict[str, list[Any]]
) -> None:
    observables = {one["stix_id"]: one for one in platform.sent["stixCyberObservableAdd"]}
    links = {one["input"]["stix_id"]: one["input"] for one in platform.sent["stixCoreRelationshipAdd"]}
    for room in FULL[:3]:
        for one in of_type(pages[room], *OBSERVABLES):
            said = observables[one["id"]]
            assert said["type"].lower() == one["type"]
            assert said["createIndicator"] is False
            given = said[said["type"].replace("-", "")]
            kept = {name: value for name, value in one.items() if name in SAYING}
            assert {name: value for name, value in given.items() if value is not None} == kept
        for link in of_type(pages[room], "relationship"):
            assert links[link["id"]]["fromId"] == link["source_ref"]
            assert links[link["id"]]["toId"] == link["target_ref"]


def test_account_without_iban_lacks_the_identifying_properties_of_opencti(platform: Platform) -> None:
    accounts = [one["BankAccount"] for one in platform.sent["stixCyberObservableAdd"] if one["type"] == "Bank-Account"]
    for account in accounts:
        assert (account["iban"] is None) is (account["account_number"] is not None)
    assert any(account["iban"] is None for account in accounts)


def test_sighting_arrives_with_its_location(platform: Platform, pages: dict[str, list[Any]]) -> None:
    [sighting] = of_type(pages["sightings-full"], "sighting")
    [said] = [one["input"] for one in platform.sent["stixSightingRelationshipAdd"]]
    assert said["stix_id"] == sighting["id"]
    assert said["fromId"] == sighting["sighting_of_ref"]
    assert said["toId"] == sighting["where_sighted_refs"][0]
    assert said["attribute_count"] == 4
