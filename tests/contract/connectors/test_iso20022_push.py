"""``iso20022-push`` with a folder as the peer."""

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from feeds.transport.local import LocalFolder
from schemas import timestamp
from schemas.request import Request, RequestAnswer
from server.features.iso20022.grammar import check
from server.features.iso20022.xml import parse
from server.features.requests import desk, records as requests
from server.release.hub import Hub
from server.store import Store, collections, partners
from server.store.objects import ends
from tests.contract.connectors.contract import PARTNER, READER, Contract
from tests.contract.connectors.test_iso20022_pull import register
from tests.running import run

ACCOUNT = "bank-account:TH:KASITHBK:1234567890"


class TestIso20022Push(Contract):
    connector = "iso20022-push"
    url_gets_secret = False

    @pytest.fixture(autouse=True)
    def _folder(self, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = tmp_path / "out"
        self.folder.mkdir()
        self.patch = monkeypatch
        self.put = LocalFolder.put
        register(store)
        with store.begin() as tx:
            self.alias, self.own = (
                collections.private_collection(tx, name, "requests").alias for name in (READER, PARTNER)
            )

    def table(self, **more: Any) -> dict[str, Any]:
        where = {"path": str(self.folder), "partner": READER, "collection": getattr(self, "alias", "takedown")}
        return {"name": "tested", "connector": self.connector, "batch": 3, **where, **more}

    def ask(self, store: Store, case: str, **columns: Any) -> str:
        at = timestamp.now()
        given = {"reporter": PARTNER, "reported_at": at, "asks": "return", "of": ACCOUNT, "reference": case}
        more = {"amount": "1000", "currency": "THB", "deadline": at + timedelta(hours=4), "legal_basis": "statute"}
        request = Request.model_validate({**given, **more, **columns})
        with store.begin() as tx:
            return desk.send(Hub(store), tx, partners.get(tx, PARTNER), request).view.id

    def respond(self, store: Store, id_: str, state: str, **columns: Any) -> None:
        given = {"reporter": READER, "reported_at": timestamp.now(), "request": id_, "state": state}
        with store.begin() as tx:
            desk.send(Hub(store), tx, partners.get(tx, READER), RequestAnswer.model_validate({**given, **columns}))

    def prepare(self, store: Store, count: int) -> None:
        with store.read() as tx:
            there = {stored.content for stored in requests.all_requests(tx, most=100)}
        for number in range(count):
            if not any(f'"C-{number}"' in content for content in there):
                self.ask(store, f"C-{number}")

    def arrived(self, store: Store) -> list[str]:
        for file in self.folder.iterdir():
            assert file.name.startswith(check(parse(file.read_bytes())))
        return sorted(file.name for file in self.folder.iterdir())

    def break_credentials(self) -> None:
        for file in self.folder.iterdir():
            file.unlink()
        self.folder.rmdir()

    def kill_peer(self) -> None:
        self._fail(OSError(5, "Input/output error"))

    def silence_peer(self) -> None:
        self._fail(TimeoutError(110, "Connection timed out"))

    def revive_peer(self) -> None:
        self.patch.setattr(LocalFolder, "put", self.put)

    def _fail(self, error: OSError) -> None:
        def broken(folder: LocalFolder, name: str, write: Any) -> Any:
            raise folder._consequence(error)

        self.patch.setattr(LocalFolder, "put", broken)

    def turn_clock(self, monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
        real = __import__("server.store.database.times", fromlist=["now"]).now
        monkeypatch.setattr(ends, "now", lambda: real() + int(hours * 3_600_000_000))

    def test_sender_gets_a_message_for_each_new_step_only(self, store: Store) -> None:
        answers = self.feed(name="answers", partner=PARTNER, collection=self.own)
        id_ = self.ask(store, "C-1")
        self.respond(store, id_, "acknowledged")
        run(store, answers)
        (first,) = self.arrived(store)
        (self.folder / first).unlink()
        time.sleep(0.002)
        self.respond(store, id_, "agreed")
        self.respond(store, id_, "done", amount="900", currency="THB")
        run(store, answers)
        plain = id_.replace("-", "")
        assert self.arrived(store) == [f"camt.029.001.09-{plain}-2.xml", f"pacs.004.001.09-{plain}-3.xml"]

    def test_request_that_no_message_can_say_is_passed_over_with_the_reason(self, store: Store) -> None:
        self.ask(store, "C-1", of="wallet:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", addressee=READER)
        assert (run(store, self.feed()).ending, self.arrived(store)) == ("done", [])
