"""The syncs of a mirror: one after another on their schedule, by one process at a time."""

import fcntl
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from feeds.connector import Misconfigured, duration
from feeds.mirror.copies import CopyWriter
from feeds.mirror.settings import MirrorSettings
from feeds.mirror.sync import HubRound, HubSync

logger = logging.getLogger(__name__)


@contextmanager
def writing(settings: MirrorSettings) -> Iterator[CopyWriter]:
    """Open the mirror's file to sync it. Raises ``Misconfigured`` if another process does."""
    path = settings.mirror.file
    path.parent.mkdir(parents=True, exist_ok=True)
    # The lock ends with the process, however that ends.
    with path.with_name(f"{path.name}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Misconfigured(f"{path}: another process syncs this copy") from None
        writer = CopyWriter(path)
        try:
            writer.keep_rules(settings.in_force())
            yield writer
        finally:
            writer.close()


def sync_once(settings: MirrorSettings) -> list[HubRound]:
    """Sync with every hub once. Raises ``Misconfigured`` if the file cannot be used."""
    with writing(settings) as writer:
        return _rounds(writer, settings)


def sync_until_stopped(settings: MirrorSettings, stop: threading.Event) -> None:
    """Sync with every hub again and again until ``stop`` is set. Raises ``Misconfigured`` as ``sync_once``."""
    every = duration(settings.mirror.every).total_seconds()
    with writing(settings) as writer:
        waiting: dict[str, float] = {}
        while True:
            began = time.monotonic()
            due = [hub.name for hub in settings.hub if waiting.get(hub.name, 0) <= began]
            for done in _rounds(writer, settings, due, stop):
                waiting[done.hub] = time.monotonic() + done.wait
            if stop.wait(max(0.0, began + every - time.monotonic())):
                return


def _rounds(
    writer: CopyWriter, settings: MirrorSettings, names: list[str] | None = None, stop: threading.Event | None = None
) -> list[HubRound]:
    _forget_hubs(writer, {hub.name for hub in settings.hub})
    done = []
    for hub in settings.hub:
        if (names is None or hub.name in names) and not (stop and stop.is_set()):
            done.append(HubSync(writer, hub).run())
    writer.tidy()
    return done


def _forget_hubs(writer: CopyWriter, names: set[str]) -> None:
    """Drop the copies of hubs that the settings do not name any more."""
    writer.publish((), dropped=[copy for copy in writer.copies() if copy.hub not in names])
