from collections.abc import Callable
from typing import Any

from schemas.partner import FocalFunction, Partner
from server.release.publish import identities
from server.store import Store, focal_points, hub_identity, partners

HeldBy = Callable[[str], dict[str, dict[str, Any]]]


def test_consenting_partner_is_published_in_every_shared_collection(
    store: Store, bank: Partner, held_by: HeldBy
) -> None:
    with store.begin() as tx:
        partners.change(tx, bank.model_copy(update={"named": True}))
        identities.publish(tx, bank.name)
        identities.publish(tx, bank.name)
        speaker = hub_identity.load(tx)
    for alias in ("takedown", "takedown-full", "public", "sightings"):
        there = held_by(alias)
        assert (there[bank.identity]["name"], there[bank.identity]["created_by_ref"]) == (bank.name, speaker.identity)
        assert there[speaker.identity]["name"] == speaker.name
    with store.begin() as tx:
        partners.change(tx, bank)
        identities.publish(tx, bank.name)
    assert bank.name not in str(held_by("takedown")[bank.identity])


def test_a_new_focal_point_is_a_new_version_of_the_hub(store: Store, held_by: HeldBy) -> None:
    with store.begin() as tx:
        identities.publish(tx)
        before = identities.of_hub(tx)
        focal_points.put(tx, focal_points.HUB, FocalFunction.PROTECTION, "protection@hub.example")
        hub_identity.touch(tx)
        identities.publish(tx)
        after = identities.of_hub(tx)
    assert after["modified"] > before["modified"]
    assert held_by("public")[after["id"]] == after
    assert "protection@hub.example" in str(after)


def test_former_partner_stays_registered_for_its_objects(store: Store, bank: Partner) -> None:
    with store.begin() as tx:
        before = identities.identities(tx)
        partners.remove(tx, bank.name)
        assert identities.identities(tx) == before
