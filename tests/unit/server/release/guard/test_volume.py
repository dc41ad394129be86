"""A partner that suddenly sends far more, or mostly held objects, is throttled until an operator lifts it."""

import pytest

from server.release.guard import volume
from server.store import Store, audit, quotas

DAY = 86_400_000_000
TODAY = 20_000


def sent(store: Store, days: dict[int, tuple[int, int]]) -> None:
    with store.begin() as tx:
        for day, (taken, held) in days.items():
            quotas.count_contributed(tx, "Bank", received=taken, held=held, moment=day * DAY)


def slowed(store: Store, day: int = TODAY, *, coming: int = 0) -> str | None:
    with store.begin() as tx:
        moment = day * DAY + 1
        days = volume.days_compared(tx, ["Bank"], moment).get("Bank", {})
        return volume.throttled_by(tx, "Bank", quotas.last_throttle(tx, "Bank"), moment, days, coming=coming)


@pytest.mark.parametrize(
    ("before", "today", "rule"),
    [
        ([2_000] * 5, 20_001, "unusual-volume"),
        ([2_000] * 5, 20_000, None),
        ([2_000] * 4, 20_001, None),
        ([1] * 29, 10_001, "unusual-volume"),
        ([1] * 29, 10_000, None),
        ([1, 1, 1, 1, 2_001], 20_001, None),
    ],
)
def test_ten_times_the_largest_day_is_unusual(store: Store, before: list[int], today: int, rule: str | None) -> None:
    sent(store, {TODAY - 1 - back: (taken, 0) for back, taken in enumerate(before)} | {TODAY: (today, 0)})
    assert slowed(store) == rule


def test_current_objects_count(store: Store) -> None:
    sent(store, {TODAY - 1 - back: (1, 0) for back in range(5)})
    assert slowed(store, coming=10_000) is None
    assert slowed(store, coming=10_001) == "unusual-volume"


def test_days_before_the_last_month_do_not_count(store: Store) -> None:
    sent(store, {TODAY - 1 - back: (1_000, 0) for back in range(5)} | {TODAY - 31: (9_000, 0), TODAY: (20_000, 0)})
    assert slowed(store) == "unusual-volume"


@pytest.mark.parametrize(
    ("yesterday", "today", "rule"),
    [
        ((100, 51), (100, 50), "mostly-held"),
        ((100, 50), (100, 50), None),
        ((100, 100), (99, 99), None),
        ((0, 0), (200, 101), "mostly-held"),
    ],
)
def test_more_than_half_held_of_two_hundred_in_two_days_is_too_much(
    store: Store, yesterday: tuple[int, int], today: tuple[int, int], rule: str | None
) -> None:
    sent(store, {TODAY - 2: (1_000, 0), TODAY - 1: yesterday, TODAY: today})
    assert slowed(store) == rule


def test_a_throttle_lasts_until_it_is_lifted_and_does_not_start_again_for_the_same_objects(store: Store) -> None:
    sent(store, {TODAY - 1 - back: (10, 0) for back in range(5)} | {TODAY: (20_000, 15_000)})
    assert slowed(store) == "unusual-volume"
    assert slowed(store, TODAY + 9) == "unusual-volume"
    with store.begin() as tx:
        quotas.lift_throttle(tx, "Bank", TODAY * DAY + 2)
    assert slowed(store) is None
    assert slowed(store, TODAY + 1) is None
    sent(store, {TODAY + 1: (300, 200)})
    assert slowed(store, TODAY + 1) == "mostly-held"


def test_the_audit_trail_has_the_start_of_a_throttle(store: Store) -> None:
    sent(store, {TODAY: (300, 300)})
    slowed(store)
    with store.read() as tx:
        [event] = [entry.event for entry in audit.tail(tx, 2)]
    assert (event.method, event.partner, event.reference) == ("SLOW", "Bank", "mostly-held")


def test_every_rule_has_a_message() -> None:
    assert volume.THROTTLE_MESSAGES.keys() == {volume.UNUSUAL, volume.MOSTLY_HELD}
    assert all("operator" in message for message in volume.THROTTLE_MESSAGES.values())
