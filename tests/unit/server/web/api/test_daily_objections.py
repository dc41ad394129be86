"""A flood of objections from some networks does not stop other people from objecting."""

import pytest

from server.features.objections.api import DailyObjections
from server.web.taxii.errors import TaxiiError


class Hub:
    """A hub that counts accepted objections, and a clock."""

    def __init__(self, most: int) -> None:
        self.taken, self.at = 0, 1_790_000_000.0
        self.days = DailyObjections(most, lambda: self.at)

    def takes(self, remote: str, value: str = "") -> bool:
        try:
            self.days.spend(remote, lambda _: self.taken, value)
        except TaxiiError:
            return False
        self.taken += 1
        return True


def test_address_and_network_have_a_daily_limit() -> None:
    hub = Hub(1_000)
    assert [hub.takes("192.0.2.1") for _ in range(6)] == [True] * 5 + [False]
    assert sum(hub.takes(f"192.0.2.{last}") for last in range(2, 200) for _ in range(5)) == 35
    assert not hub.takes("192.0.2.201")
    assert hub.takes("198.51.100.1")
    hub.at += 86_400
    hub.taken = 0
    assert hub.takes("192.0.2.1")


def test_colleagues_behind_one_address_object_to_their_own_values() -> None:
    hub = Hub(10_000)
    assert all(hub.takes("192.0.2.1", f"phone:+6680000{number:04}") for number in range(100))
    assert not hub.takes("192.0.2.1", "phone:+66899999999")
    assert sum(hub.takes(f"192.0.2.{last}", f"domain:{number}") for last in range(2, 9) for number in range(100)) == 300


def test_one_value_has_a_limit_at_each_address_alone() -> None:
    hub = Hub(1_000)
    assert [hub.takes("192.0.2.1", "a") for _ in range(6)] == [True] * 5 + [False]
    assert hub.takes("192.0.2.1", "b")
    assert hub.takes("198.51.100.1", "a")


def test_addresses_of_a_home_count_as_one() -> None:
    hub = Hub(1_000)
    assert sum(hub.takes(f"2001:db8::{last:x}") for last in range(1, 20)) == 5


def test_flood_leaves_room_for_other_networks() -> None:
    hub = Hub(100)
    flood = [hub.takes(f"198.51.{network}.{last}") for last in range(1, 20) for network in range(10) for _ in range(5)]
    assert sum(flood) == 100
    assert hub.takes("203.0.113.7")
    assert not hub.takes("203.0.113.7")
    others = [hub.takes(f"10.{high}.{low}.1") for high in range(2) for low in range(250)]
    assert 90 <= sum(others) < 100


def test_zero_limit_accepts_nothing() -> None:
    with pytest.raises(TaxiiError):
        DailyObjections(0).spend("192.0.2.1", lambda _: 0)


@pytest.mark.parametrize("remote", ["", "unix:", "not an address"])
def test_malformed_addresses_count_as_one(remote: str) -> None:
    hub = Hub(100)
    assert [hub.takes(remote) for _ in range(6)].count(True) == 5
