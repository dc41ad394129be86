"""Quotas, daily volumes and throttles."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from schemas.partner import Partner, PartnerKind
from server.store import Store, partners, quotas
from server.store.quotas import DailyVolume, RequestMeter, Throttle

IDENTITY = "identity--11111111-1111-4111-8111-111111111111"


@pytest.fixture
def hub(store: Store) -> Store:
    with store.begin() as tx:
        partners.add(tx, Partner(name="bank", kind=PartnerKind.BANK, identity=IDENTITY))
    return store


def test_meters_of_many_processes_never_allow_more_than_the_limit(hub: Store) -> None:
    meters = [RequestMeter("requests", 100, 3_600) for _ in range(3)]
    turns = [meters[at % 3] for at in range(400)]
    with ThreadPoolExecutor(6) as asking:
        waits = list(asking.map(lambda meter: meter.spend(hub, "bank"), turns))
    assert waits.count(0) == 100
    assert all(0 < wait <= 3_600 for wait in waits if wait)


def test_meter_writes_rarely(hub: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[object] = []
    take = quotas.take
    monkeypatch.setattr(quotas, "take", lambda *given, **more: taken.append(given) or take(*given, **more))
    meter = RequestMeter("requests", 6_000, 3_600)
    assert {meter.spend(hub, "bank") for _ in range(3_000)} == {0}
    assert len(taken) < 20


def test_a_slice_of_one_process_cannot_be_used_by_another(hub: Store) -> None:
    first, second = RequestMeter("requests", 100, 3_600), RequestMeter("requests", 100, 3_600)
    for _ in range(10):
        assert first.spend(hub, "bank") == 0
    given = sum(second.spend(hub, "bank") == 0 for _ in range(200))
    assert 80 <= given <= 90


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the time of processes and database in seconds, set by the test."""
    clock = [1_000.0]
    monkeypatch.setattr(quotas.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(quotas, "now", lambda: int(clock[0] * 1_000_000))
    return clock


def test_overuse_of_a_period_is_charged_to_the_next_in_any_process(hub: Store, clock: list[float]) -> None:
    """Otherwise large requests of unknown cost could use a multiple of the quota each minute."""
    meters = [RequestMeter("lookups", 100, 60) for _ in range(3)]
    assert [meters[0].spend(hub, "bank", 10) for _ in range(5)] == [0] * 5
    meters[0].settle(hub, "bank", 50, 250)
    assert meters[0].spend(hub, "bank", 1) > 0
    assert meters[0].state("bank").remaining == 0
    used = []
    for at in range(4):
        clock[0] += 61
        used.append(sum(meters[at % 3].spend(hub, "bank", 10) == 0 for _ in range(20)) * 10)
    assert used == [0, 50, 100, 100], "250 were used of the first 100"


def test_idle_period_reduces_the_debt_too(hub: Store, clock: list[float]) -> None:
    meter = RequestMeter("lookups", 100, 60)
    assert meter.spend(hub, "bank", 10) == 0
    meter.settle(hub, "bank", 10, 350)
    clock[0] += 4 * 60
    assert RequestMeter("lookups", 100, 60).spend(hub, "bank", 100) == 0


def test_refunded_units_are_available_to_all_processes(hub: Store, clock: list[float]) -> None:
    first, second = RequestMeter("lookups", 100, 60), RequestMeter("lookups", 100, 60)
    assert first.spend(hub, "bank", 90) == 0
    assert second.spend(hub, "bank", 20) > 0
    first.settle(hub, "bank", 90, 5)
    assert first.state("bank").remaining == 95
    # A process keeps at most a tenth.
    clock[0] += 1
    assert RequestMeter("lookups", 100, 60).spend(hub, "bank", 75) == 0
    assert first.spend(hub, "bank", 10) == 0


def test_units_of_an_ended_period_are_not_refunded(hub: Store, clock: list[float]) -> None:
    meter = RequestMeter("lookups", 100, 60)
    assert meter.spend(hub, "bank", 100) == 0
    clock[0] += 61
    meter.settle(hub, "bank", 100, 1)
    assert sum(meter.spend(hub, "bank", 10) == 0 for _ in range(20)) == 10


def test_no_limit_costs_nothing(hub: Store) -> None:
    hub.close()
    assert RequestMeter("requests", 0, 60).spend(hub, "nobody at all") == 0


def test_quota_is_renewed_after_its_period(hub: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1_000_000_000]
    monkeypatch.setattr(quotas, "now", lambda: clock[0])

    def charge(count: int) -> int:
        with hub.begin() as tx:
            return quotas.charge(tx, "bank", "objects", count, limit=10, seconds=60)

    assert charge(10) == 0
    clock[0] += 20_000_000
    assert charge(1) == 40
    clock[0] += 40_000_000
    assert charge(10) == 0
    clock[0] -= 500_000_000
    assert charge(10) == 0
    assert charge(11) == 60


DAY = 86_400_000_000


def test_daily_volumes_add_up_by_partner(store: Store) -> None:
    with store.begin() as tx:
        for moment in (5 * DAY, 6 * DAY - 1, 6 * DAY):
            quotas.count_contributed(tx, "bank", received=10, held=1, moment=moment)
        quotas.count_contributed(tx, "other", received=7, held=7, moment=5 * DAY)
    with store.read() as tx:
        assert quotas.daily_volumes(tx, ["bank"], 0)["bank"] == {5: DailyVolume(20, 2), 6: DailyVolume(10, 1)}
        assert quotas.daily_volumes(tx, ["bank"], 6)["bank"] == {6: DailyVolume(10, 1)}
        assert quotas.daily_volumes(tx, ["nobody"], 0) == {}


def test_volumes_of_old_days_can_be_deleted(store: Store) -> None:
    with store.begin() as tx:
        quotas.count_contributed(tx, "bank", received=1, held=0, moment=5 * DAY)
        quotas.count_contributed(tx, "bank", received=1, held=0, moment=6 * DAY)
        quotas.forget_volumes(tx, before=6 * 86_400 * 1_000_000)
        assert quotas.daily_volumes(tx, ["bank"], 0)["bank"].keys() == {6}


def test_a_throttle_holds_until_it_is_lifted(store: Store) -> None:
    with store.begin() as tx:
        assert quotas.last_throttle(tx, "bank") is None
        assert quotas.lift_throttle(tx, "bank") is False
        quotas.throttle(tx, "bank", "unusual-volume", 5 * DAY)
        assert quotas.current_throttles(tx) == [Throttle("bank", "unusual-volume", 5 * DAY, None)]
        assert quotas.lift_throttle(tx, "bank", 6 * DAY) is True
        assert quotas.lift_throttle(tx, "bank", 7 * DAY) is False
        assert quotas.current_throttles(tx) == []
        assert quotas.last_throttle(tx, "bank") == Throttle("bank", "unusual-volume", 5 * DAY, 6 * DAY)
