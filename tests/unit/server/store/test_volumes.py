"""What each partner sends a day is counted, and who is slowed is known until it is lifted."""

from server.store import Store, volumes
from server.store.volumes import Brake, Volume

DAY = 86_400_000_000


def test_days_add_up_by_partner(store: Store) -> None:
    with store.begin() as tx:
        for moment in (5 * DAY, 6 * DAY - 1, 6 * DAY):
            volumes.count(tx, "bank", taken=10, held=1, moment=moment)
        volumes.count(tx, "other", taken=7, held=7, moment=5 * DAY)
    with store.read() as tx:
        assert volumes.days(tx, "bank", 0) == {5: Volume(20, 2), 6: Volume(10, 1)}
        assert volumes.days(tx, "bank", 6) == {6: Volume(10, 1)}
        assert volumes.days(tx, "nobody", 0) == {}


def test_old_days_can_be_forgotten(store: Store) -> None:
    with store.begin() as tx:
        volumes.count(tx, "bank", taken=1, held=0, moment=5 * DAY)
        volumes.count(tx, "bank", taken=1, held=0, moment=6 * DAY)
        volumes.forget(tx, before=6)
        assert volumes.days(tx, "bank", 0).keys() == {6}


def test_a_brake_holds_until_it_is_lifted(store: Store) -> None:
    with store.begin() as tx:
        assert volumes.brake(tx, "bank") is None
        assert volumes.lift(tx, "bank") is False
        volumes.slow(tx, "bank", "unusual-volume", 5 * DAY)
        assert volumes.slowed(tx) == [Brake("bank", "unusual-volume", 5 * DAY, None)]
        assert volumes.lift(tx, "bank", 6 * DAY) is True
        assert volumes.lift(tx, "bank", 7 * DAY) is False
        assert volumes.slowed(tx) == []
        assert volumes.brake(tx, "bank") == Brake("bank", "unusual-volume", 5 * DAY, 6 * DAY)
