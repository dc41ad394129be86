"""A private collection is found by its owner, for any names of partners and collections."""

from collections.abc import Callable
from typing import Any

import pytest

from schemas.partner import Partner
from server.release.results import Results
from server.store import Store, collections

Obj = dict[str, Any]


@pytest.mark.parametrize(
    ("name", "alike"),
    [
        ("First Bank", "first-bank-22ecc58a"),
        ("first-bank-22ecc58a", "First Bank"),
        ("FIRST BANK", "first-bank-9060e58b"),
    ],
)
def test_partner_with_a_similar_name_reads_nothing_private(
    name: str,
    alike: str,
    store: Store,
    bank: Partner,
    joins: Callable[..., Partner],
    reports: Callable[..., Obj],
    own_room: Callable[..., dict[str, Obj]],
) -> None:
    first = joins(name)
    reports(bank, tlp="red", only_partners=name)
    second = joins(alike)
    assert [obj["type"] for obj in own_room(first).values()].count("indicator") == 1
    assert own_room(second) == {}
    reports(bank, "other.example.com", tlp="red", only_partners=alike)
    with store.read() as tx:
        rooms = {each: collections.find_private(tx, each, "for") for each in (name, alike)}
        for reader, own in rooms.items():
            assert own is not None
            assert collections.rights(tx, reader) == {own.id: (True, False)}
            assert collections.get(tx, own.alias) == own
    said = {each["pattern"] for each in own_room(second).values() if each["type"] == "indicator"}
    assert said == {"[domain-name:value = 'other.example.com']"}
    (kept,) = [each for each in own_room(first).values() if each["type"] == "indicator"]
    assert kept["pattern"] == "[domain-name:value = 'bad.example.com']"


def test_a_taken_title_or_alias_stops_no_report(
    store: Store,
    bank: Partner,
    joins: Callable[..., Partner],
    stix: Callable[..., list[Obj]],
    post: Callable[..., Results],
    own_room: Callable[..., dict[str, Obj]],
) -> None:
    police = joins("police", "government")
    with store.begin() as tx:
        collections.add(tx, "evil", "For police")
        collections.add(tx, "evil-too", "Outcomes of Example Bank")
    assert not post(*stix(tlp="red", only_partners="police")).failed
    assert any(obj["type"] == "indicator" for obj in own_room(police).values())
    assert own_room(bank, "outcomes")


@pytest.mark.parametrize("alias", ["for-first-bank", "outcomes-first-bank", "for-", "outcomes-x-full"])
def test_aliases_of_private_collections_are_reserved(alias: str, store: Store) -> None:
    with store.begin() as tx, pytest.raises(ValueError, match="partners' own"):
        collections.add(tx, alias, "A room")
