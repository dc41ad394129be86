"""Look-ups over HTTP: compared with nginx serving the same bytes, by size, and for hidden and unknown values."""

import json
import os
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.running import cpu, serving
from benchmarks.taxii.client import Client, Load, percentiles, send_all
from benchmarks.taxii.hub import nginx
from mappers import extension
from mappers.indicator import to_stix
from schemas import kinds
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.setup import set_up
from server.store import Store, collections, log, partners
from server.store.item import Item

SECONDS = float(os.environ.get("BENCHMARK_SECONDS", "2"))
_ROUNDS = 5
_STEP = 2_000
# More than any process caches.
_ASKED = 2_000
# Without a quota, as fast as the machine can.
_SETTINGS = {"SCAMFEED_LOOKUP_VALUES": "0"}

# The hub's answer about a value reported by two partners.
_CONSENSUS = {"grade": "block", "reporters": 2, "reporter_kinds": ["bank", "telecom"]}

Row = list[object]


def rows(sizes: tuple[int, ...] = (10_000, 100_000)) -> Iterator[Row]:
    """Measure at the largest of ``sizes``, and the growth since the smallest."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        urls = {size: f"sqlite:///{folder / f'hub-{size}.db'}" for size in {min(sizes), max(sizes)}}
        tokens = {size: fill(url, size) for size, url in urls.items()}
        size = max(sizes)
        with serving(urls[size], "--workers", "2", "--no-scheduler", settings=_SETTINGS) as (port, pid):
            reader, stranger = tokens[size]
            with nginx(folder) as static:
                yield from _singles(port, pid, reader, size, folder, static)
            yield from _batches(port, pid, reader, size)
            yield from _hidden(port, stranger, size)
        if len(urls) > 1:
            yield from _growth(urls, tokens)


def fill(url: str, size: int, aliases: Sequence[str] = ("takedown", "takedown-full")) -> tuple[str, str]:
    """List ``size`` domains in the store at ``url``, in a collection and its full variant.

    Returns the token of a partner that reads them, and the token of one that does not.
    """
    store = Store.open(url)
    set_up(store)
    tokens = []
    with store.begin() as tx:
        for partner in ("reader", "stranger"):
            made = Partner(name=partner, kind=PartnerKind.BANK, identity=f"identity--{uuid.uuid4()}", vouched=True)
            tokens.append(partners.add(tx, made).token)
        variants = [collections.get(tx, alias) for alias in aliases]
        collections.grant(tx, "reader", variants[0], read=True)
        collections.grant(tx, "stranger", collections.get(tx, "wallets"), read=True)
    reports = ReportReader({"reporter": "bench", "kind": "domain", "tlp": "green", "confidence": "80"})
    for start in range(0, size, _STEP):
        items = []
        for number in range(start, min(size, start + _STEP)):
            report = reports.report({"value": value(number), "reported_at": "2026-11-01T00:00:00Z"})
            around, indicator, relation = to_stix(report)
            hubs = {**indicator["extensions"][extension.ID], **_CONSENSUS}
            indicator = {**indicator, "extensions": {**indicator["extensions"], extension.ID: hubs}}
            subject = kinds.name_of("domain", report.value)
            basis = Item.of(around), Item.of(relation)
            items.append(Item.of(indicator)._replace(subject=subject, basis=basis))
        with store.begin() as tx:
            log.append_all(tx, [(variant, items) for variant in variants])
    store.close()
    return tokens[0], tokens[1]


def value(number: int) -> str:
    return f"shop-{number}.example.com"


def request(token: str, values: Sequence[str]) -> bytes:
    """Return a look-up as an HTTP request."""
    body = json.dumps({"values": [{"value": value, "kind": "domain"} for value in values]}).encode()
    return (
        f"POST /api/lookup HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def _spread(size: int) -> list[str]:
    """Return values from all parts of the store."""
    return [value(number * 7_919 % size) for number in range(_ASKED)]


def _unknown() -> list[str]:
    return [f"nobody-{number}.example.com" for number in range(_ASKED)]


def _singles(port: int, pid: int, token: str, size: int, folder: Path, static: int | None) -> Iterator[Row]:
    kinds_of_values = {"listed": _spread(size), "not listed": _unknown()}
    for what, values in kinds_of_values.items():
        file = what.replace(" ", "-") + ".json"
        (folder / file).write_bytes(_answer(port, token, values[0]))
        asked = [request(token, [asked_value]) for asked_value in values]
        fetch = f"GET /{file} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        for connections in (1, 32):
            send_all(port, asked, connections, 0.3)
            other = send_all(static, [fetch], connections, SECONDS).rate if static else 0.0
            before = cpu(pid)
            mine = send_all(port, asked, connections, SECONDS)
            used = (cpu(pid) - before) / (mine.rate * SECONDS) * 1000
            named = f"look-up of one value, {what}, {connections} connections"
            ratio = f"{mine.rate / other:.2f}x" if other else ""
            yield [f"{named}, answers/s", round(mine.rate), "nginx, the same bytes", round(other), ratio]
            yield [f"{named}, CPU ms", f"{used:.3f}", "target", "0.150", ""]


def _answer(port: int, token: str, asked_value: str) -> bytes:
    client = Client(port, token)
    return bytes(client.post("/api/lookup", json.dumps({"values": [{"value": asked_value}]}).encode()))


def _batches(port: int, pid: int, token: str, size: int) -> Iterator[Row]:
    listed, unknown = _spread(size), _unknown()
    for what, values in (("listed", listed), ("not listed", unknown)):
        client = Client(port, token)
        body = json.dumps({"values": [{"value": asked, "kind": "domain"} for asked in values[:1_000]]}).encode()
        times = []
        before = cpu(pid)
        for _ in range(20):
            start = perf_counter()
            client.post("/api/lookup", body)
            times.append(perf_counter() - start)
        used = (cpu(pid) - before) / len(times) * 1000
        yield [f"look-up of 1,000 values, {what}, ms", f"{percentiles(times)[0]:.1f}", "target", "15", ""]
        yield [f"look-up of 1,000 values, {what}, CPU ms", f"{used:.1f}", "", "", ""]


def _hidden(port: int, token: str, size: int) -> Iterator[Row]:
    """Look up hidden and unknown values in turn, like somebody who tries to distinguish them."""
    client = Client(port, token)
    pairs = zip(_spread(size), _unknown(), strict=True)
    times: dict[bool, list[float]] = {True: [], False: []}
    for place, (hidden, unknown) in enumerate(pairs):
        for is_hidden in (True, False) if place % 2 else (False, True):
            body = json.dumps({"values": [{"value": hidden if is_hidden else unknown, "kind": "domain"}]}).encode()
            start = perf_counter()
            client.post("/api/lookup", body)
            times[is_hidden].append(perf_counter() - start)
    hidden_median, unknown_median = (median(times[is_hidden]) * 1_000_000 for is_hidden in (True, False))
    ratio = f"{hidden_median / unknown_median:.2f}x"
    yield ["a hidden value, median us", f"{hidden_median:.1f}", "an unknown one", f"{unknown_median:.1f}", ratio]


def _growth(urls: dict[int, str], tokens: dict[int, tuple[str, str]]) -> Iterator[Row]:
    """Compare two servers in alternating turns, by the least noisy turn of each."""
    small, large = min(urls), max(urls)
    options = ("--workers", "2", "--no-scheduler")
    with (
        serving(urls[small], *options, settings=_SETTINGS) as (port, _),
        serving(urls[large], *options, settings=_SETTINGS) as (other, _),
    ):
        turns: dict[int, list[Load]] = {small: [], large: []}
        for size, where in chain.from_iterable([[(small, port), (large, other)]] * _ROUNDS):
            asked = [request(tokens[size][0], [listed]) for listed in _spread(size)]
            turns[size].append(send_all(where, asked, 1, SECONDS))
    before, after = (min(turns[size], key=lambda turn: turn.p99) for size in (small, large))
    for kind, old, new in (("median", before.median, after.median), ("p99", before.p99, after.p99)):
        label = f"look-up of one value, {kind} ms at {large:,}"
        yield [label, f"{new:.3f}", f"at {small:,}", f"{old:.3f}", f"{new / old:.2f}x"]
