"""A check of each test: it leaves no thread, and no socket, file or process to the garbage collection.

Otherwise the garbage collection of a later test finds what was left, and that test fails.

Fixtures that several tests share may keep things open. So may caches and connection pools: they are in use, so that no
garbage collection frees them. A socket that listens is reported even if it is in use: it is not for later tests.
"""

import gc
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures.thread import _threads_queues
from typing import Any, NamedTuple

import pytest

# A thread that was told to end does so within this time, also on a busy machine.
_PATIENCE = 60.0


class _Held(NamedTuple):
    """The descriptors and the threads of this process that keep it running."""

    files: frozenset[str]
    threads: frozenset[threading.Thread]

    @classmethod
    def now(cls) -> "_Held":
        return cls(_files(), _threads())


class Leaks:
    """Fails tests that leave something open."""

    # Not of the module, whose names are gone when the interpreter ends.
    _starts = frozenset({"subprocess.Popen", "os.fork", "os.posix_spawn"})

    def __init__(self) -> None:
        self._known = _Held.now()
        self._has_failed = False
        self._has_started = False
        sys.addaudithook(self._note_process)

    def _note_process(self, event: str, _arguments: tuple[object, ...]) -> None:
        if event in self._starts:
            self._has_started = True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> None:
        """Let pytest and its plugins keep things open."""
        self._known = _Held.now()

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Iterator[None]:
        """Let a fixture that several tests share keep things open."""
        if fixturedef.scope == "function":
            return (yield)
        before = _Held.now()
        try:
            return (yield)
        finally:
            files, threads = _Held.now()
            self._known = _Held(
                self._known.files | files - before.files, self._known.threads | threads - before.threads
            )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> Iterator[None]:
        """Note a failure, whose traceback keeps the variables of the test."""
        self._has_failed |= call.excinfo is not None and call.when != "teardown"
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Iterator[None]:
        """Fail a test that passed and left something open."""
        left: list[str] = []
        has_passed = False
        try:
            yield
            has_passed = not self._has_failed
        finally:
            held = _Held.now()
            if has_passed and (self._has_started or self._has_more(held)):
                left = self._left()
                held = _Held.now()
            self._known = held
            self._has_started = self._has_failed = False
        if left:
            pytest.fail(f"The test left open: {', '.join(left)}", pytrace=False)

    def _has_more(self, held: _Held) -> bool:
        return not (held.files <= self._known.files and held.threads <= self._known.threads)

    def _left(self) -> list[str]:
        """Name what this test opened and did not close."""
        found = _collect(lambda: bool(_files() - self._known.files))
        ends = time.monotonic() + _PATIENCE
        for thread in _threads() - self._known.threads:
            thread.join(max(0.0, ends - time.monotonic()))
            if thread.is_alive():
                found.append(f"thread {thread.name}")
        for file in _files() - self._known.files:
            while (is_left := _listens(file)) and time.monotonic() < ends:
                time.sleep(0.01)
            if is_left:
                found.append(_name(file))
        return found


def _collect(is_more_left: Callable[[], bool]) -> list[str]:
    """Free what is not in use, first what is new, and return the errors and warnings from that."""
    found: list[str] = []
    hook = sys.unraisablehook
    sys.unraisablehook = lambda error: found.append(f"{error.exc_value} ({error.object!r:.200})")
    try:
        gc.collect(1)
        if is_more_left():
            gc.collect()
    finally:
        sys.unraisablehook = hook
    return found


def _files() -> frozenset[str]:
    """Return the numbers of the open descriptors, except for the one that lists them: the lowest that is free."""
    free = os.dup(0)
    os.close(free)
    return frozenset(os.listdir("/proc/self/fd")) - {str(free)}


def _threads() -> frozenset[threading.Thread]:
    """Return the threads that are no daemons and belong to no pool, which ends its own when it is freed."""
    return frozenset(thread for thread in threading.enumerate() if not thread.daemon and thread not in _threads_queues)


def _name(file: str) -> str:
    """Return what a descriptor refers to."""
    try:
        with _socket(file) as found:
            return f"socket {_address(found.getsockname())} -> {_address(_peer(found))}"
    except OSError:
        pass
    try:
        return os.readlink(f"/proc/self/fd/{file}")
    except OSError:
        return f"descriptor {file}"


def _listens(file: str) -> bool:
    """Return whether a descriptor is a listening socket."""
    try:
        with _socket(file) as found:
            return bool(found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError:
        return False


def _socket(file: str) -> socket.socket:
    """Return a socket for a copy of a descriptor. Raises ``OSError`` if it is none."""
    copy = os.dup(int(file))
    try:
        return socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise


def _peer(found: socket.socket) -> object:
    try:
        return found.getpeername()
    except OSError:
        return None


def _address(address: object) -> str:
    return ":".join(map(str, address[:2])) if isinstance(address, tuple) else str(address or "nobody")
