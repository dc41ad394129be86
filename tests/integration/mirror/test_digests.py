"""Each sync compares a copy with its hub and repairs the differences."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from feeds.client.mirror.check import Mirror
from feeds.client.mirror.copies import CopyWriter
from feeds.client.mirror.entries import entry_of
from feeds.client.mirror.hub_client import SyncedCollection
from feeds.client.mirror.schedule import sync_once
from feeds.client.mirror.settings import MirrorSettings
from schemas import timestamp
from tests.integration.mirror.fake_hub import FakeHub, serving
from tests.unit.feeds.client.mirror.objects import indicator


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with serving() as fake:
        fake.add(*map(indicator, range(25)))
        yield fake


@pytest.fixture
def settings(hub: FakeHub, tmp_path: Path) -> MirrorSettings:
    table = {"name": "hub", "url": hub.url, "collections": ["room"], "allow_private": True, "page": 10, "retries": 0}
    return MirrorSettings.model_validate({"mirror": {"file": str(tmp_path / "mirror.db")}, "hub": [table]})


def sync(settings: MirrorSettings) -> SyncedCollection:
    (done,) = sync_once(settings)
    assert done.error is None
    (synced,) = done.collections
    return synced


def found(settings: MirrorSettings) -> set[int]:
    with Mirror(settings.mirror.file) as mirror:
        return {number for number in range(50) if mirror.check(f"h{number}.example.com").found}


def test_the_first_pull_is_the_stream_and_later_ones_are_pages(hub: FakeHub, settings: MirrorSettings) -> None:
    hub.add(indicator(3, 2, revoked=True))
    synced = sync(settings)
    assert (synced.digest, synced.active, synced.read) == ("equal", 24, 24)
    hub.add(indicator(4, 2, revoked=True), indicator(30))
    synced = sync(settings)
    assert (synced.digest, synced.active, synced.repaired) == ("equal", 24, False)
    assert hub.asked.count("/api/collections/ID/active") == 1
    assert found(settings) == set(range(25)) - {3, 4} | {30}


@pytest.mark.parametrize("broken_after", [0, 7])
def test_a_stream_that_breaks_off_is_replaced_by_pages(
    hub: FakeHub, settings: MirrorSettings, broken_after: int
) -> None:
    hub.breaks_after = broken_after
    synced = sync(settings)
    assert (synced.digest, synced.active) == ("equal", 25)
    assert found(settings) == set(range(25))


def test_incomplete_stream_is_started_again(hub: FakeHub, settings: MirrorSettings) -> None:
    writer = CopyWriter(settings.mirror.file)
    copy = writer.begin("hub", "91a7b528-80eb-42ed-a74d-c6fbd5a26116", "room", "Room")
    entry = entry_of(indicator(40))
    assert entry is not None
    writer.add(copy, [entry], None)
    writer.close()
    assert sync(settings).digest == "equal"
    assert found(settings) == set(range(25))


def test_incomplete_copy_is_read_again(hub: FakeHub, settings: MirrorSettings) -> None:
    sync(settings)
    hub.hidden = {indicator(30)["id"]}
    hub.add(indicator(30), indicator(31))
    synced = sync(settings)
    assert (synced.digest, synced.repaired, synced.active) == ("equal", True, 27)
    assert found(settings) == {*range(25), 30, 31}
    assert not sync(settings).repaired


def test_irreparable_copy_grows_old(hub: FakeHub, settings: MirrorSettings, caplog: pytest.LogCaptureFixture) -> None:
    hub.has_stream = False
    sync(settings)
    hub.hidden, hub.hidden_for_ever = {indicator(5)["id"]}, True
    hub.add(indicator(5, 2))
    with Mirror(settings.mirror.file) as mirror:
        before = mirror.state().oldest
        synced = sync(settings)
        assert (synced.digest, synced.repaired) == ("differs", True)
        assert "differs" in str(synced.error)
        assert mirror.state().oldest == before
        asked = len(hub.asked)
        assert not sync(settings).repaired, "it was read again at once"
        assert len(hub.asked) - asked < 15
    assert "copy-differs" in caplog.text


def test_hub_cannot_inject_log_lines(hub: FakeHub, settings: MirrorSettings, caplog: pytest.LogCaptureFixture) -> None:
    hub.alias = "room\r\nERROR \x1b[2Jmirror-synced hub=other " + "x" * 10_000
    hub.hidden, hub.hidden_for_ever = {indicator(5)["id"]}, True
    hub.has_stream = False
    sync_once(settings.model_copy(update={"hub": (settings.hub[0].model_copy(update={"collections": ("*",)}),)}))
    assert "copy-differs" in caplog.text
    assert not any({"\r", "\n", "\x1b"} & set(record.getMessage()) for record in caplog.records)
    assert max(len(record.getMessage()) for record in caplog.records) < 2_000


def test_lagging_digest_is_no_difference(hub: FakeHub, settings: MirrorSettings) -> None:
    sync(settings)
    hub.add(indicator(30))
    hub.behind = 1
    synced = sync(settings)
    assert (synced.digest, synced.repaired, synced.error) == ("behind", False, None)
    hub.behind = 0
    assert sync(settings).digest == "equal"


def test_objects_lost_by_a_restored_hub_are_dropped(hub: FakeHub, settings: MirrorSettings) -> None:
    """A restored hub cannot delist an object that it no longer has."""
    hub.log = [(f"2026-01-01T00:00:{number:02}.000000Z", obj) for number, (_, obj) in enumerate(hub.log)]
    assert sync(settings).digest == "equal"
    del hub.log[20:]
    synced = sync(settings)
    assert (synced.digest, synced.repaired, synced.active) == ("equal", True, 20)
    assert found(settings) == set(range(20))


@pytest.mark.parametrize(("status", "verdict"), [(503, "behind"), (429, "behind"), (404, "none")])
def test_missing_digest_is_no_difference(hub: FakeHub, settings: MirrorSettings, status: int, verdict: str) -> None:
    hub.digest_status = status
    synced = sync(settings)
    assert (synced.digest, synced.error) == (verdict, None)
    with Mirror(settings.mirror.file) as mirror:
        assert not mirror.check("h0.example.com").stale


def test_ends_are_followed_without_any_news(hub: FakeHub, settings: MirrorSettings) -> None:
    def ending(number: int, text: str) -> dict[str, Any]:
        return indicator(number, 2, valid_until=text)

    hub.add(ending(1, timestamp.text(timestamp.now())), ending(2, "2199-01-01T00:00:00.000Z"))
    assert sync(settings).active == 24
    assert sync(settings).digest == "equal"
    assert found(settings) == set(range(25)) - {1}


def test_listing_ended_before_the_stream_is_no_difference(hub: FakeHub, settings: MirrorSettings) -> None:
    hub.add(indicator(1, 2, valid_until=timestamp.text(timestamp.now())))
    hub.digest_age = timedelta(minutes=1)
    synced = sync(settings)
    assert (synced.digest, synced.repaired, synced.read) == ("behind", False, 24)
    hub.digest_age = timedelta(0)
    assert sync(settings).digest == "equal"
    hub.add(indicator(2, 2, valid_until=timestamp.text(timestamp.now() + timedelta(minutes=5))))
    for age in (0, -10, 0, -10):
        hub.digest_age = timedelta(minutes=age)
        assert sync(settings).digest == "equal", "the copy ends listings without news"


@pytest.mark.parametrize(("minutes", "grade"), [(0.2, "block"), (30, "block"), (62, "warn")])
def test_copy_is_no_younger_than_the_last_heartbeat(
    hub: FakeHub, settings: MirrorSettings, minutes: float, grade: str
) -> None:
    hub.heartbeat = timestamp.text(timestamp.now() - timedelta(minutes=minutes))
    assert sync(settings).digest == "equal"
    with Mirror(settings.mirror.file) as mirror:
        assert mirror.check("h0.example.com").grade == grade


def test_delisting_during_lost_access_blocks_no_payment(hub: FakeHub, settings: MirrorSettings) -> None:
    sync(settings)
    # Its last version is never served to a partner with a later grant.
    hub.hidden, hub.hidden_for_ever = {indicator(5)["id"]}, True
    hub.add(indicator(5, 2, revoked=True))
    synced = sync(settings)
    with Mirror(settings.mirror.file) as mirror:
        answer = mirror.check("h5.example.com")
        assert not answer.found or answer.stale
    assert synced.digest in ("equal", "behind")
