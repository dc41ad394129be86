"""The registry as the release rules see it: who takes part, who left, and who reads what."""

from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.store import Store, collections, partners, registry


def bank(name: str) -> Partner:
    return Partner(name=name, kind=PartnerKind.BANK, country="TH", identity=ids.identity(name))


def test_it_has_who_reads_a_collection_or_its_twin_and_nobody_who_left(store: Store) -> None:
    with store.begin() as tx:
        room, full = collections.add_released(tx, "room", "Room")
        other, _ = collections.add_released(tx, "other", "Other")
        exchange = collections.add(tx, "exchange", "Exchange")
        for name in ("First", "Second", "Third", "Gone"):
            partners.add(tx, bank(name))
        partners.grant(tx, "First", room, read=True)
        partners.grant(tx, "Second", full, read=True)
        partners.grant(tx, "Third", other, write=True)
        partners.grant(tx, "Third", exchange, read=True)
        partners.grant(tx, "Gone", room, read=True)
        partners.remove(tx, "Gone")
        found = registry.load(tx)
    assert found.readers == {"room": {"First", "Second"}}
    assert found.partners.keys() == {"First", "Second", "Third"}
    assert found.gone.keys() == {"Gone"}
    assert found.by_identity[ids.identity("Gone")].name == "Gone"
    assert {"Gone", ids.identity("Gone"), "First"} <= found.called


def test_a_released_collection_has_a_twin(store: Store) -> None:
    with store.begin() as tx:
        plain, full = collections.add_released(tx, "room", "Room", "What is for the room.")
    assert (plain.alias, full.alias) == ("room", "room-full")
    assert (plain.kind, full.kind) == ("released", "released")
    assert full.description == "What is for the room. With observables and relationships."
