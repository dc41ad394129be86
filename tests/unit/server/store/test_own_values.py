import pytest
from sqlalchemy.exc import IntegrityError

from server.store import Store, own_values, partners
from tests.unit.server.store.registered import BANK, POLICE


def test_a_value_is_one_partners_own(store: Store) -> None:
    with store.begin() as tx:
        partners.add(tx, BANK)
        partners.add(tx, POLICE)
        assert own_values.add(tx, BANK.name, ["domain:bank.example", "domain:bank.example"]) == ["domain:bank.example"]
        assert own_values.add(tx, BANK.name, ["domain:bank.example"]) == []
        with pytest.raises(own_values.OwnedByAnother):
            own_values.add(tx, POLICE.name, ["domain:police.example", "domain:bank.example"])
        assert own_values.all_own_values(tx, POLICE.name) == {}
        assert own_values.owners_of(tx, ["domain:bank.example", "domain:other.example"]) == {
            "domain:bank.example": BANK.name
        }
        assert own_values.remove(tx, POLICE.name, ["domain:bank.example"]) == []
        assert own_values.remove(tx, BANK.name, ["domain:bank.example"]) == ["domain:bank.example"]
        assert own_values.all_own_values(tx) == {}


def test_nobodys_value_cannot_be_registered(store: Store) -> None:
    with pytest.raises(IntegrityError), store.begin() as tx:
        own_values.add(tx, "nobody", ["domain:bank.example"])
