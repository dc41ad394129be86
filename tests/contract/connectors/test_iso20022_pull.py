"""``iso20022-pull`` with a folder of messages as the peer."""

import time
from pathlib import Path
from typing import Any

import pytest

from server.features.requests import records as requests
from server.store import Store, partners
from tests.contract.connectors.contract import PARTNER, READER, Contract
from tests.contract.connectors.folder_faults import FolderFaults
from tests.iso20022_messages import cancellation, payment_return, resolution, transaction
from tests.running import run

UETR = "97ed4827-7b6f-4491-a06f-{:012}"


def register(store: Store) -> None:
    """Let the partner be the sender's institution, and the reader the keeper's."""
    with store.begin() as tx:
        for name, institution in ((PARTNER, "BKKBTHBK"), (READER, "KASITHBK")):
            partner = partners.get(tx, name)
            partners.change(tx, partner.model_copy(update={"institutions": (institution,)}))


class TestIso20022Pull(FolderFaults, Contract):
    connector = "iso20022-pull"
    url_gets_secret = False
    bad_settings = (({"every": "soon"}, "every: .*not a duration"), ({"within": "long"}, "within: .*not a duration"))
    hours = 0.0

    @pytest.fixture(autouse=True)
    def _registered(self, store: Store) -> None:
        register(store)

    def table(self, **more: Any) -> dict[str, Any]:
        where = {"path": str(self.folder), "contribute_as": PARTNER}
        return {"name": "tested", "connector": self.connector, "batch": 3, **where, **more}

    def prepare(self, store: Store, count: int) -> None:
        for number in range(count):
            file = self.folder / f"{number}.xml"
            if not file.exists():
                self.write(file.name, cancellation(f"A-{number}", transaction(uetr=UETR.format(number))))

    def write(self, name: str, text: str) -> None:
        """Write a message a minute ago, as files that do not change any more."""
        (self.folder / name).write_text(text)
        self.date(self.folder / name, time.time() - 90 + self.hours * 3600)

    def arrived(self, store: Store) -> list[str]:
        with store.read() as tx:
            return [stored.id for stored in requests.all_requests(tx, most=100)]

    def turn_clock(self, monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
        self.hours = min(hours, 0.0)

    def test_refused_messages_and_transactions_stop_no_other(self, store: Store, tmp_path: Path) -> None:
        good = transaction(uetr=UETR.format(1), info="<AddtlInf>call us</AddtlInf>")
        self.write("a.xml", cancellation("A-1", good, transaction(amount=None, uetr=UETR.format(2))))
        self.write("b.xml", "<!DOCTYPE x [<!ENTITY a 'b'>]><Document>&a;</Document>")
        self.write("c.xml", cancellation("A-2", sender="GSBATHBK"))
        self.write("d.xml", cancellation("A-3").replace("<Id>A-3</Id>", ""))
        result = run(store, self.feed())
        assert (result.ending, result.read, result.accepted, len(self.arrived(store))) == ("done", 5, 1, 1)
        assert result.reasons == {"no-amount": 1, "unsafe-xml": 1, "foreign-agent": 1, "invalid-message": 1}
        unread = "/Document/FIToFIPmtCxlReq/Undrlyg/TxInf/CxlRsnInf/AddtlInf"
        assert result.tally.unread()["columns"] == {unread: 1}
        assert run(store, self.feed()).read == 0

    def test_responses_in_files_take_a_request_to_its_end(self, store: Store) -> None:
        self.write("a.xml", cancellation("A-1", transaction(uetr=UETR.format(1))))
        run(store, self.feed())
        self.write("b.xml", resolution("B-1", "PDCR", uetr=UETR.format(1)))
        self.write("c.xml", payment_return("B-2", "300000", uetr=UETR.format(1)))
        result = run(store, self.feed(name="answers", contribute_as=READER))
        assert (result.ending, result.accepted, result.error) == ("done", 2, None)
        assert result.reasons == {"foreign-agent": 1}
        (id_,) = self.arrived(store)
        with store.read() as tx:
            states = [step.state for step in requests.steps(tx, [id_])[id_]]
        assert states == ["open", "acknowledged", "agreed", "done"]
