"""Sixteen pollers and two pushers at once, and an audit of the objects that the pollers got."""

import json
import threading
import time
from collections.abc import Iterator
from multiprocessing import get_context
from typing import Any

from benchmarks.taxii.client import Client, percentiles
from benchmarks.taxii.hub import envelope

OBJECTS = "/feed/collections/room/objects/"
POLLERS, PUSHERS, ENVELOPE = 16, 2, 100
SECONDS = 8.0


def rows(port: int, token: str) -> Iterator[list[object]]:
    """Poll and push for some seconds; check two of the cursors object by object."""
    context = get_context("spawn")
    polled, pushed, done = context.SimpleQueue(), context.SimpleQueue(), context.Event()
    # Before either begins, however long their start takes.
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 1))
    pollers = context.Process(target=_poll_all, args=(port, token, now, done, polled))
    pushers = context.Process(target=_push_all, args=(port, token, pushed))
    pollers.start()
    pushers.start()
    sent: set[str] = set(pushed.get())
    done.set()
    polls, times, seen = polled.get()
    pollers.join()
    pushers.join()
    lost = [len(sent - set(ids)) for ids in seen]
    twice = [len(ids) - len(set(ids)) for ids in seen]
    median, p99 = times
    yield ["16 pollers and 2 pushers, polls/s", round(polls / SECONDS), "target", 5_000, ""]
    yield ["16 pollers and 2 pushers, median and p99 ms", f"{median:.2f}, {p99:.1f}", "target", "p99 20", ""]
    yield ["16 pollers and 2 pushers, objects/s in", round(len(sent) / SECONDS), "target", 4_500, ""]
    yield ["lost to, or twice in, the two audited cursors", f"{lost}, {twice}", "target", "none", ""]


def _poll_all(port: int, token: str, now: str, done: Any, answers: Any) -> None:
    """Keep each poller's cursor at the end of the log, and continue briefly to read the last objects."""
    cursors = [Client(port, token) for _ in range(POLLERS)]
    after = [now] * POLLERS
    times: list[float] = []
    seen: list[list[str]] = [[], []]
    end = time.monotonic() + SECONDS

    def follow(number: int) -> None:
        last_round = False
        while True:
            over = time.monotonic() > end
            if last_round or (over and number >= len(seen)):
                return
            last_round = over and done.is_set()
            began = time.perf_counter()
            head, body = cursors[number].get(f"{OBJECTS}?added_after={after[number]}")
            if not over:
                times.append(time.perf_counter() - began)
            _, found, rest = head.partition(b"Date-Added-Last: ")
            if found:
                after[number] = rest.partition(b"\r")[0].decode()
            if number < len(seen):
                seen[number] += [item["id"] for item in json.loads(bytes(body)).get("objects", ())]

    _together(follow, POLLERS)
    answers.put((len(times), percentiles(times), seen))


def _push_all(port: int, token: str, answers: Any) -> None:
    acknowledged: list[str] = []
    end = time.monotonic() + SECONDS

    def push(_: int) -> None:
        client = Client(port, token)
        ready = [envelope(ENVELOPE) for _ in range(30)]
        while time.monotonic() < end:
            body = ready.pop() if ready else envelope(ENVELOPE)
            status = json.loads(bytes(client.post(OBJECTS, body)))
            assert status["failure_count"] == 0
            acknowledged.extend(entry["id"] for entry in status["successes"])

    _together(push, PUSHERS)
    answers.put(acknowledged)


def _together(work: Any, count: int) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
