"""Scripted connectors for tests of runs and schedules."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from feeds.connector import Answer, Batch, Pull, PullSettings, Push, PushSettings
from feeds.runs.schedule import Schedule
from mappers import ids
from mappers.indicator import to_stix
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.release.contribute import contribute
from server.release.hub import Hub
from server.store import Store, collections, partners
from server.store.item import Item
from tests.times import text_ago

READER = ReportReader({"reporter": "P", "kind": "domain", "reported_at": text_ago(days=8)})


class Ticking(Pull[PullSettings]):
    """A pull that counts its batches and acts as scripted at each one."""

    name = "ticking"
    settings_model = PullSettings

    def __init__(self, settings: PullSettings, each: Callable[[int], None], batches: int = 1) -> None:
        super().__init__(settings)
        self.each, self.batches, self.at_once, self.most, self.ticks = each, batches, 0, 0, 0

    def pull(self, checkpoint: dict[str, Any] | None, seen: Callable[[str], bool]) -> Iterator[Batch]:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            for _ in range(self.batches):
                self.ticks += 1
                self.each(self.ticks)
                yield Batch([], {"ticks": self.ticks}, 1)
        finally:
            self.at_once -= 1


class Noting(Push[PushSettings]):
    """A push that records the objects and their times. ``fails_at`` lists patterns that fail."""

    name = "noting"
    settings_model = PushSettings

    def __init__(self, settings: PushSettings) -> None:
        super().__init__(settings)
        self.given: list[tuple[float, Item]] = []
        self.fails_at: set[str] = set()
        self.changing = threading.Lock()

    def push(self, items: Sequence[Item]) -> list[Answer]:
        if any(pattern.encode() in item.body for item in items for pattern in self.fails_at):
            raise ZeroDivisionError
        with self.changing:
            self.given += [(time.monotonic(), item) for item in items]
        return [Answer(item, True, "success") for item in items]

    def indicators(self) -> int:
        """Count the indicators received."""
        return sum(item.type == "indicator" for _, item in self.given)


def pull_settings(**more: Any) -> PullSettings:
    return PullSettings.model_validate({"name": "f", "connector": "ticking", "contribute_as": "P", **more})


def push_settings(**more: Any) -> PushSettings:
    table = {"name": "f", "connector": "noting", "partner": "P", "collection": "takedown", **more}
    return PushSettings.model_validate(table)


def furnish(store: Store) -> None:
    """Add a partner that contributes and reads."""
    store.migrate()
    with store.begin() as tx:
        collections.create_defaults(tx)
        partners.add(tx, Partner(name="P", kind=PartnerKind.BANK, identity=ids.identity("P")))
        collections.grant(tx, "P", collections.get(tx, "takedown"), read=True)


def contribute_domains(store: Store, *names: str) -> None:
    """Contribute domains as the partner."""
    items = [Item.of(obj) for name in names for obj in to_stix(READER.report({"value": name}))]
    with store.begin() as tx:
        contribute(Hub(store), tx, partners.get(tx, "P"), items)


def until(true: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def next_runs(schedule: Schedule) -> dict[str, datetime | None]:
    """Return the next run of each scheduled feed, or None for a stopped one."""
    planned = schedule._feeds.items()
    return {name: feed.next for name, feed in planned if feed.feed.settings.every or feed.feed.settings.cron}
