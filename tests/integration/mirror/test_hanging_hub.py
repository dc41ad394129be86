"""A hub that hangs or sends byte by byte delays no other hub of a mirror, and no sync beyond its deadline."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import pytest

from feeds.client.mirror import schedule
from feeds.client.mirror.check import Mirror
from feeds.client.mirror.hub_client import HubRound
from feeds.client.mirror.schedule import sync_once, sync_until_stopped
from feeds.client.mirror.settings import MirrorSettings
from feeds.client.mirror.sync import HubSync
from tests.integration.mirror.fake_hub import FakeHub, serving
from tests.unit.feeds.client.mirror.objects import indicator

Fault = Literal["silent", "trickles", "headers"]
SOON = 60.0


@contextmanager
def stalling(fault: Fault) -> Iterator[str]:
    """Serve a hub that accepts every connection and never finishes a response, and yield its address."""
    over, threads = threading.Event(), list[threading.Thread]()

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            if fault == "trickles":
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/taxii+json;version=2.1\r\n")
                connection.sendall(b"Content-Length: 100000\r\n\r\n{")
            while not over.wait(0.05):
                if fault != "silent":
                    connection.sendall(b" " if fault == "trickles" else b"X")

    def accept(listening: socket.socket) -> None:
        with suppress(OSError):
            while not over.is_set():
                connection, _ = listening.accept()
                threads.append(threading.Thread(target=answer, args=(connection,), daemon=True))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        accepting = threading.Thread(target=accept, args=(listening,), daemon=True)
        accepting.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/feed/"
        finally:
            over.set()
            listening.shutdown(socket.SHUT_RDWR)
            for thread in [accepting, *threads]:
                thread.join()


def settings(tmp_path: Path, *urls: str, **more: Any) -> MirrorSettings:
    common = {"collections": ["room"], "allow_private": True, "retries": 0, "timeout": "10m", **more}
    tables = [{"name": f"hub{number}", "url": url, **common} for number, url in enumerate(urls)]
    mirror = {"file": str(tmp_path / "mirror.db"), "every": "100ms"}
    return MirrorSettings.model_validate({"mirror": mirror, "hub": tables})


def within(seconds: float, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextmanager
def syncing(given: MirrorSettings) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=sync_until_stopped, args=(given, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(SOON)
        assert not thread.is_alive(), "it did not end"


@pytest.fixture(autouse=True)
def soon_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the stalled hubs soon after the end of a sync."""
    monkeypatch.setattr(schedule, "_ENDS_WITHIN", 0.3)


@pytest.fixture
def healthy() -> Iterator[FakeHub]:
    with serving() as hub:
        hub.add(indicator(1))
        yield hub


@pytest.mark.long_but("silent")
@pytest.mark.parametrize("fault", ["silent", "trickles", "headers"])
def test_healthy_hub_is_not_delayed_by_another(healthy: FakeHub, tmp_path: Path, fault: Fault) -> None:
    with stalling(fault) as stalled:
        given = settings(tmp_path, stalled, healthy.url)
        with Mirror(given) as mirror:
            with syncing(given):
                within(SOON, lambda: mirror.check("h1.example.com").found)
                assert mirror.check("h9.example.com").unknown, "the other hub never said anything"
                for number in (2, 3):
                    healthy.add(indicator(number))
                    within(SOON, lambda number=number: mirror.check(f"h{number}.example.com").found)  # type: ignore[misc]  # bound at once
            # Another process can use the file, and it is complete.
            assert [done.error is None for done in sync_once(settings(tmp_path, healthy.url))] == [True]


def test_twenty_hanging_hubs_delay_no_other(healthy: FakeHub, tmp_path: Path) -> None:
    with ExitStack() as stack:
        urls = [stack.enter_context(stalling("silent")) for _ in range(20)]
        given = settings(tmp_path, *urls, healthy.url)
        with syncing(given), Mirror(given) as mirror:
            within(SOON, lambda: mirror.check("h1.example.com").found)


@pytest.mark.long
def test_one_sync_waits_for_all_and_shows_each_result_at_once(healthy: FakeHub, tmp_path: Path) -> None:
    rounds: list[HubRound] = []
    with stalling("trickles") as stalled:
        given = settings(tmp_path, stalled, healthy.url)
        thread = threading.Thread(target=lambda: rounds.extend(sync_once(given)))
        thread.start()
        with Mirror(given) as mirror:
            within(SOON, lambda: mirror.check("h1.example.com").found)
        thread.join(1)
        assert thread.is_alive()
    # The other hub has ended, in the middle of its response.
    thread.join(60)
    assert [(done.hub, bool(done.error)) for done in rounds] == [("hub0", True), ("hub1", False)]


def test_failing_round_does_not_end_the_others(
    healthy: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = HubSync.run

    def fail_for_one(self: HubSync) -> HubRound:
        if self._hub.name == "hub0":
            raise RecursionError("deeper than anybody expects")
        return run(self)

    monkeypatch.setattr(HubSync, "run", fail_for_one)
    given = settings(tmp_path, healthy.url, healthy.url)
    with syncing(given), Mirror(given) as mirror:
        within(SOON, lambda: mirror.check("h1.example.com").found)
        within(SOON, lambda: mirror.state().errors.get("hub0") == "the sync failed (RecursionError)")
    assert "mirror-sync-failure hub=hub0" in caplog.text
    with pytest.raises(RecursionError):
        sync_once(given)


def test_damage_is_found_while_hubs_are_synced(
    healthy: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(schedule, "_LOOKED_AT_EVERY", 0.0)
    looked = iter([False, True])
    monkeypatch.setattr(schedule, "is_damaged", lambda _: next(looked, False))
    given = settings(tmp_path, healthy.url)
    with syncing(given):
        within(SOON, lambda: (tmp_path / "mirror.db.damaged").exists())
        with Mirror(given) as mirror:
            within(SOON, lambda: mirror.check("h1.example.com").found)
    assert "mirror-damaged" in caplog.text
