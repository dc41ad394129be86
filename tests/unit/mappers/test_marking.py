"""TLP is understood in both versions and under any id, and the narrowest level applies."""

from typing import Any

import pytest

from mappers import marking
from schemas.vocabulary import Tlp

OWN = "marking-definition--00000000-0000-4000-8000-0000000000aa"


@pytest.mark.parametrize(
    ("uuid", "tlp"),
    [
        ("613f2e26-407d-48c7-9eca-b8e91df99dc9", Tlp.CLEAR),
        ("34098fce-860f-48ae-8e50-ebd3cc5e41da", Tlp.GREEN),
        ("f88d31f6-486f-44da-b317-01333bde0b82", Tlp.AMBER),
        ("826578e1-40ad-459f-bc73-ede076f81f37", Tlp.AMBER_STRICT),
        ("5e57c739-391a-4eb3-b6be-7d15ca92d5ed", Tlp.RED),
    ],
)
def test_ids_of_tlp_1_and_opencti_map_to_tlp_2(uuid: str, tlp: Tlp) -> None:
    assert marking.tlp_of({"object_marking_refs": [f"marking-definition--{uuid}"]}) is tlp


@pytest.mark.parametrize(
    ("properties", "tlp"),
    [
        ({"definition_type": "tlp", "definition": {"tlp": "white"}}, Tlp.CLEAR),
        ({"definition_type": "tlp", "definition": {"tlp": "amber"}}, Tlp.AMBER),
        ({"name": "TLP:AMBER+STRICT"}, Tlp.AMBER_STRICT),
        ({"name": "x", "extensions": {marking.EXTENSION: {"tlp_2_0": "red"}}}, Tlp.RED),
        ({"definition_type": "TLP", "definition": "TLP:GREEN"}, Tlp.GREEN),
        ({"definition_type": "statement", "x_opencti_definition": "TLP:RED"}, Tlp.RED),
        (
            {"definition": {"statement": "custom"}, "name": "TLP:RED", "x_opencti_definition": "TLP:RED"},
            Tlp.RED,
        ),
        ({"definition": {"statement": "custom"}, "x_opencti_definition": "PAP:CLEAR", "name": "TLP:CLEAR"}, None),
        ({"name": "TLP 2.0: AMBER+STRICT"}, Tlp.AMBER_STRICT),
        ({"name": "TLP:CLEAR", "definition_type": "tlp", "definition": {"tlp": "red"}}, Tlp.RED),
        ({"name": "TLP:RED for some", "definition_type": "tlp", "definition": {"tlp": "green"}}, None),
        ({"definition_type": "statement", "definition": {"statement": "(c) Example"}}, None),
        ({"definition": 1, "extensions": [1], "name": None}, None),
        ({}, None),
    ],
)
def test_a_definition_with_another_id_has_the_level_that_it_names(properties: dict[str, Any], tlp: Tlp | None) -> None:
    assert marking.tlp_of_definition({"type": "marking-definition", "id": OWN, **properties}) is tlp


def test_known_id_keeps_its_level_despite_its_definition() -> None:
    assert marking.tlp_of_definition({**marking.definition(Tlp.RED), "name": "TLP:CLEAR"}) is Tlp.RED


def test_known_levels_of_other_markings_count() -> None:
    marked = {"object_marking_refs": [marking.ref(Tlp.CLEAR), OWN]}
    assert marking.tlp_of(marked, {OWN: Tlp.RED}) is Tlp.RED
    assert marking.tlp_of(marked) is Tlp.CLEAR


def test_marking_of_a_part_applies_to_the_whole() -> None:
    part = {"selectors": ["description"], "marking_ref": marking.ref(Tlp.RED)}
    marked = {"object_marking_refs": [marking.ref(Tlp.CLEAR)], "granular_markings": [part]}
    assert marking.tlp_of(marked) is Tlp.RED


@pytest.mark.parametrize(
    ("labels", "tlp"),
    [
        (["tlp:red"], Tlp.RED),
        (["TLP:WHITE"], Tlp.CLEAR),
        (["tlp:amber", "tlp:green"], Tlp.AMBER),
        (["tlp:unclear"], None),
        (["tlpx", "red"], None),
    ],
)
def test_a_label_names_a_level_too(labels: list[str], tlp: Tlp | None) -> None:
    assert marking.tlp_of({"labels": labels}) is tlp


def test_malformed_marking_is_ignored() -> None:
    odd = {"object_marking_refs": [1, {}, None], "granular_markings": [1, {"marking_ref": []}], "labels": [1, None]}
    assert marking.tlp_of(odd) is None
