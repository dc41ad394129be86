"""A folding process can be killed at any moment; in the end, every event is counted once."""

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, select

from schemas.partner import Partner
from server.features.trends import tables
from server.features.trends.fold import fold, fold_all
from server.release.hub import Hub
from server.store import Store

_TABLES = (tables.trend_counts, tables.trend_contributors, tables.trend_durations, tables.source_counts)
_SET_BACK = (*_TABLES, tables.trend_unread, tables.trend_delistings, tables.trend_acted, tables.trend_progress)


def _counted(store: Store) -> list[list[tuple[Any, ...]]]:
    with store.read() as tx:
        return [sorted(map(tuple, tx.execute(select(table)))) for table in _TABLES]


def _folding(url: str) -> int:
    """Fold in small steps in a separate process, and return its process id."""
    child = os.fork()
    if not child:
        try:
            apart = Hub(Store.open(url))
            while fold(apart, 3).more:
                pass
        finally:
            os._exit(0)
    return child


@pytest.mark.long
def test_after_kills_all_is_counted_once(
    hub: Hub,
    bank: Partner,
    other: Partner,
    stix: Callable[..., list[dict[str, Any]]],
    post: Any,
    withdraws: Any,
) -> None:
    reported = [stix(f"n{number}.example.com")[1] for number in range(60)]
    post(*reported)
    post(*(stix(f"n{number}.example.com", reporter="Other Bank")[1] for number in range(30)), by=other)
    for indicator in reported[40:44]:
        withdraws(bank, indicator)
    url = hub.store._engine.url.render_as_string(hide_password=False)
    for pause in (0.01, 0.05, 0.03, 0.08, 0.02, 0.1):
        child = _folding(url)
        time.sleep(pause)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    fold_all(hub)
    killed = _counted(hub.store)
    with hub.store.begin() as tx:
        for table in _SET_BACK:
            tx.execute(delete(table))
    fold_all(hub)
    assert killed == _counted(hub.store)
    assert sum(row[-1] for row in killed[0] if row[:2] == ("reports", "")) == 90
