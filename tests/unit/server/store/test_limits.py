from concurrent.futures import ThreadPoolExecutor

import pytest

from schemas.partner import Partner, PartnerKind
from server.store import Store, limits, partners
from server.store.limits import Meter

IDENTITY = "identity--11111111-1111-4111-8111-111111111111"


@pytest.fixture
def hub(store: Store) -> Store:
    with store.begin() as tx:
        partners.add(tx, Partner(name="bank", kind=PartnerKind.BANK, identity=IDENTITY))
    return store


def test_meters_of_many_processes_never_give_more_than_the_limit(hub: Store) -> None:
    meters = [Meter("requests", 100, 3_600) for _ in range(3)]
    turns = [meters[at % 3] for at in range(400)]
    with ThreadPoolExecutor(6) as asking:
        waits = list(asking.map(lambda meter: meter.spend(hub, "bank"), turns))
    assert waits.count(0) == 100
    assert all(0 < wait <= 3_600 for wait in waits if wait)


def test_a_meter_writes_seldom(hub: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[object] = []
    take = limits.take
    monkeypatch.setattr(limits, "take", lambda *given, **more: taken.append(given) or take(*given, **more))
    meter = Meter("requests", 6_000, 3_600)
    assert {meter.spend(hub, "bank") for _ in range(3_000)} == {0}
    assert len(taken) < 20


def test_what_one_process_holds_another_cannot_give(hub: Store) -> None:
    first, second = Meter("requests", 100, 3_600), Meter("requests", 100, 3_600)
    for _ in range(10):
        assert first.spend(hub, "bank") == 0
    given = sum(second.spend(hub, "bank") == 0 for _ in range(200))
    assert 80 <= given <= 90


def test_no_limit_costs_nothing(hub: Store) -> None:
    hub.close()
    assert Meter("requests", 0, 60).spend(hub, "nobody at all") == 0


def test_an_allowance_comes_back_when_its_time_is_over(hub: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1_000_000_000]
    monkeypatch.setattr(limits, "now", lambda: clock[0])

    def charge(count: int) -> int:
        with hub.begin() as tx:
            return limits.charge(tx, "bank", "objects", count, limit=10, seconds=60)

    assert charge(10) == 0
    clock[0] += 20_000_000
    assert charge(1) == 40
    clock[0] += 40_000_000
    assert charge(10) == 0
    clock[0] -= 500_000_000
    assert charge(10) == 0
    assert charge(11) == 60
