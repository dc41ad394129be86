"""A hub that is killed with a proposed decision, and twice while it carries the decision out, does it exactly once."""

import html
import os
import re
import secrets
import signal
import time
from pathlib import Path

import pytest
import requests

from mappers import ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.features.incidents import records, views
from server.release.contribute import contribute
from server.release.hub import Hub
from server.setup import set_up
from server.store import Store, audit, collections, log, partners
from server.store.item import Item
from server.store.objects.query import EVERY, Query
from server.store.operators import sessions, users
from server.store.operators.users import OperatorRole
from tests.integration.peers import answering
from tests.ports import free_port
from tests.processes import Forked, serve_hub

pytestmark = pytest.mark.long
WRONG, KILLS = 1_500, 2
_HOUR = 3_600_000_000
_PATIENCE = 300


class KilledHub:
    """A hub in a process group of its own, which is killed as a whole."""

    def __init__(self, folder: Path, store: Store) -> None:
        self._folder, self._url = folder, store.url
        self.begin()

    def begin(self) -> None:
        self._port, self._log = free_port(), self._folder / "hub.log"
        self._server = Forked(_serve_alone, {"database_url": self._url}, self._port, log=self._log)
        self._answering = answering(self._server, self._port, self._log)
        self.address = self._answering.__enter__().rstrip("/")

    def kill(self) -> None:
        os.killpg(self._server.pid, signal.SIGKILL)
        self._server.wait(60)


def _serve_alone(settings: dict[str, str], port: int) -> None:
    os.setpgid(0, 0)
    serve_hub(settings, port, 1, 4)


class Operator:
    """An operator in a browser, whose session outlives the server."""

    def __init__(self, store: Store, role: OperatorRole) -> None:
        self._session = requests.Session()
        self.name = f"Somebody {secrets.token_hex(3)}"
        with store.begin() as tx:
            users.add(tx, self.name, role, "test", None)
            secret = sessions.begin(tx, users.get(tx, self.name).id, "full", lasts=_HOUR)
        self._session.cookies.set("session", secret)

    def send(self, address: str, shown: str, path: str, **given: str) -> str:
        """Send the form of the page ``shown`` to ``path``, and return where the hub leads."""
        page = self._session.get(address + shown, headers={"Accept": "text/html"}, timeout=60).text
        hidden = {
            name: html.unescape(found[1])
            for name in ("token", "digest")
            if (found := re.search(rf'name="{name}" value="([^"]+)"', page))
        }
        answer = self._session.post(
            address + path,
            data={**hidden, **given},
            headers={"Accept": "text/html"},
            allow_redirects=False,
            timeout=120,
        )
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"]


def new_store(folder: Path) -> Store:
    """Make a store in which one partner reports many values, and another partner one of them."""
    store = Store.open(f"sqlite:///{folder / 'hub.db'}")
    set_up(store, "Hub of the Tests")
    for name, values in (("Mistaken Bank", range(WRONG)), ("Right Bank", range(7, 8))):
        reader = ReportReader(
            {"reporter": name, "kind": "domain", "tlp": "green", "reported_at": timestamp.text(timestamp.now())}
        )
        given = {"name": name, "kind": PartnerKind.BANK, "country": "TH", "identity": ids.identity(name)}
        items = [
            Item.of(obj) for number in values for obj in to_stix(reader.report({"value": f"shop{number}.example.com"}))
        ]
        with store.begin() as tx:
            partners.add(tx, Partner(**given, vouched=True))
            assert not contribute(Hub(store), tx, partners.get(tx, name), items).failed
    return store


def _handled(store: Store, id_: str) -> tuple[str, int]:
    """Return the state of the incident, and how many reports its decision has changed."""
    with store.read() as tx:
        shown = views.view(tx, records.find(tx, id_), None)
    return shown.state, shown.decisions[-1].done if shown.decisions else 0


def _wait(store: Store, id_: str, least: int, states: tuple[str, ...] = ("running",)) -> int:
    """Wait until the decision has changed at least so many reports and is in one of the states; return the number."""
    ends = time.monotonic() + _PATIENCE
    while time.monotonic() < ends:
        state, done = _handled(store, id_)
        if done >= least and state in states:
            return done
        time.sleep(0.005)
    raise AssertionError((state, done))


def test_killed_server_keeps_a_proposal_and_carries_it_out_once(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    hub = KilledHub(tmp_path, store)
    try:
        first, second = Operator(store, OperatorRole.ANALYST), Operator(store, OperatorRole.APPROVER)
        new = "/console/incidents/new"
        selected = first.send(hub.address, new, new, partner="Mistaken Bank", reason="the wrong column was sent")
        proposal = first.send(hub.address, selected, f"{selected}/decide", decision="retract")
        hub.kill()
        id_ = selected.rpartition("/")[2]
        assert _handled(store, id_) == ("proposed", 0)
        hub.begin()
        second.send(hub.address, proposal, f"{proposal}/confirm")
        done = 0
        for _ in range(KILLS):
            done = _wait(store, id_, done + 1)
            hub.kill()
            assert done < WRONG
            assert _handled(store, id_)[0] == "running"
            hub.begin()
        assert _wait(store, id_, WRONG, ("done",)) == WRONG
        _check(store, id_)
    finally:
        hub.kill()
        store.close()


def _check(store: Store, id_: str) -> None:
    """Check that each report was retracted once, and each listing delisted once except the other partner's."""
    with store.read() as tx:
        [decision] = records.decisions_of(tx, [id_])[id_]
        box, takedown = collections.get(tx, collections.INBOX), collections.get(tx, "takedown")
        space = partners.space(tx, "Mistaken Bank")
        rows = log.manifest(tx, box, Query(types=("indicator",), versions=EVERY, limit=10 * WRONG)).records
        listed = log.manifest(tx, takedown, Query(types=("indicator",), revoked=False, limit=WRONG)).records
        versions = log.manifest(tx, takedown, Query(types=("indicator",), versions=EVERY, limit=10 * WRONG)).records
        entries = [entry.event for entry in audit.tail(tx, 1_000)]
    assert (space is not None, dict(decision.counts)) == (True, {"done": WRONG})
    assert len(rows) == 2 * WRONG + 1
    # The listing of both partners' value has one more version; it names one reporter less, and is not revoked.
    assert (len(listed), len({row.id for row in versions})) == (1, WRONG)
    verbs = [(event.method, event.objects) for event in entries if event.reference == id_]
    assert verbs == [("RETRACT", WRONG)]
