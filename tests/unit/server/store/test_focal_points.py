from schemas.partner import FocalFunction
from server.store import Store, focal_points, partners
from tests.unit.server.store.registered import BANK, POLICE


def test_government_of_a_country_is_its_first_focal_point_and_the_hub_the_last(store: Store) -> None:
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
        assert [point.contact for point in focal_points.of(tx, POLICE.name)] == ["victims@police.example"]
        assert focal_points.of_country(tx, "TH", protection) == (POLICE.name, protection, "victims@police.example")
        assert focal_points.of_country(tx, "TH", FocalFunction.PREVENTION) is None
        partners.remove(tx, POLICE.name)
        assert focal_points.of_country(tx, "TH", protection) == (BANK.name, protection, "desk@bank.example")
        assert focal_points.of_country(tx, None, protection) == ("", protection, "protection@hub.example")
        assert focal_points.remove(tx, BANK.name, protection)
        assert not focal_points.remove(tx, BANK.name, protection)
