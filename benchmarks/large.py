"""Large work, and how long others wait: many revocations, a policy change for all values, a partner that leaves."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import count

from benchmarks.release import indicators, usage
from benchmarks.release.databases import KINDS, Database
from benchmarks.release.hub import INBOX, Contributor, furnish, serving
from benchmarks.taxii.client import Client, percentiles
from server.store import Store, collections, log, read_progress

REVOKED = 20_000
_BATCH = 1_000
_ALONE = 200
Row = list[object]


def rows(values: Sequence[int] = (20_000,), databases: Sequence[str] = tuple(KINDS)) -> Iterator[Row]:
    """Yield the table's rows, for hubs with these numbers of values, of which up to 20,000 are revoked."""
    for name in databases:
        for size in values:
            with KINDS[name]() as database:
                leaver, other, reader = furnish(database.url, ["Leaver", "Other", "Reader"])
                with serving(database.url) as (port, server):
                    yield from _Hub(database, port, server, leaver, other).measure(size, reader)


class _Hub:
    """A running hub with two contributors."""

    def __init__(self, database: Database, port: int, server: int, leaver: Contributor, other: Contributor) -> None:
        self._database = database
        self._server = server
        self._leaver, self._other = leaver, other
        self._port, self._client = port, leaver.client(port)
        self._numbers = count()

    def measure(self, size: int, reader: Contributor) -> Iterator[Row]:
        """Fill the hub, and do all the large work on it, one task after the other."""
        reports = [indicators.indicator(self._leaver.identity, "large", number) for number in range(size)]
        for start in range(0, size, _BATCH):
            self._post(self._client, reports[start : start + _BATCH])
        read_everything(self._database.url, reader.name)
        about = f"{self._database.name}, {size:,} values"
        revoked = min(REVOKED, size // 2)
        used, start = usage.cpu(self._server), time.perf_counter()
        self._post(self._client, [_revoked(report) for report in reports[:revoked]])
        seconds, cpu = time.perf_counter() - start, usage.cpu(self._server) - used
        yield [
            f"{about}: {revoked:,} revocations in one POST, seconds",
            f"{seconds:.1f}",
            "server CPU, µs each",
            round(cpu / revoked * 1e6),
            "",
        ]
        alone = self._singles(None)
        yield [f"{about}: single posts alone, p50 and p99 in ms", _ms(alone), "", "", ""]
        for what, command in (
            ("policy apply, nothing to change", ("policy", "apply")),
            (
                "a partner leaves with its reports",
                ("partner", "remove", "Leaver", "--retract-reports", "--reason", "left"),
            ),
        ):
            yield from self._while(f"{about}: {what}", command, alone)

    def _while(self, what: str, command: Sequence[str], alone: Sequence[float]) -> Iterator[Row]:
        env = {**os.environ, "SCAMFEED_DATABASE_URL": self._database.url}
        before, start = os.times(), time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-m", "server.cli", *command, "--json"], env=env, stdout=subprocess.PIPE
        ) as process:
            during = self._singles(process)
            said = json.loads((process.stdout or sys.stdin.buffer).read())
        seconds, after = time.perf_counter() - start, os.times()
        done = said.get("values") or said["reports_retracted"]
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        yield [f"{what}, a second", round(done / seconds), "its CPU, µs each", round(cpu / done * 1e6), ""]
        ratio = percentiles(during)[1] / percentiles(alone)[1]
        yield [
            f"{what}: concurrent single posts of others, p50 and p99 in ms",
            _ms(during),
            "alone",
            _ms(alone),
            f"{ratio:.1f}x",
        ]

    def _singles(self, process: "subprocess.Popen[bytes] | None") -> list[float]:
        """Post single reports, a fixed number or until a process has ended; return how long each took."""
        times, client = list[float](), self._other.client(self._port)
        while process.poll() is None if process is not None else len(times) < _ALONE:
            start = time.perf_counter()
            self._post(client, [indicators.indicator(self._other.identity, "single", next(self._numbers))])
            times.append(time.perf_counter() - start)
        return times

    def _post(self, client: Client, objects: list[dict[str, object]]) -> None:
        said = json.loads(bytes(client.post(INBOX, json.dumps({"objects": objects}).encode())))
        assert said["status"] == "complete", said["status"]
        assert not said["failure_count"], said["failures"][:1]


def read_everything(url: str, reader: str) -> None:
    """Let a partner read everything, so that each revocation creates receipts."""
    store = Store.open(url)
    with store.begin() as tx:
        for collection in collections.all_collections(tx):
            if collection.kind == "released":
                collections.grant(tx, reader, collection, read=True)
                read_progress.record_reads(tx, [(reader, collection.id, log.last_added(tx, collection) or 0)])
    store.close()


def _revoked(report: dict[str, object]) -> dict[str, object]:
    return {**report, "modified": time.strftime("%Y-%m-%dT%H:%M:%S.999Z", time.gmtime()), "revoked": True}


def _ms(times: Sequence[float]) -> str:
    return " / ".join(f"{milliseconds:.1f}" for milliseconds in percentiles(times))
