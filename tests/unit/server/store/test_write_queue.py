"""Writers to one file take turns, across threads and processes."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from server.store import Store, StoreUnavailable
from server.store.database.write_queue import WriteQueue

WRITES_ON = """
import sys, time
from server.store.database.write_queue import WriteQueue
turns = WriteQueue(sys.argv[1], 30)
print("ready", flush=True)
ends = time.monotonic() + 4
while time.monotonic() < ends:
    with turns:
        time.sleep(0.02)
"""


def test_threads_write_in_order_of_arrival(tmp_path: Path) -> None:
    turns, order = WriteQueue(str(tmp_path / "turns"), 10), list[int]()

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


def test_returning_writer_queues_behind_the_waiting_ones(tmp_path: Path) -> None:
    turns, stop, written = WriteQueue(str(tmp_path / "turns"), 10), threading.Event(), list[int]()

    def write_on() -> None:
        while not stop.is_set():
            with turns:
                written.append(1)
                time.sleep(0.005)

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        for _ in range(10):
            before = len(written)
            with turns:
                assert len(written) - before <= 2
            time.sleep(0.002)
    finally:
        stop.set()
        writer.join(60)


def test_busy_process_lets_another_write(tmp_path: Path) -> None:
    path = str(tmp_path / "turns")
    turns = WriteQueue(path, 10)
    with subprocess.Popen([sys.executable, "-c", WRITES_ON, path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        waited = []
        for _ in range(10):
            began = time.monotonic()
            with turns:
                waited.append(time.monotonic() - began)
            time.sleep(0.01)
        assert turns.has_waiting_writers()
        process.terminate()
    # One turn of the other takes a fiftieth of a second. Without turns, some waits take seconds.
    assert max(waited) < 1
    assert sorted(waited)[5] < 0.2


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


def test_background_writer_waits_its_turn_and_hurries_no_other(tmp_path: Path) -> None:
    turns, order = WriteQueue(str(tmp_path / "turns"), 10), list[str]()

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


def test_background_writer_gets_a_turn_between_those_of_another_process(tmp_path: Path) -> None:
    path = str(tmp_path / "turns")
    turns = WriteQueue(path, 10)
    with subprocess.Popen([sys.executable, "-c", WRITES_ON, path], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        for _ in range(3):
            with turns.in_passing():
                pass
        other.terminate()
