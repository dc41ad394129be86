"""The same server on its own PostgreSQL with ``fsync``, compared with COPY, the fastest way in and out."""

from collections.abc import Iterator
from statistics import median
from time import perf_counter
from typing import Any

import psycopg

from benchmarks.taxii import mixed
from benchmarks.taxii.client import Client, load
from benchmarks.taxii.hub import envelope, fill, made, serving
from benchmarks.taxii.rows import NO_TWO_ALIKE, OBJECTS, SECONDS, Row, some_id
from server.store.objects import object_ids
from tests.postgres import Postgres

ENVELOPES = {1: 60, 100: 30, 1000: 6, 5000: 3}
LIMIT = 10_000
_COPY_OUT = b"COPY (SELECT body FROM objects ORDER BY collection, date_added LIMIT 10000) TO STDOUT (FORMAT BINARY)"
_COPY_IN = (
    b"COPY raw (date_added, id_high, id_low, version, collection, space, type, observable_type, spec_version, parts,"
    b" latest, legacy, revoked, body) FROM STDIN (FORMAT BINARY)"
)
# Size of an indicator in an exchange.
_REST = (1, 0, object_ids.type_number("indicator"), 0, 21, 1, 1, 0, False, b"x" * 850)
ROUNDS = 3


def rows(size: int = 100_000) -> Iterator[Row]:
    """Measure polls, look-ups, pages and POST at ``size`` objects, then all of it at once."""
    server = Postgres(durable=True)
    server.start()
    try:
        name = server.database()
        url = server.url(name)
        token = fill(url, size)
        with (
            serving(url) as (port, _),
            psycopg.connect(f"host={server.folder} user=scamfeed dbname={name}", autocommit=True) as beside,
        ):
            for connections in (1, 32):
                mine = load(port, NO_TWO_ALIKE, token, connections, SECONDS)
                yield [
                    f"PostgreSQL: poll, nothing new, {connections} connections, polls/s",
                    round(mine.rate),
                    "",
                    "",
                    "",
                ]
            by_id = load(port, f"{OBJECTS}{some_id(Client(port, token))}/", token, 8, SECONDS)
            yield ["PostgreSQL: object by id, 8 connections, answers/s", round(by_id.rate), "", "", ""]
            yield _page(Client(port, token), beside)
            yield from _posts(Client(port, token), beside, size)
            for label, *figures in mixed.rows(port, token):
                yield [f"PostgreSQL: {label}", *figures]
    finally:
        server.remove()


def _page(client: Client, beside: psycopg.Connection[Any]) -> Row:
    """Compare an uncached page with COPY of the same bodies."""
    ours, theirs = [], []
    for _ in range(ROUNDS * 2):
        start = perf_counter()
        # Requests by version are not cached.
        client.get(f"{OBJECTS}?limit={LIMIT}&match[version]=first,last")
        ours.append(LIMIT / (perf_counter() - start))
        start = perf_counter()
        with beside.cursor().copy(_COPY_OUT) as copy:
            assert sum(1 for _ in copy) >= LIMIT
        theirs.append(LIMIT / (perf_counter() - start))
    return _row(f"PostgreSQL: a page of {LIMIT:,}, made, objects/s", median(ours), "COPY TO", median(theirs))


def _posts(client: Client, beside: psycopg.Connection[Any], size: int) -> Iterator[Row]:
    beside.execute("CREATE TABLE raw (LIKE objects INCLUDING INDEXES)")
    beside.execute("INSERT INTO raw SELECT * FROM objects")
    for count, times in ENVELOPES.items():
        ours, theirs = [], []
        for _ in range(ROUNDS):
            bodies = [envelope(count) for _ in range(times)]
            start = perf_counter()
            for body in bodies:
                client.post(OBJECTS, body)
            ours.append(count * times / (perf_counter() - start))
            theirs.append(_copy(beside, count, times))
        what = f"PostgreSQL: POST of {count:,} at {size:,}, objects/s"
        yield _row(what, median(ours), "COPY, the same indexes", median(theirs))


def _copy(beside: psycopg.Connection[Any], count: int, times: int) -> float:
    [last] = beside.execute("SELECT max(date_added) FROM raw").fetchone() or [0]
    batches = [
        [
            (last + batch * count + number, *object_ids.pack(str(one["id"]), "indicator")[1:3], 0, *_REST)
            for number, one in enumerate(map(made, range(count)), 1)
        ]
        for batch in range(times)
    ]
    types = ["int8", "int8", "int8", "int8", "int4", "int4", *["int2"] * 6, "bool", "bytea"]
    start = perf_counter()
    for batch in batches:
        with beside.transaction(), beside.cursor().copy(_COPY_IN) as copy:
            copy.set_types(types)
            for row in batch:
                copy.write_row(row)
    return count * times / (perf_counter() - start)


def _row(what: str, mine: float, beside: str, other: float) -> Row:
    return [what, round(mine), beside, round(other), f"{mine / other:.2f}x"]
