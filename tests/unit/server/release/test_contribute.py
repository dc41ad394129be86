"""What is contributed reaches whom it concerns, and nobody else."""

from collections.abc import Callable
from typing import Any

import pytest

from mappers import extension, ids
from schemas import timestamp
from schemas.partner import Partner
from server.release.contribute import Outcome
from server.store import Store, collections, hub, reviews

Stix = Callable[..., list[dict[str, Any]]]
Post = Callable[..., Outcome]
Held = Callable[[str], dict[str, dict[str, Any]]]
Listed = Callable[..., str]

RELEASED = ("takedown", "mule-accounts", "wallets", "sightings", "public")


def based_on(listing: str, observable: dict[str, Any]) -> str:
    return ids.relationship("based-on", listing, observable["id"])


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
    store: Store, stix: Stix, post: Post, held_by: Held, listed: Listed, kind: str, value: str, home: str
) -> None:
    observable, indicator, relationship = stix(value, kind)
    outcome = post(observable, indicator, relationship)
    assert {each.id for each in outcome.accepted} == {observable["id"], indicator["id"], relationship["id"]}
    assert holding(store, held_by, listed(indicator)) == {home, f"{home}-full"}
    assert holding(store, held_by, observable["id"]) == {f"{home}-full"}
    assert holding(store, held_by, based_on(listed(indicator), observable)) == {f"{home}-full"}


def test_it_is_the_hub_that_says_it_and_no_reader_learns_who_reports(
    store: Store, stix: Stix, post: Post, held_by: Held, listed: Listed, bank: Partner
) -> None:
    observable, indicator, relationship = stix(tlp="clear", reference="CASE-1")
    post(observable, indicator, relationship)
    with store.read() as tx:
        speaker = hub.identity(tx)
    for alias in ("takedown", "takedown-full", "public", "public-full"):
        held = held_by(alias)
        assert held[listed(indicator)]["created_by_ref"] == speaker
        assert not {indicator["id"], relationship["id"], bank.identity} & held.keys()
        assert not any(bank.identity in str(each) or bank.name in str(each) for each in held.values())


def test_what_is_clear_reaches_the_public_too(
    store: Store, stix: Stix, post: Post, held_by: Held, listed: Listed
) -> None:
    observable, indicator, relationship = stix(tlp="clear")
    post(observable, indicator, relationship)
    assert holding(store, held_by, listed(indicator)) == {"takedown", "takedown-full", "public", "public-full"}
    assert holding(store, held_by, based_on(listed(indicator), observable)) == {"takedown-full", "public-full"}


@pytest.mark.parametrize("tlp", ["amber+strict", "red"])
def test_what_is_for_named_readers_only_is_kept_and_reaches_nobody(
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


def test_readers_get_what_an_indicator_refers_to(stix: Stix, post: Post, held_by: Held, listed: Listed) -> None:
    post(stix()[1])
    held = held_by("takedown")
    indicator = held[listed(stix()[1])]
    assert indicator["created_by_ref"] in held
    assert set(indicator["object_marking_refs"]) <= held.keys()
    assert {each for each in indicator["extensions"] if each in held}


def test_an_indicator_alone_brings_what_it_is_based_on(stix: Stix, post: Post, held_by: Held, listed: Listed) -> None:
    observable, indicator, _ = stix()
    post(indicator)
    held = held_by("takedown-full")
    assert held[observable["id"]] == observable
    bond = held[based_on(listed(indicator), observable)]
    assert (bond["source_ref"], bond["target_ref"]) == (listed(indicator), observable["id"])
    assert bond["created_by_ref"] == held[listed(indicator)]["created_by_ref"]


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


def test_a_repeat_keeps_an_indicator_alive_when_half_its_life_is_gone(
    stix: Stix, post: Post, held_by: Held, listed: Listed
) -> None:
    first, again = stix()[1], stix(reported_at="2026-11-20T08:00:00Z")[1]
    post(first)
    before = held_by("takedown")[listed(first)]
    post(again)
    now = held_by("takedown")[listed(first)]
    assert now["valid_until"] == again["valid_until"] > before["valid_until"] == first["valid_until"]
    assert now["created"] == before["created"]
    assert now["modified"] > before["modified"]


def test_a_change_that_a_reader_acts_on_is_a_new_version(stix: Stix, post: Post, held_by: Held, listed: Listed) -> None:
    first, again = stix(confidence="90")[1], stix(confidence="90", reported_at="2026-10-02T08:00:00Z", action="warn")[1]
    post(first)
    before = held_by("takedown")[listed(first)]
    post(again)
    now = held_by("takedown")[listed(first)]
    assert now["modified"] > before["modified"]
    assert [extension.found(each)["grade"] for each in (before, now)] == ["block", "warn"]


def test_nobody_versions_or_revokes_what_another_partner_said(
    stix: Stix, post: Post, held_by: Held, listed: Listed, other: Partner
) -> None:
    indicator = stix()[1]
    post(indicator)
    before = held_by("takedown")[listed(indicator)]
    forged = {**indicator, "modified": "2026-10-02T00:00:00.000Z", "revoked": True}
    outcome = post(forged, by=other)
    assert [each.id for each in outcome.failed] == [indicator["id"]]
    assert other.identity in outcome.failed[0].message
    assert held_by("takedown")[listed(indicator)] == before
    assert held_by("inbox")[indicator["id"]] == indicator


def test_nobody_speaks_without_a_name(stix: Stix, post: Post, held_by: Held) -> None:
    indicator = stix()[1]
    del indicator["created_by_ref"]
    outcome = post(indicator)
    assert "created_by_ref is missing" in outcome.failed[0].message
    assert indicator["id"] not in held_by("inbox")


def test_the_last_revocation_reaches_every_collection_and_ends_the_listing(
    stix: Stix, post: Post, held_by: Held, listed: Listed
) -> None:
    indicator = stix(tlp="clear")[1]
    post(indicator)
    before = held_by("takedown")[listed(indicator)]
    post({**indicator, "modified": "2026-10-02T00:00:00.000Z", "revoked": True})
    for alias in ("takedown", "takedown-full", "public", "public-full"):
        version = held_by(alias)[listed(indicator)]
        assert version["revoked"] is True
        assert before["modified"] < version["modified"]
        assert before["valid_until"] > version["valid_until"] <= timestamp.text(timestamp.now())
        assert (version["pattern"], version["created"]) == (indicator["pattern"], before["created"])


def test_a_revocation_brings_no_new_words_to_those_who_may_not_read_them(
    stix: Stix, post: Post, held_by: Held, listed: Listed
) -> None:
    indicator = stix(tlp="clear", description="for all to read")[1]
    post(indicator)
    secret = {"description": "for few eyes", "object_marking_refs": stix(tlp="red")[1]["object_marking_refs"]}
    post({**indicator, **secret, "modified": "2026-10-02T00:00:00.000Z", "revoked": True})
    assert held_by("public")[listed(indicator)]["description"] == indicator["description"]
    assert held_by("public")[listed(indicator)]["revoked"] is True


def test_what_was_revoked_comes_back_with_the_next_list_only_after_somebody_looked_at_it(
    store: Store, stix: Stix, post: Post, held_by: Held, listed: Listed
) -> None:
    indicator = stix()[1]
    post(indicator)
    post({**indicator, "modified": "2026-10-02T00:00:00.000Z", "revoked": True})
    again = stix(reported_at="2026-10-03T08:00:00Z")[1]
    outcome = post(again)
    assert not outcome.failed
    assert "you listed this value before" in outcome.pending[0].message
    assert held_by("inbox")[again["id"]] == {**again, "created": indicator["created"]}
    assert held_by("takedown")[listed(indicator)]["revoked"] is True
    assert listed(indicator, 1) not in held_by("takedown")
    with store.read() as tx:
        assert reviews.states(tx, [again["id"]])[again["id"]].rule == "listed-again"


def test_an_indicator_without_an_end_gets_one(stix: Stix, post: Post, held_by: Held, listed: Listed) -> None:
    indicator = stix()[1]
    expected = indicator.pop("valid_until")
    post(indicator)
    assert held_by("takedown")[listed(indicator)]["valid_until"] == expected


def test_one_bad_item_never_stops_the_others(stix: Stix, post: Post, held_by: Held, listed: Listed) -> None:
    good, suffix = stix()[1], {**stix("x.example.com")[1], "pattern": "[domain-name:value = 'co.th']"}
    outcome = post(suffix, good)
    assert [each.id for each in outcome.failed] == [suffix["id"]]
    assert "public suffix" in outcome.failed[0].message
    assert listed(good) in held_by("takedown")


def test_a_pattern_of_no_single_value_is_kept_and_held(stix: Stix, post: Post, held_by: Held, listed: Listed) -> None:
    indicator = {**stix()[1], "pattern": "[domain-name:value LIKE '%.example.com']"}
    outcome = post(indicator)
    assert [each.id for each in outcome.pending] == [indicator["id"]]
    assert indicator["id"] in held_by("inbox")
    assert listed(indicator) not in held_by("takedown")


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
def test_what_an_indicator_is_based_on_never_goes_further_than_it(
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
    stix: Stix, post: Post, held_by: Held, listed: Listed, other: Partner
) -> None:
    indicator = stix()[1]
    post(indicator)
    before = held_by("takedown")
    for change in ({"revoked": True}, {"pattern": "[domain-name:value = 'innocent.example.com']"}):
        forged = {**indicator, **change, "created_by_ref": other.identity, "modified": "2026-10-02T00:00:00.000Z"}
        assert [each.id for each in post(forged, by=other).failed] == [indicator["id"]]
    assert held_by("takedown") == before


def test_who_takes_anothers_id_first_does_not_silence_it(
    stix: Stix, post: Post, held_by: Held, listed: Listed, other: Partner
) -> None:
    indicator = stix()[1]
    squatting = {**indicator, "created_by_ref": other.identity, "revoked": True}
    post(squatting, by=other)
    outcome = post(indicator)
    assert not outcome.failed
    patterns = [(each["id"], each["pattern"]) for each in held_by("takedown").values() if "pattern" in each]
    assert patterns == [(listed(indicator), indicator["pattern"])]


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


def test_what_is_revoked_in_the_post_that_brings_it_is_heard_by_nobody(
    store: Store, stix: Stix, post: Post, held_by: Held, listed: Listed
) -> None:
    indicator = stix(tlp="clear")[1]
    outcome = post(indicator, {**indicator, "modified": "2026-10-02T00:00:00.000Z", "revoked": True})
    assert len(outcome.accepted) == 2
    assert holding(store, held_by, listed(indicator)) == set()
    assert held_by("inbox")[indicator["id"]]["revoked"] is True


def test_what_is_revoked_in_a_post_and_said_again_is_looked_at_and_not_active_by_the_end_of_it(
    stix: Stix, post: Post, held_by: Held, listed: Listed
) -> None:
    indicator = stix()[1]
    post(indicator)
    later = {**indicator, "modified": "2026-10-03T00:00:00.000Z", "confidence": 90}
    outcome = post({**indicator, "modified": "2026-10-02T00:00:00.000Z", "revoked": True}, later)
    assert [each.id for each in outcome.pending] == [indicator["id"]]
    assert held_by("takedown")[listed(indicator)]["revoked"] is True


def test_an_older_version_behind_a_newer_one_is_not_released(
    stix: Stix, post: Post, held_by: Held, listed: Listed
) -> None:
    older, newer = stix()[1], stix(tlp="red", reported_at="2026-10-02T08:00:00Z")[1]
    post(newer, older)
    assert listed(older) not in held_by("takedown")


@pytest.mark.parametrize(("tlp", "left"), [("amber", {"takedown", "takedown-full"}), ("red", set())])
def test_a_narrower_marking_takes_back_the_copies_that_went_further(
    stix: Stix, post: Post, held_by: Held, listed: Listed, tlp: str, left: set[str]
) -> None:
    post(stix(tlp="clear")[1])
    narrower = stix(tlp=tlp, reported_at="2026-10-02T08:00:00Z")[1]
    post(narrower)
    for alias in ("takedown", "takedown-full", "public", "public-full"):
        copy = held_by(alias)[listed(narrower)]
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


def test_a_revocation_never_extends_a_life(stix: Stix, post: Post, held_by: Held, listed: Listed) -> None:
    indicator = {**stix()[1], "valid_until": "2026-10-05T00:00:00.000Z"}
    post(indicator)
    post({**indicator, "modified": "2026-10-02T00:00:00.000Z", "revoked": True})
    assert held_by("takedown")[listed(indicator)]["valid_until"] == "2026-10-05T00:00:00.000Z"


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
def test_no_shape_of_object_stops_the_others(
    stix: Stix, post: Post, held_by: Held, listed: Listed, change: dict[str, Any]
) -> None:
    good, first = stix("good.example.com")[1], stix("bad.example.com")[1]
    bad = {name: value for name, value in {**first, **change}.items() if value is not None}
    outcome = post(bad, good)
    assert len(outcome.accepted) + len(outcome.pending) + len(outcome.failed) == 2
    assert listed(good) in held_by("takedown")
    assert listed(first) not in held_by("takedown")


@pytest.mark.parametrize("number", ["+66812345678", "+66898765432"])
def test_what_says_an_indicator_in_another_language_may_say_its_value_and_no_other_persons(
    stix: Stix, post: Post, number: str
) -> None:
    objects = stix("+66812345678", "phone", lang="th", description="โฆษณาชวนลงทุนปลอม")
    *_, translation = objects
    assert translation["type"] == "language-content"
    contents = {"en": {"name": f"Phone number used in a scam: {number}"}}
    outcome = post(*objects[:-1], {**translation, "contents": contents})
    refused = [each.id for each in outcome.failed]
    assert refused == ([] if number == "+66812345678" else [translation["id"]])
