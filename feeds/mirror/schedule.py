"""The syncs of a mirror: one after another on their schedule, by one process at a time."""

import fcntl
import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from feeds.connector import Misconfigured, duration
from feeds.mirror.copies import CopyWriter
from feeds.mirror.settings import MirrorSettings
from feeds.mirror.sync import HubRound, HubSync
from feeds.mirror.tables import is_damage, is_damaged, set_aside

logger = logging.getLogger(__name__)

# In the file of the lock, once the file beside it is a mirror's.
_OURS = "mirror\n"
# So often a file is read whole, whether it is damaged (seconds).
_LOOKED_AT_EVERY = 3_600.0


class MirrorDamaged(Exception):
    """The mirror's file was damaged, and is set aside: a sync makes a new one."""


@contextmanager
def writing(settings: MirrorSettings) -> Iterator[CopyWriter]:
    """Open the mirror's file to sync it; one that is damaged is set aside first.

    Raises ``Misconfigured`` if another process syncs it, and ``MirrorDamaged`` if it is found out meanwhile.
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
            # Whoever names some other file by mistake finds it as it was.
            lock.truncate(0)
            lock.write(_OURS)
            lock.flush()
        try:
            writer.keep_rules(settings.in_force())
            yield writer
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            writer.close()
            _set_aside(path)
            raise MirrorDamaged(str(path)) from error
        finally:
            writer.close()


def _set_aside(path: Path) -> None:
    logger.error("mirror-damaged file=%s: it is set aside, and every collection read again", path)
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
    """Sync with every hub again and again until ``stop`` is set. Raises ``Misconfigured`` as ``sync_once``."""
    while not stop.is_set():
        with suppress(MirrorDamaged), writing(settings) as writer:
            _sync_on(writer, settings, stop)


def _sync_on(writer: CopyWriter, settings: MirrorSettings, stop: threading.Event) -> None:
    """Sync until ``stop`` is set, or the file has to be looked at again."""
    every = duration(settings.mirror.every).total_seconds()
    waiting: dict[str, float] = {}
    until = time.monotonic() + _LOOKED_AT_EVERY
    while (began := time.monotonic()) < until:
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
