"""The ids under which the hub lists values follow from them, and anybody can make them: nobody else may use them."""

from collections.abc import Callable
from typing import Any

import pytest

from mappers import ids
from schemas.partner import Partner
from server.release.outcome import Outcome
from server.store import Store, hub, registry

Stix = Callable[..., list[dict[str, Any]]]
Post = Callable[..., Outcome]
Held = Callable[[str], dict[str, dict[str, Any]]]
Listed = Callable[..., str]

ANOTHER = "[domain-name:value = 'innocent.example.com']"


def live(held: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {obj["pattern"]: id_ for id_, obj in held.items() if obj["type"] == "indicator" and not obj.get("revoked")}


@pytest.mark.parametrize("revoked", [True, False])
@pytest.mark.parametrize("pattern", [None, ANOTHER], ids=["same value", "another value"])
@pytest.mark.parametrize("forwards", [True, False], ids=["forwards", "speaks for itself"])
@pytest.mark.parametrize("creator", ["hub", "own"])
def test_nobody_speaks_under_the_id_of_a_listing(
    store: Store,
    stix: Stix,
    post: Post,
    held_by: Held,
    listed: Listed,
    other: Partner,
    creator: str,
    forwards: bool,
    pattern: str | None,
    revoked: bool,
) -> None:
    indicator = stix()[1]
    post(indicator)
    before = held_by("takedown")
    with store.begin() as tx:
        speaker = hub.identity(tx)
        registry.change(tx, by := other.model_copy(update={"forwards": forwards}))
    forged = {**indicator, "id": listed(indicator), "created_by_ref": speaker if creator == "hub" else other.identity}
    forged |= {"pattern": pattern or indicator["pattern"], "revoked": revoked}
    assert [each.id for each in post(forged, by=by).failed] == [forged["id"]]
    assert held_by("takedown") == before
    post({**indicator, "modified": "2026-10-02T00:00:00.000Z", "revoked": True})
    assert live(held_by("takedown")) == {}


@pytest.mark.parametrize("pattern", [None, ANOTHER], ids=["same value", "another value"])
def test_who_takes_the_next_id_of_a_value_first_keeps_it_neither_in_nor_out(
    stix: Stix, post: Post, held_by: Held, listed: Listed, other: Partner, pattern: str | None
) -> None:
    indicator = stix()[1]
    squatting = {**indicator, "id": listed(indicator), "created_by_ref": other.identity}
    squatting |= {"pattern": pattern or indicator["pattern"]}
    post(squatting, by=other)
    assert not post(indicator).pending
    assert indicator["pattern"] in live(held_by("takedown"))
    post({**squatting, "modified": "2026-10-02T00:00:00.000Z", "revoked": True}, by=other)
    assert indicator["pattern"] in live(held_by("takedown"))
    post({**indicator, "modified": "2026-10-02T00:00:00.000Z", "revoked": True})
    assert live(held_by("takedown")) == {}


def test_an_id_that_another_partner_has_by_our_rule_is_left_to_it(
    stix: Stix, post: Post, held_by: Held, listed: Listed, other: Partner
) -> None:
    indicator = stix()[1]
    post({**indicator, "created_by_ref": other.identity, "pattern": ANOTHER}, by=other)
    post(indicator)
    assert live(held_by("takedown")).keys() == {indicator["pattern"], ANOTHER}
    assert ids.indicator(indicator["created_by_ref"], indicator["pattern"], 1) in held_by("inbox")
