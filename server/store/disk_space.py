"""Whether there is room on a disk for what comes next."""

import logging
import os
import tempfile
import time

log = logging.getLogger(__name__)

# Less than this is full, or this part of a small disk.
_LEAST_BYTES = 64 * 1024 * 1024
_LEAST_PART = 0.05
# Written on trial, for quotas and disks that do not tell.
_TRIAL_BYTES = 64 * 1024
_SECONDS = 2.0


class DiskSpace:
    """Whether files can be written in a folder, and some more after that; looked at once in a while."""

    def __init__(self, folder: str) -> None:
        """Look at the disk that ``folder`` is on."""
        self._folder = folder
        self._known = (float("-inf"), False)

    def is_there(self) -> bool:
        """Tell whether there is room, as it was some seconds ago at most."""
        at, there = self._known
        if time.monotonic() - at > _SECONDS:
            there = self._look()
            self._known = time.monotonic(), there
        return there

    def _look(self) -> bool:
        try:
            disk = os.statvfs(self._folder)
            free, size = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
            if free < min(_LEAST_BYTES, size * _LEAST_PART) or (disk.f_files and not disk.f_favail):
                log.warning("disk-full folder=%s free_bytes=%s", self._folder, free)
                return False
            with tempfile.TemporaryFile(prefix="scamfeed-room-", dir=self._folder) as trial:
                trial.write(bytes(_TRIAL_BYTES))
        except OSError as error:
            log.warning("disk-full folder=%s cause=%s", self._folder, error.strerror)
            return False
        return True
