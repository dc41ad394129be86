"""Malformed objects of every shape: one bad object never stops the others."""

from collections.abc import Callable
from typing import Any

import pytest

from server.release.results import Results

Stix = Callable[..., list[dict[str, Any]]]
Post = Callable[..., Results]
Held = Callable[[str], dict[str, dict[str, Any]]]
Listed = Callable[..., str]


def test_one_bad_item_never_stops_the_others(stix: Stix, post: Post, held_by: Held, listed: Listed) -> None:
    good, suffix = stix()[1], {**stix("x.example.com")[1], "pattern": "[domain-name:value = 'co.th']"}
    outcome = post(suffix, good)
    assert [result.id for result in outcome.failed] == [suffix["id"]]
    assert "public suffix" in outcome.failed[0].message
    assert listed(good) in held_by("takedown")


def test_pattern_without_a_single_value_is_stored_and_not_published(
    stix: Stix, post: Post, held_by: Held, listed: Listed
) -> None:
    indicator = {**stix()[1], "pattern": "[domain-name:value LIKE '%.example.com']"}
    outcome = post(indicator)
    assert [result.id for result in outcome.pending] == [indicator["id"]]
    assert indicator["id"] in held_by("inbox")
    assert listed(indicator) not in held_by("takedown")


SHAPES: list[dict[str, Any]] = [
    {"pattern": None},
    {"pattern": 7},
    {"pattern": "(" * 3000},
    {"pattern": "[" + " OR ".join(f"domain-name:value = 'a{n}.example.com'" for n in range(400)) + "]"},
    {"object_marking_refs": 7},
    {"object_marking_refs": [{}]},
    {"extensions": []},
    {"extensions": {"x": 1}},
    {"valid_from": None},
    {"valid_until": 5},
    {"valid_until": "soon"},
    {"labels": "scam"},
    {"modified": "2100-01-01T00:00:00.000Z"},
    {"type": "sighting"},
    {"type": "relationship"},
    {"confidence": "high"},
    {"lang": 1},
]


@pytest.mark.parametrize("change", SHAPES, ids=[str(change)[:40] for change in SHAPES])
def test_a_malformed_object_does_not_stop_the_others(
    stix: Stix, post: Post, held_by: Held, listed: Listed, change: dict[str, Any]
) -> None:
    good, first = stix("good.example.com")[1], stix("bad.example.com")[1]
    bad = {name: value for name, value in {**first, **change}.items() if value is not None}
    outcome = post(bad, good)
    assert len(outcome.accepted) + len(outcome.pending) + len(outcome.failed) == 2
    assert listed(good) in held_by("takedown")
    assert listed(first) not in held_by("takedown")


@pytest.mark.parametrize("number", ["+66812345678", "+66898765432"])
def test_a_translation_may_repeat_its_indicators_value_and_no_personal_data(
    stix: Stix, post: Post, number: str
) -> None:
    objects = stix("+66812345678", "phone", lang="th", description="โฆษณาชวนลงทุนปลอม")
    *_, translation = objects
    assert translation["type"] == "language-content"
    contents = {"en": {"name": f"Phone number used in a scam: {number}"}}
    outcome = post(*objects[:-1], {**translation, "contents": contents})
    refused = [result.id for result in outcome.failed]
    assert refused == ([] if number == "+66812345678" else [translation["id"]])
