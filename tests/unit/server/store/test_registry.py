import hashlib

import pytest
from sqlalchemy.exc import IntegrityError

from mappers import ids
from schemas.partner import FocalFunction, Partner, PartnerKind
from server.store import (
    Store,
    calibration,
    collections,
    focal_points,
    hub,
    own_values,
    partners,
    personal_rooms,
    registry,
)
from server.store.calibration import Calibration, Verdict
from server.store.collections import Collection
from server.store.hot import HotStore

BANK = Partner(
    name="Bänk of Siam",
    kind=PartnerKind.BANK,
    country="TH",
    identity=ids.identity("Bänk of Siam"),
    trusted=True,
    authority=("bank-account", "domain"),
    institutions=("NWBKGB2L", "GB29NWBK"),
    forwards=True,
    named=True,
)
POLICE = Partner(name="police", kind=PartnerKind.GOVERNMENT, country="TH", identity=ids.identity("police"))
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


def test_a_value_is_one_partners_own(store: Store) -> None:
    with store.begin() as tx:
        partners.add(tx, BANK)
        partners.add(tx, POLICE)
        assert own_values.add(tx, BANK.name, ["domain:bank.example", "domain:bank.example"]) == ["domain:bank.example"]
        assert own_values.add(tx, BANK.name, ["domain:bank.example"]) == []
        with pytest.raises(own_values.AnothersOwn):
            own_values.add(tx, POLICE.name, ["domain:police.example", "domain:bank.example"])
        assert own_values.every(tx, POLICE.name) == {}
        assert own_values.of(tx, ["domain:bank.example", "domain:other.example"]) == {"domain:bank.example": BANK.name}
        assert own_values.remove(tx, POLICE.name, ["domain:bank.example"]) == []
        assert own_values.remove(tx, BANK.name, ["domain:bank.example"]) == ["domain:bank.example"]
        assert own_values.every(tx) == {}


def test_nobodys_value_cannot_be_registered(store: Store) -> None:
    with pytest.raises(IntegrityError), store.begin() as tx:
        own_values.add(tx, "nobody", ["domain:bank.example"])


def test_a_store_has_one_hub_that_is_no_other_stores(store: Store, empty_url: str) -> None:
    other = Store.open(empty_url)
    other.migrate()
    with store.begin() as tx, other.begin() as elsewhere:
        first = hub.get(tx)
        assert first.identity == hub.identity(tx) != hub.identity(elsewhere)
        assert first.identity.split("--")[1][14] == "4"
        hub.rename(tx, first.name)
        assert hub.get(tx) == first
        hub.rename(tx, "Hub of Siam")
        assert hub.name(tx) == "Hub of Siam"
        assert hub.get(tx).modified > first.modified
        assert hub.get(tx)[0::2] == (first.identity, first.created)
    other.close()


def test_one_turns_to_a_countrys_government_first_and_to_the_hub_last(store: Store) -> None:
    protection = FocalFunction.PROTECTION
    with store.begin() as tx:
        partners.add(tx, BANK)
        partners.add(tx, POLICE)
        assert focal_points.of_country(tx, "TH", protection) is None
        focal_points.put(tx, focal_points.HUB, protection, "protection@hub.example")
        focal_points.put(tx, BANK.name, protection, "desk@bank.example")
        for country, contact in (("TH", "desk@bank.example"), ("VN", "protection@hub.example")):
            found = focal_points.of_country(tx, country, protection)
            assert found is not None
            assert found.contact == contact
        focal_points.put(tx, POLICE.name, protection, "old@police.example")
        focal_points.put(tx, POLICE.name, protection, "victims@police.example")
        assert [each.contact for each in focal_points.of(tx, POLICE.name)] == ["victims@police.example"]
        assert focal_points.of_country(tx, "TH", protection) == (POLICE.name, protection, "victims@police.example")
        assert focal_points.of_country(tx, "TH", FocalFunction.PREVENTION) is None
        partners.remove(tx, POLICE.name)
        assert focal_points.of_country(tx, "TH", protection) == (BANK.name, protection, "desk@bank.example")
        assert focal_points.of_country(tx, None, protection) == ("", protection, "protection@hub.example")
        assert focal_points.remove(tx, BANK.name, protection)
        assert not focal_points.remove(tx, BANK.name, protection)


def test_the_personal_rooms_of_an_object_are_remembered_once(store: Store, room: Collection) -> None:
    with store.begin() as tx:
        other = collections.add(tx, "other", "Other")
        personal_rooms.record(tx, [("indicator--1", room.number), ("indicator--1", room.number)])
        personal_rooms.record(tx, [("indicator--1", room.number), ("indicator--1", other.number)])
        found = personal_rooms.of(tx, ["indicator--1", "indicator--2"])
    assert found == {"indicator--1": {room.number, other.number}}


def test_how_right_a_partner_was_adds_up(store: Store) -> None:
    with store.begin() as tx:
        calibration.note(tx, [Verdict("a", "domain", 1.0, True), Verdict("a", "domain", 0.5, False)])
        calibration.note(tx, [Verdict("a", "domain", 1.0, False), Verdict("b", "domain", 0.0, False)])
        known = calibration.every(tx)
    assert known["a", "domain"] == Calibration(1, 2, 1.25, 3)
    assert known["b", "domain"].brier == 0.0
    assert Calibration().brier is None
