"""A hub that is killed while it reads or sends goes on afterwards, and sends nothing twice."""

import os
import signal
import time
from pathlib import Path

import pytest

from server.features.uploads import drafts
from server.features.uploads.drafts import State
from server.store import Store, audit, collections, log
from tests.integration.peers import answering
from tests.integration.uploads.conftest import Person, UploadHub, new_store
from tests.ports import free_port
from tests.processes import Forked, serve_hub

pytestmark = pytest.mark.long
ROWS = 1_500
TEXT = "domain\n" + "".join(f"crash-{number}.example.com\n" for number in range(ROWS))


class KilledHub:
    """A hub in a process group of its own, which is killed as a whole."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.store = store
        self._folder = folder
        self._begin()

    def _begin(self) -> None:
        self._port, self._log = free_port(), self._folder / "hub.log"
        self._server = Forked(_serve_alone, {"database_url": self.store.url}, self._port, log=self._log)
        self._answering = answering(self._server, self._port, self._log)
        self.address = self._answering.__enter__().rstrip("/")

    def kill(self) -> None:
        os.killpg(self._server.pid, signal.SIGKILL)
        self._server.wait(60)

    def begin_again(self, person: Person) -> None:
        # The lease of the dead worker ends.
        with self.store.begin() as tx:
            for upload in drafts.of_partner(tx, person.partner):
                drafts.change(tx, upload.id, lease=0)
        self._begin()
        person.address = self.address

    def end(self) -> None:
        os.killpg(self._server.pid, signal.SIGKILL)
        self._server.wait(60)


def _serve_alone(settings: dict[str, str], port: int) -> None:
    os.setpgid(0, 0)
    serve_hub(settings, port, 1, 4)


def _wait_for(person: Person, id_: str, least: int) -> int:
    """Wait until some of an upload is done, and return how much."""
    ends = time.monotonic() + 120
    while time.monotonic() < ends:
        with person.store.read() as tx:
            upload = drafts.find(tx, id_)
        if upload.done >= least or upload.state in (State.SENT, State.READY):
            return upload.done
        time.sleep(0.005)
    raise AssertionError(upload)


def test_killed_hub_sends_each_row_once(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    hub = KilledHub(tmp_path, store)
    try:
        person = UploadHub(hub.address, store, tmp_path / "hub.log").person()
        id_ = person.upload("crash.csv", TEXT)
        hub.kill()
        hub.begin_again(person)
        upload = person.wait(id_, State.READY)
        assert upload.report.counts == {"ready": ROWS}
        assert person.post(f"/partner/report/file/{id_}/send").status_code == 303
        for least in (1, 15):
            done = _wait_for(person, id_, least)
            hub.kill()
            assert 0 < done < ROWS // 50
            hub.begin_again(person)
        sent = person.wait(id_, State.SENT, seconds=240)
        assert sent.report.counts == {"published": ROWS}
        with store.read() as tx:
            room = collections.get(tx, collections.INBOX)
            ids = log.latest_of_type(tx, room, "indicator", 2 * ROWS)
            entries = audit.tail(tx, 1_000)
        assert len(ids) == ROWS
        # Each transaction leaves an entry with its objects: the partner's identity, and three for each row.
        made = [entry.event for entry in entries if entry.event.method == "CONTRIBUTE"]
        assert sum(event.objects for event in made) - sum(event.requests for event in made) == 3 * ROWS
    finally:
        hub.end()
        store.close()
