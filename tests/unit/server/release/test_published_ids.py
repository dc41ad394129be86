"""Ids reveal nothing and cannot be claimed: each partner has its own id space, and the hub's ids use a secret."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from mappers import ids
from schemas.partner import Partner
from server.release.results import Results
from server.store import Store, collections, hub_identity, inbox, listings, log, partners, value_index
from server.store.item import Item
from tests.times import text_ago, text_ahead

Obj = dict[str, Any]
Stix = Callable[..., list[Obj]]
Post = Callable[..., Results]
Held = Callable[[str], dict[str, Obj]]
Listed = Callable[..., str]
Reports = Callable[..., Obj]

ANOTHER = "[domain-name:value = 'innocent.example.com']"
SAID, LATER, SEEN = text_ago(days=61, hours=23), text_ago(days=61), text_ago(days=31, hours=1)
FREE = "indicator--11111111-2222-4333-8444-555555555555"


def live(held: dict[str, Obj]) -> dict[str, str]:
    return {obj["pattern"]: id_ for id_, obj in held.items() if obj["type"] == "indicator" and not obj.get("revoked")}


def old_listing(identity: str, pattern: str, number: int = 0, room: str = "") -> str:
    """Return the computable id under which an older version of the hub listed a value."""
    named = {"created_by_ref": identity, "pattern": pattern, "seq": number, "type": "indicator"}
    return "indicator--" + ids.in_scamfeed(named | ({"room": room} if room else {}))


@pytest.mark.parametrize("revoked", [True, False])
@pytest.mark.parametrize("pattern", [None, ANOTHER], ids=["same value", "another value"])
@pytest.mark.parametrize("forwards", [True, False], ids=["forwards", "speaks for itself"])
def test_partner_cannot_write_in_the_name_of_the_hub(
    store: Store,
    stix: Stix,
    post: Post,
    held_by: Held,
    listed: Listed,
    other: Partner,
    forwards: bool,
    pattern: str | None,
    revoked: bool,
) -> None:
    indicator = stix()[1]
    post(indicator)
    before = held_by("takedown")
    with store.begin() as tx:
        speaker = hub_identity.identity(tx)
        partners.change(tx, by := other.model_copy(update={"forwards": forwards}))
    forged = {**indicator, "id": listed(indicator), "created_by_ref": speaker, "revoked": revoked}
    forged |= {"pattern": pattern or indicator["pattern"]}
    assert [each.id for each in post(forged, by=by).failed] == [forged["id"]]
    assert held_by("takedown") == before


@pytest.mark.parametrize("revoked", [True, False])
@pytest.mark.parametrize("pattern", [None, ANOTHER], ids=["same value", "another value"])
def test_object_under_the_id_of_a_listing_is_separate_from_it(
    stix: Stix, post: Post, held_by: Held, listed: Listed, other: Partner, pattern: str | None, revoked: bool
) -> None:
    indicator = stix()[1]
    post(indicator)
    before = held_by("takedown")
    forged = {**indicator, "id": listed(indicator), "created_by_ref": other.identity, "revoked": revoked}
    forged |= {"pattern": pattern or indicator["pattern"]}
    assert not post(forged, by=other).failed
    assert held_by("takedown").items() >= before.items() or pattern is None
    assert not held_by("takedown")[listed(indicator)].get("revoked")
    post({**forged, "modified": LATER, "revoked": True}, by=other)
    assert not held_by("takedown")[listed(indicator)].get("revoked")
    post({**indicator, "modified": LATER, "revoked": True})
    assert live(held_by("takedown")) == {}


def test_two_partners_can_use_one_id_separately(
    store: Store, stix: Stix, post: Post, held_by: Held, bank: Partner, other: Partner
) -> None:
    indicator = stix()[1]
    squatting = {**indicator, "created_by_ref": other.identity, "pattern": ANOTHER}
    for order in ((squatting, other), (indicator, bank)):
        assert not post(order[0], by=order[1]).failed
    assert live(held_by("takedown")).keys() == {indicator["pattern"], ANOTHER}
    post({**squatting, "modified": LATER, "revoked": True}, by=other)
    assert live(held_by("takedown")).keys() == {indicator["pattern"]}
    with store.read() as tx:
        for name, pattern in ((bank.name, indicator["pattern"]), (other.name, ANOTHER)):
            kept = inbox.of_partner(tx, partners.space(tx, name), [indicator["id"]])[indicator["id"]]
            assert pattern.encode() in kept.body.replace(b'\\"', b'"')


@pytest.mark.parametrize("count", [0, 4])
def test_four_dummies_under_anothers_next_ids_stop_nothing(
    stix: Stix, post: Post, held_by: Held, bank: Partner, other: Partner, count: int
) -> None:
    indicator = stix()[1]
    dummies = [
        {
            **indicator,
            "id": ids.indicator(bank.identity, indicator["pattern"], number),
            "created_by_ref": other.identity,
            "pattern": ANOTHER,
            "revoked": True,
        }
        for number in range(count)
    ]
    assert not post(*dummies, by=other).failed if dummies else True
    outcome = post(indicator)
    assert [each.id for each in outcome.accepted] == [indicator["id"]]
    assert live(held_by("takedown")).keys() == {indicator["pattern"]}
    assert [each.id for each in post(indicator).accepted] == [indicator["id"]]


def answers(outcome: Results) -> tuple[list[Any], list[Any], list[Any]]:
    """Return a partner's complete response, except for its self-chosen id."""
    return (
        [each.version for each in outcome.accepted],
        [(each.version, each.message) for each in outcome.pending],
        [(each.version, each.message) for each in outcome.failed],
    )


@pytest.mark.parametrize("revoked", [True, False], ids=["revoked", "live"])
@pytest.mark.parametrize("type_", ["indicator", "sighting", "opinion", "grouping", "observable"])
@pytest.mark.parametrize("what", ["who reported", "closed collection", "police alone"])
def test_response_to_a_dummy_does_not_reveal_a_used_id(
    store: Store,
    stix: Stix,
    post: Post,
    listed: Listed,
    joins: Callable[..., Partner],
    bank: Partner,
    what: str,
    type_: str,
    revoked: bool,
) -> None:
    police = joins("police", "government", reads=["takedown"])
    spy = joins("spy", "research")
    limits = {"who reported": {}, "closed collection": {"tlp": "amber"}, "police alone": {"tlp": "red"}}[what]
    more = {"only_partners": "police"} if what == "police alone" else {}
    observable, indicator, _ = stix(**limits, **more)
    assert not post(observable, indicator).failed
    with store.read() as tx:
        speaker = hub_identity.identity(tx)
    taken = {
        indicator["id"],
        listed(indicator),
        listed(indicator, to=police),
        old_listing(speaker, indicator["pattern"]),
        old_listing(speaker, indicator["pattern"], 0, "for-police"),
        ids.sighting(bank.identity, indicator["id"], None, None).replace("sighting--", "indicator--"),
    }
    told = []
    for id_ in [FREE, *sorted(taken)]:
        told.append(answers(post(_dummy(spy, type_, id_, observable, revoked=revoked), by=spy)))
    assert all(each == told[0] for each in told)


def _dummy(spy: Partner, type_: str, id_: str, observable: Obj, *, revoked: bool) -> Obj:
    """Return an object with an id, or one about the object with that id."""
    common = {
        "spec_version": "2.1",
        "created_by_ref": spy.identity,
        "created": SAID,
        "modified": SAID,
        **({"revoked": True} if revoked else {}),
    }
    uuid = id_.partition("--")[2]
    match type_:
        case "sighting":
            return {"type": type_, "id": f"{type_}--{uuid}", **common, "sighting_of_ref": id_}
        case "opinion":
            more = {"opinion": "strongly-disagree", "object_refs": [id_]}
            return {"type": type_, "id": f"{type_}--{uuid}", **common, **more}
        case "grouping":
            more = {"name": "case", "context": "suspicious-activity", "object_refs": [id_]}
            return {"type": type_, "id": f"{type_}--{uuid}", **common, **more}
        case "observable":
            return {**observable, "id": observable["id"] if id_ != FREE else f"domain-name--{uuid}"}
    return {
        "type": "indicator",
        "id": id_,
        **common,
        "pattern": ANOTHER,
        "pattern_type": "stix",
        "valid_from": SAID,
        "valid_until": text_ahead(days=300),
    }


def test_ids_of_listings_follow_from_the_hubs_secret_and_differ_in_each_collection(
    store: Store,
    bank: Partner,
    joins: Callable[..., Partner],
    reports: Reports,
    own_room: Callable[..., dict[str, Obj]],
) -> None:
    readers = [joins(name, "government") for name in ("police", "customs")]
    indicator = reports(bank, tlp="red", only_partners="police;customs")
    seen = set()
    for reader in readers:
        (listing,) = [each for each in own_room(reader).values() if each["type"] == "indicator"]
        seen.add(listing["id"])
    assert len(seen) == 2
    with store.read() as tx:
        speaker = hub_identity.identity(tx)
        rooms = [each.alias for each in collections.all_collections(tx)]
    guessed = {old_listing(speaker, indicator["pattern"], n, room) for n in range(3) for room in ("", *rooms)}
    assert not seen & guessed
    for id_ in seen:
        uuid = id_.partition("--")[2]
        assert (uuid[14], uuid[19] in "89ab") == ("4", True)


def test_the_same_value_has_other_ids_at_another_hub(store: Store) -> None:
    with store.read() as tx:
        key = hub_identity.secret(tx, "ids")
    named = ("indicator", "listing", "domain:bad.example", "", 0)
    assert ids.of_hub(key, *named) == ids.of_hub(key, *named) != ids.of_hub(b"another" + key, *named)


def test_dummies_under_the_next_ids_of_the_hub_have_no_effect(
    store: Store, stix: Stix, post: Post, held_by: Held, listed: Listed, other: Partner
) -> None:
    indicator = stix()[1]
    with store.read() as tx:
        speaker = hub_identity.identity(tx)
    dummies = [
        {
            **indicator,
            "id": id_,
            "created_by_ref": other.identity,
            "pattern": ANOTHER,
            "revoked": True,
        }
        for number in range(1_000)
        for id_ in (listed(indicator, number), old_listing(speaker, indicator["pattern"], number))
    ]
    began = time.process_time()
    assert not post(indicator).pending
    alone = time.process_time() - began
    post({**indicator, "modified": LATER, "revoked": True})
    assert not post(*dummies, by=other).failed
    again = {**indicator, "modified": text_ago(days=60)}
    began = time.process_time()
    post(again, stix("other.example.com")[1])
    assert time.process_time() - began < 10 * alone + 0.5
    assert stix("other.example.com")[1]["pattern"] in live(held_by("takedown"))


def test_repeated_listing_gets_the_next_number(
    store: Store, stix: Stix, post: Post, held_by: Held, bank: Partner
) -> None:
    indicator = stix()[1]
    seen = []
    for number in range(4):
        anew = {**indicator, "id": ids.indicator(bank.identity, indicator["pattern"], number)}
        assert not post(anew).failed
        seen += live(held_by("takedown")).values()
        post({**anew, "modified": LATER, "revoked": True})
    assert len(set(seen)) == 4
    with store.read() as tx:
        assert listings.find(tx, ["domain:bad.example.com"])["domain:bad.example.com"] == {"": seen}


def test_partner_does_not_repeat_objects_read_about_itself(
    post: Post,
    held_by: Held,
    published: Callable[[Obj], str],
    joins: Callable[..., Partner],
    reports: Reports,
    records_of: Callable[..., Obj],
) -> None:
    seer = joins("seer", "telecom", reads=["takedown", "sightings"])
    indicator = reports(seer)
    sighting = records_of(seer, "sighting", of=indicator["id"], last_seen=SEEN)
    (back,) = [each for each in held_by("sightings").values() if each["type"] == "sighting"]
    assert back["id"] == published(sighting) != sighting["id"]
    assert [each.id for each in post(back, by=seer).accepted] == [back["id"]]
    assert [each["id"] for each in held_by("sightings").values() if each["type"] == "sighting"] == [back["id"]]


def test_claimed_id_does_not_impersonate_its_owner(
    post: Post,
    held_by: Held,
    published: Callable[[Obj], str],
    joins: Callable[..., Partner],
    reports: Reports,
    records_of: Callable[..., Obj],
    listed: Listed,
) -> None:
    seer = joins("seer", "telecom", reads=["takedown", "sightings"])
    spy = joins("spy", "telecom", reads=["takedown", "sightings"])
    listing = listed(reports(seer))
    meant = {"of": listing, "last_seen": SEEN}
    id_ = ids.sighting(seer.identity, listing, None, SEEN)
    squatting = _dummy(spy, "sighting", id_, {}, revoked=False) | {"sighting_of_ref": listing, "count": 7}
    assert not post(squatting, by=spy).failed
    sighting = records_of(seer, "sighting", **meant)
    assert sighting["id"] == squatting["id"]
    shown = {each["created_by_ref"]: each for each in held_by("sightings").values() if each["type"] == "sighting"}
    assert shown.keys() == {seer.identity, spy.identity}
    assert shown[seer.identity]["id"] == published(sighting)
    post({**squatting, "modified": text_ago(days=29, hours=23), "revoked": True}, by=spy)
    assert not held_by("sightings")[published(sighting)].get("revoked")


def test_forwarded_ids_stay_with_their_forwarder(
    store: Store, stix: Stix, post: Post, held_by: Held, joins: Callable[..., Partner]
) -> None:
    aggregator = joins("aggregator", "research", forwards=True)
    spy = joins("spy", "research")
    foreign = {
        **stix(confidence="80")[1],
        "created_by_ref": "identity--3c0b3b8e-1f2a-4f0e-9d55-0a6f3c1b2d10",
        "id": FREE,
    }
    light = {**foreign, "created_by_ref": spy.identity, "confidence": 1}
    alone = {**foreign, "confidence": 80}
    assert not post(alone, by=aggregator).failed
    before = next(obj for obj in held_by("takedown").values() if obj["type"] == "indicator")["confidence"]
    assert not post(light, by=spy).failed
    (after,) = [obj for obj in held_by("takedown").values() if obj["type"] == "indicator"]
    assert after["confidence"] >= before


def test_each_contribution_is_mentioned_in_its_own_space(store: Store, stix: Stix, post: Post, other: Partner) -> None:
    indicator = stix()[1]
    post(indicator)
    post({**indicator, "created_by_ref": other.identity}, by=other)
    with store.read() as tx:
        keys = value_index.find(tx, ["domain:bad.example.com"])["domain:bad.example.com"]
        assert {inbox.object_id(key) for key in keys} == {indicator["id"]}
        assert len({inbox.space(key) for key in keys}) == 2
        assert isinstance(log.latest(tx, collections.get(tx, "inbox"), keys).popitem()[1], Item)
