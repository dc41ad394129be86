import pytest
from sqlalchemy.exc import IntegrityError

from server.store import Store, partners, value_index
from tests.unit.server.store.registered import BANK, POLICE


def test_a_value_has_one_owner(store: Store) -> None:
    with store.begin() as tx:
        partners.add(tx, BANK)
        partners.add(tx, POLICE)
        assert value_index.add_own_values(tx, BANK.name, ["domain:bank.example", "domain:bank.example"]) == [
            "domain:bank.example"
        ]
        assert value_index.add_own_values(tx, BANK.name, ["domain:bank.example"]) == []
        with pytest.raises(value_index.OwnedByAnother):
            value_index.add_own_values(tx, POLICE.name, ["domain:police.example", "domain:bank.example"])
        assert value_index.all_own_values(tx, POLICE.name) == {}
        assert value_index.owners_of(tx, ["domain:bank.example", "domain:other.example"]) == {
            "domain:bank.example": BANK.name
        }
        assert value_index.remove_own_values(tx, POLICE.name, ["domain:bank.example"]) == []
        assert value_index.remove_own_values(tx, BANK.name, ["domain:bank.example"]) == ["domain:bank.example"]
        assert value_index.all_own_values(tx) == {}


def test_a_value_without_a_registered_partner_cannot_be_owned(store: Store) -> None:
    with pytest.raises(IntegrityError), store.begin() as tx:
        value_index.add_own_values(tx, "nobody", ["domain:bank.example"])
