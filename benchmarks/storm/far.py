"""Two nodes whose database is some milliseconds away: what one partner reaches, and what eight do."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import count

from benchmarks.release import indicators
from benchmarks.release.databases import load
from benchmarks.release.hub import INBOX, Contributor, furnish, serving
from benchmarks.storm.proxy import line
from tests.postgres import Postgres

PARTNERS = 8
BATCH = 100
SECONDS = 10.0
MILLISECONDS = 5.0


def rows() -> Iterator[list[object]]:
    """Yield the table's rows: values a second of eight partners beside those of one, by a line of 5 ms each way."""
    server = Postgres(durable=True)
    server.start()
    try:
        name = server.database()
        partners = furnish(server.url(name), [f"Bank {number}" for number in range(PARTNERS)])
        with ExitStack() as stack:
            port = stack.enter_context(line(f"{server.folder}/.s.PGSQL.5432", MILLISECONDS))
            url = f"postgresql+psycopg://scamfeed@127.0.0.1:{port}/{name}"
            ports = [stack.enter_context(serving(url))[0] for _ in range(2)]
            numbers = count()
            for words, each in (("singly", 1), (f"{BATCH} a batch", BATCH)):
                alone = _rate(ports, partners[:1], each, numbers)
                together = _rate(ports, partners, each, numbers)
                what = f"database {MILLISECONDS:.0f} ms away, two nodes, eight partners, {words}: values/s"
                yield [
                    what,
                    f"{together:.1f}",
                    f"one partner; load {load():.0f}",
                    f"{alone:.1f}",
                    f"{together / alone:.1f}x",
                ]
    finally:
        server.remove()


def _rate(ports: Sequence[int], partners: Sequence[Contributor], each: int, numbers: Iterator[int]) -> float:
    """Return the values a second of these partners together, each on a connection of its own."""
    ready, rates = threading.Barrier(len(partners)), list[float]()

    def post(port: int, partner: Contributor) -> None:
        client = partner.client(port)

        def once() -> None:
            body = indicators.bodies(partner.identity, "far", [next(numbers) for _ in range(each)])
            answer = bytes(client.post(INBOX, body)[:400])
            assert b'"failure_count":0' in answer, answer

        for _ in range(2):
            once()
        ready.wait()
        start, times = time.perf_counter(), 0
        while time.perf_counter() - start < SECONDS:
            once()
            times += 1
        rates.append(times * each / (time.perf_counter() - start))

    threads = [
        threading.Thread(target=post, args=(ports[place % len(ports)], partner))
        for place, partner in enumerate(partners)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rates) == len(partners)
    return sum(rates)
