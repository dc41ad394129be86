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
SINGLES = 40
BATCH = 100
BATCHES = 10
MILLISECONDS = 5.0


def rows() -> Iterator[list[object]]:
    """Give the table's rows: values a second of eight partners beside those of one, by a line of 5 ms each way."""
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
            for words, each, times in (("singly", 1, SINGLES), (f"{BATCH} a batch", BATCH, BATCHES)):
                alone = _rate(ports, partners[:1], each, times, numbers)
                together = _rate(ports, partners, each, times, numbers)
                what = f"database {MILLISECONDS:.0f} ms away, two nodes, eight partners, {words}: values/s"
                yield [
                    what,
                    round(together),
                    f"one partner; load {load():.0f}",
                    round(alone),
                    f"{together / alone:.1f}x",
                ]
    finally:
        server.remove()


def _rate(
    ports: Sequence[int], partners: Sequence[Contributor], each: int, times: int, numbers: Iterator[int]
) -> float:
    """Give the values a second of these partners together, each on a connection of its own."""
    ready = threading.Barrier(len(partners) + 1)
    threads = []
    for place, partner in enumerate(partners):
        bodies = [
            indicators.bodies(partner.identity, "far", [next(numbers) for _ in range(each)]) for _ in range(times + 2)
        ]
        client = partner.client(ports[place % len(ports)])
        for _ in range(2):
            client.post(INBOX, bodies.pop())

        def post(client: object = client, bodies: list[bytes] = bodies) -> None:
            ready.wait()
            for body in bodies:
                answer = bytes(client.post(INBOX, body)[:400])  # type: ignore[attr-defined]
                assert b'"failure_count":0' in answer, answer

        threads.append(threading.Thread(target=post))
    for thread in threads:
        thread.start()
    ready.wait()
    start = time.perf_counter()
    for thread in threads:
        thread.join()
    return len(partners) * each * times / (time.perf_counter() - start)
