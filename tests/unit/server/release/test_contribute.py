"""What is contributed reaches whom it concerns, and nobody else."""

from collections.abc import Callable
from typing import Any

import pytest

from mappers import extension
from schemas import timestamp
from schemas.partner import Partner
from server.release.contribute import Outcome
from server.store import Store, collections

Stix = Callable[..., list[dict[str, Any]]]
Post = Callable[..., Outcome]
Held = Callable[[str], dict[str, dict[str, Any]]]

RELEASED = ("takedown", "mule-accounts", "wallets", "sightings", "public")


def holding(store: Store, held_by: Held, object_id: str) -> set[str]:
    with store.read() as tx:
        aliases = [each.alias for each in collections.every(tx) if each.kind == "released"]
    return {alias for alias in aliases if object_id in held_by(alias)}


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
    store: Store, stix: Stix, post: Post, held_by: Held, kind: str, value: str, home: str
) -> None:
    observable, indicator, relationship = stix(value, kind)
    outcome = post(observable, indicator, relationship)
    assert {each.id for each in outcome.accepted} == {observable["id"], indicator["id"], relationship["id"]}
    assert holding(store, held_by, indicator["id"]) == {home, f"{home}-full"}
    assert holding(store, held_by, observable["id"]) == {f"{home}-full"}
    assert holding(store, held_by, relationship["id"]) == {f"{home}-full"}


def test_what_is_clear_reaches_the_public_too(store: Store, stix: Stix, post: Post, held_by: Held) -> None:
    observable, indicator, relationship = stix(tlp="clear")
    post(observable, indicator, relationship)
    assert holding(store, held_by, indicator["id"]) == {"takedown", "takedown-full", "public", "public-full"}
    assert holding(store, held_by, relationship["id"]) == {"takedown-full", "public-full"}


@pytest.mark.parametrize("tlp", ["amber+strict", "red"])
def test_what_is_for_named_readers_only_is_kept_and_reaches_nobody(
    store: Store, stix: Stix, post: Post, held_by: Held, tlp: str
) -> None:
    objects = stix(tlp=tlp)
    outcome = post(*objects)
    assert [each.id for each in outcome.pending] == [objects[1]["id"]]
    assert all(holding(store, held_by, obj["id"]) == set() for obj in objects)
    assert objects[1]["id"] in held_by("inbox")


def test_an_indicator_without_marking_is_treated_as_amber(store: Store, stix: Stix, post: Post, held_by: Held) -> None:
    indicator = stix(tlp="clear")[1]
    del indicator["object_marking_refs"]
    post(indicator)
    assert holding(store, held_by, indicator["id"]) == {"takedown", "takedown-full"}


def test_readers_get_what_an_indicator_refers_to(stix: Stix, post: Post, held_by: Held) -> None:
    indicator = stix()[1]
    post(indicator)
    held = held_by("takedown")
    assert indicator["created_by_ref"] in held
    assert set(indicator["object_marking_refs"]) <= held.keys()
    assert {each for each in indicator["extensions"] if each in held}


def test_an_indicator_alone_brings_what_it_is_based_on(stix: Stix, post: Post, held_by: Held) -> None:
    observable, indicator, relationship = stix()
    post(indicator)
    held = held_by("takedown-full")
    assert held[observable["id"]] == observable
    assert held[relationship["id"]] == relationship


def test_contributing_twice_changes_nothing(store: Store, stix: Stix, post: Post, held_by: Held) -> None:
    objects = stix(tlp="clear")
    post(*objects)
    before = {alias: held_by(alias) for alias in (*RELEASED, "takedown-full")}
    outcome = post(*objects)
    assert len(outcome.accepted) == len(objects)
    assert {alias: held_by(alias) for alias in before} == before


def test_a_list_that_is_sent_again_next_day_makes_no_new_versions(stix: Stix, post: Post, held_by: Held) -> None:
    post(*stix())
    before = held_by("takedown-full")
    post(*stix(reported_at="2026-10-02T08:00:00Z"))
    assert held_by("takedown-full") == before


def test_a_repeat_keeps_an_indicator_alive_when_half_its_life_is_gone(stix: Stix, post: Post, held_by: Held) -> None:
    first, again = stix()[1], stix(reported_at="2026-11-20T08:00:00Z")[1]
    post(first)
    post(again)
    now = held_by("takedown")[first["id"]]
    assert now["valid_until"] == again["valid_until"] > first["valid_until"]
    assert (now["created"], now["modified"]) == (first["created"], again["modified"])


def test_a_change_that_a_reader_acts_on_is_a_new_version(stix: Stix, post: Post, held_by: Held) -> None:
    first, again = stix()[1], stix(reported_at="2026-10-02T08:00:00Z", action="block")[1]
    post(first)
    post(again)
    assert held_by("takedown")[first["id"]]["modified"] == again["modified"]


def test_nobody_versions_or_revokes_what_another_partner_said(
    stix: Stix, post: Post, held_by: Held, other: Partner
) -> None:
    indicator = stix()[1]
    post(indicator)
    forged = {**indicator, "modified": "2026-10-02T00:00:00.000Z", "revoked": True}
    outcome = post(forged, by=other)
    assert [each.id for each in outcome.failed] == [indicator["id"]]
    assert other.identity in outcome.failed[0].message
    assert held_by("takedown")[indicator["id"]] == indicator


def test_nobody_speaks_without_a_name(stix: Stix, post: Post, held_by: Held) -> None:
    indicator = stix()[1]
    del indicator["created_by_ref"]
    outcome = post(indicator)
    assert "created_by_ref is missing" in outcome.failed[0].message
    assert indicator["id"] not in held_by("inbox")


def test_a_revocation_reaches_every_collection_and_ends_the_indicator(stix: Stix, post: Post, held_by: Held) -> None:
    indicator = stix(tlp="clear")[1]
    post(indicator)
    post({**indicator, "modified": "2026-10-02T00:00:00.000Z", "revoked": True})
    for alias in ("takedown", "takedown-full", "public", "public-full"):
        version = held_by(alias)[indicator["id"]]
        assert version["revoked"] is True
        assert indicator["modified"] < version["modified"]
        assert version["valid_until"] == version["modified"] <= timestamp.text(timestamp.now())
        assert (version["pattern"], version["created"]) == (indicator["pattern"], indicator["created"])


def test_a_revocation_brings_no_new_words_to_those_who_may_not_read_them(stix: Stix, post: Post, held_by: Held) -> None:
    indicator = stix(tlp="clear")[1]
    post(indicator)
    secret = {"description": "for few eyes", "object_marking_refs": stix(tlp="red")[1]["object_marking_refs"]}
    post({**indicator, **secret, "modified": "2026-10-02T00:00:00.000Z", "revoked": True})
    assert held_by("public")[indicator["id"]]["description"] == indicator["description"]
    assert held_by("public")[indicator["id"]]["revoked"] is True


def test_what_was_revoked_does_not_come_back_with_the_next_list(stix: Stix, post: Post, held_by: Held) -> None:
    indicator = stix()[1]
    post(indicator)
    post({**indicator, "modified": "2026-10-02T00:00:00.000Z", "revoked": True})
    outcome = post(stix(reported_at="2026-10-03T08:00:00Z")[1])
    assert "revoked" in outcome.failed[0].message
    assert held_by("takedown")[indicator["id"]]["revoked"] is True


def test_an_indicator_without_an_end_gets_one(stix: Stix, post: Post, held_by: Held) -> None:
    indicator = stix()[1]
    expected = indicator.pop("valid_until")
    post(indicator)
    assert held_by("takedown")[indicator["id"]]["valid_until"] == expected


def test_one_bad_item_never_stops_the_others(stix: Stix, post: Post, held_by: Held) -> None:
    good, suffix = stix()[1], {**stix("x.example.com")[1], "pattern": "[domain-name:value = 'co.th']"}
    outcome = post(suffix, good)
    assert [each.id for each in outcome.failed] == [suffix["id"]]
    assert "public suffix" in outcome.failed[0].message
    assert good["id"] in held_by("takedown")


def test_a_pattern_of_no_single_value_is_kept_and_held(stix: Stix, post: Post, held_by: Held) -> None:
    indicator = {**stix()[1], "pattern": "[domain-name:value LIKE '%.example.com']"}
    outcome = post(indicator)
    assert [each.id for each in outcome.pending] == [indicator["id"]]
    assert indicator["id"] in held_by("inbox")
    assert indicator["id"] not in held_by("takedown")


def test_a_sighting_reaches_those_who_read_sightings(
    store: Store, stix: Stix, post: Post, held_by: Held, bank: Partner
) -> None:
    indicator = stix()[1]
    sighting = {
        "type": "sighting",
        "spec_version": "2.1",
        "id": "sighting--ee20065d-2555-424f-ad9e-0f8428623c75",
        "created_by_ref": bank.identity,
        "created": "2026-10-01T09:00:00.000Z",
        "modified": "2026-10-01T09:00:00.000Z",
        "sighting_of_ref": indicator["id"],
    }
    post(indicator, sighting)
    assert holding(store, held_by, sighting["id"]) == {"sightings", "sightings-full"}


@pytest.mark.parametrize(("tlp", "reached"), [("red", set()), ("green", {"takedown-full"})])
def test_what_speaks_about_an_indicator_never_goes_further_than_it(
    store: Store, stix: Stix, post: Post, held_by: Held, tlp: str, reached: set[str]
) -> None:
    clear = stix(tlp="clear")[1]["object_marking_refs"]
    observable, indicator, relationship = stix(tlp=tlp)
    post(indicator)
    post(observable, {**relationship, "object_marking_refs": clear})
    assert holding(store, held_by, observable["id"]) == reached
    assert holding(store, held_by, relationship["id"]) == reached


@pytest.mark.parametrize("known", [True, False])
def test_a_clear_sighting_of_what_is_not_clear_is_not_public(
    store: Store, stix: Stix, post: Post, held_by: Held, other: Partner, known: bool
) -> None:
    indicator = stix(tlp="amber")[1]
    if known:
        post(indicator)
    sighting = {
        "type": "sighting",
        "spec_version": "2.1",
        "id": "sighting--ee20065d-2555-424f-ad9e-0f8428623c75",
        "created_by_ref": other.identity,
        "created": "2026-10-01T09:00:00.000Z",
        "modified": "2026-10-01T09:00:00.000Z",
        "sighting_of_ref": indicator["id"],
        "object_marking_refs": stix(tlp="clear")[1]["object_marking_refs"],
    }
    post(sighting, by=other)
    assert holding(store, held_by, sighting["id"]) == {"sightings", "sightings-full"}


def test_claiming_to_be_the_creator_of_anothers_object_changes_nothing(
    stix: Stix, post: Post, held_by: Held, other: Partner
) -> None:
    indicator = stix()[1]
    post(indicator)
    for change in ({"revoked": True}, {"pattern": "[domain-name:value = 'innocent.example.com']"}):
        forged = {**indicator, **change, "created_by_ref": other.identity, "modified": "2026-10-02T00:00:00.000Z"}
        assert [each.id for each in post(forged, by=other).failed] == [indicator["id"]]
    assert held_by("takedown")[indicator["id"]] == indicator


def test_who_takes_anothers_id_first_does_not_silence_it(stix: Stix, post: Post, held_by: Held, other: Partner) -> None:
    indicator = stix()[1]
    squatting = {**indicator, "created_by_ref": other.identity, "revoked": True}
    post(squatting, by=other)
    outcome = post(indicator)
    assert not outcome.failed
    patterns = [(each["pattern"], each["created_by_ref"]) for each in held_by("takedown").values() if "pattern" in each]
    assert patterns == [(indicator["pattern"], indicator["created_by_ref"])]


def test_nobody_but_the_hub_says_what_markings_and_extensions_are(
    stix: Stix, post: Post, held_by: Held, other: Partner
) -> None:
    post(stix()[1])
    before = held_by("takedown")[extension.ID]
    forged = {**before, "created_by_ref": other.identity, "modified": "2026-10-02T00:00:00.000Z", "revoked": True}
    post(forged, by=other)
    assert held_by("takedown")[extension.ID] == before
    assert extension.ID not in held_by("inbox")


def test_a_relationship_brings_nothing_out_of_the_inbox(
    stix: Stix, post: Post, held_by: Held, bank: Partner, other: Partner
) -> None:
    note = {
        "type": "note",
        "spec_version": "2.1",
        "id": "note--0c7b5b88-8ff7-4a4d-aa9d-feb398cd0061",
        "created_by_ref": bank.identity,
        "created": "2026-10-01T09:00:00.000Z",
        "modified": "2026-10-01T09:00:00.000Z",
        "content": "for the bank's own eyes",
        "object_refs": [bank.identity],
    }
    post(note)
    indicator = stix("evil.example.com", reporter="Other Bank")[1]
    bond = {**stix("evil.example.com", reporter="Other Bank")[2], "target_ref": note["id"]}
    post(indicator, bond, by=other)
    assert note["id"] not in held_by("takedown-full")
    assert bond["id"] in held_by("inbox")


def test_an_observable_is_published_as_the_indicator_says_it(
    stix: Stix, post: Post, held_by: Held, other: Partner
) -> None:
    observable, indicator, _ = stix()
    post({**observable, "value": "innocent.example.com", "x_note": "planted"}, by=other)
    post(indicator)
    assert held_by("takedown-full")[observable["id"]] == observable


def test_a_revocation_in_the_same_post_counts(stix: Stix, post: Post, held_by: Held) -> None:
    indicator = stix()[1]
    post(indicator, {**indicator, "modified": "2026-10-02T00:00:00.000Z", "revoked": True})
    assert held_by("takedown")[indicator["id"]]["revoked"] is True


def test_what_is_revoked_in_a_post_is_not_active_again_by_the_end_of_it(stix: Stix, post: Post, held_by: Held) -> None:
    indicator = stix()[1]
    post(indicator)
    later = {**indicator, "modified": "2026-10-03T00:00:00.000Z", "confidence": 90}
    outcome = post({**indicator, "modified": "2026-10-02T00:00:00.000Z", "revoked": True}, later)
    assert [each.id for each in outcome.failed] == [indicator["id"]]
    assert held_by("takedown")[indicator["id"]]["revoked"] is True


def test_an_older_version_behind_a_newer_one_is_not_released(stix: Stix, post: Post, held_by: Held) -> None:
    older, newer = stix()[1], stix(tlp="red", reported_at="2026-10-02T08:00:00Z")[1]
    post(newer, older)
    assert older["id"] not in held_by("takedown")


@pytest.mark.parametrize(("tlp", "left"), [("amber", {"takedown", "takedown-full"}), ("red", set())])
def test_a_narrower_marking_takes_back_the_copies_that_went_further(
    stix: Stix, post: Post, held_by: Held, tlp: str, left: set[str]
) -> None:
    post(stix(tlp="clear")[1])
    narrower = stix(tlp=tlp, reported_at="2026-10-02T08:00:00Z")[1]
    post(narrower)
    for alias in ("takedown", "takedown-full", "public", "public-full"):
        copy = held_by(alias)[narrower["id"]]
        assert copy.get("revoked", False) is (alias not in left)
        assert copy["object_marking_refs"] == narrower["object_marking_refs"] or alias not in left


def test_a_sighting_of_a_red_indicator_goes_nowhere_whatever_its_pattern(
    store: Store, stix: Stix, post: Post, held_by: Held, bank: Partner
) -> None:
    indicator = {**stix(tlp="red")[1], "pattern": "[domain-name:value LIKE '%.example.com']"}
    sighting = {
        "type": "sighting",
        "spec_version": "2.1",
        "id": "sighting--ee20065d-2555-424f-ad9e-0f8428623c75",
        "created_by_ref": bank.identity,
        "created": "2026-10-01T09:00:00.000Z",
        "modified": "2026-10-01T09:00:00.000Z",
        "sighting_of_ref": indicator["id"],
        "object_marking_refs": stix(tlp="clear")[1]["object_marking_refs"],
    }
    post(sighting, indicator)
    assert holding(store, held_by, sighting["id"]) == set()


def test_a_revocation_never_extends_a_life(stix: Stix, post: Post, held_by: Held) -> None:
    indicator = {**stix()[1], "valid_until": "2026-10-05T00:00:00.000Z"}
    post(indicator)
    post({**indicator, "modified": "2026-10-02T00:00:00.000Z", "revoked": True})
    assert held_by("takedown")[indicator["id"]]["valid_until"] == "2026-10-05T00:00:00.000Z"


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
    {"modified": "2099-01-01T00:00:00.000Z"},
    {"type": "sighting"},
    {"type": "relationship"},
    {"confidence": "high"},
    {"lang": 1},
]


@pytest.mark.parametrize("change", SHAPES, ids=[str(change)[:40] for change in SHAPES])
def test_no_shape_of_object_stops_the_others(stix: Stix, post: Post, held_by: Held, change: dict[str, Any]) -> None:
    good, first = stix("good.example.com")[1], stix("bad.example.com")[1]
    bad = {name: value for name, value in {**first, **change}.items() if value is not None}
    outcome = post(bad, good)
    assert len(outcome.accepted) + len(outcome.pending) + len(outcome.failed) == 2
    assert good["id"] in held_by("takedown")
    assert bad["id"] not in held_by("takedown")
