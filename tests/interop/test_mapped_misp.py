"""pymisp and misp-stix (MISP): the events mapped for ``misp``, loaded and exported by MISP's own code."""

import json
from copy import deepcopy
from importlib.resources import files
from typing import Any

import pymisp
import pytest
from hub import CONTEXT
from mapped import document, objects
from misp_stix_converter import MISPtoSTIX21Parser
from pymisp import MISPEvent

TYPES = json.loads((files(pymisp) / "data" / "describeTypes.json").read_bytes())["result"]
TEMPLATES = files(pymisp) / "data" / "misp-objects" / "objects"


def loaded(said: dict[str, Any]) -> MISPEvent:
    event = MISPEvent()
    event.load(deepcopy(said))  # which it splits
    return event


@pytest.fixture(scope="module")
def events() -> list[MISPEvent]:
    return [loaded(said) for said in objects("misp")]


def parts(said: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all attributes, including those of objects."""
    return [*said["Event"]["Attribute"], *(part for one in said["Event"]["Object"] for part in one["Attribute"])]


def test_loaded_events_equal_the_mapped_ones(events: list[MISPEvent]) -> None:
    assert events
    for event, said in zip(events, objects("misp"), strict=True):
        assert [one.value for one in event.attributes] == [one["value"] for one in said["Event"]["Attribute"]]
        assert [one.uuid for one in event.objects] == [one["uuid"] for one in said["Event"]["Object"]]
        assert event.orgc.name == "Example Bank"
        assert [tag.name for tag in event.tags] == [f"tlp:{event.tags[0].name.removeprefix('tlp:')}"]
        for attribute in event.attributes:
            assert attribute.to_ids is True
            assert attribute.first_seen.isoformat() == CONTEXT["first_seen"].replace("Z", "+00:00")


def test_document_equals_an_export_of_misp() -> None:
    assert document("misp") == {"response": objects("misp")}


def test_every_type_is_one_of_its_category() -> None:
    for said in objects("misp"):
        for part in parts(said):
            assert part["type"] in TYPES["category_type_mappings"][part["category"]]


def test_every_object_keeps_to_its_template() -> None:
    found = [one for said in objects("misp") for one in said["Event"]["Object"]]
    assert {one["name"] for one in found} >= {"bank-account", "coin-address", "user-account", "android-app"}
    for one in found:
        template = json.loads((TEMPLATES / one["name"] / "definition.json").read_bytes())
        assert (one["template_uuid"], one["meta-category"]) == (template["uuid"], template["meta-category"])
        assert int(one["template_version"]) <= int(template["version"])
        for part in one["Attribute"]:
            assert part["type"] == template["attributes"][part["object_relation"]]["misp-attribute"]
        relations = {part["object_relation"] for part in one["Attribute"]}
        assert relations & {*template.get("requiredOneOf", ()), *template.get("required", ())}


def test_uuids_are_unique() -> None:
    uuids = [part["uuid"] for said in objects("misp") for part in [*parts(said), *said["Event"]["Object"]]]
    assert len(set(uuids)) == len(uuids)


def test_stix_export_of_misp_accepts_every_event(events: list[MISPEvent]) -> None:
    for event in events:
        parser = MISPtoSTIX21Parser()
        parser.parse_misp_event(event)
        assert dict(parser.errors) == {}
        types = {one.type for one in parser.bundle.objects}
        assert types & {"indicator", "x-misp-object", "x-misp-attribute"}
