"""Writers to one file take turns, across threads and processes."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from server.store import Store, StoreUnavailable
from server.store.database import write_queue
from server.store.database.write_queue import WriteQueue

WRITES_ON = """
import sys, time
from server.store.database.write_queue import WriteQueue
turns = WriteQueue(sys.argv[1], 600)
print("ready", flush=True)
while True:
    with turns, open(sys.argv[2], "a") as log:
        log.write("x")
        time.sleep(0.02)
"""


@pytest.fixture(autouse=True)
def _remember(monkeypatch: pytest.MonkeyPatch) -> None:
    """Expect further writers for minutes, since a busy machine may stop a test for seconds."""
    monkeypatch.setattr(write_queue, "_CONTENDED_SECONDS", 600.0)


@pytest.fixture
def turns(tmp_path: Path) -> Iterator[WriteQueue]:
    queue = WriteQueue(str(tmp_path / "turns"), 60)
    yield queue
    queue.close()


@contextmanager
def other_process(path: Path) -> Iterator[Path]:
    """Let another process write without a pause, and yield a file with a byte for each of its turns."""
    log = path.with_name("log")
    command = [sys.executable, "-c", WRITES_ON, str(path), str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield log
        finally:
            process.kill()


def _turns_in(log: Path) -> int:
    """Return the turns of the other process; before the first, there is no file."""
    return log.stat().st_size if log.exists() else 0


def test_threads_write_in_order_of_arrival(turns: WriteQueue) -> None:
    order = list[int]()

    def write(number: int) -> None:
        with turns:
            order.append(number)

    with turns:
        waiting = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for number, thread in enumerate(waiting, 1):
            thread.start()
            while len(turns._waiting) < number:
                time.sleep(0.001)
        assert turns.has_waiting_writers()
    for thread in waiting:
        thread.join(60)
    assert order == list(range(8))


def test_returning_writer_queues_behind_the_waiting_ones(turns: WriteQueue) -> None:
    stop, passed = threading.Event(), list[bool]()

    def write_on() -> None:
        while not stop.is_set():
            with turns:
                passed.append(bool(turns._waiting))
                time.sleep(0.005)

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        for _ in range(10):
            with turns:
                pass
            time.sleep(0.002)
    finally:
        stop.set()
        writer.join(60)
    # Each time, the other may be in the turn that it has just got.
    assert sum(passed) <= 10


def test_busy_process_lets_another_write(turns: WriteQueue, tmp_path: Path) -> None:
    passed = list[int]()
    with other_process(tmp_path / "turns") as log:
        for _ in range(10):
            before = _turns_in(log)
            with turns:
                passed.append(_turns_in(log) - before)
            time.sleep(0.01)
        assert turns.has_waiting_writers()
    # A busy machine may stop a test between its question and its place in the queue, but rarely.
    assert sorted(passed)[5] <= 2


def test_writer_that_waits_too_long_gets_an_error_and_blocks_no_other(tmp_path: Path) -> None:
    turns = WriteQueue(str(tmp_path / "turns"), 0.05)
    failed = list[BaseException]()

    def write() -> None:
        try:
            with turns:
                pass
        except TimeoutError as error:
            failed.append(error)

    with turns:
        thread = threading.Thread(target=write)
        thread.start()
        thread.join(60)
    assert len(failed) == 1
    with turns:
        pass
    turns.close()


def test_slow_writer_makes_the_store_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.store.database.engine._BUSY_SECONDS", 0.1)
    store = Store.open(f"sqlite:///{tmp_path / 'hub.db'}")
    store.migrate()
    with store.begin():
        thread_failed = list[BaseException]()

        def write() -> None:
            try:
                with store.begin():
                    pass
            except StoreUnavailable as error:
                thread_failed.append(error)

        thread = threading.Thread(target=write)
        thread.start()
        thread.join(60)
    assert len(thread_failed) == 1
    store.close()


def test_writing_continues_without_a_lock_file(tmp_path: Path) -> None:
    turns = WriteQueue(str(tmp_path / "nowhere" / "turns"), 1)
    with turns:
        pass
    assert not turns.has_waiting_writers()


def test_background_writer_waits_its_turn_and_hurries_no_other(turns: WriteQueue) -> None:
    order = list[str]()

    def write() -> None:
        with turns.in_passing():
            order.append("in passing")

    with turns:
        thread = threading.Thread(target=write)
        thread.start()
        while not turns._waiting:
            time.sleep(0.001)
        assert not turns.has_waiting_writers()
        order.append("first")
    thread.join(60)
    assert order == ["first", "in passing"]
    assert not turns.has_waiting_writers()


def test_background_writer_gets_a_turn_between_those_of_another_process(turns: WriteQueue, tmp_path: Path) -> None:
    with other_process(tmp_path / "turns"):
        for _ in range(3):
            with turns.in_passing():
                pass
