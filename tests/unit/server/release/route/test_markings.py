"""A marking is judged by its content, in any order and under any id. Objects with an unknown one are not published."""

from collections.abc import Callable
from typing import Any

import pytest

from mappers import marking
from schemas.partner import Partner
from schemas.vocabulary import Tlp
from server.release.results import Results
from tests.times import text_ago

Obj = dict[str, Any]
Stix = Callable[..., list[Obj]]
Post = Callable[..., Results]
Held = Callable[[str], dict[str, Obj]]

OWN = "marking-definition--00000000-0000-4000-8000-0000000000aa"
TLP_1_CLEAR = "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"
BEGUN, SAID = text_ago(days=92), text_ago(days=61, hours=23)


def definition(id_: str = OWN, **said: Any) -> Obj:
    return {"type": "marking-definition", "spec_version": "2.1", "id": id_, "created": BEGUN, **said}


RED = [
    {"definition_type": "tlp", "definition": {"tlp": "red"}},
    {"name": "TLP:RED"},
    {"name": "tlp red"},
    {"name": "TLP 2.0: RED"},
    {"name": "x", "extensions": {marking.EXTENSION: {"extension_type": "property-extension", "tlp_2_0": "red"}}},
    {"definition_type": "TLP", "definition": "TLP:RED"},
    {"definition_type": "statement", "definition": {"statement": "TLP:RED"}},
    {"definition_type": "statement", "x_opencti_definition": "TLP:RED"},
    {"name": "TLP:CLEAR", "definition_type": "tlp", "definition": {"tlp": "red"}},
    {"name": "TLP:RED", "definition_type": "tlp", "definition": {"tlp": "white"}},
]
UNKNOWN = [
    {"definition_type": "statement", "definition": {"statement": "(c) Example Bank, for its customers"}},
    {"definition_type": "statement", "name": "TLP:CLEAR", "definition": {"statement": "for internal use"}},
    {"definition_type": "PAP", "definition": {"pap": "red"}},
    {"name": "TLP:RED (named recipients)", "definition_type": "tlp", "definition": {"tlp": "green"}},
    {"name": "internal"},
    {},
]


def marked(stix: Stix, how: str = "whole", id_: str = OWN) -> Obj:
    indicator = stix(tlp="clear")[1]
    if how == "part":
        return {**indicator, "granular_markings": [{"selectors": ["description"], "marking_ref": id_}]}
    refs = [id_] if how == "alone" else [*indicator["object_marking_refs"], id_]
    return {**indicator, "object_marking_refs": refs}


def out(held_by: Held, *rooms: str) -> list[str]:
    names = rooms or ("takedown", "takedown-full", "public", "public-full", "sightings")
    return [
        obj["type"]
        for room in names
        for obj in held_by(room).values()
        if obj["type"] in ("indicator", "sighting", "opinion", "grouping") and not obj.get("revoked")
    ]


@pytest.mark.parametrize("order", ["before", "after", "earlier", "later"])
@pytest.mark.parametrize("how", ["whole", "alone", "part"])
@pytest.mark.parametrize("said", [*RED[:2], RED[4], UNKNOWN[0]], ids=["tlp 1", "name", "tlp 2", "statement"])
def test_an_object_marked_red_under_another_id_is_not_published(
    stix: Stix, post: Post, held_by: Held, said: Obj, how: str, order: str
) -> None:
    indicator, defined = marked(stix, how), definition(**said)
    envelopes = {
        "before": [[defined, indicator]],
        "after": [[indicator, defined]],
        "earlier": [[defined], [indicator]],
        "later": [[indicator], [defined]],
    }[order]
    told = [post(*objects) for objects in envelopes]
    assert not any(each.failed for each in told)
    assert [each.id for outcome in told for each in outcome.pending] == [indicator["id"]]
    assert out(held_by) == []


@pytest.mark.parametrize("said", [*RED, *UNKNOWN], ids=str)
def test_every_part_of_a_definition_counts(stix: Stix, post: Post, held_by: Held, said: Obj) -> None:
    indicator = marked(stix)
    assert [result.id for result in post(indicator, definition(**said)).pending] == [indicator["id"]]
    assert out(held_by) == []


def test_unknown_marking_delays_publication_until_it_is_known(stix: Stix, post: Post, held_by: Held) -> None:
    indicator = marked(stix)
    (waits,) = post(indicator).pending
    assert "marking" in waits.message
    assert out(held_by) == []
    assert not post(definition(name="TLP:AMBER")).failed
    assert out(held_by) == ["indicator", "indicator"]
    assert out(held_by, "public", "public-full") == []
    (listing,) = [each for each in held_by("takedown").values() if each["type"] == "indicator"]
    assert listing["object_marking_refs"] == [marking.ref(Tlp.AMBER)]


def test_definition_under_a_known_id_uses_the_narrower_level(stix: Stix, post: Post, held_by: Held) -> None:
    indicator = {**stix(tlp="clear")[1], "object_marking_refs": [TLP_1_CLEAR]}
    post(definition(TLP_1_CLEAR, definition_type="tlp", definition={"tlp": "red"}), indicator)
    assert out(held_by) == []
    wide = definition(marking.ref(Tlp.RED), name="TLP:CLEAR")
    red = {**stix("other.example.com")[1], "object_marking_refs": [marking.ref(Tlp.RED)]}
    post(wide, red)
    assert out(held_by) == []


def test_a_marking_is_not_made_wider_afterwards(stix: Stix, post: Post, held_by: Held) -> None:
    indicator = marked(stix)
    post(definition(name="TLP:RED"), indicator)
    for created in (BEGUN, text_ago(days=62)):
        (refused,) = post({**definition(name="TLP:CLEAR"), "created": created}).failed
        assert "another level" in refused.message
    assert out(held_by) == []


def test_partner_cannot_define_a_marking_for_another(stix: Stix, post: Post, held_by: Held, other: Partner) -> None:
    post(definition(name="TLP:CLEAR"), by=other)
    indicator = marked(stix)
    assert [result.id for result in post(indicator).pending] == [indicator["id"]]
    assert out(held_by) == []
    post(definition(name="TLP:RED"))
    post(stix("other.example.com", reporter=other.name)[1] | {"object_marking_refs": [OWN]}, by=other)
    values = {each["pattern"] for each in held_by("takedown").values() if each["type"] == "indicator"}
    assert values == {"[domain-name:value = 'other.example.com']"}


@pytest.mark.parametrize("type_", ["sighting", "opinion", "grouping"])
@pytest.mark.parametrize("order", ["before", "later"])
def test_annotations_follow_the_same_rule(
    stix: Stix, post: Post, held_by: Held, bank: Partner, type_: str, order: str
) -> None:
    indicator = stix(tlp="clear")[1]
    post(indicator)
    before = out(held_by)
    more = {
        "sighting": {"sighting_of_ref": indicator["id"]},
        "opinion": {"opinion": "agree", "object_refs": [indicator["id"]]},
        "grouping": {"name": "case", "context": "suspicious-activity", "object_refs": [indicator["id"]]},
    }[type_]
    said = {
        "type": type_,
        "spec_version": "2.1",
        "id": f"{type_}--0a6f3c1b-1f2a-4f0e-9d55-3c0b3b8e2d10",
        "created_by_ref": bank.identity,
        "created": SAID,
        "modified": SAID,
        "object_marking_refs": [OWN],
        **more,
    }
    if order == "before":
        post(definition(name="TLP:RED"), said)
        assert out(held_by) == before
        return
    assert [result.id for result in post(said).pending] == [said["id"]]
    assert out(held_by) == before
    post(definition(name="TLP:GREEN"))
    assert type_ in out(held_by, "sightings")


def test_annotation_has_at_most_the_audience_of_its_observable(
    stix: Stix, post: Post, held_by: Held, bank: Partner
) -> None:
    observable, indicator, _ = stix(tlp="clear")
    case = {
        "type": "grouping",
        "spec_version": "2.1",
        "id": "grouping--0a6f3c1b-1f2a-4f0e-9d55-3c0b3b8e2d11",
        "created_by_ref": bank.identity,
        "created": SAID,
        "modified": SAID,
        "name": "case",
        "context": "suspicious-activity",
        "object_refs": [indicator["id"], observable["id"]],
        "object_marking_refs": [marking.ref(Tlp.CLEAR)],
    }
    outcome = post({**observable, "object_marking_refs": [OWN]}, indicator, definition(name="TLP:RED"), case)
    assert case["id"] in {result.id for result in outcome.pending}
    assert "grouping" not in out(held_by, "takedown-full", "sightings", "sightings-full", "public-full")


@pytest.mark.parametrize("said", [RED[0], UNKNOWN[0]], ids=["red", "unknown"])
def test_report_has_at_most_the_audience_of_its_observable(stix: Stix, post: Post, held_by: Held, said: Obj) -> None:
    observable, indicator, relationship = stix(tlp="clear")
    marked_so = {**observable, "object_marking_refs": [OWN]}
    outcome = post(indicator, relationship, marked_so, definition(**said))
    assert [result.id for result in outcome.pending] == [indicator["id"]]
    assert out(held_by) == []
    assert post({**indicator, "modified": text_ago(days=61), "confidence": 77}).pending
    assert out(held_by) == []
