"""The delay until events become figures is measured."""

from collections.abc import Callable
from typing import Any

import pytest

from schemas.partner import Partner
from server.features.trends.fold import fold_all
from server.features.trends.lag import oldest_unfolded
from server.observe import collectors
from server.observe.collectors import StoreCollector
from server.release.hub import Hub
from server.store.database.times import now


def _oldest(hub: Hub) -> int | None:
    with hub.store.read() as tx:
        return oldest_unfolded(tx)


def test_unfolded_rows_wait_since_they_were_added(
    hub: Hub, bank: Partner, reports: Callable[..., dict[str, Any]]
) -> None:
    fold_all(hub)
    assert _oldest(hub) is None
    before = now()
    reports(bank)
    after = now()
    oldest = _oldest(hub)
    reports(bank, "other.example.com")
    assert oldest is not None
    assert before <= oldest <= after + 1_000_000
    assert _oldest(hub) == oldest
    fold_all(hub)
    assert _oldest(hub) is None


def test_metrics_show_the_lag_of_figures(
    hub: Hub, bank: Partner, reports: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lag() -> float:
        [metric] = [one for one in StoreCollector(hub.store).collect() if one.name == "scamfeed_trends_lag_seconds"]
        return float(metric.samples[0].value)

    monkeypatch.setattr(collectors, "now", lambda: now() + 60_000_000)

    fold_all(hub)
    assert lag() == 0
    reports(bank)
    assert 50 < lag() < 120
