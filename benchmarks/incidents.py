"""Retract all reports of one partner by one decision of two persons, and how long single posts of others take then."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count

from benchmarks.large import read_everything
from benchmarks.release import indicators, usage
from benchmarks.release.databases import KINDS, Database
from benchmarks.release.hub import INBOX, Contributor, furnish, serving
from benchmarks.running import await_workers
from benchmarks.taxii.client import Client, percentiles
from server.features.incidents import records
from server.features.incidents.operations import DecideIncident, SelectReports
from server.features.incidents.selection import Chosen
from server.features.incidents.views import view
from server.features.proposals.operations import ConfirmProposal
from server.operations.operation import Actor
from server.operations.rights import ADMINS
from server.operations.run import run
from server.release.hub import Hub
from server.store import Store
from server.store.proposals.proposals import Proposal

_BATCH = 1_000
_ALONE = 200
# Seconds between two posts, so that they do not hold up the work they are measured beside.
_APART = 0.05
_LONGEST = 3_600
_ANALYST, _APPROVER = (Actor(name, next(iter(ADMINS))) for name in ("First Analyst", "Second Analyst"))
Row = list[object]


def rows(reports: Sequence[int] = (100_000,), databases: Sequence[str] = tuple(KINDS)) -> Iterator[Row]:
    """Yield the table's rows, for these numbers of reports on each database."""
    for name in databases:
        for size in reports:
            with KINDS[name]() as database:
                mistaken, other, reader = furnish(database.url, ["Mistaken", "Other", "Reader"])
                with serving(database.url) as (port, server):
                    yield from _measure(database, port, server, size, (mistaken, other, reader))


def _measure(database: Database, port: int, server: int, size: int, partners: Sequence[Contributor]) -> Iterator[Row]:
    mistaken, other, reader = partners
    client, used = mistaken.client(port), usage.cpu(server)
    for start in range(0, size, _BATCH):
        numbers = range(start, min(start + _BATCH, size))
        _post(client, indicators.bodies(mistaken.identity, "wrong", numbers))
    contributed = usage.cpu(server) - used
    read_everything(database.url, reader.name)
    await_workers(server)
    numbers = count()

    def post_until(is_over: Callable[[int], bool]) -> list[float]:
        singly, times = other.client(port), list[float]()
        while not is_over(len(times)):
            body = indicators.bodies(other.identity, "single", [next(numbers)])
            begun = time.perf_counter()
            _post(singly, body)
            times.append(time.perf_counter() - begun)
            time.sleep(_APART)
        return times

    alone = post_until(lambda done: done >= _ALONE)
    store = Store.open(database.url)
    try:
        id_ = _decide(store, size)
        used, begun = usage.cpu(server), time.perf_counter()
        deadline = time.monotonic() + _LONGEST
        during = post_until(lambda done: done % 10 == 0 and _has_ended(store, id_, size, deadline))
        seconds, cpu = time.perf_counter() - begun, usage.cpu(server) - used
    finally:
        store.close()
    about = f"incidents: {database.name}, {size:,} reports retracted by two persons"
    yield [f"{about}, server CPU s", f"{cpu:.1f}", "at most, for 100,000", "60", ""]
    yield [f"{about}, seconds", f"{seconds:.1f}", "server CPU, µs each", round(cpu / size * 1e6), ""]
    yield [f"{about}, of the server CPU to contribute them", f"{cpu / contributed:.2f}", "at most", "1.5", ""]
    yield [f"{about}: single posts of others meanwhile, p50 and p99 in ms", _ms(during), "p99 at most", "500", ""]
    yield [f"{about}: the same alone, p50 and p99 in ms", _ms(alone), "ratio of p99", _ratio(during, alone), ""]


def _decide(store: Store, size: int) -> str:
    """Select the reports of the partner, and let two persons decide to retract them; return the incident's id."""
    hub = Hub(store)
    selection = SelectReports.read(hub, _ANALYST, Chosen(partner="Mistaken"), "the wrong column was sent")
    made = run(hub, selection, _ANALYST)
    assert made.reports == size, made.reports
    proposal = run(hub, DecideIncident(id=made.id, decision="retract"), _ANALYST)
    assert isinstance(proposal, Proposal)
    run(hub, ConfirmProposal(id=proposal.id), _APPROVER)
    return str(made.id)


def _has_ended(store: Store, id_: str, size: int, deadline: float) -> bool:
    with store.read() as tx:
        shown = view(tx, records.find(tx, id_), None)
    if shown.state != "done":
        assert time.monotonic() < deadline, shown.state
        return False
    assert (shown.decisions[-1].done, dict(shown.decisions[-1].left_out)) == (size, {})
    return True


def _post(client: Client, body: bytes) -> None:
    said = json.loads(bytes(client.post(INBOX, body)))
    assert said["status"] == "complete", said["status"]
    assert not said["failure_count"], said["failures"][:1]


def _ratio(during: Sequence[float], alone: Sequence[float]) -> str:
    return f"{percentiles(during)[1] / percentiles(alone)[1]:.1f}"


def _ms(times: Sequence[float]) -> str:
    return " / ".join(f"{milliseconds:.1f}" for milliseconds in percentiles(times))
