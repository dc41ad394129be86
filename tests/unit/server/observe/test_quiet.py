"""A partner that is silent for longer than usual is reported once; usual pauses are not."""

import logging
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.jobs.quiet import QuietWatch, usual_pause
from server.store import Store, collections, feed_state, log, partners, quotas
from server.store.database.times import micros, moment
from server.store.feed_state import FeedState
from server.store.item import Item
from server.store.liveness import activity, silences
from server.store.liveness.activity import HOUR

NOW = micros(datetime(2026, 5, 28, 9, 30, tzinfo=UTC))
HOUR_NOW = NOW // HOUR
DAY = 24


@pytest.fixture
def store(migrated_store: Path, tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{shutil.copy(migrated_store, tmp_path / 'hub.db')}")
    yield opened
    opened.close()


def by_day(days: int, hours: range = range(9, 17), *, weekends: bool = False) -> list[int]:
    """Return the working hours of this many days before today."""
    return [
        day * DAY + hour
        for day in range(HOUR_NOW // DAY - days, HOUR_NOW // DAY)
        if weekends or (day + 3) % 7 < 5
        for hour in hours
    ]


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ([], None),
        ([*range(100)], None),
        ([0, 100, 200, 300], None),
        ([*range(500)], 1),
        ([*range(500), *range(540, 1440)], 1),
        ([*range(0, 1440, 168)], 168),
        (by_day(50, weekends=True), 17),
        (by_day(50), 65),
    ],
    ids=["none", "a few days", "a few times", "hourly", "an outage", "weekly", "by day", "on workdays"],
)
def test_usual_pause_covers_most_of_the_time(hours: list[int], expected: int | None) -> None:
    assert usual_pause(hours) == expected


def reported_silences(store: Store) -> list[tuple[str, str, int]]:
    with store.read() as tx:
        return [(silence.what, silence.name, silence.usual // HOUR) for silence in silences.current(tx)]


def add_partner(store: Store, name: str, days: range, received: int = 5) -> None:
    with store.begin() as tx:
        partners.add(tx, Partner(name=name, kind=PartnerKind.BANK, identity=ids.identity(name)))
        for day in days:
            quotas.count_contributed(tx, name, received=received, held=0, moment=NOW - day * DAY * HOUR)


def test_silent_partner_is_reported_once_and_again_after_its_return(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="server.jobs.quiet")
    add_partner(store, "Daily Bank", range(4, 56))
    add_partner(store, "New Bank", range(4, 8))
    watch = QuietWatch(store, 6)
    for minutes in range(3):
        watch.look(NOW + minutes * HOUR // 60)
    assert reported_silences(store) == [("partner", "Daily Bank", DAY)]
    # Threads of other servers may write log lines in between.
    (line,) = [line for line in caplog.messages if line.startswith("quiet")]
    assert line == "quiet what=partner name=Daily Bank silent_hours=92 usual_hours=24"
    with store.begin() as tx:
        quotas.count_contributed(tx, "Daily Bank", received=1, held=0, moment=NOW)
    watch.look(NOW + HOUR)
    assert reported_silences(store) == []
    assert "quiet ended what=partner name=Daily Bank" in caplog.messages
    watch.look(NOW + 30 * HOUR)
    assert reported_silences(store) == []
    QuietWatch(store, 6).look(NOW + 70 * HOUR)
    assert reported_silences(store) == [("partner", "Daily Bank", DAY)]


def test_daily_contributions_are_recorded_each_day(store: Store) -> None:
    add_partner(store, "Daily Bank", range(1, 40), received=50)
    watch = QuietWatch(store, 6)
    for hours in range(0, 96, 12):
        with store.begin() as tx:
            quotas.count_contributed(tx, "Daily Bank", received=1, held=0, moment=NOW + hours * HOUR)
        watch.look(NOW + hours * HOUR)
    assert reported_silences(store) == []
    with store.read() as tx:
        assert activity.known_hours(tx)["partner", "Daily Bank"][-8:] == [
            HOUR_NOW + hours for hours in range(0, 96, 12)
        ]


def test_former_partner_is_not_reported(store: Store) -> None:
    add_partner(store, "Gone Bank", range(4, 40))
    with store.begin() as tx:
        partners.remove(tx, "Gone Bank")
    QuietWatch(store, 6).look(NOW)
    assert reported_silences(store) == []


def test_silent_source_is_reported(store: Store) -> None:
    with store.begin() as tx:
        for name in ("police", "idle"):
            feed_state.save_state(tx, FeedState(name))
        for hours in range(12, 400):
            ended = moment(NOW - hours * HOUR)
            counts = {"read": 9, "accepted": 1, "rejected": 0, "error": None}
            feed_state.record_run(tx, "police", started=ended, ended=ended, **counts)  # type: ignore[arg-type]
            feed_state.record_run(tx, "idle", started=ended, ended=ended, **counts | {"accepted": 0})  # type: ignore[arg-type]
    QuietWatch(store, 6).look(NOW)
    assert reported_silences(store) == [("source", "police", 1)]


def test_stagnant_collection_is_reported_once_for_both_variants(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    at = [NOW]
    monkeypatch.setattr("server.store.objects.ends.now", lambda: at[0])
    with store.begin() as tx:
        room, _ = collections.add_released(tx, "shared", "Shared")
        collections.add_released(tx, "empty", "Empty")
    for number, hours in enumerate(range(300, 12, -1)):
        at[0] = NOW - hours * HOUR
        obj = {"type": "identity", "id": f"identity--{number:08}-04c0-4b38-9d6b-1f2a52a8a3c1", "spec_version": "2.1"}
        with store.begin() as tx:
            log.append(
                tx,
                room,
                [Item.of(obj | {"created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z"})],
            )
    watch = QuietWatch(store, 6)
    watch.look(NOW)
    assert reported_silences(store) == [("collection", "shared", 1)]
    with store.read() as tx:
        assert len(activity.known_hours(tx)["collection", "shared"]) == 288


@pytest.mark.parametrize(("least_hours", "expected"), [(0, []), (6, [("partner", "Gone Quiet", 24)])])
def test_disabled_reports_are_not_sent(
    store: Store, monkeypatch: pytest.MonkeyPatch, least_hours: int, expected: list[tuple[str, str, int]]
) -> None:
    add_partner(store, "Gone Quiet", range(48, 400))
    looked = threading.Event()
    monkeypatch.setattr("server.jobs.quiet.now", lambda: NOW)
    monkeypatch.setattr("server.jobs.quiet._log", lambda *_: looked.set())
    watch = QuietWatch(store, least_hours)
    watch.start()
    assert looked.wait(60 if least_hours else 0.5) is bool(least_hours)
    watch.stop()
    assert reported_silences(store) == expected


def test_memory_ends_after_sixty_days(store: Store) -> None:
    add_partner(store, "Bank", range(0, 59))
    watch = QuietWatch(store, 6)
    watch.look(NOW)
    with store.begin() as tx:
        quotas.count_contributed(tx, "Bank", received=1, held=0, moment=NOW + HOUR)
    watch.look(NOW + HOUR)
    with store.read() as tx:
        before = len(activity.known_hours(tx)["partner", "Bank"])
        assert before > 50
    watch.look(NOW + 40 * DAY * HOUR)
    with store.begin() as tx:
        quotas.count_contributed(tx, "Bank", received=1, held=0, moment=NOW + 40 * DAY * HOUR)
    watch.look(NOW + 40 * DAY * HOUR)
    with store.read() as tx:
        kept = activity.known_hours(tx)["partner", "Bank"]
    assert len(kept) < before
    assert kept[0] >= HOUR_NOW + 40 * DAY - activity.DAYS * DAY
