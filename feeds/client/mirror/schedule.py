"""The syncs of a mirror: with each hub on its schedule, in its own thread, by one process at a time.

A slow or hanging hub delays only its own updates. The threads share the mirror's file: each uses it for one transaction
at a time, and never while waiting for its hub.
"""

import fcntl
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from feeds.client.mirror.bell import HubBell
from feeds.client.mirror.copies import CopyWriter, WriterClosed
from feeds.client.mirror.hub_client import HubRound, keep_round
from feeds.client.mirror.settings import MirroredHub, MirrorSettings
from feeds.client.mirror.sync import HubSync
from feeds.client.mirror.tables import is_damage, is_damaged, set_aside
from feeds.errors import Misconfigured
from feeds.settings import duration

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Written to the lock file once the file next to it is known to be a mirror's.
_OURS = "mirror\n"
# Interval of the full integrity check of a file, in seconds.
_LOOKED_AT_EVERY = 3_600.0
# Interval at which the threads are checked, and the time they get to end.
_GLANCE_SECONDS, _ENDS_WITHIN = 0.5, 3.0
# The least time between two reads of changes.
_CHANGES_EVERY = 0.5


class MirrorDamaged(Exception):
    """The mirror's file was damaged and is set aside: the next sync creates a new one."""


@contextmanager
def writing(settings: MirrorSettings) -> Iterator[CopyWriter]:
    """Open the mirror's file for a sync; set a damaged file aside first.

    Raises ``Misconfigured`` if another process syncs it, and ``MirrorDamaged`` if damage is found during the sync.
    """
    path = settings.mirror.file
    path.parent.mkdir(parents=True, exist_ok=True)
    # The lock ends with the process, however that ends.
    with path.with_name(f"{path.name}.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Misconfigured(f"{path}: another process syncs this copy") from None
        lock.seek(0)
        was_ours = lock.read() == _OURS
        if was_ours and is_damaged(path):
            _set_aside(path)
        writer = CopyWriter(path)
        if not was_ours:
            # If the settings name some other file by mistake, that file stays as it was.
            lock.truncate(0)
            lock.write(_OURS)
            lock.flush()
        try:
            writer.keep_rules(settings.in_force())
            yield writer
        except (sqlite3.Error, MirrorDamaged) as error:
            if isinstance(error, sqlite3.Error) and not is_damage(error):
                raise
            writer.close()
            _set_aside(path)
            raise MirrorDamaged(str(path)) from error
        finally:
            writer.close()


def _set_aside(path: Path) -> None:
    logger.error("mirror-damaged file=%s: it was set aside, and every collection is read again", path)
    set_aside(path)


def sync_once(settings: MirrorSettings) -> list[HubRound]:
    """Sync with every hub once. Raises ``Misconfigured`` if the file cannot be used."""
    try:
        with writing(settings) as writer:
            return _rounds(writer, settings)
    except MirrorDamaged:
        with writing(settings) as writer:
            return _rounds(writer, settings)


def sync_until_stopped(settings: MirrorSettings, stop: threading.Event) -> None:
    """Sync with every hub repeatedly until ``stop`` is set. Raises ``Misconfigured`` like ``sync_once``."""
    while not stop.is_set():
        with suppress(MirrorDamaged), writing(settings) as writer:
            _sync_on(writer, settings, stop)


def _sync_on(writer: CopyWriter, settings: MirrorSettings, stop: threading.Event) -> None:
    """Sync until ``stop`` is set. Raises ``MirrorDamaged`` or ``sqlite3.Error`` if the file is damaged."""
    _forget_hubs(writer, {hub.name for hub in settings.hub})
    over = threading.Event()
    every = duration(settings.mirror.every).total_seconds()
    threads = [_HubThread(writer, hub, every, over) for hub in settings.hub]
    try:
        looked_at = time.monotonic()
        while not stop.wait(_GLANCE_SECONDS):
            for thread in threads:
                thread.raise_error()
            if time.monotonic() > looked_at + _LOOKED_AT_EVERY:
                if is_damaged(writer.path):
                    raise MirrorDamaged(str(writer.path))
                looked_at = time.monotonic()
    finally:
        over.set()
        for thread in threads:
            thread.wake()
        until = time.monotonic() + _ENDS_WITHIN
        for thread in threads:
            # A thread that is waiting for its hub finds the file closed.
            thread.join(max(0.0, until - time.monotonic()))


def _rounds(writer: CopyWriter, settings: MirrorSettings) -> list[HubRound]:
    """Sync with all hubs once, in parallel; return the rounds in the order of the settings."""
    _forget_hubs(writer, {hub.name for hub in settings.hub})
    threads = [_HubThread(writer, hub) for hub in settings.hub]
    for thread in threads:
        thread.join()
    for thread in threads:
        thread.raise_error()
    return [done for thread in threads for done in thread.done]


class _HubThread:
    """Syncs with one hub: once, or ``every`` few seconds until ``over`` is set.

    It does not keep the program running.
    """

    def __init__(
        self, writer: CopyWriter, hub: MirroredHub, every: float | None = None, over: threading.Event | None = None
    ) -> None:
        self.done: list[HubRound] = []
        self._error: BaseException | None = None
        self._writer = writer
        self._hub = hub
        self._bell = HubBell(hub)
        self._thread = threading.Thread(
            target=self._run, args=(every, over), name=f"mirror-hub-{hub.name}", daemon=True
        )
        self._thread.start()

    def join(self, seconds: float | None = None) -> None:
        """Wait for the thread to end, at most ``seconds``."""
        self._thread.join(seconds)

    def wake(self) -> None:
        """End the wait for the next round."""
        self._bell.ring()

    def raise_error(self) -> None:
        """Raise the error that ended the thread, if there is one."""
        if self._error is not None:
            raise self._error

    def _run(self, every: float | None, over: threading.Event | None) -> None:
        try:
            if every is None or over is None:
                self.done.append(self._round())
                return
            while not over.is_set():
                began = time.monotonic()
                wait = self._round_of_many()
                until = max(began + every, time.monotonic() + wait)
                # A hub that asks us to wait is not asked before, even after a change.
                over.wait(wait)
                while self._bell.wait(until) and not over.is_set():
                    began = time.monotonic()
                    wait = self._attempt(HubSync(self._writer, self._hub).read_changes) or 0.0
                    over.wait(max(began + _CHANGES_EVERY - time.monotonic(), wait))
        except WriterClosed:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            self._error = error
        finally:
            self._bell.stop()

    def _round(self) -> HubRound:
        done = HubSync(self._writer, self._hub).run()
        self._writer.tidy()
        return done

    def _round_of_many(self) -> float:
        """Do one of many rounds, and return how many seconds the hub asked us to wait."""
        done = self._attempt(self._round)
        if done is None:
            return 0.0
        if self._hub.streams and done.api_root:
            self._bell.listen(done.api_root, [synced.collection for synced in done.collections])
        return done.wait

    def _attempt(self, act: Callable[[], T]) -> T | None:
        """Return what ``act`` returns, None after an unexpected error; damage of the file ends all hubs' rounds."""
        try:
            return act()
        except WriterClosed:
            raise
        except Exception as error:
            if isinstance(error, sqlite3.Error) and is_damage(error):
                raise
            logger.exception("mirror-sync-failure hub=%s", self._hub.name)
            with suppress(sqlite3.Error):
                keep_round(self._writer, HubRound(self._hub.name, error=f"the sync failed ({type(error).__name__})"))
            return None


def _forget_hubs(writer: CopyWriter, names: set[str]) -> None:
    """Drop the copies of hubs that are no longer in the settings."""
    writer.publish((), dropped=[copy for copy in writer.copies() if copy.hub not in names])
