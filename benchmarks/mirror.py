"""A partner's own copy: the cost of a check in the calling process, and over loopback while a sync writes.

Nothing is fetched: the listings are made as a hub makes them, of account numbers and names that do not exist.
"""

import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import psutil

from benchmarks.taxii.client import Client, percentiles
from feeds.client.mirror.check import Mirror
from feeds.client.mirror.copies import CopyWriter
from feeds.client.mirror.entries import entry_of
from feeds.client.mirror.settings import CheckRules
from mappers import consensus, ids
from schemas.kind import NO_DETAILS
from schemas.partner import PartnerKind
from schemas.report import Consensus
from schemas.vocabulary import Action, Tlp

SECONDS = float(os.environ.get("BENCHMARK_SECONDS", "2"))
_ASKED = 20_000
_BATCH = 5_000
_AT = datetime(2026, 11, 1, tzinfo=UTC)
_HUB = ids.identity("hub")
_COPY = ("hub", "91a7b528-80eb-42ed-a74d-c6fbd5a26116", "mule-accounts", "Mule accounts")

Row = list[object]
Asked = list[tuple[str, str]]


def rows(sizes: tuple[int, ...] = (10_000, 100_000)) -> Iterator[Row]:
    """Measure copies of these sizes."""
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            file = Path(name) / "mirror.db"
            spent = _fill(file, size)
            yield [f"mirror: filled with {size:,}, µs of CPU each", f"{spent / size * 1e6:.0f}", "", "", ""]
            yield [f"mirror: file of {size:,}, bytes each", file.stat().st_size // size, "", "", ""]
            yield from _in_process(file, size)
            yield from _over_loopback(file, size)


def value(number: int) -> tuple[str, str]:
    """Return kind and value for a number: accounts by IBAN, accounts by bank and number, and domains."""
    digest = blake2b(f"mirror-{number}".encode(), digest_size=16)
    drawn = int.from_bytes(digest.digest()[:8])
    if number % 4 < 2:
        rest = f"37040044{drawn % 10**10:010}"
        return "bank-account", f"DE{98 - int(rest + '131400') % 97:02}{rest}"
    if number % 4 == 2:
        return "bank-account", f"TH:KASITHBK:{drawn % 10**10:010}"
    return "domain", f"{digest.hexdigest()[:14]}.example.com"


def listing(number: int, version: int = 0) -> dict[str, Any]:
    """Return a hub's listing of value ``number``."""
    kind, text = value(number)
    concluded = Consensus(
        kind=kind,
        value=text,
        details=NO_DETAILS,
        first_seen=None,
        last_seen=None,
        valid_from=_AT,
        valid_until=_AT + timedelta(days=90, seconds=number % 86_400),
        confidence=50 + number % 9 * 5,
        grade=(Action.BLOCK, Action.WARN, Action.MONITOR)[number % 3],
        disputed=number % 50 == 0,
        reporters=2 + number % 4,
        reporter_kinds=(PartnerKind.BANK, PartnerKind.GOVERNMENT),
        scam_type="investment",
        countries=("TH",),
    )
    pattern = consensus.pattern_by_name(concluded)
    moment = (_AT + timedelta(milliseconds=number + version)).isoformat(timespec="milliseconds")[:-6] + "Z"
    id_ = ids.indicator(_HUB, pattern)
    return consensus.to_stix(concluded, id_, _HUB, created=moment, modified=moment, tlp=Tlp.AMBER)


def _fill(file: Path, size: int) -> float:
    """Fill a copy like a first pull, from objects already parsed; return the CPU time."""
    writer = CopyWriter(file)
    writer.keep_rules(CheckRules(wanted={"hub": ["mule-accounts"]}))
    copy = writer.begin(*_COPY)
    spent = 0.0
    for start in range(0, size, _BATCH):
        objects = [listing(number) for number in range(start, min(start + _BATCH, size))]
        began = time.process_time()
        entries = [entry for obj in objects if (entry := entry_of(obj)) is not None]
        writer.add(copy, entries, {"added_after": str(start)})
        spent += time.process_time() - began
    began = time.process_time()
    writer.publish([writer.get(copy.number)])
    writer.settle(copy, as_of=int(time.time() * 1000), digest="equal")
    spent += time.process_time() - began
    writer.close()
    return spent


def _in_process(file: Path, size: int) -> Iterator[Row]:
    before = psutil.Process().memory_info().rss
    with Mirror(file) as mirror:
        for what, shift in (("listed", 0), ("unknown", size)):
            asked = [value(number * 7919 % size + shift) for number in range(min(_ASKED, size))]
            for form, question in (("kind named", True), ("value alone", False)):
                rounds = []
                for start in range(0, len(asked), len(asked) // 5):
                    some = asked[start : start + len(asked) // 5]
                    began = time.process_time()
                    for kind, text in some:
                        mirror.check(text, kind if question else None)
                    rounds.append((time.process_time() - began) / len(some))
                found = f"{statistics.median(rounds) * 1e6:.1f}"
                yield [f"check of {size:,}, {what}, {form}, µs of CPU", found, "target, at most", "20", ""]
    grown = (psutil.Process().memory_info().rss - before) >> 20
    yield [f"memory of a process that checked {4 * min(_ASKED, size):,} of {size:,}, MiB", grown, "", "", ""]


def _over_loopback(file: Path, size: int) -> Iterator[Row]:
    with _served(file) as port:
        for what, syncing in (("no sync", False), ("a sync writing continuously", True)):
            stop = multiprocessing.Event()
            writer = multiprocessing.Process(target=_sync, args=(str(file), size, stop), daemon=True)
            if syncing:
                writer.start()
            half, most = percentiles(_asked(port, size, SECONDS * 2))
            stop.set()
            if syncing:
                writer.join(60)
            shown = f"{half:.3f} / {most:.3f}"
            yield [
                f"POST /check of {size:,}, {what}: p50 / p99, ms",
                shown,
                "p99 asked for",
                "1",
                f"{1 / most:.1f}x",
            ]


def _asked(port: int, size: int, seconds: float) -> list[float]:
    client = Client(port)
    took = []
    until = time.perf_counter() + seconds
    number = 0
    while (began := time.perf_counter()) < until:
        number += 1
        kind, text = value(number * 7919 % (2 * size))
        body = json.dumps({"values": [{"value": text, "kind": kind}]}).encode()
        began = time.perf_counter()
        client.post("/check", body)
        took.append(time.perf_counter() - began)
    return took


@contextmanager
def _served(file: Path) -> Iterator[int]:
    config = file.with_name("mirror.toml")
    config.write_text('[[hub]]\nname = "hub"\nurl = "http://127.0.0.1:9/feed/"\ncollections = ["mule-accounts"]\n')
    command = [sys.executable, "-m", "server.cli", "--config", str(config), "mirror", "serve", "--no-sync"]
    server = subprocess.Popen([*command, "--port", "0"], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield int(server.stdout.readline().rpartition(":")[2].partition("/")[0])
    finally:
        server.terminate()
        server.wait(30)
        server.stdout.close()


def _sync(file: str, size: int, stop: Event) -> None:
    """Write new versions of the listings as fast as possible, like a sync."""
    os.nice(10)
    writer = CopyWriter(Path(file))
    (copy,) = writer.copies()
    version = 0
    while not stop.is_set():
        version += 1
        for start in range(0, size, 1_000):
            if stop.is_set():
                break
            objects = [listing(number, version) for number in range(start, min(start + 1_000, size))]
            writer.add(copy, [entry for obj in objects if (entry := entry_of(obj)) is not None], {})
            writer.publish([copy])
    writer.close()
