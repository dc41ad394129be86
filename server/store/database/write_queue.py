"""A queue of the writers of one SQLite file. Waiting writers come before one that has just written.

SQLite itself admits the writer that retries at the right moment, which nearly always is the one that has just written.
"""

import fcntl
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

# Interval at which a writer retries the lock held by another process.
_LOOK_SECONDS = 0.001
# After a writer waited, another one is expected for this long.
_CONTENDED_SECONDS = 1.0
# How long an in-passing writer looks for an idle moment before it waits like any other.
_PATIENT_SECONDS = 3.0
# Bytes of the lock file: the next writer of all processes locks one, the current writer the other.
_NEXT, _WRITING = 0, 1


class WriteQueue:
    """The right to write: one thread of all processes at a time; threads of a process in order of arrival."""

    def __init__(self, path: str, seconds: float) -> None:
        """Queue with locks on the file ``path``, waiting up to ``seconds`` for a turn."""
        self._path = path
        self._seconds = seconds
        self._changing = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._in_passing: set[threading.Lock] = set()
        self._busy = False
        self._file: tuple[int, int] | None = None
        self._contended_at = -_CONTENDED_SECONDS

    def __enter__(self) -> None:
        """Wait for the turn. Raises ``TimeoutError``."""
        self._enter(in_passing=False)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the next writer in."""
        file = self._open()
        if file is not None:
            self._unlock(file, _WRITING)
        self._pass_turn()

    @contextmanager
    def in_passing(self) -> Iterator[None]:
        """Wait for the turn of a small write without urgency for other writers. Raises ``TimeoutError``."""
        self._enter(in_passing=True)
        try:
            yield
        finally:
            self.__exit__(None, None, None)

    def _enter(self, *, in_passing: bool) -> None:
        deadline = time.monotonic() + self._seconds
        self._queue(in_passing=in_passing)
        try:
            self._wait_for_other_processes(deadline, in_passing=in_passing)
        except BaseException:
            self._pass_turn()
            raise

    def has_waiting_writers(self) -> bool:
        """Return whether others wait for a turn, or did a moment ago."""
        with self._changing:
            if len(self._waiting) > len(self._in_passing):
                self._contended_at = time.monotonic()
            file = self._open()
            if file is not None and not self._busy:
                if self._lock(file, _NEXT):
                    self._unlock(file, _NEXT)
                else:
                    self._contended_at = time.monotonic()
        return time.monotonic() - self._contended_at < _CONTENDED_SECONDS

    def close(self) -> None:
        """Close the file. It is opened again when needed."""
        with self._changing:
            if self._file is not None and self._file[0] == os.getpid() and not self._busy:
                os.close(self._file[1])
                self._file = None

    def _queue(self, *, in_passing: bool) -> None:
        """Wait for the turn of this thread among those of its process."""
        with self._changing:
            if not self._busy:
                self._busy = True
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
            if in_passing:
                self._in_passing.add(turn)
            else:
                self._contended_at = time.monotonic()
        if turn.acquire(timeout=self._seconds):
            return
        with self._changing:
            if turn in self._waiting:
                self._waiting.remove(turn)
                self._in_passing.discard(turn)
                raise TimeoutError("another writer of this process takes too long")
        # The turn came just when the time ran out.

    def _pass_turn(self) -> None:
        with self._changing:
            if self._waiting:
                turn = self._waiting.popleft()
                self._in_passing.discard(turn)
                turn.release()
            else:
                self._busy = False

    def _wait_for_other_processes(self, deadline: float, *, in_passing: bool) -> None:
        """Wait for the turn of this process. A process that waits comes before one that has just written."""
        file = self._open()
        if file is None:
            return
        until = time.monotonic() + _PATIENT_SECONDS
        while in_passing and time.monotonic() < until:
            if self._lock(file, _WRITING):
                return
            time.sleep(_LOOK_SECONDS)
        self._wait(file, _NEXT, deadline)
        try:
            self._wait(file, _WRITING, deadline)
        finally:
            self._unlock(file, _NEXT)

    def _wait(self, file: int, byte: int, deadline: float) -> None:
        while not self._lock(file, byte):
            self._contended_at = time.monotonic()
            if self._contended_at > deadline:
                raise TimeoutError("a writer of another process takes too long")
            time.sleep(_LOOK_SECONDS)

    def _lock(self, file: int, byte: int) -> bool:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def _unlock(self, file: int, byte: int) -> None:
        fcntl.lockf(file, fcntl.LOCK_UN, 1, byte)

    def _open(self) -> int | None:
        """Return this process's lock file, or None if it cannot exist; then SQLite alone orders the writers."""
        process = os.getpid()
        if self._file is None or self._file[0] != process:
            try:
                self._file = process, os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError:
                return None
        return self._file[1]
