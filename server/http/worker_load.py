"""The number of open connections of each worker, in memory that the workers of a server share."""

import mmap
import os
import struct
import time

_ROW = struct.Struct("qqd")
# Workers are numbered; so many older ones can still be finishing their requests.
_ROWS = 128
_BYTES = _ROW.size * _ROWS
# A worker that has not reported for so long is gone, or too busy to accept anything.
_FRESH_SECONDS = 1.0
# So many connections more than the least busy worker has are no reason to leave a new one to it.
_SLACK = 1


def shared_memory() -> mmap.mmap:
    """Return the memory for the loads of all workers; made before they are forked."""
    return mmap.mmap(-1, _BYTES)


class WorkerLoad:
    """The load of one worker, beside those of the others."""

    def __init__(self, memory: mmap.mmap, number: int) -> None:
        """Report to ``memory`` as the worker of this ``number``."""
        self._memory = memory
        self._offset = number % _ROWS * _ROW.size

    def report(self, connections: int) -> None:
        """Report how many connections are open; at least every second."""
        _ROW.pack_into(self._memory, self._offset, os.getpid(), connections, time.monotonic())

    def leave(self) -> None:
        """Report that this worker accepts no more connections."""
        _ROW.pack_into(self._memory, self._offset, 0, 0, 0.0)

    def is_highest(self, connections: int) -> bool:
        """Return whether so many connections are clearly more than the least busy worker has."""
        oldest = time.monotonic() - _FRESH_SECONDS
        fresh = [count for pid, count, at in _ROW.iter_unpack(self._memory) if pid and at > oldest]
        return bool(fresh) and connections > min(fresh) + _SLACK
