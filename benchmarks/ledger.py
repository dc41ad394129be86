"""The cost of the ledger: posting reports with sealing on and off, sealing alone, space, proofs and checks."""

import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks import running
from benchmarks.release import indicators, usage
from benchmarks.release.databases import KINDS, Database
from benchmarks.release.hub import INBOX, Contributor, furnish
from schemas.tlog.entries import Opening
from schemas.tlog.notes import SignedNote, SignerKey
from schemas.tlog.proofs import Checkpoint, LogProof
from server.store import Store, collections, log
from server.store.ledger import growth, reading, sealing
from server.store.objects.query import ALL

Row = list[object]

_LIMITS = {"SCAMFEED_RATE_LIMIT": "0"}
_TOGETHER, _BATCH, _PAIRS = 2, 500, 24
_PATIENCE = 300
_PROOFS = 200
_KEY = SignerKey.make("hub.example/log")


class _Turn(NamedTuple):
    """One turn at one hub: reports per second, and microseconds of processor time per report.

    ``serving`` is the server's time during the reports, without the sealing process. ``whole`` includes the database,
    and sealing to its end.
    """

    rate: float
    serving: float
    whole: float


def rows(values: int = 2_000, databases: Sequence[str] = tuple(KINDS)) -> Iterator[Row]:
    """Yield the table's rows; each round reports this many values, to a hub with the ledger and to one without."""
    for name in databases:
        with ExitStack() as stack:
            on, off = (stack.enter_context(KINDS[name]()) for _ in range(2))
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            yield from _beside(on, off, Path(folder) / "keys", values)
            yield from _alone(on)
            yield from _read(on)


def _beside(on: Database, off: Database, keys: Path, values: int) -> Iterator[Row]:
    """Report to both hubs in turn, as fast as possible, in pairs of alternating order (ABBA).

    The two hubs of a pair are measured within seconds of each other. Therefore their ratio is valid on a machine that
    others use too; the spread of the ratios shows the precision.
    """
    names = [f"Bank {number}" for number in range(_TOGETHER)]
    hubs = {database.url: furnish(database.url, names) for database in (on, off)}
    turns: dict[str, list[_Turn]] = {on.url: [], off.url: []}
    with ExitStack() as stack:
        servers = {}
        for database in (on, off):
            settings = {"SCAMFEED_LEDGER": str(database is on).lower(), "SCAMFEED_LEDGER_KEY_FILE": str(keys)}
            servers[database.url] = stack.enter_context(running.serving(database.url, settings=_LIMITS | settings))
            running.await_workers(servers[database.url][1])
        store = stack.enter_context(closing(Store.open(on.url)))
        for turn in range(_PAIRS + 1):
            for database in (on, off) if turn % 2 else (off, on):
                port, server = servers[database.url]
                before, apart, began = database.used(server), _sealing(server), time.perf_counter()
                _post_all(hubs[database.url], port, turn * values, values)
                seconds = time.perf_counter() - began
                serving = database.used(server).server - _sealing(server) - before.server + apart
                _await_sealed(store)
                database_used = database.used(server).database - before.database
                whole = serving + _sealing(server) - apart + database_used
                turns[database.url].append(_Turn(values / seconds, serving / values * 1e6, whole / values * 1e6))
    # The first pair is for warming up.
    pairs = list(zip(turns[on.url][1:], turns[off.url][1:], strict=True))
    yield _compared(f"ledger, {on.name}: reports/s over HTTP", [(sealed.rate, plain.rate) for sealed, plain in pairs])
    what = f"ledger, {on.name}: us of processors a report"
    yield _compared(f"{what}, serving", [(sealed.serving, plain.serving) for sealed, plain in pairs])
    yield _compared(f"{what}, all in all", [(sealed.whole, plain.whole) for sealed, plain in pairs])


def _compared(what: str, pairs: Sequence[tuple[float, float]]) -> Row:
    """Return the medians with sealing on and off, and the median and the middle half of the pairs' ratios."""
    low, middle, high = statistics.quantiles([sealed / plain for sealed, plain in pairs], n=4)
    sealed, plain = (round(statistics.median(column)) for column in zip(*pairs, strict=True))
    beside = f"off; ratios of {len(pairs)} pairs: {low:.3f}-{high:.3f}"
    return [f"{what}, sealing on", sealed, beside, plain, f"{middle:.3f}x"]


def _sealing(server: int) -> float:
    """Return the processor seconds of a server's sealing processes; 0 if there are none."""
    lines = {process: Path(f"/proc/{process}/cmdline").read_bytes() for process in usage.processes(server)}
    return sum(usage.cpu(process) for process, line in lines.items() if b"server.features.ledger.process" in line)


def _await_sealed(store: Store) -> None:
    """Wait until all is sealed, so that sealing does not slow the next turn."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with store.read() as tx:
            if not sealing.has_news(tx):
                return
        time.sleep(0.1)
    raise TimeoutError("the reports are not sealed")


def _post_all(partners: Sequence[Contributor], port: int, first: int, values: int) -> None:
    each = values // len(partners)

    def post(number: int, partner: Contributor) -> None:
        client = partner.client(port)
        end = first + (number + 1) * each
        for start in range(first + number * each, end, _BATCH):
            batch = range(start, min(start + _BATCH, end))
            answer = bytes(client.post(INBOX, indicators.bodies(partner.identity, "led", batch)))
            assert b'"failure_count":0' in answer[:400], answer[:400]

    threads = [threading.Thread(target=post, args=pair) for pair in enumerate(partners)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _alone(on: Database) -> Iterator[Row]:
    """Seal everything again in this process; measure how long this takes and how long others wait."""
    store = Store.open(on.url)
    before = sum(size for table, size in on.sizes().items() if "ledger" in table)
    with store.read() as tx:
        trees = growth.load(tx, [collection.number for collection in collections.all_collections(tx)])
    entries = sum(tree.size for tree in trees.values())
    yield [f"ledger, {on.name}: bytes an entry, all tables and indexes", round(before / entries), "", "", ""]
    _forget(store)
    began, sealed, more = time.perf_counter(), 0, True
    while more:
        done = sealing.step(store, _KEY.name, _sign)
        sealed, more = sealed + done.entries, done.more
    seconds = time.perf_counter() - began
    yield [f"ledger, {on.name}: sealing {sealed:,} entries, entries/s", round(sealed / seconds), "", "", ""]
    store.close()


def _forget(store: Store) -> None:
    from sqlalchemy import delete

    from server.store.ledger.tables import ledger_heads, ledger_spans, ledger_tiles, ledger_trees

    with store.begin() as tx:
        for table in (ledger_heads, ledger_tiles, ledger_spans, ledger_trees):
            tx.execute(delete(table))


def _read(on: Database) -> Iterator[Row]:
    """Make proofs of single objects, and check them as a partner does."""
    store = Store.open(on.url)
    with store.read() as tx:
        collection = collections.get(tx, "takedown")
        tree = growth.tree_of(tx, collection.number)
        assert tree is not None
        page = log.page(tx, collection, ALL)
        bodies = page.bodies[:: max(1, len(page.bodies) // _PROOFS)]
    made, checked, size = [], [], 0
    for body in bodies:
        id_ = msgspec.json.decode(body)["id"]
        with store.read() as tx:
            began = time.perf_counter()
            proof = reading.proof(tx, collection, tree, id_, None, 0)
            made.append(time.perf_counter() - began)
        assert proof is not None
        data = bytes(proof)
        size += len(data)
        began = time.perf_counter()
        read = LogProof.parse(data)
        extra = msgspec.json.decode(read.extra)
        entry = Opening(read.index, extra["kind"], extra["date_added"], extra["salt"]).entry(body)
        read.check(entry, [_KEY.verifier])
        checked.append(time.perf_counter() - began)
    where = f"ledger, {on.name}, {tree.noted:,} entries"
    yield [f"{where}: a proof, ms", f"{statistics.median(made) * 1000:.2f}", "bytes", round(size / len(bodies)), ""]
    yield [f"{where}: checking a proof with its signature, ms", f"{statistics.median(checked) * 1000:.2f}", "", "", ""]
    began = time.perf_counter()
    with store.read() as tx:
        found = reading.openings(tx, collection, tree, -1, len(page.bodies), 0).openings
    seconds = time.perf_counter() - began
    yield [f"{where}: openings/s", round(len(found) / seconds), "", "", ""]
    began = time.perf_counter()
    for opening, body in zip(found, page.bodies, strict=False):
        opening.entry(body)
    rate = len(found) / (time.perf_counter() - began)
    yield [f"{where}: objects/s that a partner makes entries of", round(rate), "", "", ""]
    store.close()


def _sign(checkpoint: Checkpoint) -> bytes:
    note: SignedNote = checkpoint.sign([_KEY])
    return bytes(note)
