"""misp-stix (MISP): the result of its STIX import for each collection, and its losses.

``misp`` is the resulting MISP content: attributes and objects of one event.
"""

import re
from typing import Any, NamedTuple

import pytest
import stix2
from hub import AMBER, CONTEXT, WRONG, bundle, of_type
from misp_stix_converter import ExternalSTIX2toMISPParser

NOT_STIX_ITSELF = ("bank-account", "cryptocurrency-wallet", "phone-number")
DROPPED = (*NOT_STIX_ITSELF, "language-content")
# The results of patterns with several properties of standard STIX types.
OBJECTS = {"user-account", "software"}


class Imported(NamedTuple):
    """An event, and the texts of the importer's complaints without ids."""

    event: Any
    errors: list[str]
    warnings: list[str]

    def attribute(self, value: str) -> Any:
        """Return the attribute with this value."""
        [found] = [one for one in self.event.attributes if one.value == value]
        return found


def imported(objects: list[dict[str, Any]]) -> Imported:
    parser = ExternalSTIX2toMISPParser()
    parser.load_stix_bundle(stix2.parse(bundle(objects), allow_custom=True))
    parser.parse_stix_bundle(single_event=True)
    errors, warnings = (
        sorted({re.sub(r"[a-z-]+--[0-9a-f-]{36}", "ID", text) for texts in said.values() for text in texts})
        for said in (parser.errors, parser.warnings)
    )
    return Imported(parser.misp_event, errors, warnings)


def tags(attribute: Any) -> set[str]:
    return {tag.name for tag in attribute.tags}


def value_of(indicator: dict[str, Any]) -> str:
    return str(indicator["pattern"]).partition("'")[2].removesuffix("']")


@pytest.fixture(scope="module")
def plain(pages: dict[str, list[Any]]) -> Imported:
    return imported(pages["takedown"])


def test_a_domain_is_an_attribute_that_blocks(plain: Imported, pages: dict[str, list[Any]]) -> None:
    domains = [one for one in of_type(pages["takedown"], "indicator") if one["pattern"].startswith("[domain-name:")]
    assert len(domains) == len([one for one in plain.event.attributes if one.type == "domain"]) > 5
    for one in domains:
        attribute = plain.attribute(value_of(one))
        assert (attribute.type, attribute.category, attribute.to_ids) == ("domain", "Network activity", True)
        assert attribute.uuid == one["id"].partition("--")[2]
        assert attribute.comment == CONTEXT["description"]
        assert attribute.first_seen.isoformat() == CONTEXT["first_seen"].replace("Z", "+00:00")
        assert attribute.last_seen.isoformat()[:19] == one["valid_until"][:19]


def test_the_marking_and_the_confidence_are_its_tags_and_the_labels_are_lost(plain: Imported) -> None:
    confident = 'misp:confidence-level="usually-confident"'
    assert tags(plain.attribute(AMBER["value"])) == {"tlp:amber", confident}
    assert tags(plain.attribute("shop.example.com")) == {"tlp:clear", confident}


def test_retracted_listing_still_blocks_in_misp_except_by_its_end(plain: Imported, pages: dict[str, list[Any]]) -> None:
    [revoked] = [one for one in of_type(pages["takedown"], "indicator") if one.get("revoked")]
    attribute = plain.attribute(WRONG["value"])
    assert attribute.to_ids is True
    assert attribute.last_seen.isoformat()[:19] == revoked["valid_until"][:19] < CONTEXT["valid_until"]


@pytest.mark.parametrize("room", ["takedown", "mule-accounts", "wallets"])
def test_patterns_on_unknown_types_are_kept_as_patterns(room: str, pages: dict[str, list[Any]]) -> None:
    made = imported(pages[room])
    unknown = [
        one["pattern"]
        for one in of_type(pages[room], "indicator")
        if one["pattern"][1:].partition(":")[0] in NOT_STIX_ITSELF
    ]
    assert unknown
    assert {one.name for one in made.event.objects} - OBJECTS == {"stix2-pattern"}
    # The value is inside the pattern, so MISP does not correlate it.
    kept = [part for one in made.event.objects for part in one.attributes if part.object_relation == "stix2-pattern"]
    assert sorted(part.value for part in kept) == sorted(unknown)
    assert all(part.to_ids for part in kept)
    assert made.errors == []
    assert {text.rpartition(": ")[0] for text in made.warnings} == {
        "Unable to map pattern from the Indicator with id ID, containing the following types"
    }


@pytest.mark.parametrize("room", ["takedown", "mule-accounts", "wallets"])
def test_unknown_observables_of_the_full_collections_are_dropped(room: str, pages: dict[str, list[Any]]) -> None:
    made = imported(pages[f"{room}-full"])
    types = {one["type"] for one in of_type(pages[f"{room}-full"], *DROPPED)}
    assert made.errors == sorted(
        [f"Unable to load STIX object type: {name}" for name in types]
        + [f"Unknown STIX object type: {name}" for name in types]
    )


def test_domain_with_its_observable_loses_times_and_marking(pages: dict[str, list[Any]]) -> None:
    attribute = imported(pages["takedown-full"]).attribute(AMBER["value"])
    assert attribute.to_ids is True
    assert getattr(attribute, "first_seen", None) is None
    assert getattr(attribute, "last_seen", None) is None
    assert tags(attribute) == set()


def test_sighting_without_its_indicator_is_no_sighting_in_misp(pages: dict[str, list[Any]]) -> None:
    made = imported(pages["sightings"])
    assert made.event.attributes == []
    assert made.event.objects == []


def test_sighting_with_its_indicator_is_a_sighting_in_misp(pages: dict[str, list[Any]]) -> None:
    [sighting] = of_type(pages["sightings"], "sighting")
    both = [*pages["public"], sighting]
    made = imported(both)
    [seen] = [one for one in of_type(pages["public"], "indicator") if one["id"] == sighting["sighting_of_ref"]]
    holders = [*made.event.attributes, *(part for one in made.event.objects for part in one.attributes)]
    sighted = [one for one in holders if one.sightings]
    assert sighted
    assert all(value_of(seen) in one.value for one in sighted if one.type != "text")
