import hashlib

import pytest

from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.store import Store, collections, own_values, partners, registry
from server.store.collections import Collection
from server.store.hot import HotStore
from tests.unit.server.store.registered import BANK, POLICE

DER = b"not really DER, and nobody looks"


def test_what_a_partner_may_do_is_kept_and_changed(store: Store) -> None:
    with store.begin() as tx:
        partners.add(tx, BANK)
        assert partners.get(tx, BANK.name) == BANK
        changed = BANK.model_copy(update={"trusted": False, "authority": (), "named": False})
        before = registry.moments(tx)[BANK.name]
        partners.change(tx, changed)
        assert partners.get(tx, BANK.name) == changed
        created, modified = registry.moments(tx)[BANK.name]
        assert created == before[0]
        assert modified > before[1]
        with pytest.raises(partners.UnknownPartner):
            partners.change(tx, POLICE)


def test_a_partner_reads_the_same_through_the_way_without_a_framework(store: Store) -> None:
    with store.begin() as tx:
        given = partners.add(tx, BANK)
    with HotStore(store).read() as tx:
        assert partners.by_token(tx, given.token) == BANK


def test_who_left_proves_nothing_more_and_stays_registered(store: Store, room: Collection) -> None:
    with store.begin() as tx:
        given = partners.add(tx, BANK)
        partners.set_certificate(tx, BANK.name, hashlib.sha256(DER).hexdigest())
        partners.grant(tx, BANK.name, room, read=True, write=True)
        own_values.add(tx, BANK.name, ["domain:bank.example"])
        # From here on the password is remembered as right.
        assert partners.by_password(tx, given.user, given.password) == BANK
    with store.begin() as tx:
        partners.remove(tx, BANK.name)
    with store.read() as tx:
        assert partners.by_password(tx, given.user, given.password) is None
        assert partners.by_token(tx, given.token) is None
        assert partners.by_certificate(tx, DER) is None
        assert partners.rights(tx, BANK.name) == {}
        assert partners.right(tx, BANK.name, room.id) is None
        assert partners.every(tx) == [BANK]
        assert partners.present(tx) == []
        assert list(partners.left(tx)) == [BANK.name]
        assert own_values.of(tx, ["domain:bank.example"]) == {"domain:bank.example": BANK.name}
        assert partners.get(tx, BANK.name, gone=True) == BANK


def test_nothing_is_given_to_who_left(store: Store, room: Collection) -> None:
    with store.begin() as tx:
        partners.add(tx, BANK)
        partners.remove(tx, BANK.name)
        for attempt in (
            lambda: partners.get(tx, BANK.name),
            lambda: partners.rotate(tx, BANK.name),
            lambda: partners.grant(tx, BANK.name, room, read=True),
            lambda: partners.set_certificate(tx, BANK.name, "ab" * 32),
            lambda: partners.remove(tx, BANK.name),
            lambda: partners.change(tx, BANK),
        ):
            with pytest.raises(partners.PartnerLeft, match="has left"):
                attempt()
        with pytest.raises(partners.NameTaken):
            partners.add(tx, BANK)


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
