"""Uploads in the background: one thread per worker has files read, one contributes their rows, and removes old ones."""

import logging
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Sequence

from server.features.uploads import drafts, reading
from server.features.uploads.drafts import MOST_ATTEMPTS, State, Upload
from server.features.uploads.sending import UploadSender
from server.jobs.repeated import RepeatedStep
from server.release.hub import Hub
from server.settings import Settings
from server.store import Store
from server.store.database.looks import Finding

log = logging.getLogger(__name__)

_SECONDS = 1.0
# Seconds of the clock that one reading may take.
_LONGEST = 2.0 * reading.SECONDS
_LOOK = 0.2
# Uploads that one worker contributes by turns.
_MOST_ACTIVE = 4
TOO_OFTEN = "reading this file ended several times without a result: split it, or save it in another format"
TOO_LONG = f"reading this file takes more than {reading.SECONDS // 60} minutes: split it"
_SWEEP_SECONDS = 10.0
# Files up to this size have a reader of their own, so that they do not wait until large files are read.
SMALL = 1 << 20


def _new_holder() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


class UploadReadingThread(RepeatedStep):
    """Has uploaded files read, one after the other, each in a process of its own."""

    begins_at_once = False

    def __init__(self, store: Store, settings: Settings, most_bytes: int | None = None) -> None:
        """Read the uploads of ``store``, the database of ``settings``: all, or files of at most ``most_bytes``."""
        name = "upload-reading" if most_bytes is None else "upload-reading-small"
        super().__init__(name, _SECONDS, "uploads wait", "upload reading failure")
        self._store = store
        self._most_bytes = most_bytes
        self._url = settings.database_url
        self._timezone = settings.timezone

    def work(self, at: int) -> Sequence[Finding]:
        """Return the statement that finds a waiting upload."""
        return (drafts.claimable([State.WAITING], at, self._most_bytes),)

    def step(self) -> None:
        """Have the next files read until none waits."""
        while not self._stopping.is_set():
            with self._store.read() as tx:
                if not drafts.has_work(tx, [State.WAITING], self._most_bytes):
                    return
            with self._store.begin(in_passing=True) as tx:
                upload = drafts.claim(tx, [State.WAITING], _new_holder(), most_bytes=self._most_bytes)
                if upload is not None and upload.attempts > MOST_ATTEMPTS:
                    drafts.fail(tx, upload, TOO_OFTEN)
                    continue
            if upload is None:
                return
            self._read(upload)

    def _read(self, upload: Upload) -> None:
        process = reading.begin_reading(self._url, upload, self._timezone)
        is_late = False
        try:
            is_late = self._is_late(process)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
        if not process.returncode:
            return
        log.warning("upload-unread upload=%s status=%d", upload.id, process.returncode)
        with self._store.begin(in_passing=True) as tx:
            if is_late:
                drafts.fail(tx, upload, TOO_LONG)
            else:
                drafts.release(tx, upload)

    def _is_late(self, process: "subprocess.Popen[bytes]") -> bool:
        """Wait for the end of the process or of this thread; return whether the process took too long."""
        ends = time.monotonic() + _LONGEST
        while process.poll() is None and not self._stopping.wait(_LOOK):
            if time.monotonic() > ends:
                return True
        return False


class UploadSendingThread(RepeatedStep):
    """Contributes the rows of uploads, some rows of each by turns, and removes uploads that nobody needs."""

    begins_at_once = False

    def __init__(self, hub: Hub, settings: Settings) -> None:
        """Contribute to ``hub``, within the quotas of ``settings``."""
        super().__init__("upload-sending", _SECONDS, "uploads wait", "upload sending failure")
        self._hub = hub
        self._settings = settings
        self._active: list[UploadSender] = []
        self._swept = 0.0

    def work(self, at: int) -> Sequence[Finding]:
        """Return the statement that finds an upload to contribute."""
        return (drafts.claimable([State.SENDING], at),)

    def step(self) -> None:
        """Contribute until no upload is left, then remove old uploads."""
        while not self._stopping.is_set():
            self._claim()
            if not self._active:
                break
            # An upload that fails is claimed again when its lease has ended; the others go on in the next step.
            sender = self._active.pop(0)
            if sender.send_some():
                self._active.append(sender)
        if time.monotonic() - self._swept > _SWEEP_SECONDS:
            self._swept = time.monotonic()
            self._sweep()

    def _claim(self) -> None:
        store = self._hub.store
        while len(self._active) < _MOST_ACTIVE:
            with store.read() as tx:
                if not drafts.has_work(tx, [State.SENDING]):
                    return
            with store.begin(in_passing=True) as tx:
                upload = drafts.claim(tx, [State.SENDING], _new_holder())
            if upload is None:
                return
            self._active.append(UploadSender(self._hub, upload, self._settings))

    def _sweep(self) -> None:
        with self._hub.store.begin(in_passing=True) as tx:
            drafts.expire(tx)
        gone = -1
        while gone and not self._stopping.is_set():
            with self._hub.store.begin(in_passing=True) as tx:
                gone = drafts.sweep(tx)
