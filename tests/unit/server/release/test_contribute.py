"""A contribution reaches exactly its audience."""

from collections.abc import Callable
from typing import Any

import pytest

from mappers import ids
from schemas.partner import Partner
from server.release.results import Results
from server.store import Store, hub_identity
from tests.times import text_ago
from tests.unit.server.release.collection_members import holding

Stix = Callable[..., list[dict[str, Any]]]
Post = Callable[..., Results]
Held = Callable[[str], dict[str, dict[str, Any]]]
Listed = Callable[..., str]

RELEASED = ("takedown", "mule-accounts", "wallets", "sightings", "public")
SAID = text_ago(days=61, hours=23)


def based_on(listing: str, observable: dict[str, Any]) -> str:
    return ids.relationship("based-on", listing, observable["id"])


@pytest.mark.parametrize(
    ("kind", "value", "home"),
    [
        ("domain", "bad.example.com", "takedown"),
        ("phone", "+66812345678", "takedown"),
        ("wallet", "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", "wallets"),
        ("bank-account", "TH:KASITHBK:1234567890", "mule-accounts"),
    ],
)
def test_an_indicator_reaches_the_readers_who_act_on_its_kind(
    store: Store, stix: Stix, post: Post, held_by: Held, listed: Listed, kind: str, value: str, home: str
) -> None:
    observable, indicator, relationship = stix(value, kind)
    outcome = post(observable, indicator, relationship)
    assert {each.id for each in outcome.accepted} == {observable["id"], indicator["id"], relationship["id"]}
    assert holding(store, held_by, listed(indicator)) == {home, f"{home}-full"}
    assert holding(store, held_by, observable["id"]) == {f"{home}-full"}
    assert holding(store, held_by, based_on(listed(indicator), observable)) == {f"{home}-full"}


def test_listing_is_by_the_hub_and_reveals_no_reporter(
    store: Store, stix: Stix, post: Post, held_by: Held, listed: Listed, bank: Partner
) -> None:
    observable, indicator, relationship = stix(tlp="clear", reference="CASE-1")
    post(observable, indicator, relationship)
    with store.read() as tx:
        speaker = hub_identity.identity(tx)
    for alias in ("takedown", "takedown-full", "public", "public-full"):
        held = held_by(alias)
        assert held[listed(indicator)]["created_by_ref"] == speaker
        assert not {indicator["id"], relationship["id"], bank.identity} & held.keys()
        assert not any(bank.identity in str(each) or bank.name in str(each) for each in held.values())


def test_clear_report_reaches_the_public_too(
    store: Store, stix: Stix, post: Post, held_by: Held, listed: Listed
) -> None:
    observable, indicator, relationship = stix(tlp="clear")
    post(observable, indicator, relationship)
    assert holding(store, held_by, listed(indicator)) == {"takedown", "takedown-full", "public", "public-full"}
    assert holding(store, held_by, based_on(listed(indicator), observable)) == {"takedown-full", "public-full"}


@pytest.mark.parametrize("tlp", ["amber+strict", "red"])
def test_red_report_is_stored_and_not_published(
    store: Store, stix: Stix, post: Post, held_by: Held, listed: Listed, tlp: str
) -> None:
    objects = stix(tlp=tlp)
    outcome = post(*objects)
    assert [each.id for each in outcome.pending] == [objects[1]["id"]]
    assert all(holding(store, held_by, id_) == set() for id_ in (*(obj["id"] for obj in objects), listed(objects[1])))
    assert objects[1]["id"] in held_by("inbox")


def test_an_indicator_without_marking_is_treated_as_amber(
    store: Store, stix: Stix, post: Post, held_by: Held, listed: Listed
) -> None:
    indicator = stix(tlp="clear")[1]
    del indicator["object_marking_refs"]
    post(indicator)
    assert holding(store, held_by, listed(indicator)) == {"takedown", "takedown-full"}


def test_readers_get_the_references_of_an_indicator(stix: Stix, post: Post, held_by: Held, listed: Listed) -> None:
    post(stix()[1])
    held = held_by("takedown")
    indicator = held[listed(stix()[1])]
    assert indicator["created_by_ref"] in held
    assert set(indicator["object_marking_refs"]) <= held.keys()
    assert {each for each in indicator["extensions"] if each in held}


def test_indicator_alone_publishes_its_observable(stix: Stix, post: Post, held_by: Held, listed: Listed) -> None:
    observable, indicator, _ = stix()
    post(indicator)
    held = held_by("takedown-full")
    assert held[observable["id"]] == observable
    bond = held[based_on(listed(indicator), observable)]
    assert (bond["source_ref"], bond["target_ref"]) == (listed(indicator), observable["id"])
    assert bond["created_by_ref"] == held[listed(indicator)]["created_by_ref"]


def test_an_indicator_without_an_end_gets_one(stix: Stix, post: Post, held_by: Held, listed: Listed) -> None:
    indicator = stix()[1]
    expected = indicator.pop("valid_until")
    post(indicator)
    assert held_by("takedown")[listed(indicator)]["valid_until"] == expected


def test_sighting_reaches_readers_of_sightings(
    store: Store, stix: Stix, post: Post, held_by: Held, bank: Partner, published: Callable[..., str]
) -> None:
    indicator = stix()[1]
    sighting = {
        "type": "sighting",
        "spec_version": "2.1",
        "id": "sighting--ee20065d-2555-424f-ad9e-0f8428623c75",
        "created_by_ref": bank.identity,
        "created": SAID,
        "modified": SAID,
        "sighting_of_ref": indicator["id"],
    }
    post(indicator, sighting)
    assert holding(store, held_by, published(sighting)) == {"sightings", "sightings-full"}


@pytest.mark.parametrize(("tlp", "reached"), [("red", set()), ("green", {"takedown-full"})])
def test_observable_has_at_most_the_audience_of_its_indicator(
    store: Store, stix: Stix, post: Post, held_by: Held, listed: Listed, tlp: str, reached: set[str]
) -> None:
    clear = stix(tlp="clear")[1]["object_marking_refs"]
    observable, indicator, relationship = stix(tlp=tlp)
    post(indicator)
    post(observable, {**relationship, "object_marking_refs": clear})
    assert holding(store, held_by, observable["id"]) == reached
    assert holding(store, held_by, based_on(listed(indicator), observable)) == reached
    assert holding(store, held_by, relationship["id"]) == set()


@pytest.mark.parametrize("known", [True, False])
def test_clear_sighting_of_a_limited_value_is_not_public(
    store: Store, stix: Stix, post: Post, held_by: Held, other: Partner, known: bool, published: Callable[..., str]
) -> None:
    indicator = stix(tlp="amber")[1]
    if known:
        post(indicator)
    sighting = {
        "type": "sighting",
        "spec_version": "2.1",
        "id": "sighting--ee20065d-2555-424f-ad9e-0f8428623c75",
        "created_by_ref": other.identity,
        "created": SAID,
        "modified": SAID,
        "sighting_of_ref": indicator["id"],
        "object_marking_refs": stix(tlp="clear")[1]["object_marking_refs"],
    }
    post(sighting, by=other)
    assert holding(store, held_by, published(sighting)) == {"sightings", "sightings-full"}


def test_relationship_publishes_nothing_from_the_inbox(
    stix: Stix, post: Post, held_by: Held, bank: Partner, other: Partner
) -> None:
    note = {
        "type": "note",
        "spec_version": "2.1",
        "id": "note--0c7b5b88-8ff7-4a4d-aa9d-feb398cd0061",
        "created_by_ref": bank.identity,
        "created": SAID,
        "modified": SAID,
        "content": "for the bank's own eyes",
        "object_refs": [bank.identity],
    }
    post(note)
    indicator = stix("evil.example.com", reporter="Other Bank")[1]
    bond = {**stix("evil.example.com", reporter="Other Bank")[2], "target_ref": note["id"]}
    post(indicator, bond, by=other)
    assert note["id"] not in held_by("takedown-full")
    assert bond["id"] in held_by("inbox")


def test_observable_is_published_as_in_the_indicator(stix: Stix, post: Post, held_by: Held, other: Partner) -> None:
    observable, indicator, _ = stix()
    post({**observable, "value": "innocent.example.com", "x_note": "planted"}, by=other)
    post(indicator)
    assert held_by("takedown-full")[observable["id"]] == observable


def test_sighting_of_a_red_indicator_is_not_published_for_any_pattern(
    store: Store, stix: Stix, post: Post, held_by: Held, bank: Partner, published: Callable[..., str]
) -> None:
    indicator = {**stix(tlp="red")[1], "pattern": "[domain-name:value LIKE '%.example.com']"}
    sighting = {
        "type": "sighting",
        "spec_version": "2.1",
        "id": "sighting--ee20065d-2555-424f-ad9e-0f8428623c75",
        "created_by_ref": bank.identity,
        "created": SAID,
        "modified": SAID,
        "sighting_of_ref": indicator["id"],
        "object_marking_refs": stix(tlp="clear")[1]["object_marking_refs"],
    }
    post(sighting, indicator)
    assert holding(store, held_by, published(sighting)) == set()
