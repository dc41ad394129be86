"""The figures, each as a ratio to a reference measured in the same run."""

import json
import os
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter

from isal import igzip

from benchmarks.running import cpu
from benchmarks.taxii import ingest, mixed
from benchmarks.taxii.client import Client, Load, load
from benchmarks.taxii.hub import fill, nginx, serving

OBJECTS = "/feed/collections/room/objects/"
NOTHING_NEW = OBJECTS + "?added_after=2099-01-01T00:00:00Z"
# More than the server's cache of responses holds.
NO_TWO_ALIKE = [f"{OBJECTS}?added_after=2099-01-01T00:00:00.{number:06}Z" for number in range(3_000)]
SECONDS = float(os.environ.get("BENCHMARK_SECONDS", "2"))
ROUNDS = 3

Row = list[object]


def rows(sizes: tuple[int, ...] = (10_000, 100_000)) -> Iterator[Row]:
    """Measure everything at the largest of ``sizes``, and the growth since the smallest."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        urls = {size: f"sqlite:///{folder / f'hub-{size}.db'}" for size in sizes}
        filled = {size: (url, fill(url, size)) for size, url in urls.items()}
        yield from _growth(filled)
        size = max(sizes)
        url, token = filled[size]
        with serving(url) as (port, _):
            pages = {limit: _save(Client(port, token), folder, limit) for limit in (10_000, 1_000)}
        with serving(url) as (port, pid):
            (folder / "nothing.json").write_bytes(b"{}")
            with nginx(folder) as static:
                if static is None:
                    yield ["nginx is not on the PATH", "", "without the ratios to it", "", ""]
                for limit, count in pages.items():
                    yield from _bootstrap(port, token, static, size, limit, count)
                yield from polls(port, pid, token, static)
                yield from _lookups(port, pid, token, static)
            yield from mixed.rows(port, token)
        yield from ingest.rows(folder, url, token, size)


def _growth(filled: dict[int, tuple[str, str]]) -> Iterator[Row]:
    """Compare two servers in alternating turns, by the least noisy turn of each."""
    small, large = min(filled), max(filled)
    with serving(filled[small][0]) as (port, _), serving(filled[large][0]) as (other, _):
        places = {small: (port, filled[small][1]), large: (other, filled[large][1])}
        paths = {size: (NOTHING_NEW, f"{OBJECTS}{some_id(Client(*place))}/") for size, place in places.items()}
        for at, what in enumerate(("poll, nothing new", "object by id")):
            turns: dict[int, list[Load]] = {small: [], large: []}
            for _ in range(ROUNDS):
                for size, (where, token) in places.items():
                    turns[size].append(load(where, paths[size][at], token, 1, SECONDS))
            before, after = (min(turns[size], key=lambda one: one.median) for size in (small, large))
            for kind, old, new in (("median", before.median, after.median), ("p99", before.p99, after.p99)):
                label = f"{what}, {kind} ms at {large:,}"
                yield [label, f"{new:.3f}", f"at {small:,}", f"{old:.3f}", f"{new / old:.2f}x"]


def _bootstrap(port: int, token: str, static: int | None, size: int, limit: int, count: int) -> Iterator[Row]:
    def ours(encoding: str) -> float:
        client = Client(port, token)
        start, path = perf_counter(), f"{OBJECTS}?limit={limit}"
        for _ in range(count):
            _, body = client.get(path, encoding)
            token_of = _next(bytes(body[:1024]), encoding)
            path = f"{OBJECTS}?limit={limit}&next={token_of}"
        return size / (perf_counter() - start)

    def theirs(encoding: str) -> float:
        assert static is not None
        client = Client(static)
        start = perf_counter()
        for page in range(count):
            client.get(f"/{limit}-{page}.json", encoding)
        return size / (perf_counter() - start)

    for encoding, beside in (("identity", "nginx"), ("gzip", "nginx gzip_static")):
        # Each worker fills its own cache; after some rounds both are filled.
        turns = [ours(encoding) for _ in range(ROUNDS * 3)]
        made, mine = min(turns[:2]), median(turns[-ROUNDS:])
        other = median([theirs(encoding) for _ in range(ROUNDS)]) if static else 0.0
        what = f"all of {size:,}, pages of {limit:,}, {encoding}, objects/s"
        yield _row(what + ", ready", mine, beside, other)
        yield _row(what + ", made", made, beside, other)


def polls(port: int, pid: int, token: str, static: int | None) -> Iterator[Row]:
    for connections in (1, 32):
        other = load(static, "/nothing.json", token, connections, SECONDS).rate if static else 0.0
        for what, path in (("nothing new", NOTHING_NEW), ("nothing new, no two alike", NO_TWO_ALIKE)):
            before = cpu(pid)
            mine = load(port, path, token, connections, SECONDS)
            used = (cpu(pid) - before) / (mine.rate * SECONDS) * 1000
            yield _row(f"poll, {what}, {connections} connections, polls/s", mine.rate, "nginx", other)
            yield [f"poll, {what}, {connections} connections, CPU ms", f"{used:.3f}", "target", "0.100", ""]


def _lookups(port: int, pid: int, token: str, static: int | None) -> Iterator[Row]:
    one = some_id(Client(port, token))
    other = load(static, "/nothing.json", token, 8, SECONDS).rate if static else 0.0
    for what, path in (("object by id", f"{OBJECTS}{one}/"), ("match by id", f"{OBJECTS}?match[id]={one}")):
        yield _row(f"{what}, 8 connections, answers/s", load(port, path, token, 8, SECONDS).rate, "nginx", other)
    client = Client(port, token)
    before = cpu(pid)
    for _ in range(100):
        client.get("/feed/collections/room/manifest/?limit=1000")
    yield ["manifest of 1,000, CPU ms", f"{(cpu(pid) - before) * 10:.2f}", "target", "2.00", ""]


def _save(client: Client, folder: Path, limit: int) -> int:
    """Write the pages as files, also compressed, and return their number."""
    path, count = f"{OBJECTS}?limit={limit}", 0
    while True:
        _, view = client.get(path)
        body = bytes(view)
        (folder / f"{limit}-{count}.json").write_bytes(body)
        (folder / f"{limit}-{count}.json.gz").write_bytes(igzip.compress(body, 1))
        count += 1
        token = json.loads(body).get("next")
        if token is None:
            return count
        path = f"{OBJECTS}?limit={limit}&next={token}"


def _next(start: bytes, encoding: str) -> str:
    text = zlib.decompressobj(31).decompress(start, 600) if encoding == "gzip" else start
    return text.partition(b'"next":"')[2].partition(b'"')[0].decode()


def some_id(client: Client) -> str:
    _, body = client.get(OBJECTS + "?limit=1")
    return str(json.loads(bytes(body))["objects"][0]["id"])


def _row(what: str, mine: float, beside: str, other: float) -> Row:
    ratio = f"{mine / other:.2f}x" if other else ""
    return [what, round(mine), beside if other else "", round(other) if other else "", ratio]
