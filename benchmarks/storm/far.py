"""Two nodes whose database is some milliseconds away: singly and in batches, of 1, 8 and 32 partners."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import count
from typing import NamedTuple

from benchmarks.release import indicators
from benchmarks.release.databases import load
from benchmarks.release.hub import INBOX, Contributor, furnish, serving
from benchmarks.storm.proxy import line
from benchmarks.taxii.client import percentiles
from tests.postgres import Postgres

# The numbers of partners, and the values per second that they must reach singly.
PARTNERS = {1: 5, 8: 80, 32: 300}
BATCH = 100
SECONDS = 10.0
# Of the way there and back, and of each way.
DISTANCES = (5.0, 10.0)


class _Rate(NamedTuple):
    """Values per second, and the milliseconds of a POST."""

    values: float
    median: float
    p99: float


def rows() -> Iterator[list[object]]:
    """Yield the table's rows: values per second at each distance, by the number of partners."""
    server = Postgres(durable=True)
    server.start()
    try:
        name = server.database()
        partners = furnish(server.url(name), [f"Bank {number}" for number in range(max(PARTNERS))])
        numbers = count()
        for there_and_back in DISTANCES:
            with ExitStack() as stack:
                port = stack.enter_context(line(f"{server.folder}/.s.PGSQL.5432", there_and_back / 2))
                url = f"postgresql+psycopg://scamfeed@127.0.0.1:{port}/{name}"
                ports = [stack.enter_context(serving(url))[0] for _ in range(2)]
                for words, each in (("singly", 1), (f"{BATCH} a batch", BATCH)):
                    for number, target in PARTNERS.items():
                        found = _rate(ports, partners[:number], each, numbers)
                        where = f"database {there_and_back:.0f} ms there and back, two nodes"
                        yield [
                            f"{where}, {number} partners, {words}: values/s",
                            f"{found.values:.1f}",
                            f"p50 {found.median:.0f} ms, p99 {found.p99:.0f} ms; load {load():.0f}; target",
                            target if each == 1 else "",
                            f"{found.values / target:.2f}x" if each == 1 else "",
                        ]
    finally:
        server.remove()


def _rate(ports: Sequence[int], partners: Sequence[Contributor], each: int, numbers: Iterator[int]) -> _Rate:
    """Return the rate of these partners together, each on its own connection, one POST after the other."""
    ready, times = threading.Barrier(len(partners)), list[list[float]]()
    seconds: list[float] = []

    def post(port: int, partner: Contributor) -> None:
        client, mine = partner.client(port), list[float]()

        def once() -> None:
            body = indicators.bodies(partner.identity, "far", [next(numbers) for _ in range(each)])
            began = time.perf_counter()
            answer = bytes(client.post(INBOX, body)[:400])
            mine.append(time.perf_counter() - began)
            assert b'"failure_count":0' in answer, answer

        for _ in range(2):
            once()
        mine.clear()
        ready.wait()
        start = time.perf_counter()
        while time.perf_counter() - start < SECONDS:
            once()
        seconds.append(time.perf_counter() - start)
        times.append(mine)

    threads = [
        threading.Thread(target=post, args=(ports[place % len(ports)], partner))
        for place, partner in enumerate(partners)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(times) == len(partners)
    values = sum(len(mine) * each / took for mine, took in zip(times, seconds, strict=True))
    return _Rate(values, *percentiles([took for mine in times for took in mine]))
